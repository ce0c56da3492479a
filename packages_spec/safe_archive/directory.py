"""Where the directory of a zip stands, and whether every byte of the file is accounted for.

Readers of zips disagree about what is between, before and after the things they look for; so nothing may be there. A
zip is its members one after another from the first byte, its directory, and its end record up to the last byte.
"""

import os
import struct
from collections.abc import Iterable
from typing import IO, Final

import msgspec

from packages_spec.findings import Finding
from packages_spec.safe_archive.entries import RefusedArchive

_END: Final = struct.Struct("<4s4H2LH")
_END_64: Final = struct.Struct("<4sQ2H2L4Q")
_LOCATOR: Final = struct.Struct("<4sLQL")
_LONGEST_COMMENT: Final = (1 << 16) - 1
_ENTRY: Final = struct.Struct("<28x3H12x")
"""An entry of the directory: the lengths of its name, extra field and comment, which follow it."""
_DESCRIPTORS: Final = (12, 16, 20, 24)
"""Sizes that the record after a member's bytes may have, with or without signature, of 4 or 8 bytes a size."""


class Directory(msgspec.Struct, frozen=True):
    """Where the central directory starts and ends, and how many members it says that it lists."""

    start: int
    end: int
    members: int


class Extent(msgspec.Struct, frozen=True, order=True):
    """The bytes that a member takes, from its local header on; `described` when a record with its sizes follows."""

    start: int
    end: int
    described: bool
    path: str


def directory_of(stream: IO[bytes]) -> Directory:
    """Find the directory. Raises `RefusedArchive` for one that is not where the file's end says, or not all there."""
    size = stream.seek(0, os.SEEK_END)
    tail = _read(stream, max(0, size - _END.size - _LONGEST_COMMENT), size)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size:
        raise RefusedArchive(Finding("archive-file.broken", ".", found="no end of central directory"))
    place = size - len(tail) + at
    _, disk, first_disk, here, members, length, start, comment = _END.unpack_from(tail, at)
    if place + _END.size + comment != size:
        raise RefusedArchive(Finding("archive-file.trailing", "."))
    if (disk, first_disk, here) not in {(0, 0, members), (0xFFFF, 0xFFFF, members)}:
        raise RefusedArchive(Finding("archive-file.split", "."))
    directory = _directory_64(stream, place) or Directory(start, place, members)
    length = length if directory.end == place else directory.end - directory.start
    if directory.start + length != directory.end:
        raise RefusedArchive(Finding("archive-file.unlisted-bytes", "."))
    return directory


def judge_members(stream: IO[bytes], directory: Directory, most: int) -> None:
    """Refuse more members than `most`, or another number than stated, before anybody reads them into memory."""
    count, place = 0, stream.seek(directory.start)
    while place < directory.end and count <= directory.members <= most:
        header = stream.read(_ENTRY.size)
        if len(header) < _ENTRY.size or not header.startswith(b"PK\x01\x02"):
            raise RefusedArchive(Finding("archive-file.broken", ".", found="no entry of the central directory"))
        place = stream.seek(sum(_ENTRY.unpack(header)), os.SEEK_CUR)
        count += 1
    if directory.members > most:
        raise RefusedArchive(Finding("archive-file.too-many", ".", str(most), str(directory.members)))
    if (count, place) != (directory.members, directory.end):
        raise RefusedArchive(Finding("archive-file.header-differs", ".", str(directory.members), f">= {count}"))


def judge_extents(extents: Iterable[Extent], directory: Directory) -> None:
    """Refuse members that share bytes, and bytes that are no member's. Raises `RefusedArchive`."""
    end, slack, path = 0, False, "."
    for extent in [*sorted(extents), Extent(directory.start, directory.end, False, ".")]:  # noqa: FBT003 - a record's field
        gap = extent.start - end
        if gap < 0:
            raise RefusedArchive(Finding("archive-file.overlap", extent.path if extent.path != "." else path))
        if gap and not (slack and gap in _DESCRIPTORS):
            raise RefusedArchive(Finding("archive-file.unlisted-bytes", path, found=str(gap)))
        end, slack, path = extent.end, extent.described, extent.path


def _directory_64(stream: IO[bytes], place: int) -> Directory | None:
    """The directory as the larger form of the end record gives it, where there is one."""
    locator = _read(stream, place - _LOCATOR.size, place) if place >= _LOCATOR.size else b""
    if not locator.startswith(b"PK\x06\x07"):
        return None
    _, disk, where, disks = _LOCATOR.unpack(locator)
    record = _read(stream, where, where + _END_64.size)
    if len(record) < _END_64.size or not record.startswith(b"PK\x06\x06"):
        raise RefusedArchive(Finding("archive-file.broken", ".", found="no zip64 end of central directory"))
    _, rest, _, _, this_disk, first_disk, here, members, length, start = _END_64.unpack(record)
    if (disk, disks, this_disk, first_disk, here) != (0, 1, 0, 0, members):
        raise RefusedArchive(Finding("archive-file.split", "."))
    if where + 12 + rest != place - _LOCATOR.size or start + length != where:
        raise RefusedArchive(Finding("archive-file.unlisted-bytes", "."))
    return Directory(start, where, members)


def _read(stream: IO[bytes], start: int, end: int) -> bytes:
    stream.seek(start)
    return stream.read(end - start)
