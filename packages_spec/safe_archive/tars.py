"""The entries of a tar in their order, whatever dialect (ustar, GNU, pax) it is written in."""

import tarfile
from collections.abc import Iterator
from functools import partial
from typing import IO, Final, Self

from packages_spec.digests import CHUNK
from packages_spec.findings import Finding
from packages_spec.safe_archive.entries import FILE, FOLDER, Entry, RefusedArchive

_LONGEST_HEADER: Final = 1 << 16
"""Bytes that one extended header of a tar may have: it is held in memory."""


_LARGEST_STATED: Final = 8 << 30
"""Sizes from here on do not fit a plain header and stand in a record before it."""
_OF_ONE_MEMBER: Final = {"path", "linkpath", "size"}
"""What a record that holds for all members may not say."""


def is_tar_header(block: bytes) -> bool:
    """Whether a block of 512 bytes is the header of a tar, by its checksum."""
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.TarError:
        return False
    return True


class _Header(tarfile.TarInfo):
    """A tar header that says so when it is broken: `tarfile` takes a broken one for the end of the archive."""

    stated_size = 0
    """The size in the header itself, which a record before it may replace."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        try:
            header = super().frombuf(buf, encoding, errors)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined] # missing in the stubs: two blocks of zeros
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(str(error)) from error
        if header.size < 0 or (not header.isreg() and header.size > _LONGEST_HEADER):
            raise tarfile.ReadError("header too long")
        header.stated_size = header.size
        return header


def tar_entries(stream: IO[bytes]) -> Iterator[Entry]:
    """The entries up to the end; a leading `./` is no part of the name, and the folder `.` itself no entry."""
    with tarfile.open(
        fileobj=stream, mode="r:", encoding="utf-8", errors="surrogateescape", tarinfo=_Header
    ) as archive:
        while info := _next(archive):
            archive.members.clear()  # type: ignore[attr-defined] # missing in the stubs; it would keep every header
            if info.name != "." or not info.isdir():
                path = _tar_name(info).removeprefix("./")
                yield Entry(path, info.size, _tar_kind(info), partial(tarfile.ExFileObject, archive, info))
    _refuse_trailing(stream)


def _next(archive: tarfile.TarFile) -> tarfile.TarInfo | None:
    info = archive.next()
    if archive.pax_headers.keys() & _OF_ONE_MEMBER:
        raise RefusedArchive(Finding("archive-file.headers", "."))
    return info


def _tar_name(info: tarfile.TarInfo) -> str:
    """The name as it stands there: `tarfile` drops a slash at the end that an extended header gives to a file."""
    slash = not info.isdir() and info.pax_headers.get("path", "").endswith("/")
    return f"{info.name}/" if slash else info.name


def _tar_kind(info: tarfile.TarInfo) -> str:
    if info.issym() or info.islnk():
        return "archive-file.link"
    if info.issparse():
        return "archive-file.special"
    if isinstance(info, _Header) and info.size != info.stated_size and info.size < _LARGEST_STATED:
        return "archive-file.size-twice"
    if info.isdir():
        return FOLDER
    return FILE if info.isreg() else "archive-file.special"


def _refuse_trailing(stream: IO[bytes]) -> None:
    """After the end stand only zeros, or another reader could find more members. Reads on to gzip's checksum."""
    left = CHUNK  # tapes are padded to whole records
    while chunk := stream.read(min(CHUNK, left + 1)):
        left -= len(chunk)
        if left < 0 or chunk.strip(b"\0"):
            raise RefusedArchive(Finding("archive-file.trailing", "."))
