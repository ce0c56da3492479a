"""The log's file: how it is made, opened and connected to. A connection belongs to one thread and one process."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from weakref import WeakSet

from repository.errors import ArchiveError
from repository.eventlog import schema

BUSY_SECONDS = 60.0
STATEMENTS_KEPT = 128
_OF_THE_PLACE = frozenset(
    {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_NOMEM}
)
_ASSERTED = (("journal_mode", "wal"), ("synchronous", 2), ("secure_delete", 1))


class Connection(sqlite3.Connection):
    """A connection that knows whether it is in use: one closed under its reader's hands would crash the process."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.in_use = threading.RLock()

    def __del__(self) -> None:
        with suppress(sqlite3.ProgrammingError):  # it was never opened
            self.close()


class Database:
    """An event log's file, opened by this process."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._process = os.getpid()
        self._threads = threading.local()
        self._guard = threading.Lock()
        self._readers: WeakSet[Connection] = WeakSet()
        self._closed = False

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """This thread's connection, to the end of the block; it can write nothing."""
        self.expect_open()
        connection: Connection | None = getattr(self._threads, "connection", None)
        if connection is None:
            connection = self._threads.connection = self.connect()
            connection.execute("PRAGMA query_only = ON")
            with self._guard:
                self._readers.add(connection)
        with connection.in_use:
            self.expect_open()
            yield connection

    def connect(self) -> Connection:
        """A new connection: WAL, every commit synced, deleted content overwritten - asserted, not assumed."""
        connection = connect(self.path)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        for pragma, expected in _ASSERTED:
            (found,) = connection.execute(f"PRAGMA {pragma}").fetchone()
            if found != expected:
                raise ArchiveError("log-fault", self.path, reason=f"{pragma} = {found}, not {expected}")
        return connection

    def expect_open(self) -> None:
        """Raise `log-forked` in a forked process, for a connection that crosses a fork corrupts the file.

        `RuntimeError` when the log was closed: a bug of the caller's.
        """
        if os.getpid() != self._process:
            raise ArchiveError("log-forked", self.path)
        if self._closed:
            raise RuntimeError(f"the event log is closed: {self.path}")

    def close(self) -> None:
        """Close the readers of all threads, each when it has finished. A forked process leaves everything as it is."""
        if os.getpid() != self._process:
            return
        with self._guard:
            self._closed = True
            readers = list(self._readers)
        for connection in readers:
            with connection.in_use:
                connection.close()


def connect(path: Path, mode: str = "rw") -> Connection:
    """Connect to an existing file in SQLite's `rw` or `ro` mode, without any setting."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        cached_statements=STATEMENTS_KEPT,
        check_same_thread=False,  # only so that it may be closed by whoever is the last to hold it
        timeout=BUSY_SECONDS,
        factory=Connection,
    )


def unreadable(error: Exception, path: Path) -> ArchiveError:
    """What a failure to read means: the place is full or fails, or else what stands in the file cannot be trusted."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return ArchiveError("storage-full", path)
    if code in _OF_THE_PLACE:
        return ArchiveError("storage-failed", path, reason=error)
    return ArchiveError("log-fault", path, reason=error)


def create(path: Path) -> None:
    """Make an empty log. It is laid under another name and renamed when it is whole and durable.

    Raises `log-exists` when there is a file of that name already.
    """
    laid = path.with_name(f"{path.name}.new")
    laid.unlink(missing_ok=True)
    laid.touch()
    connection = connect(laid)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        schema.lay(connection)
    finally:
        connection.close()
    try:
        path.hardlink_to(laid)  # unlike a rename, refuses to replace
    except FileExistsError:
        raise ArchiveError("log-exists", path) from None
    finally:
        laid.unlink()
    _sync_folder(path.parent)


def open_existing(path: Path) -> Database:
    """Open a log. Refused when there is none, when the file is something else, and when a guard is missing in it."""
    if not path.is_file():
        raise ArchiveError("log-missing", path)
    try:
        database = Database(path)
        with database.reading() as connection:
            (kind,) = connection.execute("PRAGMA application_id").fetchone()
            different = schema.differences(connection)
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        raise unreadable(error, path) from error
    if kind != schema.APPLICATION_ID or different:
        database.close()
        raise ArchiveError("log-fault", path, reason=", ".join(different) or f"application_id {kind}")
    return database


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
