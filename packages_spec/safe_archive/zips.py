"""The entries of a zip, zip64 included, as its central directory lists them."""

import stat
import zipfile
from collections.abc import Iterator
from functools import partial
from typing import IO, Final

from packages_spec.findings import Finding
from packages_spec.paths import shown
from packages_spec.safe_archive.entries import FILE, FOLDER, Entry, RefusedArchive

_LOCAL_HEADER: Final = 30


def zip_entries(stream: IO[bytes]) -> Iterator[Entry]:
    """The entries in the order of the directory; raises `RefusedArchive` when two of them share bytes."""
    with zipfile.ZipFile(stream, metadata_encoding="latin-1") as archive:
        _refuse_overlap(stream, archive)
        for info in archive.infolist():
            name = _zip_name(info)
            kind = _zip_kind(info, name)
            path = name.removesuffix("/") if kind == FOLDER else name
            yield Entry(path, info.file_size, kind, partial(archive.open, info))


def _zip_name(info: zipfile.ZipInfo) -> str:
    """The name as its bytes give it: UTF-8 or nothing, whether the flag for UTF-8 is set or was forgotten."""
    if info.flag_bits & 0x800:
        return info.orig_filename
    return info.orig_filename.encode("latin-1").decode("utf-8", "surrogateescape")


def _zip_kind(info: zipfile.ZipInfo, name: str) -> str:
    mode = stat.S_IFMT(info.external_attr >> 16)
    if stat.S_ISLNK(mode):
        return "archive-file.link"
    if mode not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return "archive-file.special"
    if info.flag_bits & 0x2041:
        return "archive-file.encrypted"
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        return "archive-file.method"
    return FOLDER if name.endswith("/") else FILE


def _refuse_overlap(stream: IO[bytes], archive: zipfile.ZipFile) -> None:
    """Members that share bytes let a small file unpack to any size, and one reader see what another does not."""
    end = 0
    for info in sorted(archive.infolist(), key=lambda info: info.header_offset):
        if info.header_offset < end:
            raise RefusedArchive(Finding("archive-file.overlap", shown(_zip_name(info))))
        stream.seek(info.header_offset)
        header = stream.read(_LOCAL_HEADER)
        named = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
        end = info.header_offset + _LOCAL_HEADER + named + info.compress_size
    if end > archive.start_dir:
        raise RefusedArchive(Finding("archive-file.overlap", "."))
