"""Expunging (清除): the payloads that a committed `PayloadExpunged` names leave the log's file, and its journal.

The row is deleted, which the database's own guard allows for such a payload alone, and SQLite overwrites what it frees.
Then the journal is brought into the file and cut to nothing. Bytes of a page that was once divided may still lie in a
gap of it: where they are found, or where a run that died cannot say what to look for, the file is written anew.
"""

import mmap
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from repository.errors import ArchiveError
from repository.eventlog.database import Connection, Database, unreadable
from repository.eventlog.turnstile import Turnstile

WINDOW = 32
"""Bytes of a payload that are looked for at once; salt and digests make even such a piece somebody's own."""


def expunge(database: Database, turnstile: Turnstile, positions: Sequence[int]) -> None:
    """Take these payloads out of the file. Done already, it is made sure of once more.

    `locked` while somebody reads an old state of the file for longer than a minute: nothing is lost, call it again.
    `log-fault` where no `PayloadExpunged` names one of them: the database refuses.
    """
    try:
        with turnstile.held(), closing(database.connect()) as connection:
            payloads = _delete(connection, positions)
            _checkpoint(connection, database.path)
            if len(payloads) < len(set(positions)) or _remains(database.path, payloads):
                connection.execute("VACUUM")
                _checkpoint(connection, database.path)
    except sqlite3.IntegrityError as error:
        raise ArchiveError("log-fault", database.path, reason=error) from error
    except sqlite3.DatabaseError as error:
        raise unreadable(error, database.path) from error


def _delete(connection: Connection, positions: Sequence[int]) -> list[bytes]:
    """What was deleted; all of it or nothing."""
    gone = []
    connection.execute("BEGIN IMMEDIATE")
    try:
        for position in sorted(set(positions)):
            row = connection.execute("SELECT payload FROM payloads WHERE position = ?", (position,)).fetchone()
            if row is not None:
                gone.append(bytes(row[0]))
                connection.execute("DELETE FROM payloads WHERE position = ?", (position,))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return gone


def _checkpoint(connection: Connection, path: Path) -> None:
    busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise ArchiveError("locked", path)


def _remains(path: Path, payloads: Sequence[bytes]) -> bool:
    """Whether a piece of a deleted payload still lies in the file."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return any(
            content.find(payload[start : start + WINDOW]) >= 0
            for payload in payloads
            for start in range(0, max(1, len(payload) - WINDOW + 1), WINDOW)
        )
