"""Moving a log (迁移): an empty log is given another one's events, byte for byte, at the same positions.

What is inserted passes the same guards as what is appended, so that nothing out of order can come in; whether each
event is what it says is left to `verify_log`, which judges the whole afterwards.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec

from repository.domain.values import Sha256
from repository.errors import ArchiveError
from repository.eventlog import database
from repository.eventlog.codec import NOT_AN_EVENT, decode_envelope
from repository.eventlog.digests import command_digest, leaf_hash
from repository.eventlog.reader import LAST

EventRow = tuple[bytes, str | None, bytes | None]
"""An envelope, the salt in hex and the payload; these two are null where it was expunged."""


class CommandRow(msgspec.Struct, frozen=True):
    """What was asked, and which positions it took; none where `last` is `first` - 1."""

    command_id: str
    request_sha256: Sha256
    first: int
    last: int


def commands_of(path: Path, *, after: int = -1, upto: int = LAST) -> Iterator[CommandRow]:
    """The commands of a log that began after one position and ended at another or before, by what they took."""
    statement = (
        "SELECT command_id, request_sha256, first, last FROM commands "
        "WHERE first > ? AND last <= ? ORDER BY first, last"
    )
    with closing(database.connect(path, "ro")) as connection:
        yield from (CommandRow(*row) for row in connection.execute(statement, (after, upto)))


def restore_log(path: Path, rows: Iterable[EventRow], commands: Iterable[CommandRow]) -> int:
    """Make a log of these events and commands. The last position.

    `log-exists` where there is one; `log-fault` for what the guards refuse.
    """
    database.create(path)
    last, clock = 0, ""
    try:
        with closing(database.connect(path)) as connection:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN IMMEDIATE")
            for envelope, salt, payload in rows:
                said = decode_envelope(envelope)
                if said.recorded_at < clock:
                    connection.execute("INSERT INTO clock_back VALUES (?)", (said.position,))
                columns = (said.position, str(said.stream), said.version, said.type, said.schema, said.recorded_at)
                connection.execute(
                    "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*columns, envelope, leaf_hash(envelope))
                )
                if salt is not None:
                    connection.execute("INSERT INTO payloads VALUES (?, ?, ?)", (said.position, salt, payload))
                last, clock = said.position, said.recorded_at
            for one in commands:
                row = (one.command_id, one.request_sha256, one.first, one.last)
                connection.execute("INSERT INTO commands VALUES (?, ?, ?, ?, ?)", (*row, command_digest(*row)))
            connection.execute("COMMIT")
    except (sqlite3.IntegrityError, *NOT_AN_EVENT) as error:
        raise ArchiveError("log-fault", path, reason=error) from error
    return last
