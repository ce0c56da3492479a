"""Handing out (分发): stored bytes leave the archive as copies, each compared with its digest while it is copied."""

import errno
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from packages_spec.digests import Digested, chunks_of, digest_file, sha256_of
from repository.errors import ArchiveError
from repository.storage.durable import sync_folder
from repository.storage.locks import take
from repository.storage.wiping import wipe

OUTGOING = "outgoing"


class Folder:
    """A folder that a package is written into, file by file; nothing in it is ever written twice."""

    def __init__(self, root: Path) -> None:
        """`folder-exists` when something is there."""
        self.root = root
        try:
            root.mkdir(parents=True)
        except FileExistsError as error:
            raise ArchiveError("folder-exists", root) from error

    def write(self, path: str, chunks: Iterable[bytes]) -> Digested:
        """Write a new file while hashing it."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("xb", buffering=0) as file:
            size, digest = sha256_of(_writing(file.write, chunks))
        return Digested(path, size, digest)

    def copy(self, source: Path, path: str, expected: str) -> Digested:
        """Copy a stored file; `fixity-mismatch` when its bytes are not what the log's manifest says."""
        try:
            copied = self.write(path, chunks_of(source))
        except FileNotFoundError as error:
            raise ArchiveError("fixity-mismatch", source, expected=expected, found="-") from error
        if copied.sha256 != expected:
            raise ArchiveError("fixity-mismatch", source, expected=expected, found=copied.sha256)
        return copied

    def hashed(self, path: str) -> Digested:
        """Hash a file that a program wrote here by itself."""
        return Digested(path, *digest_file(self.root / path))

    def inner(self, name: str) -> "Folder":
        """A new folder inside this one."""
        return Folder(self.root / name)

    def hand_out(self, target: Path, path: str = "") -> None:
        """Move the whole folder, or one file of it, to its place outside. `folder-exists` when something is there."""
        if target.exists():
            raise ArchiveError("folder-exists", target)
        target.parent.mkdir(parents=True, exist_ok=True)
        leaving = self.root / path
        try:
            leaving.rename(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            if path:
                shutil.copyfile(leaving, target)
            else:
                shutil.copytree(self.root, target)
                self.discard()

    def keep(self, path: str, target: Path) -> None:
        """Move a file to where it waits inside the archive to be fetched; durable when this returns."""
        target.parent.mkdir(parents=True, exist_ok=True)
        with (self.root / path).open("rb") as file:
            os.fsync(file.fileno())
        (self.root / path).rename(target)
        sync_folder(target.parent)

    def discard(self) -> None:
        """Remove what was written and not handed out; it is a copy, the archive loses nothing."""
        wipe(self.root)


@contextmanager
def outgoing(archive: Path, identifier: UUID) -> Iterator[Folder]:
    """A folder in the archive's staging in which something is made that will leave; what does not leave goes."""
    room = archive / "staging" / OUTGOING
    room.mkdir(exist_ok=True)
    lock = take(room / f"{identifier}.lock")
    try:
        folder = Folder(room / str(identifier))
        yield folder
    finally:
        wipe(room / str(identifier))  # it may hold what lies encrypted everywhere else
        lock.release()


def sweep_outgoing(archive: Path) -> None:
    """Remove the copies that a killed run left on their way out. What a living process is making stays."""
    room = archive / "staging" / OUTGOING
    for folder in list(room.iterdir()) if room.is_dir() else ():
        if folder.is_dir():
            try:
                lock = take(room / f"{folder.name}.lock")
            except ArchiveError:
                continue
            wipe(folder)
            lock.release()


def discard_kept(folder: Path) -> None:
    """Remove what was kept to be fetched, overwriting it; it is a copy, the archive loses nothing."""
    wipe(folder)


def kept_in(room: Path) -> Iterator[UUID]:
    """For which requests something is kept in this folder."""
    for folder in sorted(room.iterdir()) if room.is_dir() else ():
        yield UUID(folder.name)


def _writing(write: Callable[[memoryview], int], chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        view = memoryview(chunk)
        while view:
            view = view[write(view) :]
        yield chunk
