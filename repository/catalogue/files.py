"""The catalogue's folder (目录库): databases, a pointer file naming the live one, and a lock.

A database's name is never used again. Making the catalogue anew writes a database beside the live one and then moves
the pointer, so nobody ever replaces a file that another process has open; whoever reads or writes looks at the pointer
first. Everything here can be made again from the log.
"""

import fcntl
import os
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from repository.catalogue.schema import VERSION, ddl
from repository.errors import ArchiveError

POINTER = "live"
LOCK = "lock"
_NAME = re.compile(r"catalogue-(\d{6,})\.sqlite")
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CANTOPEN})
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
LOOKS = 5
"""Times to look whether the lock is free: whoever asks for the board holds it for a moment, too."""
WAIT = 30.0
"""Seconds to wait for another writer before giving up."""


def live(folder: Path) -> str | None:
    """Name of the live database; null where there is no catalogue yet. A pointer to nowhere is damage."""
    name = _pointed(folder)
    while name is not None and not (_NAME.fullmatch(name) and (folder / name).is_file()):
        again = _pointed(folder)
        if again == name:
            raise ArchiveError("catalogue-damaged", folder / POINTER, reason=name[:40])
        name = again
    return name


def _pointed(folder: Path) -> str | None:
    try:
        return (folder / POINTER).read_text("ascii", "replace")
    except FileNotFoundError:
        return None


def new_name(folder: Path) -> str:
    """A name that no database here has, nor the pointer, be it to a database that is gone."""
    names = [path.name for path in folder.iterdir()] + [_pointed(folder) or ""]
    numbers = [int(found[1]) for name in names if (found := _NAME.match(name))]
    return f"catalogue-{max(numbers, default=0) + 1:06d}.sqlite"


def point_to(folder: Path, name: str) -> None:
    """Make that database the live one, durably."""
    _sync(folder / name)
    temporary = folder / f"{POINTER}.new"
    temporary.write_text(name, "ascii")
    _sync(temporary)
    temporary.rename(folder / POINTER)
    _sync(folder)


def sweep(folder: Path) -> None:
    """Remove databases that are not live. Readers who have one open keep it until they look at the pointer again."""
    keep = _pointed(folder)
    for path in folder.iterdir():
        name = _NAME.match(path.name)
        if name and name[0] != keep:
            path.unlink(missing_ok=True)


@contextmanager
def locked(folder: Path, *, wait: bool) -> Iterator[None]:
    """Hold the folder's lock, which only making a database needs. Without `wait`, a lock held elsewhere is an error."""
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        if wait:
            fcntl.flock(handle, fcntl.LOCK_EX)
        elif not any(_taken(handle, fcntl.LOCK_EX) for _ in range(LOOKS)):
            raise ArchiveError("catalogue-busy", folder)
        yield
    finally:
        os.close(handle)


def is_locked(folder: Path) -> bool:
    """Whether somebody makes a database here at this moment."""
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        return not _taken(handle, fcntl.LOCK_SH)
    finally:
        os.close(handle)


def _taken(handle: int, kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        time.sleep(0.02)
        return False
    return True


def create(path: Path) -> None:
    """Make an empty catalogue, ready to be pointed to."""
    db = sqlite3.connect(path, isolation_level=None)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        for statement in ddl():
            db.execute(statement)
    finally:
        db.close()


def build(path: Path) -> sqlite3.Connection:
    """An empty catalogue that nobody else sees yet: no journal and no syncing, a crash only leaves it to be swept."""
    db = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE", "cache_size = -131072"):
        db.execute(f"PRAGMA {pragma}")
    for statement in ddl():
        db.execute(statement)
    return db


def connect(path: Path) -> sqlite3.Connection:
    """Open a database that exists. `NORMAL` syncs at checkpoints only: what a power cut takes, the log brings back."""
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=WAIT)
    with failures(path):
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version != VERSION or db.execute("SELECT count(*) FROM state").fetchone()[0] != 1:
            raise ArchiveError("catalogue-damaged", path, reason=f"version {version}")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA cache_size = -32768")
    return db


@contextmanager
def failures(path: Path) -> Iterator[None]:
    """Say what a failure of the database means to the archive."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in _DAMAGED or "no such table" in str(error) or "no such column" in str(error):
            raise ArchiveError("catalogue-damaged", path, reason=error) from error
        if code in _BUSY:
            raise ArchiveError("catalogue-busy", path) from error
        if isinstance(error, sqlite3.OperationalError) and code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            raise ArchiveError("catalogue-storage", path, reason=error) from error
        raise


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
