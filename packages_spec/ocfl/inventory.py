"""The inventory of an object (OCFL 1.1, section 3.5): which bytes it holds, and what each version is made of.

Written here always in one form: SHA-256, the default content folder, versions `v1`, `v2`, ..., digests in the order of
their paths' bytes, one digest a line. What others wrote is read as freely as the standard allows.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

import msgspec

from packages_spec.digests import Digested

FILE = "inventory.json"
ALGORITHM = "sha256"
SIDECAR = f"{FILE}.{ALGORITHM}"
TYPE = "https://ocfl.io/1.1/spec/#inventory"
CONTENT = "content"

Paths = Mapping[str, tuple[str, ...]]
"""Paths by the digest of the bytes that stand there."""


class User(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who made a version: a name and, if there is one, a URI."""

    name: str
    address: str | None = None


class Version(msgspec.Struct, frozen=True, omit_defaults=True):
    """One version's logical state: each path by its digest. `created` is RFC 3339 with a time zone."""

    created: str
    state: Paths
    message: str | None = None
    user: User | None = None


class Inventory(msgspec.Struct, frozen=True, rename="camel"):
    """All versions of an object. `manifest` holds content paths, relative to the object's folder.

    `fixity` holds more digests of the same files, by algorithm, where others recorded them.
    """

    id: str
    type: str
    digest_algorithm: str
    head: str
    manifest: Paths
    versions: Mapping[str, Version]
    content_directory: str = CONTENT
    fixity: Mapping[str, Paths] = {}

    @property
    def number(self) -> int:
        """Number of the newest version."""
        return int(self.head.removeprefix("v"))

    def content_paths(self, version: int) -> dict[str, str]:
        """Where, relative to the object's folder, the bytes of each of a version's paths stand."""
        state = self.versions[self.version_name(version)].state
        return {path: self._content(version, path, digest) for digest, paths in state.items() for path in paths}

    def version_name(self, version: int) -> str:
        """Folder of a version, zero-padded where the object's versions are."""
        return f"v{version:0{len(self.head) - 1 if self.head.startswith('v0') else 0}d}"

    def _content(self, version: int, path: str, digest: str) -> str:
        own = f"{self.version_name(version)}/{self.content_directory}/{path}"
        paths = self.manifest[digest]
        return own if own in paths else paths[0]


def first_inventory(object_id: str, files: Iterable[Digested], version: Version) -> Inventory:
    """Inventory of an object whose first version stores every file under its own path, duplicates too."""
    ordered = sorted(files, key=path_bytes)
    return Inventory(
        id=object_id,
        type=TYPE,
        digest_algorithm=ALGORITHM,
        head="v1",
        manifest=_by_digest(ordered, f"v1/{CONTENT}/"),
        versions={"v1": msgspec.structs.replace(version, state=_by_digest(ordered))},
    )


def next_inventory(
    last: Inventory, files: Iterable[Digested], stored: Iterable[Digested], version: Version
) -> Inventory:
    """Inventory after one more version: `files` is its whole state, `stored` those whose bytes came with it."""
    head = last.version_name(last.number + 1)
    added = _by_digest(sorted(stored, key=path_bytes), f"{head}/{last.content_directory}/")
    manifest = dict(last.manifest)
    for digest, paths in added.items():
        manifest[digest] = (*manifest.get(digest, ()), *paths)
    state = _by_digest(sorted(files, key=path_bytes))
    versions = {**last.versions, head: msgspec.structs.replace(version, state=state)}
    return msgspec.structs.replace(last, head=head, manifest=manifest, versions=versions)


def inventory_chunks(inventory: Inventory) -> Iterator[bytes]:
    """The inventory as JSON, in pieces of some 64 kB: an object of 100,000 files never stands in memory as text."""
    return _gathered(_pieces(inventory))


def read_inventory(data: bytes) -> Inventory:
    """Read an inventory. Raises `msgspec.DecodeError` or its subclass for what is no inventory at all.

    Only its form is read here: whether it is true is for `validate_object` to say.
    """
    return msgspec.json.decode(data, type=Inventory)


def sidecar(sha256: str) -> bytes:
    """The sidecar of an inventory with that digest (section 3.6)."""
    return f"{sha256} {FILE}\n".encode()


def path_bytes(file: Digested) -> bytes:
    """The order of every list of files that is stored: that of their paths' bytes."""
    return file.path.encode()


def _by_digest(ordered: Iterable[Digested], prefix: str = "") -> Paths:
    grouped: dict[str, list[str]] = {}
    for file in ordered:
        grouped.setdefault(file.sha256, []).append(prefix + file.path)
    return {digest: tuple(paths) for digest, paths in grouped.items()}


def _pieces(inventory: Inventory) -> Iterator[bytes]:
    head = {"id": inventory.id, "type": inventory.type, "digestAlgorithm": inventory.digest_algorithm}
    optional = {"contentDirectory": inventory.content_directory} if inventory.content_directory != CONTENT else {}
    yield b"{\n"
    for key, value in {**head, "head": inventory.head, **optional}.items():
        yield b"  %b: %b,\n" % (_json(key), _json(value))
    yield from chain([b'  "manifest": '], _map(inventory.manifest, b"  "), [b',\n  "versions": {\n'])
    for number, (name, version) in enumerate(inventory.versions.items()):
        yield b"%b    %b: {\n" % (b",\n" if number else b"", _json(name))
        yield from _version(version)
    yield b"\n  }"
    for number, (algorithm, block) in enumerate(inventory.fixity.items()):
        yield from chain(
            [b",\n    " if number else b',\n  "fixity": {\n    ', _json(algorithm), b": "], _map(block, b"    ")
        )
    yield b"\n  }\n}\n" if inventory.fixity else b"\n}\n"


def _version(version: Version) -> Iterator[bytes]:
    yield b'      "created": %b,\n' % _json(version.created)
    if version.message is not None:
        yield b'      "message": %b,\n' % _json(version.message)
    if version.user is not None:
        yield b'      "user": %b,\n' % _json(version.user)
    yield from chain([b'      "state": '], _map(version.state, b"      "), [b"\n    }"])


def _map(paths: Paths, indent: bytes) -> Iterator[bytes]:
    yield b"{"
    for number, (digest, values) in enumerate(paths.items()):
        yield b"%b\n%b  %b: %b" % (b"," if number else b"", indent, _json(digest), _json(values))
    yield b"\n%b}" % indent if paths else b"}"


def _gathered(pieces: Iterable[bytes], size: int = 1 << 16) -> Iterator[bytes]:
    buffer = bytearray()
    for piece in pieces:
        buffer += piece
        if len(buffer) >= size:
            yield bytes(buffer)
            buffer.clear()
    yield bytes(buffer)


_json = msgspec.json.Encoder().encode
