"""Reading (读取): the live database as this thread has it open, and one consistent state of it at a time."""

import hashlib
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from repository.catalogue import files
from repository.catalogue.answers import Slice, slice_of
from repository.catalogue.schema import TABLES
from repository.errors import ArchiveError


class _Connection(threading.local):
    """A connection belongs to one thread, and to the database that the pointer named when it was opened."""

    name: str | None = None
    db: sqlite3.Connection | None = None


class Reading:
    """Readers of one catalogue, in any thread. Each question looks at the pointer first, so a rebuild is followed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._connection = _Connection()

    def position(self) -> int:
        """Position of the last event that was applied."""
        with self._snapshot() as (_, position):
            return position

    def digest(self, *, upto: int | None = None) -> str:
        """SHA-256 over every row as of a position.

        It is equal for a live catalogue, one made anew and one replayed to that position.
        """
        canon = hashlib.sha256()
        with self._snapshot(upto) as (db, position):
            for table in TABLES:
                canon.update(f"{table.name}\n".encode())
                seen = f"SELECT since, body FROM {table.name} WHERE since <= ?1 AND until > ?1 ORDER BY since"  # noqa: S608 - the schema's name
                for since, body in db.execute(seen, (position,)):
                    canon.update(b"%d %d " % (since, len(body)) + body)
        return canon.hexdigest()

    def close(self) -> None:
        """Close this thread's connection; the next question opens another."""
        if self._connection.db is not None:
            self._connection.db.close()
        self._connection.name = self._connection.db = None

    @contextmanager
    def _part(self, as_of: int | None, limit: int, after: str | None) -> Iterator[tuple[sqlite3.Connection, Slice]]:
        with self._snapshot(as_of) as (db, position):
            yield db, slice_of(position, limit=limit, after=after)

    @contextmanager
    def _snapshot(self, as_of: int | None = None) -> Iterator[tuple[sqlite3.Connection, int]]:
        """One consistent state of the live database, and the position to read it at."""
        name, db = self._live()
        with files.failures(self.folder / name):
            db.execute("BEGIN")
            try:
                position: int = db.execute("SELECT position FROM state").fetchone()[0]
                yield db, position if as_of is None else min(max(as_of, 0), position)
            finally:
                if db.in_transaction:
                    db.execute("COMMIT")

    def _live(self) -> tuple[str, sqlite3.Connection]:
        """The live database, opened by this thread: as the pointer names it now."""
        while True:
            name = files.live(self.folder)
            if name is None:
                raise ArchiveError("catalogue-damaged", self.folder, reason="-")
            if self._connection.db is not None and self._connection.name == name:
                return name, self._connection.db
            self.close()
            try:
                self._connection.db = files.connect(self.folder / name)
                self._connection.name = name
            except ArchiveError:
                if files.live(self.folder) == name:
                    raise
