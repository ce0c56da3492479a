"""Judging an inventory by itself (OCFL 1.1, section 3.5): its form, its paths, and that its parts agree.

Whether the files that it names are there is for `validate` to say.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from packages_spec.findings import Finding
from packages_spec.ocfl.digests import FIXITY_ALGORITHMS
from packages_spec.ocfl.inventory import CONTENT, Inventory

TYPES = {f"https://ocfl.io/{version}/spec/#inventory": version for version in ("1.0", "1.1")}
"""The types of inventory that are known, and the version of the specification that each one names."""

_KEYS = {"id", "type", "digestAlgorithm", "head", "contentDirectory", "manifest", "versions", "fixity"}
_REQUIRED = ("id", "type", "digestAlgorithm", "head")
_VERSION_KEYS = {"created", "state", "message", "user"}
_VERSION_NAME = re.compile(r"v(0*)([1-9][0-9]{0,8})")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_DIGITS = {
    "md5": 32,
    "sha1": 40,
    "sha256": 64,
    "sha512": 128,
    "sha512/256": 64,
    "blake2b-160": 40,
    "blake2b-256": 64,
    "blake2b-384": 96,
    "blake2b-512": 128,
}
"""Hex digits of a digest by each algorithm."""
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")


class Judged(msgspec.Struct, frozen=True):
    """What an inventory says, unless its form forbids reading it, and all that is wrong with it."""

    inventory: Inventory | None
    findings: tuple[Finding, ...]


def judge_inventory(data: bytes, path: str) -> Judged:
    """Judge the bytes of an inventory that stands at `path`."""
    judge = _Judge(path)
    raw = judge.read(data)
    if isinstance(raw, dict):
        judge.all(raw)
    elif not judge.findings:
        judge.find("ocfl.inventory-json", found=type(raw).__name__)
    return Judged(_typed(raw), tuple(judge.findings))


def version_number(name: str) -> int | None:
    """Number of a version by its folder's name; None if it is no such name."""
    match = _VERSION_NAME.fullmatch(name)
    return int(match[2]) if match else None


def _typed(raw: object) -> Inventory | None:
    try:
        return msgspec.convert(raw, Inventory)
    except msgspec.ValidationError:
        return None


