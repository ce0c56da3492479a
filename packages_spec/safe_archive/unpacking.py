"""One archive file read from its first entry to its last."""

import gzip
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, cast

import msgspec

from packages_spec.digests import CHUNK
from packages_spec.findings import Finding
from packages_spec.safe_archive.entries import BROKEN, FILE, Entry, RefusedArchive, refusing
from packages_spec.safe_archive.judging import Bounds, Judge
from packages_spec.safe_archive.tars import is_tar_header, tar_entries
from packages_spec.safe_archive.zips import zip_entries

_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
_GZIP: Final = b"\x1f\x8b"


class Member(msgspec.Struct, frozen=True):
    """A file in the archive: its path, its size in bytes, and its bytes, to be taken before the next member is."""

    path: str
    size: int
    chunks: Iterator[bytes]


def is_archive(path: Path) -> bool:
    """Whether the file is a zip, a tar or a gzipped tar, by its first bytes and not by its name."""
    return media_type(path) is not None


def media_type(path: Path) -> str | None:
    """What kind of archive file this is, by its first bytes and not by its name; None for any other file."""
    with path.open("rb") as stream:
        start = stream.read(tarfile.BLOCKSIZE)
    if start.startswith(_ZIP):
        return "application/zip"
    if not start.startswith(_GZIP):
        return "application/x-tar" if is_tar_header(start) else None
    with gzip.open(path) as unpacked:
        try:
            return "application/gzip" if is_tar_header(unpacked.read(tarfile.BLOCKSIZE)) else None
        except BROKEN:
            return None


def scan(path: Path, bounds: Bounds = Bounds()) -> list[Finding]:  # noqa: B008 - frozen, so it can be shared
    """Everything that speaks against unpacking the archive file; empty when `members` may be asked for.

    A zip and a tar are read by their headers only, a gzipped tar has to be unpacked once. Checksums of the members are
    left to `members`.
    """
    judge, findings = Judge(path, bounds), []
    try:
        for entry in _entries(path, bounds):
            findings += judge.judge(entry)
            if judge.full:
                break
    except RefusedArchive as refused:
        findings.append(refused.finding)
    return findings


def names(path: Path) -> Iterator[str]:
    """The paths of the files in the archive file, in its order; for one that `scan` has nothing against."""
    return (entry.path for entry in _entries(path, Bounds()) if entry.kind == FILE)


def members(path: Path, bounds: Bounds = Bounds()) -> Iterator[Member]:  # noqa: B008 - frozen, so it can be shared
    """The files of the archive file in its order, each judged as `scan` judges it before it is given out.

    Raises `RefusedArchive` at the first thing that speaks against it, a wrong checksum or size included: whoever
    unpacks keeps nothing of what came before. Bytes that the caller leaves are read all the same, for their checksum.
    """
    judge = Judge(path, bounds)
    for entry in _entries(path, bounds):
        for finding in judge.judge(entry):
            raise RefusedArchive(finding)
        if entry.kind == FILE:
            chunks = _chunks(entry)
            yield Member(entry.path, entry.size, chunks)
            for _ in chunks:
                pass


def _entries(path: Path, bounds: Bounds) -> Iterator[Entry]:
    with path.open("rb") as stream, refusing("."):
        start = stream.read(tarfile.BLOCKSIZE)
        stream.seek(0)
        if start.startswith(_ZIP):
            yield from zip_entries(stream, bounds.members)
        elif start.startswith(_GZIP):
            with gzip.open(stream) as unpacked:
                yield from tar_entries(cast("IO[bytes]", unpacked))
        else:
            yield from tar_entries(stream)


def _chunks(entry: Entry) -> Iterator[bytes]:
    left = entry.size
    with refusing(entry.path), entry.open() as stream:
        while chunk := stream.read(CHUNK):
            left -= len(chunk)
            yield chunk
    if left:
        raise RefusedArchive(Finding("archive-file.size-wrong", entry.path, str(entry.size), str(entry.size - left)))
