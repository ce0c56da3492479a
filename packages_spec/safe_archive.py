"""Archive files (压缩包): zip, tar and tar.gz from strangers, judged before a byte of them is written anywhere.

An archive file is refused or taken as it is; no name in it is ever mended, no link followed, nothing skipped. What is
judged: names (by the path rules, and hidden characters), links and devices, repeated and colliding names, encryption,
members that share bytes, and how much would come out. Checksums and declared sizes are enforced while the bytes pass.
"""

import gzip
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Final, Self, cast

import msgspec

from packages_spec.digests import CHUNK
from packages_spec.findings import Finding
from packages_spec.paths import HIDDEN, judge_path, same_name, shown

_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
_GZIP: Final = b"\x1f\x8b"
_LOCAL_HEADER: Final = 30
_LONGEST_HEADER: Final = 1 << 16
"""Bytes that one extended header of a tar may have: it is held in memory."""
_BROKEN: Final = (
    *(tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, struct.error),
    *(EOFError, ValueError, NotImplementedError),
)
_FOLDER, _FILE = "", "file"


class Bounds(msgspec.Struct, frozen=True):
    """How much may come out of one archive file.

    `ratio` is what comes out against the size of the archive file, looked at once more than `ratio_from` bytes come
    out: blank pages shrink a hundredfold, bombs a thousandfold and more.
    """

    members: int = 1_000_000
    total: int = 1 << 40
    ratio: int = 200
    ratio_from: int = 64 << 20


class Member(msgspec.Struct, frozen=True):
    """A file in the archive: its path, its size in bytes, and its bytes, to be taken before the next member is."""

    path: str
    size: int
    chunks: Iterator[bytes]


class RefusedArchive(Exception):  # noqa: N818 - it says what became of the archive file, like `StopIteration`
    """The archive file cannot be taken; `finding` says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding)
        self.finding = finding


class _Entry(msgspec.Struct, frozen=True):
    """One entry as the format gives it; `kind` is empty for a folder, `file`, or the code of why it is refused."""

    path: str
    size: int
    kind: str
    open: Callable[[], IO[bytes]]


def is_archive(path: Path) -> bool:
    """Whether the file is a zip, a tar or a gzipped tar, by its first bytes and not by its name."""
    with path.open("rb") as stream:
        start = stream.read(tarfile.BLOCKSIZE)
    if start.startswith(_GZIP):
        with gzip.open(path) as unpacked:
            try:
                start = unpacked.read(tarfile.BLOCKSIZE)
            except _BROKEN:
                return False
    return start.startswith(_ZIP) or _is_tar_header(start)


def scan(path: Path, bounds: Bounds = Bounds()) -> list[Finding]:  # noqa: B008 - frozen, so it can be shared
    """Everything that speaks against unpacking the archive file; empty when `members` may be asked for.

    A zip and a tar are read by their headers only, a gzipped tar has to be unpacked once. Checksums of the members are
    left to `members`.
    """
    judge, findings = _Judge(path, bounds), []
    try:
        for entry in _entries(path):
            findings += judge.judge(entry)
            if judge.full:
                break
    except RefusedArchive as refused:
        findings.append(refused.finding)
    return findings


def members(path: Path, bounds: Bounds = Bounds()) -> Iterator[Member]:  # noqa: B008 - frozen, so it can be shared
    """The files of the archive file in its order, each judged as `scan` judges it before it is given out.

    Raises `RefusedArchive` at the first thing that speaks against it, a wrong checksum or size included: whoever
    unpacks keeps nothing of what came before. Bytes that the caller leaves are read all the same, for their checksum.
    """
    judge = _Judge(path, bounds)
    for entry in _entries(path):
        for finding in judge.judge(entry):
            raise RefusedArchive(finding)
        if entry.kind == _FILE:
            chunks = _chunks(entry)
            yield Member(entry.path, entry.size, chunks)
            for _ in chunks:
                pass


class _Judge:
    """What has been seen of one archive file so far."""

    def __init__(self, path: Path, bounds: Bounds) -> None:
        self._bounds = bounds
        self._largest = max(path.stat().st_size * bounds.ratio, bounds.ratio_from)
        self._count = self._total = 0
        self._files: set[str] = set()
        self._folders: set[str] = {""}
        self._first: dict[str, str] = {}
        self.full = False

    def judge(self, entry: _Entry) -> list[Finding]:
        """What speaks against this entry, after all that came before it."""
        findings = judge_path(entry.path) or self._judge_place(entry.path, is_folder=entry.kind == _FOLDER)
        if HIDDEN.search(entry.path):
            findings.append(Finding("archive-file.name-hidden", shown(entry.path), found=ascii(entry.path)))
        if entry.kind not in {_FILE, _FOLDER}:
            findings.append(Finding(entry.kind, shown(entry.path)))
        return findings + self._judge_amount(entry)

    def _judge_place(self, path: str, *, is_folder: bool) -> list[Finding]:
        clash = path in self._files or (path in self._folders and not is_folder)
        findings = [Finding("archive-file.member-twice", path)] if clash else []
        findings += self._judge_name(path)
        (self._folders if is_folder else self._files).add(path)
        folder = path.rpartition("/")[0]
        while folder not in self._folders:
            self._folders.add(folder)
            findings += self._judge_name(folder)
            if folder in self._files:
                findings.append(Finding("archive-file.member-twice", folder))
            folder = folder.rpartition("/")[0]
        return findings

    def _judge_name(self, path: str) -> list[Finding]:
        first = self._first.setdefault(same_name(path), path)
        return [] if first == path else [Finding("path.collision", path, found=first)]

    def _judge_amount(self, entry: _Entry) -> list[Finding]:
        self._count += 1
        self._total += entry.size
        amounts = (
            ("archive-file.too-many", self._bounds.members, self._count),
            ("archive-file.too-large", self._bounds.total, self._total),
            ("archive-file.ratio", self._largest, self._total),
        )
        findings = [Finding(code, ".", str(bound), str(amount)) for code, bound, amount in amounts if amount > bound]
        self.full = bool(findings)
        return findings


def _entries(path: Path) -> Iterator[_Entry]:
    with path.open("rb") as stream, _refusing("."):
        start = stream.read(tarfile.BLOCKSIZE)
        stream.seek(0)
        if start.startswith(_ZIP):
            yield from _zip_entries(stream)
        elif start.startswith(_GZIP):
            with gzip.open(stream) as unpacked:
                yield from _tar_entries(cast("IO[bytes]", unpacked))
        else:
            yield from _tar_entries(stream)


@contextmanager
def _refusing(path: str) -> Iterator[None]:
    """Turn what the format's reader trips over into a refusal; faults of the disk stay what they are."""
    try:
        yield
    except _BROKEN as error:
        code = "path.not-utf8" if isinstance(error, UnicodeDecodeError) else "archive-file.broken"
        raise RefusedArchive(Finding(code, shown(path), found=str(error))) from error