class _Judge:
    """The findings of one inventory."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.findings: list[Finding] = []

    def find(self, code: str, expected: object = "", found: object = "") -> None:
        """Note a finding; text that is no valid Unicode is shown by its escapes."""
        said = str(found).encode("utf-8", "backslashreplace").decode()
        self.findings.append(Finding(code, self.path, str(expected), said))

    def read(self, data: bytes) -> object:
        try:
            return json.loads(data.decode("utf-8"), object_pairs_hook=self._object)
        except (ValueError, RecursionError) as error:
            self.find("ocfl.inventory-json", found=error)
            return None

    def all(self, raw: Mapping[str, Any]) -> None:
        for key in _REQUIRED:
            if key not in raw:
                self.find("ocfl.key-missing", key)
        for key in raw.keys() - _KEYS:
            self.find("ocfl.key-unknown", found=key)
        self._head_keys(raw)
        manifest, versions = raw.get("manifest"), raw.get("versions")
        if not isinstance(manifest, dict):
            self.find("ocfl.manifest-form", "{}", type(manifest).__name__)
        else:
            self._manifest(manifest)
        if not isinstance(versions, dict):
            self.find("ocfl.versions-form", "{}", type(versions).__name__)
        else:
            self._versions(versions, raw.get("head"), manifest if isinstance(manifest, dict) else {})
        self._fixity(raw.get("fixity", {}))
        if str(raw.get("digestAlgorithm")) in _DIGITS:
            self._digests(str(raw["digestAlgorithm"]), raw.get("manifest"))

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """An object of the JSON; a key given twice is never silently the last one."""
        read = dict(pairs)
        if len(read) < len(pairs):
            seen: set[str] = set()
            twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]  # add returns None
            self.find("ocfl.digest-twice", found=twice)
        return read

    def _head_keys(self, raw: Mapping[str, Any]) -> None:
        object_id, kind = raw.get("id"), raw.get("type")
        algorithm, content = raw.get("digestAlgorithm"), raw.get("contentDirectory", CONTENT)
        if "id" in raw and (not isinstance(object_id, str) or not object_id):
            self.find("ocfl.id", found=object_id)
        elif isinstance(object_id, str) and not _URI.fullmatch(object_id):
            self.find("ocfl.id-no-uri", found=object_id)
        if "type" in raw and str(kind) not in TYPES:
            self.find("ocfl.type", " | ".join(TYPES), kind)
        if "digestAlgorithm" in raw and str(algorithm) not in {"sha256", "sha512"}:
            self.find("ocfl.digest-algorithm", "sha512 | sha256", algorithm)
        elif algorithm == "sha256":
            self.find("ocfl.sha256", "sha512", "sha256")
        if not isinstance(content, str) or "/" in content or content in {"", ".", ".."}:
            self.find("ocfl.content-directory", found=content)

    def _manifest(self, manifest: Mapping[str, Any]) -> None:
        self._unique(manifest, "ocfl.digest-twice")
        paths = list(self._paths(manifest, "ocfl.manifest-form"))
        for path in paths:
            if code := _path_offence(path, "content"):
                self.find(code, found=path)
        for path in _conflicts(paths):
            self.find("ocfl.content-conflict", found=path)

    def _versions(self, versions: Mapping[str, Any], head: object, manifest: Collection[str]) -> None:
        self._version_names(versions, head)
        used: set[str] = set()
        for name, version in versions.items():
            if not isinstance(version, dict):
                self.find("ocfl.version-form", "{}", name)
                continue
            self._version(name, version)
            state = version.get("state")
            if isinstance(state, dict):
                used.update(state)
                self._state(name, state, manifest)
            elif state is not None:
                self.find("ocfl.state-form", "{}", name)
        for digest in manifest:
            if digest not in used:
                self.find("ocfl.manifest-unused", found=digest)

    def _version_names(self, versions: Iterable[str], head: object) -> None:
        names = list(versions)
        numbers = {name: version_number(name) for name in names}
        known = sorted(number for number in numbers.values() if number is not None)
        for name, number in numbers.items():
            if number is None:
                self.find("ocfl.version-name", "v1, v2, ...", name)
        if not names:
            self.find("ocfl.no-versions")
        elif known != list(range(1, len(known) + 1)):
            self.find("ocfl.version-gap", f"v1 - v{len(known)}", ", ".join(names))
        if len({len(name) if name.startswith("v0") else 0 for name in names}) > 1:
            self.find("ocfl.version-padding", found=", ".join(names))
        elif any(name.startswith("v0") for name in names):
            self.find("ocfl.version-padded", "v1", names[0])
        newest = max(names, key=lambda name: numbers[name] or 0, default=None)
        if head is not None and newest is not None and head != newest:
            self.find("ocfl.head", newest, head)

    def _version(self, name: str, version: Mapping[str, Any]) -> None:
        for key in ("created", "state"):
            if key not in version:
                self.find("ocfl.version-form", f"{name}: {key}")
        for key in version.keys() - _VERSION_KEYS:
            self.find("ocfl.key-unknown", found=f"{name}: {key}")
        if "created" in version and not _is_time(version["created"]):
            self.find("ocfl.created", "RFC 3339", f"{name}: {version['created']}")
        if "message" in version and not isinstance(version["message"], str):
            self.find("ocfl.message", found=name)
        if not {"message", "user"} <= version.keys():
            self.find("ocfl.version-unexplained", "message, user", name)
        if "user" in version:
            self._user(name, version["user"])

    def _user(self, name: str, user: object) -> None:
        if not isinstance(user, dict) or not isinstance(user.get("name"), str) or not user["name"]:
            self.find("ocfl.user", "name", name)
            return
        for key in user.keys() - {"name", "address"}:
            self.find("ocfl.key-unknown", found=f"{name}: user: {key}")
        address = user.get("address")
        if not isinstance(address, str) or not _URI.fullmatch(address):
            self.find("ocfl.user-address", "URI", f"{name}: {address}")

    def _state(self, name: str, state: Mapping[str, Any], manifest: Collection[str]) -> None:
        for digest in state:
            if digest not in manifest:
                self.find("ocfl.state-digest", found=f"{name}: {digest}")
        paths = list(self._paths(state, "ocfl.state-form"))
        for path in paths:
            if code := _path_offence(path, "logical"):
                self.find(code, found=f"{name}: {path}")
        for path in _conflicts(paths):
            self.find("ocfl.logical-conflict", found=f"{name}: {path}")

    def _fixity(self, fixity: object) -> None:
        if not isinstance(fixity, dict):
            self.find("ocfl.fixity-form", "{}", type(fixity).__name__)
            return
        for algorithm, block in fixity.items():
            if algorithm not in FIXITY_ALGORITHMS:
                self.find("ocfl.fixity-algorithm", found=algorithm)
            if not isinstance(block, dict):
                self.find("ocfl.fixity-form", "{}", algorithm)
                continue
            self._unique(block, "ocfl.fixity-twice")
            if algorithm in _DIGITS:
                self._digests(algorithm, block)
            for path in self._paths(block, "ocfl.fixity-form"):
                if code := _path_offence(path, "content"):
                    self.find(code, found=path)

    def _digests(self, algorithm: str, block: object) -> None:
        """Every digest of a block has the form that its algorithm gives it."""
        for digest in block if isinstance(block, dict) else ():
            if not re.fullmatch(f"[0-9A-Fa-f]{{{_DIGITS[algorithm]}}}", digest):
                self.find("ocfl.digest-form", f"{algorithm}: {_DIGITS[algorithm]} hex digits", digest)

    def _unique(self, block: Iterable[str], code: str) -> None:
        seen: set[str] = set()
        for digest in block:
            if digest.lower() in seen:
                self.find(code, found=digest)
            seen.add(digest.lower())

    def _paths(self, block: Mapping[str, Any], code: str) -> Iterator[str]:
        for digest, paths in block.items():
            if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
                self.find(code, "[paths]", digest)
            else:
                yield from paths


def _path_offence(path: str, kind: str) -> str | None:
    if path.startswith("/") or path.endswith("/"):
        return f"ocfl.{kind}-path-slash"
    if any(part in {"", ".", ".."} for part in path.split("/")):
        return f"ocfl.{kind}-path-part"
    return None


def _conflicts(paths: list[str]) -> Iterator[str]:
    """Paths given twice, and those that are at the same time the folder of another."""
    files: set[str] = set()
    for path in paths:
        if path in files:
            yield path
        files.add(path)
    folders = {folder for path in files for folder in _folders(path)}
    yield from sorted(files & folders)


def _folders(path: str) -> Iterator[str]:
    end = path.find("/")
    while end >= 0:
        yield path[:end]
        end = path.find("/", end + 1)


def _is_time(value: object) -> bool:
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return False
    try:
        datetime.fromisoformat(match[0][:19].upper() + match[2].upper().replace("Z", "+00:00"))
    except ValueError:
        return False
    return True
