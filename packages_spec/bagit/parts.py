"""A bag of any size in memory of one size (分块): judged whole when it is small, else in parts that do not meet.

Every path of the manifests and of the folder belongs to the part that its name has when case and Unicode form are left
aside. So whatever is to be compared - listed and present, one manifest and another, names that differ only in case - is
in one part, and a part is judged like a bag of its own. Parts wait in nameless temporary files.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final
from zlib import crc32

import msgspec

from packages_spec.bagit.reader import Bag, Reading
from packages_spec.bagit.tagfiles import Entries, collect
from packages_spec.bagit.tree import Tree, walk
from packages_spec.findings import Finding
from packages_spec.paths import same_name

WHOLE: Final = 2 << 20
"""Bytes of manifests up to which a bag is judged whole: about 20,000 files."""
_PART: Final = 1 << 19
"""Bytes of manifests in a part of a larger bag."""
_MOST: Final = 200
"""Parts at most: each is an open file."""
_PAYLOAD, _TAG, _FOLDER = -1, -2, -3
"""What a record is that comes from the folder; other numbers are a manifest's place in its list."""
_Record = tuple[int, bytes, str]
_LENGTH: Final = 4


def parts(bag: Bag, reading: Reading, root: Path, findings: list[Finding]) -> Iterator[tuple[Bag, Tree]]:
    """The bag and what lies in its folder, part by part; a part is to be left before the next is asked for."""
    size = sum(map(reading.size, reading.manifests))
    if size <= WHOLE:
        yield _whole(bag, reading, root, findings)
        return
    with ExitStack() as open_files:
        files = [open_files.enter_context(TemporaryFile()) for _ in range(min(1 + size // _PART, _MOST))]
        _spill(files, reading, root, findings)
        for file in files:
            yield _load(file, bag, reading, findings)
            file.close()


def _whole(bag: Bag, reading: Reading, root: Path, findings: list[Finding]) -> tuple[Bag, Tree]:
    listed = {
        manifest: collect(reading.entries(manifest), findings, strict=bag.strict) for manifest in reading.manifests
    }
    tree = Tree({}, {}, {})
    for seen in walk(str(root), findings):
        tree.add(seen)
    return _with_listed(bag, {(key.algorithm, key.of_tags): entries for key, entries in listed.items()}), tree


def _spill(files: Sequence[IO[bytes]], reading: Reading, root: Path, findings: list[Finding]) -> None:
    encode = msgspec.msgpack.Encoder().encode

    def put(kind: int, path: str, digest: str) -> None:
        raw = os.fsencode(path)
        part = crc32(raw.lower() if path.isascii() else os.fsencode(same_name(path))) % len(files)
        record = encode((kind, raw, digest))
        files[part].write(len(record).to_bytes(_LENGTH, "big") + record)

    for number, manifest in enumerate(reading.manifests):
        for digest, path in chain.from_iterable(reading.entries(manifest)):
            put(number, path, digest)
    for seen in walk(str(root), findings):
        for path in seen.files:
            put(_PAYLOAD if seen.in_payload else _TAG, path, "")
        for path in seen.folders:
            put(_FOLDER, path, "")


def _load(file: IO[bytes], bag: Bag, reading: Reading, findings: list[Finding]) -> tuple[Bag, Tree]:
    tree = Tree({}, {}, {})
    entries: list[Entries] = [[] for _ in reading.manifests]
    places = {_PAYLOAD: tree.payload, _TAG: tree.tags, _FOLDER: tree.folders}
    for kind, raw, digest in _records(file):
        if kind < 0:
            places[kind][os.fsdecode(raw)] = None
        else:
            entries[kind].append((digest, os.fsdecode(raw)))
    listed = {
        (manifest.algorithm, manifest.of_tags): collect([entries[number]], findings, strict=bag.strict)
        for number, manifest in enumerate(reading.manifests)
    }
    return _with_listed(bag, listed), tree


def _records(file: IO[bytes]) -> Iterator[_Record]:
    decode = msgspec.msgpack.Decoder(_Record).decode
    file.seek(0)
    while head := file.read(_LENGTH):
        yield decode(file.read(int.from_bytes(head, "big")))


def _with_listed(bag: Bag, listed: dict[tuple[str, bool], dict[str, str]]) -> Bag:
    return msgspec.structs.replace(
        bag,
        manifests={algorithm: entries for (algorithm, of_tags), entries in listed.items() if not of_tags},
        tag_manifests={algorithm: entries for (algorithm, of_tags), entries in listed.items() if of_tags},
    )
