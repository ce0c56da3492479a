"""Durable bytes (落盘): what has returned from here survives a power cut, or an error was raised.

Three ways, from the cheapest per file to the dearest: `FileSystem.sync` for everything written so far, once per batch;
`write_atomic` for one small file that replaces another; `sync_folder` for the names in one folder.
"""

import ctypes
import errno
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from repository.errors import ArchiveError, storage_error

_libc = ctypes.CDLL(None, use_errno=True)


class FileSystem:
    """The file system that holds `folder`, and the power to make all that was written to it durable.

    Open it before the first write: Linux reports a failed write-back only to descriptors opened before the failure.
    With `sync=False` nothing is made durable: for measuring what durability costs, never for an archive.
    """

    def __init__(self, folder: Path, *, sync: bool = True) -> None:
        self.folder = folder
        self._sync = sync
        self._descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)

    def sync(self) -> None:
        """Make everything written so far durable, files and names. Raises `storage-failed` when anything was lost."""
        if self._sync and syncfs(self._descriptor) != 0:
            number = ctypes.get_errno()
            raise ArchiveError("storage-failed", self.folder, reason=os.strerror(number))

    def close(self) -> None:
        """Let go of the folder."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def syncfs(descriptor: int) -> int:
    """The system call of that name, which Python 3.11 lacks: 0, or -1 with the reason in `ctypes.get_errno()`."""
    return int(_libc.syncfs(descriptor))


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write all of it: one call may take less than it is given."""
    written = os.write(descriptor, data)
    while written < len(data):
        written += os.write(descriptor, data[written:])


def write_atomic(path: Path, data: bytes) -> None:
    """Give a file new content: whoever looks, before or after a power cut, sees all of the old or all of the new."""
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        write_all(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    temporary.rename(path)
    sync_folder(path.parent)


@contextmanager
def storage_errors(thing: object) -> Iterator[None]:
    """Say in the archive's words what the operating system refused: `storage-exhausted` or `storage-failed`."""
    try:
        yield
    except OSError as error:
        raise storage_error(error, thing) from error


def probe(folder: Path) -> None:
    """Prove that a folder's file system renames, syncs and locks. Raises `store-unsafe` where it does not."""
    try:
        with tempfile.TemporaryDirectory(prefix=".probe-", dir=folder) as name:
            _probe(Path(name))
    except OSError as error:
        raise ArchiveError("store-unsafe", folder, reason=error) from error


def _probe(folder: Path) -> None:
    write_atomic(folder / "one", b"1")
    write_atomic(folder / "one", b"2")
    (folder / "inner").mkdir()
    (folder / "one").rename(folder / "inner" / "two")
    (folder / "inner").rename(folder / "outer")
    _expect((folder / "outer" / "two").read_bytes() == b"2", errno.EIO)
    with FileSystem(folder) as disk:
        _expect(syncfs(disk._descriptor) == 0, ctypes.get_errno())  # noqa: SLF001 - the class is of this module
    _probe_lock(folder / "outer" / "two")


def _probe_lock(path: Path) -> None:
    one, other = os.open(path, os.O_RDWR), os.open(path, os.O_RDWR)
    try:
        fcntl.flock(one, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with suppress(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
            raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
    finally:
        os.close(one)
        os.close(other)


def _expect(holds: bool, number: int) -> None:  # noqa: FBT001 - an assertion reads best with its condition first
    if not holds:
        raise OSError(number, os.strerror(number))
