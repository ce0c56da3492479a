"""Handing out (分发): stored bytes leave the archive as copies, each compared with its digest while it is copied."""

import errno
import hashlib
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
MEMORY = Path("/dev/shm")  # noqa: S108 - the names in it are an archive's own, and nobody else may enter them
"""Where the system keeps files in memory."""
MOUNTS = Path("/proc/mounts")


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

    def write_out(self, chunks: Iterable[bytes], target: Path) -> None:
        """Write a file straight to where it waits inside the archive; durable, and under its name, or not there."""
        target.parent.mkdir(parents=True, exist_ok=True)
        making = target.with_name(f".{target.name}.part")
        try:
            with making.open("xb", buffering=0) as file:
                sha256_of(_writing(file.write, chunks))
                os.fsync(file.fileno())
            making.rename(target)
        finally:
            making.unlink(missing_ok=True)
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


@contextmanager
def outgoing_in_memory(archive: Path, identifier: UUID) -> Iterator[Folder]:
    """The same for what lies encrypted in the archive: a folder in memory; a disk sees of it what the system swaps out.

    `memory-missing` where the system keeps no files in memory: nothing is made then.
    """
    if not _is_memory(MEMORY):
        raise ArchiveError("memory-missing", MEMORY)
    room = archive / "staging" / OUTGOING
    room.mkdir(exist_ok=True)
    lock = take(room / f"{identifier}.lock")
    place = MEMORY / f"{_mark_of(archive)}{identifier}"
    try:
        place.mkdir(mode=0o700)
        yield Folder(place / "made")
    except OSError as error:
        if error.errno != errno.ENOSPC or os.statvfs(MEMORY).f_bavail:
            raise
        raise ArchiveError("memory-full", identifier) from error
    finally:
        wipe(place)
        lock.release()


def _is_memory(folder: Path) -> bool:
    """Whether what lies in the folder lies in memory, by what the system says of it."""
    try:
        mounts = [line.split(" ") for line in MOUNTS.read_text("utf-8").splitlines()]
    except OSError:
        return False
    return any(one[1] == str(folder) and one[2] == "tmpfs" for one in mounts) and os.access(folder, os.W_OK)


def _mark_of(archive: Path) -> str:
    """What the names of an archive's folders in memory begin with: several archives share one machine."""
    return f"jingui-{hashlib.sha256(os.fsencode(archive.resolve())).hexdigest()[:16]}-"


def sweep_outgoing(archive: Path) -> None:
    """Remove the copies that a killed run left on their way out. What a living process is making stays."""
    room, mark = archive / "staging" / OUTGOING, _mark_of(archive)
    if not room.is_dir():
        return
    left = [(folder, folder.name) for folder in room.iterdir() if folder.is_dir()]
    if MEMORY.is_dir():
        left += [(folder, folder.name.removeprefix(mark)) for folder in MEMORY.glob(f"{mark}*")]
    for folder, name in left:
        try:
            lock = take(room / f"{name}.lock")
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
