"""Packed deliveries (压缩包): a zip, tar or tar.gz is unpacked straight into quarantine.

The whole archive file is judged and unpacked once before a byte of it is written, so that one with a fault anywhere -
an unsafe name, a wrong checksum - leaves nothing behind but its findings.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from packages_spec.findings import Finding
from packages_spec.safe_archive import RefusedArchive, members, scan
from repository.errors import ArchiveError
from repository.storage.sources import Chunk, Entry, Listing


class Packed:
    """A delivery that is one archive file. Every file in it has the time of the archive file's last change."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._listing: Listing | None = None
        self._status = self._now()

    def survey(self) -> Listing:
        """Unpack once without writing; asked again, see that the archive file is still the same."""
        if self._now() != self._status:
            raise self._changed()
        if self._listing is None:
            with self._readable():
                self._listing = self._survey()
        return self._listing

    def contents(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, Iterator[Chunk]]]:
        """Each of these files with its bytes, in the order of the archive file."""
        wanted = {entry.path: entry for entry in entries}
        if not wanted:
            return
        try:
            with self._readable():
                for member in members(self._path):
                    if member.path in wanted:
                        yield wanted[member.path], member.chunks
        except RefusedArchive as error:
            raise self._changed() from error

    def _survey(self) -> Listing:
        if findings := scan(self._path):
            return Listing((), tuple(sorted(findings)))
        try:
            entries = [Entry(member.path, member.size, self._status[1]) for member in members(self._path)]
        except RefusedArchive as refused:
            return Listing((), (refused.finding,))
        return Listing(tuple(sorted(entries)), () if entries else (Finding("delivery.empty", "."),))

    def _now(self) -> tuple[int, int, int]:
        with self._readable():
            status = self._path.stat()
        return status.st_size, status.st_mtime_ns, status.st_ino

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = os.strerror(error.errno or 0)
            raise ArchiveError("delivery-unreadable", self._path, path=self._path.name, reason=reason) from error

    def _changed(self) -> ArchiveError:
        return ArchiveError("delivery-changed", self._path, path=self._path.name)
