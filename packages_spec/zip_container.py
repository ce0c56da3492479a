"""Formats that are zip files inside (OFD, SIARD, OOXML, ODF): their members, read within bounds and never unpacked.

Nothing is trusted that the container says of itself: a member is read only as far as asked for, and what it holds more
than that refuses it, whatever size its entry names.
"""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Self

END = b"PK\x05\x06"
DIRECTORY_BYTES = 16 << 20
"""The largest central directory that is read: some 150,000 members."""
MEMBER_BYTES = 16 << 20
"""The most of one member that is read whole."""

_CHUNK = 1 << 16
_TAIL = 22 + 65_535
_LOCATOR = 20


class RefusedContainer(Exception):  # noqa: N818 - named after what was met, not after being an error
    """The container cannot be read within the bounds; the text says why."""


class Container:
    """An opened zip file. Names are unique; a container that has one twice is refused, for readers disagree on it."""

    def __init__(self, stream: BinaryIO) -> None:
        """Read the directory. RefusedContainer for one too large, damaged or ambiguous."""
        _judge_directory(stream)
        try:
            self._zip = zipfile.ZipFile(stream)
        except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError, struct.error, ValueError) as error:
            raise RefusedContainer(f"zip: {error}") from error
        self._members = {member.filename: member for member in self._zip.infolist() if not member.is_dir()}
        if len(self._members) != sum(not member.is_dir() for member in self._zip.infolist()):
            raise RefusedContainer("zip: a name stands in the directory twice")

    def __enter__(self) -> Self:
        """The container itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it; the stream stays its owner's."""
        self._zip.close()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all members that are no folders, in the order of the directory."""
        return tuple(self._members)

    def __contains__(self, name: str) -> bool:
        """Whether there is a member of this name."""
        return name in self._members

    def size(self, name: str) -> int:
        """What the directory says of the member's size."""
        return self._members[name].file_size

    def chunks(self, name: str) -> Iterator[bytes]:
        """The member's bytes. RefusedContainer for one that is not there, encrypted, packed unknown ways or damaged."""
        try:
            with self._zip.open(self._members[name]) as member:
                while chunk := member.read(_CHUNK):
                    yield chunk
        except KeyError as error:
            raise RefusedContainer(f"{name}: not in the file") from error
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
            raise RefusedContainer(f"{name}: {error}") from error

    def read(self, name: str, limit: int = MEMBER_BYTES) -> bytes:
        """The whole member. RefusedContainer when it is longer than `limit` too."""
        content = bytearray()
        for chunk in self.chunks(name):
            content += chunk
            if len(content) > limit:
                raise RefusedContainer(f"{name}: longer than {limit} bytes")
        return bytes(content)


def _judge_directory(stream: BinaryIO) -> None:
    """Refuse a directory too large to be read, before anything reads it."""
    size = stream.seek(0, 2)
    start = max(0, size - _TAIL)
    stream.seek(start)
    tail = stream.read(_TAIL)
    at = tail.rfind(END)
    if at < 0 or at + 22 > len(tail):
        raise RefusedContainer("zip: no end of central directory")
    length = int(struct.unpack_from("<L", tail, at + 12)[0])
    if length == 0xFFFFFFFF:
        length = _zip64_length(stream, start + at)
    if length > DIRECTORY_BYTES:
        raise RefusedContainer(f"zip: central directory of {length} bytes")


def _zip64_length(stream: BinaryIO, end: int) -> int:
    stream.seek(max(0, end - _LOCATOR))
    locator = stream.read(_LOCATOR)
    if len(locator) < _LOCATOR or not locator.startswith(b"PK\x06\x07"):
        raise RefusedContainer("zip: no zip64 end of central directory")
    stream.seek(struct.unpack_from("<Q", locator, 8)[0])
    record = stream.read(56)
    if len(record) < 56 or not record.startswith(b"PK\x06\x06"):
        raise RefusedContainer("zip: no zip64 end of central directory")
    return int(struct.unpack_from("<Q", record, 40)[0])
