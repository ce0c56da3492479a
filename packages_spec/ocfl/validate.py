"""Validating an object (OCFL 1.1, section 3): every rule that can be broken on disk, every file read once."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from packages_spec.findings import Finding
from packages_spec.ocfl.digests import FIXITY_ALGORITHMS, digests_of
from packages_spec.ocfl.inventory import FILE, Inventory, Paths
from packages_spec.ocfl.judge import TYPES, judge_inventory, version_number

_DECLARATION = "0=ocfl_object_"
_NAMASTE = re.compile(r"\d=")
_SIDECAR = re.compile(rb"([0-9a-f]+|[0-9A-F]+)[ \t]+inventory\.json\r?\n?")
"""Digests in either case, but not in both at once: no program writes that, a flipped bit does."""
_REGISTERED = re.compile(r"\d{4}-[a-z0-9-]+")


class _Held(msgspec.Struct, frozen=True):
    """An inventory on disk: where it stands (the object's folder is the empty name), its digest, what it says."""

    folder: str
    digest: str
    inventory: Inventory


def validate_object(root: Path, *, digests: Mapping[str, str] | None = None) -> list[Finding]:
    """Everything that is wrong with the object in the folder `root`; no finding of weight if it is whole.

    `digests` are those of the content files by content path, in the algorithm of the object, when the caller has read
    the files already; without them each file is read once here.
    """
    names = {item.name: item for item in os.scandir(root)}
    findings = [*_declared(root, names), *_root_entries(names)]
    held: list[_Held] = []
    if FILE not in names:
        return sorted([*findings, Finding("ocfl.inventory-missing", FILE)])
    for folder in ("", *sorted(name for name in names if version_number(name) and names[name].is_dir())):
        if folder and not (root / folder / FILE).is_file():
            findings.append(Finding("ocfl.version-without-inventory", f"{folder}/{FILE}"))
            continue
        one, wrong = _inventory(root, folder)
        findings += wrong
        held += [one] if one else []
    if held and not held[0].folder:
        findings += _agreeing(root, held[0], held[1:])
        findings += _content(root, held, digests)
    return sorted(set(findings))


def _declared(root: Path, names: Iterable[str]) -> Iterator[Finding]:
    """Exactly one declaration, of a known version, that says what its name says (section 3.2)."""
    declarations = sorted(name for name in names if _NAMASTE.match(name))
    if len(declarations) != 1:
        yield Finding("ocfl.declaration-missing", f"{_DECLARATION}1.1", "1", str(len(declarations)))
    for name in declarations:
        if name.removeprefix(_DECLARATION) not in TYPES.values():
            yield Finding("ocfl.declaration-name", name, f"{_DECLARATION}1.1", name)
        elif (root / name).read_bytes() != name.removeprefix("0=").encode() + b"\n":
            yield Finding("ocfl.declaration-content", name, name.removeprefix("0="))


def _root_entries(names: Mapping[str, os.DirEntry[str]]) -> Iterator[Finding]:
    """Nothing in the object's folder but what the specification names there (section 3.1)."""
    for name, item in names.items():
        if item.is_symlink():
            yield Finding("ocfl.link", name)
        elif item.is_dir():
            if name == "extensions":
                yield from _extensions(item.path)
            elif version_number(name) is None and name != "logs":
                yield Finding("ocfl.stray", name)
        elif name != FILE and not name.startswith(f"{FILE}.") and not _NAMASTE.match(name):
            yield Finding("ocfl.stray", name)


def _extensions(folder: str) -> Iterator[Finding]:
    for item in os.scandir(folder):
        if not item.is_dir(follow_symlinks=False):
            yield Finding("ocfl.extension-stray", f"extensions/{item.name}")
        elif not _REGISTERED.fullmatch(item.name):
            yield Finding("ocfl.extension-name", f"extensions/{item.name}")


def _inventory(root: Path, folder: str) -> tuple[_Held | None, list[Finding]]:
    """Read and judge one inventory and its sidecar (section 3.6)."""
    path = f"{folder}/{FILE}".lstrip("/")
    data = (root / path).read_bytes()
    judged = judge_inventory(data, path)
    findings = list(judged.findings)
    inventory = judged.inventory
    if inventory is None or inventory.digest_algorithm not in FIXITY_ALGORITHMS:
        return None, findings
    digest = FIXITY_ALGORITHMS[inventory.digest_algorithm]()
    digest.update(data)
    findings += _sidecars(root / folder, path, inventory.digest_algorithm, digest.hexdigest())
    return _Held(folder, digest.hexdigest(), inventory), findings


def _sidecars(folder: Path, path: str, algorithm: str, digest: str) -> Iterator[Finding]:
    name = f"{FILE}.{algorithm}"
    for item in os.scandir(folder):
        if item.name.startswith(f"{FILE}.") and item.name != name:
            yield Finding("ocfl.sidecar-algorithm", f"{path}{item.name.removeprefix(FILE)}", algorithm)
    sidecar = folder / name
    if not sidecar.is_file():
        yield Finding("ocfl.sidecar-missing", f"{path}.{algorithm}")
    elif (match := _SIDECAR.fullmatch(sidecar.read_bytes())) is None:
        yield Finding("ocfl.sidecar-form", f"{path}.{algorithm}", f"<digest> {FILE}")
    elif match[1].decode().lower() != digest:
        yield Finding("ocfl.sidecar-digest", path, match[1].decode(), digest)


def _agreeing(root: Path, head: _Held, versions: Iterable[_Held]) -> Iterator[Finding]:
    """Every version's own inventory tells the same past as the object's (section 3.7)."""
    now = head.inventory
    folders = {item.name for item in os.scandir(root) if item.is_dir() and version_number(item.name)}
    for name in sorted(folders ^ set(now.versions)):
        yield Finding("ocfl.version-folders", name, ", ".join(now.versions), ", ".join(sorted(folders)))
    if not (root / f"{_DECLARATION}{TYPES.get(now.type)}").is_file():
        yield Finding("ocfl.type-differs", FILE, f"{_DECLARATION}{TYPES.get(now.type)}")
    last_type = ""
    for held in sorted(versions, key=lambda held: version_number(held.folder) or 0):
        old, path = held.inventory, f"{held.folder}/{FILE}"
        if held.folder == now.head and held.digest != head.digest:
            yield Finding("ocfl.head-inventory", FILE, held.digest, head.digest)
        if old.head != held.folder:
            yield Finding("ocfl.head", path, held.folder, old.head)
        if old.id != now.id:
            yield Finding("ocfl.id-changed", path, now.id, old.id)
        if old.content_directory != now.content_directory:
            yield Finding("ocfl.content-directory-changed", path, now.content_directory, old.content_directory)
        if old.type < last_type or old.type > now.type:
            yield Finding("ocfl.type-order", path, last_type, old.type)
        last_type = old.type
        yield from _same_past(path, old, now)


def _same_past(path: str, old: Inventory, now: Inventory) -> Iterator[Finding]:
    for name, version in old.versions.items():
        current = now.versions.get(name)
        if current is None or not _same_state(version.state, old.manifest, current.state, now.manifest):
            yield Finding("ocfl.state-differs", path, found=name)
        elif (version.created, version.message, version.user) != (current.created, current.message, current.user):
            yield Finding("ocfl.version-metadata-differs", path, found=name)


def _same_state(state: Paths, manifest: Paths, now: Paths, now_manifest: Paths) -> bool:
    """Whether two states give each path the same bytes, be they named in two digest algorithms."""
    stored = {path for paths in manifest.values() for path in paths}
    then = {path: {*manifest.get(digest, ())} for digest, paths in state.items() for path in paths}
    later = {path: stored & {*now_manifest.get(digest, ())} for digest, paths in now.items() for path in paths}
    return then == later


def _content(root: Path, held: list[_Held], digests: Mapping[str, str] | None) -> Iterator[Finding]:
    """Every file listed is there unchanged, and no other is (sections 3.3.1, 3.5.2, 3.5.4)."""
    head, found = held[0].inventory, set[str]()
    for version in head.versions:
        if (root / version).is_dir():
            listed = next((one.inventory for one in held if one.folder == version), head)
            yield from _version_folder(root, version, listed, found)
    expected = _expected(held)
    for path, wanted in expected.items():
        version, folder = [*path.split("/"), ""][:2]
        if version not in head.versions or folder != head.content_directory or not _stays_inside(path):
            yield Finding("ocfl.content-path-place", path, f"v1/{head.content_directory}/...")
        elif path not in found:
            yield Finding("ocfl.content-missing", path)
            for kind, name, _ in sorted(wanted):
                if kind == "fixity":
                    yield Finding("ocfl.fixity-missing", path, name)
        else:
            yield from _digests(root, path, wanted, head.digest_algorithm, (digests or {}).get(path))


def _version_folder(root: Path, version: str, inventory: Inventory, found: set[str]) -> Iterator[Finding]:
    """What one version's folder holds; adds its content files to `found`."""
    for item in os.scandir(root / version):
        path = f"{version}/{item.name}"
        if item.is_symlink():
            yield Finding("ocfl.link", path)
        elif not item.is_dir():
            alone = item.name != FILE and not (root / version / FILE).is_file()
            if alone or (item.name != FILE and not item.name.startswith(f"{FILE}.")):
                yield Finding("ocfl.version-stray", path)
        elif item.name != inventory.content_directory:
            yield Finding("ocfl.version-folder-extra", path)
        else:
            files = set[str]()
            yield from _walk(root, path, files)
            listed = {path for paths in inventory.manifest.values() for path in paths}
            yield from (Finding("ocfl.content-unlisted", path) for path in files - listed)
            found |= files


def _walk(root: Path, top: str, files: set[str]) -> Iterator[Finding]:
    """The files under a content folder; links and empty folders are found on the way."""
    folders = [top]
    while folders:
        folder, empty = folders.pop(), True
        for item in os.scandir(root / folder):
            path, empty = f"{folder}/{item.name}", False
            if item.is_dir(follow_symlinks=False):
                folders.append(path)
            elif item.is_file(follow_symlinks=False):
                files.add(path)
            else:
                yield Finding("ocfl.link", path)
        if empty:
            yield Finding("ocfl.content-folder-empty" if folder == top else "ocfl.empty-folder", folder)


def _expected(held: Iterable[_Held]) -> dict[str, set[tuple[str, str, str]]]:
    """What every inventory says of each content path: which block says it, the algorithm, the digest."""
    expected: dict[str, set[tuple[str, str, str]]] = {}
    for inventory in (one.inventory for one in held):
        blocks = [("content", inventory.digest_algorithm, inventory.manifest)]
        blocks += [("fixity", algorithm, block) for algorithm, block in inventory.fixity.items()]
        for kind, algorithm, block in blocks:
            for digest, paths in block.items():
                for path in paths:
                    expected.setdefault(path, set()).add((kind, algorithm, digest))
    return expected


def _digests(
    root: Path, path: str, wanted: set[tuple[str, str, str]], algorithm: str, known: str | None
) -> Iterator[Finding]:
    algorithms = {name for _, name, _ in wanted if name in FIXITY_ALGORITHMS}
    if known is not None and algorithms == {algorithm}:
        actual = {algorithm: known}
    else:
        actual = digests_of(root / path, algorithms)
    for kind, name, digest in wanted:
        if name in actual and actual[name] != digest.lower():
            yield Finding(f"ocfl.{kind}-digest", path, f"{name} {digest}", actual[name])


def _stays_inside(path: str) -> bool:
    return not any(part in {"", ".", ".."} for part in path.split("/"))
