"""Locks (锁): at most one process, and one thread of it, works on an object at a time.

A lock is a file held with `flock`: the system lets go of it when its holder dies, so none is ever stale. The holder
removes the file before letting go; whoever waited on the removed file notices and starts over.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from repository.errors import ArchiveError


class Lock:
    """A held lock. Made by `take`; ended by `release`, or by the end of its process."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    def release(self) -> None:
        """Let go. A second call does nothing."""
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            try:
                self._path.unlink(missing_ok=True)
            finally:
                os.close(descriptor)


def take(path: Path) -> Lock:
    """Hold the lock of that name, at once or not at all. Raises `locked` while somebody else holds it."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise ArchiveError("locked", path.stem) from error
        if _is_still(path, descriptor):
            return Lock(path, descriptor)
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Whether somebody holds the lock of that name now."""
    try:
        take(path).release()
    except ArchiveError:
        return True
    return False


def _is_still(path: Path, descriptor: int) -> bool:
    """Whether the file held is the one that has the name: its last holder may have removed it meanwhile."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


@contextmanager
def run_lock(archive: Path, name: str) -> Iterator[None]:
    """Be the only one that does work of this name, to the end of the block. Raises `locked` while another does it."""
    with run_lock_in(archive / "staging", name):
        yield


@contextmanager
def run_lock_in(folder: Path, name: str) -> Iterator[None]:
    """The same for work that has its lock in a folder of its own."""
    lock = take(folder / f"{name}.lock")
    try:
        yield
    finally:
        lock.release()


def is_running(archive: Path, name: str) -> bool:
    """Whether somebody does the work of this name now."""
    lock = archive / "staging" / f"{name}.lock"
    return lock.exists() and is_held(lock)
