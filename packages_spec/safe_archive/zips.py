"""The entries of a zip, zip64 included, as its central directory lists them and its local headers repeat them."""

import stat
import struct
import zipfile
from collections.abc import Iterator
from functools import partial
from typing import IO, Final

from packages_spec.findings import Finding
from packages_spec.paths import shown
from packages_spec.safe_archive.directory import Extent, directory_of, judge_extents, judge_members
from packages_spec.safe_archive.entries import FILE, FOLDER, Entry, RefusedArchive

_LOCAL: Final = struct.Struct("<4s5H3L2H")
_DESCRIBED: Final = 0x8
"""The flag of a member whose sizes and checksum follow its bytes."""
_UTF8: Final = 0x800
_ENCRYPTED: Final = 0x2041
_COMPARED: Final = 0x841
"""The flags that both headers of a member must agree in."""
_IN_ZIP64: Final = 0xFFFFFFFF
_FOLDER_CONTENT: Final = "archive-file.folder-content"
_UNICODE_PATH: Final = 0x7075
"""The extra field that gives a member another name."""


def zip_entries(stream: IO[bytes], most: int) -> Iterator[Entry]:
    """The entries in the order of the directory, at most so many.

    Raises `RefusedArchive` when members share bytes, when bytes belong to no member, and when a member's two headers
    differ: each lets one reader see what another does not.
    """
    directory = directory_of(stream)
    judge_members(stream, directory, most)
    stream.seek(0)
    with zipfile.ZipFile(stream, metadata_encoding="latin-1") as archive:
        infos = archive.infolist()
        members = [_member(stream, info) for info in infos]
        judge_extents((extent for extent, _ in members), directory)
        for _, refused in members:
            if refused:
                raise RefusedArchive(refused)
        for info in infos:
            name = _zip_name(info)
            kind = _zip_kind(info, name)
            path = name.removesuffix("/") if kind in {FOLDER, _FOLDER_CONTENT} else name
            yield Entry(path, info.file_size, kind, partial(archive.open, info))


def _zip_name(info: zipfile.ZipInfo) -> str:
    """The name as its bytes give it: UTF-8 or nothing, whether the flag for UTF-8 is set or was forgotten."""
    if info.flag_bits & _UTF8:
        return info.orig_filename
    return info.orig_filename.encode("latin-1").decode("utf-8", "surrogateescape")


def _zip_kind(info: zipfile.ZipInfo, name: str) -> str:
    mode = stat.S_IFMT(info.external_attr >> 16)
    if stat.S_ISLNK(mode):
        return "archive-file.link"
    if mode not in {0, stat.S_IFREG, stat.S_IFDIR} or (stat.S_ISDIR(mode) and not name.endswith("/")):
        return "archive-file.special"
    if info.flag_bits & _ENCRYPTED:
        return "archive-file.encrypted"
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        return "archive-file.method"
    if name.endswith("/"):
        return _FOLDER_CONTENT if info.file_size else FOLDER
    return FILE


def _member(stream: IO[bytes], info: zipfile.ZipInfo) -> tuple[Extent, Finding | None]:
    """Where the member's bytes are, and what its local header says otherwise than the directory."""
    path = shown(_zip_name(info))
    raw = info.orig_filename.encode("utf-8" if info.flag_bits & _UTF8 else "latin-1")
    stream.seek(info.header_offset)
    header = stream.read(_LOCAL.size + len(raw))
    if len(header) < _LOCAL.size or not header.startswith(b"PK\x03\x04"):
        raise RefusedArchive(Finding("archive-file.header-differs", path))
    _, _, flags, method, _, _, crc, packed, size, name_length, extra_length = _LOCAL.unpack_from(header)
    described = bool(flags & _DESCRIBED)
    refused = None
    if (
        (name_length, header[_LOCAL.size :]) != (len(raw), raw)
        or method != info.compress_type
        or (flags ^ info.flag_bits) & _COMPARED
        or not _same_sizes((crc, packed, size), info, described=described)
    ):
        refused = Finding("archive-file.header-differs", path)
    elif _has_another_name(info.extra):
        refused = Finding("archive-file.name-twice", path)
    end = info.header_offset + _LOCAL.size + name_length + extra_length + info.compress_size
    return Extent(info.header_offset, end, described, path), refused


def _same_sizes(local: tuple[int, int, int], info: zipfile.ZipInfo, *, described: bool) -> bool:
    """Whether checksum and sizes agree: zero when they follow the bytes, all ones when an extra field has them."""
    listed = (info.CRC, info.compress_size, info.file_size)
    nothing = (0,) if described else ()
    return all(
        found in {expected, *nothing} or (number and found == _IN_ZIP64)
        for number, (found, expected) in enumerate(zip(local, listed, strict=True))
    )


def _has_another_name(extra: bytes) -> bool:
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<2H", extra)
        if kind == _UNICODE_PATH:
            return True
        extra = extra[4 + length :]
    return False