def _chunks(entry: _Entry) -> Iterator[bytes]:
    left = entry.size
    with _refusing(entry.path), entry.open() as stream:
        while chunk := stream.read(CHUNK):
            left -= len(chunk)
            yield chunk
    if left:
        raise RefusedArchive(Finding("archive-file.size-wrong", entry.path, str(entry.size), str(entry.size - left)))


def _zip_entries(stream: IO[bytes]) -> Iterator[_Entry]:
    with zipfile.ZipFile(stream, metadata_encoding="latin-1") as archive:
        _refuse_overlap(stream, archive)
        for info in archive.infolist():
            name = _zip_name(info)
            kind = _zip_kind(info, name)
            path = name.removesuffix("/") if kind == _FOLDER else name
            yield _Entry(path, info.file_size, kind, partial(archive.open, info))


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
    return _FOLDER if name.endswith("/") else _FILE


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


class _Header(tarfile.TarInfo):
    """A tar header that says so when it is broken: `tarfile` takes a broken one for the end of the archive."""

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
        return header


def _tar_entries(stream: IO[bytes]) -> Iterator[_Entry]:
    """The entries up to the end; a leading `./` is no part of the name, and the folder `.` itself no entry."""
    with tarfile.open(
        fileobj=stream, mode="r:", encoding="utf-8", errors="surrogateescape", tarinfo=_Header
    ) as archive:
        while info := archive.next():
            archive.members.clear()  # type: ignore[attr-defined] # missing in the stubs; it would keep every header
            if info.name != "." or not info.isdir():
                path = info.name.removeprefix("./")
                yield _Entry(path, info.size, _tar_kind(info), partial(tarfile.ExFileObject, archive, info))
    _refuse_trailing(stream)


def _tar_kind(info: tarfile.TarInfo) -> str:
    if info.issym() or info.islnk():
        return "archive-file.link"
    if info.isdir():
        return _FOLDER
    return _FILE if info.isreg() and not info.issparse() else "archive-file.special"


def _refuse_trailing(stream: IO[bytes]) -> None:
    """After the end stand only zeros, or another reader could find more members. Reads on to gzip's checksum."""
    left = CHUNK  # tapes are padded to whole records
    while chunk := stream.read(min(CHUNK, left + 1)):
        left -= len(chunk)
        if left < 0 or chunk.strip(b"\0"):
            raise RefusedArchive(Finding("archive-file.trailing", "."))


def _is_tar_header(block: bytes) -> bool:
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.TarError:
        return False
    return True
