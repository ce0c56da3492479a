"""Group commit (合并提交): one thread of the process writes; commands that wait together become durable together.

Each command stands in a savepoint of its own, so that one that fails, fails alone; nobody is answered before the commit
that holds their command is synced.
"""

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import NamedTuple

from repository.errors import ArchiveError
from repository.eventlog.database import Connection, Database
from repository.eventlog.turnstile import Turnstile

COMMANDS_PER_COMMIT = 256

Write = Callable[[Connection], list[int]]
"""What one command does inside its savepoint; it answers with the positions that it took."""


class _Job(NamedTuple):
    write: Write
    answer: Future[list[int]]


class Writer:
    """The process's only writer. `write` may be called by any thread and returns when the command is durable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.turnstile = Turnstile(database.path)
        self._waiting: SimpleQueue[_Job | None] = SimpleQueue()
        self._connection: Connection | None = None
        self._guard = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="event-log-writer", daemon=True)
        self._thread.start()

    def write(self, write: Write) -> list[int]:
        """Have a command written. Raises what `write` raised, `storage-full`, or `log-write-failed`."""
        self._database.expect_open()
        job = _Job(write, Future())
        with self._guard:  # nothing may come to wait behind the end
            if self._closed:
                raise RuntimeError("the event log is closed")
            self._waiting.put(job)
        return job.answer.result()

    def close(self) -> None:
        """Write what waits, then end the thread."""
        with self._guard:
            if self._closed:
                return
            self._closed = True
            self._waiting.put(None)
        self._thread.join()
        self.turnstile.close()

    def _run(self) -> None:
        more = True
        while more:
            jobs, more = self._next()
            if jobs:
                self._commit(jobs)
        self._abandon()

    def _next(self) -> tuple[list[_Job], bool]:
        """Every command that waits now, at least one; and whether more may come."""
        jobs: list[_Job] = []
        job = self._waiting.get()
        try:
            while job is not None:
                jobs.append(job)
                if len(jobs) == COMMANDS_PER_COMMIT:
                    return jobs, True
                job = self._waiting.get_nowait()
        except Empty:
            return jobs, True
        return jobs, False

    def _commit(self, jobs: list[_Job]) -> None:
        try:
            with self.turnstile.held():
                connection = self._connected()
                connection.execute("BEGIN IMMEDIATE")
                outcomes = [_attempt(connection, job.write) for job in jobs]
                connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - whatever it is, every waiting caller must learn it, and the thread live on
            self._abandon()
            for job in jobs:
                job.answer.set_exception(_storage_error(error, self._database.path))
            return
        for job, outcome in zip(jobs, outcomes, strict=True):
            if isinstance(outcome, Exception):
                job.answer.set_exception(outcome)
            else:
                job.answer.set_result(outcome)

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._database.connect()
        return self._connection

    def _abandon(self) -> None:
        """Close the connection, which rolls back what was not committed: after a failed write nothing is trusted."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _attempt(connection: Connection, write: Write) -> list[int] | Exception:
    """One command in its savepoint. Only a failure of the storage itself ends the whole transaction."""
    connection.execute("SAVEPOINT command")
    try:
        positions = write(connection)
    except Exception as error:
        if isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.IntegrityError):
            raise
        connection.execute("ROLLBACK TO command")
        connection.execute("RELEASE command")
        return error
    connection.execute("RELEASE command")
    return positions


def _storage_error(error: Exception, path: Path) -> ArchiveError:
    """One caller's own error: an exception that several threads raise would mix up their tracebacks."""
    code = getattr(error, "sqlite_errorcode", None)
    if isinstance(error, ArchiveError):
        failure = ArchiveError(error.code, **error.values)
    elif code == sqlite3.SQLITE_FULL:
        failure = ArchiveError("storage-full", path)
    elif code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        failure = ArchiveError("log-fault", path, reason=error)
    else:
        failure = ArchiveError("log-write-failed", path, reason=error)
    failure.__cause__ = error
    return failure
