"""Sources (来源): where a delivery lies when it comes, read once and watched while it is read.

A source first tells what it holds (`survey`), then gives the bytes file by file (`contents`). Whatever is not a regular
file with a name in UTF-8 is named in a finding and never followed, opened or guessed at.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

import msgspec

from packages_spec.digests import CHUNK
from packages_spec.findings import Finding
from packages_spec.paths import shown
from repository.errors import ArchiveError

Chunk = bytes | memoryview
"""Bytes on their way; a view is good only until the next one is asked for."""


class Entry(msgspec.Struct, frozen=True, order=True):
    """A file as the source shows it: path relative to the source, size in bytes, time of its last change."""

    path: str
    size: int
    mtime_ns: int


class Listing(msgspec.Struct, frozen=True):
    """All that a source holds, files in the order of their paths' bytes, and what is wrong with it."""

    entries: tuple[Entry, ...]
    findings: tuple[Finding, ...]

    @property
    def bytes(self) -> int:
        """Size of all files."""
        return sum(entry.size for entry in self.entries)


class Source(Protocol):
    """What deliveries come in."""

    def survey(self) -> Listing:
        """What it holds, without reading any content."""

    def contents(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, Iterator[Chunk]]]:
        """Each of these files with its bytes, which have to be taken before the next file is asked for.

        Raises `delivery-unreadable`, and `delivery-changed` when a file is not what the entry says.
        """


class Folder:
    """A delivery that is a folder."""

    def __init__(self, root: Path) -> None:
        self._root = os.fspath(root)
        self._view = memoryview(bytearray(CHUNK))

    def survey(self) -> Listing:
        """Walk the folder; each folder is listed once, each file's status read once."""
        entries: list[Entry] = []
        findings: list[Finding] = []
        folders = [""]
        while folders:
            folders += self._list(folders.pop(), entries, findings)
        if not entries:
            findings.append(Finding("delivery.empty", "."))
        return Listing(tuple(sorted(entries)), tuple(sorted(findings)))

    def contents(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, Iterator[Chunk]]]:
        """Each file in turn, read through one buffer."""
        for entry in entries:
            yield entry, self._chunks(entry)

    def _list(self, folder: str, entries: list[Entry], findings: list[Finding]) -> list[str]:
        """Note what one folder holds; returns the folders in it."""
        inner: list[str] = []
        before = len(entries), len(findings)
        try:
            with os.scandir(f"{self._root}/{folder}") as listed:
                for item in listed:
                    path = folder + item.name
                    status = item.stat(follow_symlinks=False)
                    if offence := _offence(path, status.st_mode):
                        findings.append(offence)
                    elif stat.S_ISDIR(status.st_mode):
                        inner.append(f"{path}/")
                    else:
                        entries.append(Entry(path, status.st_size, status.st_mtime_ns))
        except OSError as error:
            raise self._unreadable(folder or ".", error) from error
        if folder and not inner and before == (len(entries), len(findings)):
            findings.append(Finding("delivery.empty-folder", folder.rstrip("/")))
        return inner

    def _chunks(self, entry: Entry) -> Iterator[memoryview]:
        try:
            descriptor = os.open(f"{self._root}/{entry.path}", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise self._changed(entry) from error
        except OSError as error:
            raise self._unreadable(entry.path, error) from error
        try:
            yield from self._watched(entry, descriptor)
        except OSError as error:
            raise self._unreadable(entry.path, error) from error
        finally:
            os.close(descriptor)

    def _watched(self, entry: Entry, descriptor: int) -> Iterator[memoryview]:
        """The bytes of an open file, which has to stay the same from before the first to after the last."""
        before = os.fstat(descriptor)
        if (before.st_size, before.st_mtime_ns) != (entry.size, entry.mtime_ns):
            raise self._changed(entry)
        left = entry.size
        while left and (length := os.readv(descriptor, [self._view])):
            left -= length
            yield self._view[:length]
        after = os.fstat(descriptor)
        if left or (after.st_size, after.st_mtime_ns, after.st_ctime_ns) != (
            entry.size,
            entry.mtime_ns,
            before.st_ctime_ns,
        ):
            raise self._changed(entry)

    def _changed(self, entry: Entry) -> ArchiveError:
        return ArchiveError("delivery-changed", self._root, path=entry.path)

    def _unreadable(self, path: str, error: OSError) -> ArchiveError:
        return ArchiveError("delivery-unreadable", self._root, path=shown(path), reason=os.strerror(error.errno or 0))


def _offence(path: str, mode: int) -> Finding | None:
    """What speaks against taking it: its name, or that it is neither folder nor regular file."""
    if not path.isascii() and shown(path) != path:
        return Finding("path.not-utf8", shown(path))
    if stat.S_ISLNK(mode):
        return Finding("delivery.link", path)
    if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
        return Finding("delivery.not-a-file", path, found=oct(stat.S_IFMT(mode)))
    return None
