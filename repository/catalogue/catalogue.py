"""The catalogue (目录): its life - opened, caught up with the log, made anew - and all that can be asked of it."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Self

import msgspec

from repository.catalogue import files
from repository.catalogue.projector import EventReader, Projector, read
from repository.catalogue.queries import Queries
from repository.errors import ArchiveError

BATCH = 500
"""Events of one transaction: the writers of the log wait for nobody, and a reader of the catalogue not for long."""

BUILD_BATCH = 5_000
"""Events of one transaction of a database that nobody else sees."""

Progress = Callable[[int, int], None]
"""Called after each batch with the position reached and the position aimed at."""


class Projection(msgspec.Struct, frozen=True, kw_only=True):
    """A projection on the board: how far it is, what last went wrong, and whether it is being made anew."""

    name: str
    position: int
    last_error: str | None
    rebuilding: bool


class Catalogue(Queries):
    """One archive's catalogue. Usable from any thread and beside other processes; see `files` for how they agree."""

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open the catalogue in this folder, or make an empty one where there is none.

        `catalogue-damaged` when it is there and cannot be read: `Catalogue(folder).rebuild(reader)` makes it anew.
        """
        catalogue = cls(folder)
        folder.mkdir(parents=True, exist_ok=True)
        if files.live(folder) is None:
            with files.locked(folder, wait=True):
                if files.live(folder) is None:
                    name = files.new_name(folder)
                    files.create(folder / name)
                    files.point_to(folder, name)
        catalogue.position()
        return catalogue

    def catch_up(self, reader: EventReader, *, upto: int | None = None, progress: Progress | None = None) -> int:
        """Apply what the log holds beyond this catalogue, up to `upto`, and answer the position reached.

        Two processes may do this at once: each batch is applied only where the position still is what it was read
        for, in one transaction with the new position. `catalogue-ahead` when the log is shorter than the catalogue,
        `log-gap` when a position is missing from it. An error is kept for the board and raised.
        """
        position, newest = self.position(), reader.position()
        if position > newest:
            raise ArchiveError("catalogue-ahead", self.folder, position=position, log=newest)
        end = newest if upto is None else min(upto, newest)
        while position < end:
            try:
                self._apply_batch(reader, position, end)
            except Exception as error:
                self._remember(error)
                raise
            position = self.position()
            if progress is not None:
                progress(position, end)
        return position

    def rebuild(self, reader: EventReader, *, progress: Progress | None = None) -> int:
        """Make the catalogue anew from the whole log, beside the live one, and answer the position reached.

        The live one goes on being read and caught up until, under its write lock, the pointer moves. One at a time:
        `catalogue-busy` while another process does this.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with files.locked(self.folder, wait=False):
            files.sweep(self.folder)
            try:
                reached = self._build_and_swap(files.new_name(self.folder), reader, progress)
            finally:
                self.close()
                files.sweep(self.folder)
        return reached

    def board(self) -> list[Projection]:
        """The state of every projection."""
        with self._snapshot() as (db, _):
            position, last_error = db.execute("SELECT position, last_error FROM state").fetchone()
        rebuilding = files.is_locked(self.folder)
        return [Projection(name="catalogue", position=position, last_error=last_error, rebuilding=rebuilding)]

    def _apply_batch(self, reader: EventReader, position: int, end: int) -> None:
        """One transaction. Should the pointer have moved meanwhile, it goes to a database that nobody asks any more."""
        reached = min(end, position + BATCH)
        name, db = self._live()
        with files.failures(self.folder / name):
            db.execute("BEGIN IMMEDIATE")
            try:
                if _position(db) == position:
                    _apply(db, reader, position, reached)
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    def _build_and_swap(self, name: str, reader: EventReader, progress: Progress | None) -> int:
        with files.failures(self.folder / name), closing(files.build(self.folder / name)) as db:
            _build(db, reader, progress)
            with self._old_at_rest():
                reached = _build(db, reader, progress)
                db.execute("PRAGMA locking_mode = NORMAL")
                db.execute("PRAGMA journal_mode = WAL")
                db.close()
                files.point_to(self.folder, name)
        return reached

    def _remember(self, error: Exception) -> None:
        """Put the error on the board, unless it is that somebody else is writing.

        A catalogue that cannot even take that down says so by itself when it is read.
        """
        if isinstance(error, ArchiveError) and error.code == "catalogue-busy":
            return
        with suppress(ArchiveError, sqlite3.DatabaseError):
            _, db = self._live()
            db.execute("UPDATE state SET last_error = ?", (f"{type(error).__name__}: {error}",))

    @contextmanager
    def _old_at_rest(self) -> Iterator[None]:
        """Keep everybody from writing to the live database. One that cannot be read is nobody's to write to."""
        db = None
        try:
            name, db = self._live()
            with files.failures(self.folder / name):
                db.execute("BEGIN IMMEDIATE")
        except ArchiveError as error:
            if error.code != "catalogue-damaged":
                raise
        try:
            yield
        finally:
            if db is not None and db.in_transaction:
                db.execute("ROLLBACK")


def _build(db: sqlite3.Connection, reader: EventReader, progress: Progress | None) -> int:
    end = reader.position()
    while (position := _position(db)) < end:
        reached = min(end, position + BUILD_BATCH)
        db.execute("BEGIN")
        _apply(db, reader, position, reached)
        db.execute("COMMIT")
        if progress is not None:
            progress(reached, end)
    return position


def _apply(db: sqlite3.Connection, reader: EventReader, position: int, reached: int) -> None:
    """Apply the events after one position up to another, each let go as soon as it is applied."""
    projector = Projector(db, reader)
    projector.apply(read(reader, position, reached))
    projector.flush()
    db.execute("UPDATE state SET position = ?, last_error = NULL", (reached,))


def _position(db: sqlite3.Connection) -> int:
    position: int = db.execute("SELECT position FROM state").fetchone()[0]
    return position
