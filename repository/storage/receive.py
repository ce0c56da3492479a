"""Receiving (接收): a delivery is copied into quarantine once, hashed while it passes - one read, one write.

The copy is the archive's own: never a link to an inode that the deliverer can open. Killed at any moment it can be run
again: what the journal vouches for stays, the rest is copied again. When all is there the journal is closed, and from
then on receiving the same delivery answers from it alone, wherever its files have gone since.
"""

import hashlib
import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

import msgspec

from packages_spec.digests import Digested
from packages_spec.findings import Finding
from packages_spec.safe_archive import is_archive
from repository.errors import ArchiveError
from repository.storage.durable import FileSystem, storage_errors, write_all
from repository.storage.journal import Closed, Dropped, Journal, ReceivedFile, journal_path
from repository.storage.packed import Packed
from repository.storage.sources import Chunk, Entry, Folder, Listing, Source

GROUP_FILES = 1024
GROUP_BYTES = 256 << 20
"""What is made durable and vouched for at a time: at most this much is copied again after a crash."""
READ_ONLY = 0o444

Progress = Callable[[int, int], None]
"""Told the bytes copied or found in place so far, and those of the whole delivery."""


class Received(msgspec.Struct, frozen=True):
    """A delivery in quarantine, whole: its files in the order of their paths' bytes, and what is wrong with it."""

    files: tuple[ReceivedFile, ...]
    bytes: int
    listing_sha256: str
    findings: tuple[Finding, ...]


def receive(
    source: Path, target: Path, *, algorithms: Collection[str] = (), progress: Progress, sync: bool = True
) -> Received:
    """Copy a delivery (a folder, or a zip, tar or tar.gz file) into the folder `target` of the quarantine.

    Each file is hashed with SHA-256 and the other `algorithms` (names of `hashlib`). Raises `storage-full` before the
    first byte when there is no room, `delivery-unreadable`, `delivery-changed` when the source is not the same from
    beginning to end, and `delivery-missing`. What cannot be taken (links, devices, names not in UTF-8) is in the
    findings.
    """
    if not source.exists() and not journal_path(target).exists():
        raise ArchiveError("delivery-missing", source)
    with storage_errors(target):
        target.mkdir(exist_ok=True)
    with FileSystem(target, sync=sync) as disk, Journal(journal_path(target)) as journal:
        if journal.closed is None:
            _copy_all(source_of(source), source, target, _Copier(target, disk, journal, algorithms, progress))
        return _received(journal)


def listing_lines(files: Iterable[Digested]) -> Iterator[bytes]:
    """The lines of `delivery.sha256`, in the order of the paths' bytes, in the form of `sha256sum`.

    As there, a path with a backslash or a line end has these escaped and its line begins with a backslash.
    """
    for file in sorted(files, key=lambda file: file.path):
        path = file.path.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
        mark = "\\" if path != file.path else ""
        yield f"{mark}{file.sha256}  {path}\n".encode()


def source_of(source: Path) -> Source:
    """How to read what lies there. Raises `delivery-missing`, and `delivery-form` for what deliveries never come in."""
    if source.is_dir():
        return Folder(source)
    if not source.exists():
        raise ArchiveError("delivery-missing", source)
    if not source.is_file() or not is_archive(source):
        raise ArchiveError("delivery-form", source)
    return Packed(source)


def _copy_all(source: Source, name: Path, target: Path, copier: "_Copier") -> None:
    listing = source.survey()
    copier.total = listing.bytes
    missing = [entry for entry in listing.entries if not copier.has(entry)]
    check_space(target, missing)
    for entry, chunks in source.contents(missing):
        copier.copy(entry, chunks)
    check_same(name, listing, source.survey())
    copier.close(listing)


def check_space(target: Path, missing: list[Entry]) -> None:
    """Refuse before the first byte what cannot fit: content, and a block for each file's end and name."""
    disk = os.statvfs(target)
    available = disk.f_bavail * disk.f_frsize
    needed = sum(entry.size for entry in missing) + len(missing) * disk.f_frsize
    if needed > available:
        raise ArchiveError("storage-full", target, needed=needed, available=available)


