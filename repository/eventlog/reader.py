"""Reading the log by position and by stream, in batches, so that no reader holds an old state of the file open."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import msgspec

from repository.domain.values import Sha256, Time
from repository.errors import ArchiveError
from repository.eventlog.database import Connection, Database

BATCH = 500
LAST = 2**63 - 1

Row = tuple[int, str, int, str, int, bytes, str | None, bytes | None]
"""position, stream, version, type, schema, envelope, salt (hex), payload"""

_SELECT = (
    "SELECT e.position, e.stream, e.version, e.type, e.schema, e.envelope, p.salt, p.payload "
    "FROM events AS e LEFT JOIN payloads AS p ON p.position = e.position "
)
_REPLACEMENT = (
    "SELECT json_extract(CAST(p.payload AS TEXT), '$.replacement') FROM events AS e "
    "JOIN payloads AS p ON p.position = e.position "
    "WHERE e.stream = ? AND e.version > ? AND e.type LIKE '%.PayloadExpunged' "
    "AND json_extract(CAST(p.payload AS TEXT), '$.position') = ?"
)


class Record(msgspec.Struct, frozen=True):
    """An event as it is stored, byte for byte. Salt and payload are null once the payload was expunged."""

    position: int
    type: str
    schema: int
    envelope: bytes
    salt: bytes | None
    payload: bytes | None


class Performed(msgspec.Struct, frozen=True):
    """A row of `commands`: what was asked, and the positions that it took (none: `last` is `first` - 1)."""

    request: Sha256
    first: int
    last: int


class Reader:
    """Everything that is asked of the log, by any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def by_position(self, after: int, upto: int | None, types: Sequence[str], limit: int | None) -> Iterator[list[Row]]:
        """Rows after one position and up to another (to the end), in batches."""
        left = LAST if limit is None else limit
        statement = f"{_SELECT}WHERE e.position > ? AND e.position <= ? {_of(types)}ORDER BY e.position LIMIT ?"
        while left > 0:
            size = min(left, BATCH)
            values = (after, LAST if upto is None else upto, *types, size)
            rows = self._database.reading.execute(statement, values).fetchall()
            if rows:
                yield rows
            if len(rows) < size:
                return
            after, left = rows[-1][0], left - len(rows)

    def by_version(self, stream: UUID, after: int, upto: int | None, *, desc: bool, limit: int | None) -> list[Row]:
        """Rows of one stream after one version and up to another, rising or falling."""
        return self._database.reading.execute(
            f"{_SELECT}WHERE e.stream = ? AND e.version > ? AND e.version <= ? "
            f"ORDER BY e.version {'DESC' if desc else 'ASC'} LIMIT ?",
            (str(stream), after, LAST if upto is None else upto, LAST if limit is None else limit),
        ).fetchall()

    def payload(self, row: Row) -> bytes:
        """Payload of a row, or its replacement when it was expunged. Raises `log-fault` when it is simply gone."""
        if row[7] is not None:
            return row[7]
        found = self._database.reading.execute(_REPLACEMENT, (row[1], row[2], row[0])).fetchone()
        if found is None:
            raise ArchiveError("log-fault", self._database.path, reason=f"position {row[0]} has no payload")
        replacement: str = found[0]
        return replacement.encode()

    def performed(self, command_id: UUID) -> Performed | None:
        """What a command did, if it was performed."""
        return performed(self._database.reading, command_id)

    def position(self) -> int:
        """The last position; 0 for an empty log."""
        position: int = self._one("SELECT position FROM high_water")
        return position

    def position_at(self, time: Time) -> int:
        """The last position whose `recorded_at` is not later than `time`; 0 when there is none.

        Where the clock went back, positions recorded before are later in time than positions that follow them; the last
        one counts. Between two such places times rise, so each stretch is bisected, the last stretch first.
        """
        connection = self._database.reading
        last = self.position()
        backs = [position for (position,) in connection.execute("SELECT position FROM clock_back ORDER BY 1 DESC")]
        for first in (*backs, 1):
            if first <= last and self._recorded_at(first) <= time:
                after: int = bisect_right(range(first + 1, last + 1), time, key=self._recorded_at)
                return first + after
            last = first - 1
        return 0

    def _recorded_at(self, position: int) -> str:
        return str(self._one("SELECT recorded_at FROM events WHERE position = ?", position))

    def _one(self, statement: str, *values: Any) -> Any:
        return self._database.reading.execute(statement, values).fetchone()[0]


def performed(connection: Connection, command_id: UUID) -> Performed | None:
    """What a command did, as this connection sees it."""
    row = connection.execute(
        "SELECT request_sha256, first, last FROM commands WHERE command_id = ?", (str(command_id),)
    ).fetchone()
    return Performed(*row) if row else None


def record_of(row: Row) -> Record:
    """The row's exact bytes."""
    position, _, _, name, schema, envelope, salt, payload = row
    return Record(position, name, schema, envelope, None if salt is None else bytes.fromhex(salt), payload)


def _of(types: Sequence[str]) -> str:
    return f"AND e.type IN ({', '.join('?' * len(types))}) " if types else ""