def check_same(name: Path, before: Listing, after: Listing) -> None:
    """Refuse a delivery that changed while it was copied."""
    if before != after:
        entries, findings = {*before.entries} ^ {*after.entries}, {*before.findings} ^ {*after.findings}
        raise ArchiveError(
            "delivery-changed",
            name,
            path=min([entry.path for entry in entries] + [finding.path for finding in findings]),
        )


def _received(journal: Journal) -> Received:
    closed = journal.closed
    files = tuple(sorted(journal.files.values(), key=lambda file: file.path))
    if closed is None or listing_sha256(files) != closed.listing_sha256:
        raise ArchiveError("stage-mismatch", "delivery.sha256", path="delivery.sha256")
    return Received(files, closed.bytes, closed.listing_sha256, closed.findings)


def listing_sha256(files: Iterable[Digested]) -> str:
    """Digest of the `delivery.sha256` of these files."""
    digest = hashlib.sha256()
    for line in listing_lines(files):
        digest.update(line)
    return digest.hexdigest()


class _Copier:
    """One receiving under way: what is copied but not yet vouched for, and how far it has come."""

    def __init__(
        self, target: Path, disk: FileSystem, journal: Journal, algorithms: Collection[str], progress: Progress
    ) -> None:
        self._target = os.fspath(target)
        self._disk = disk
        self._journal = journal
        self._algorithms = sorted({*algorithms} - {"sha256"})
        self._progress = progress
        self._made: set[str] = set()
        self._group: list[ReceivedFile] = []
        self._group_bytes = 0
        self._bytes = 0
        self.total = 0

    def has(self, entry: Entry) -> bool:
        """Whether the journal vouches for this very file, hashed as asked, and it lies there."""
        known = self._journal.files.get(entry.path)
        if known is None or Entry(known.path, known.size, known.mtime_ns) != entry:
            return False
        if not known.digests.keys() >= set(self._algorithms) or _size_of(f"{self._target}/{entry.path}") != entry.size:
            return False
        self._bytes += entry.size
        self._progress(self._bytes, self.total)
        return True

    def copy(self, entry: Entry, chunks: Iterator[Chunk]) -> None:
        """Copy one file, hashing on the way; after every group, sync and vouch."""
        hashes = [hashlib.new(name) for name in ("sha256", *self._algorithms)]
        with storage_errors(self._target):
            self._write(entry, chunks, hashes)
            digests = {name: digest.hexdigest() for name, digest in zip(self._algorithms, hashes[1:], strict=True)}
            self._group.append(ReceivedFile(entry.path, entry.size, hashes[0].hexdigest(), entry.mtime_ns, digests))
            self._group_bytes += entry.size
            if len(self._group) >= GROUP_FILES or self._group_bytes >= GROUP_BYTES:
                self._vouch()

    def close(self, listing: Listing) -> None:
        """Vouch for the rest, then for the whole."""
        with storage_errors(self._target):
            self._vouch()
            gone = self._journal.files.keys() - {entry.path for entry in listing.entries}
            self._journal.append(Dropped(path) for path in sorted(gone))
            sha256 = listing_sha256(self._journal.files.values())
            self._journal.append([Closed(len(listing.entries), listing.bytes, sha256, listing.findings)])

    def _write(self, entry: Entry, chunks: Iterator[Chunk], hashes: Iterable["hashlib._Hash"]) -> None:
        descriptor = self._new_file(entry.path)
        try:
            for chunk in chunks:
                for digest in hashes:
                    digest.update(chunk)
                write_all(descriptor, chunk)
                self._bytes += len(chunk)
                self._progress(self._bytes, self.total)
        finally:
            os.close(descriptor)

    def _new_file(self, path: str) -> int:
        """An empty file for a path; what a run that died left there was never vouched for and makes way."""
        place = f"{self._target}/{path}"
        parent = place.rpartition("/")[0]
        if parent not in self._made:
            Path(parent).mkdir(parents=True, exist_ok=True)
            self._made.add(parent)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            return os.open(place, flags, READ_ONLY)
        except FileExistsError:
            Path(place).unlink()
            return os.open(place, flags, READ_ONLY)

    def _vouch(self) -> None:
        if self._group:
            self._disk.sync()
            self._journal.append(self._group)
            self._group = []
            self._group_bytes = 0


def _size_of(path: str) -> int | None:
    """Size of a regular file; None where there is none."""
    try:
        status = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None
