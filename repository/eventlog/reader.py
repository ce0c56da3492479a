"""Reading the log by position and by stream, in batches, so that no reader holds an old state of the file open."""

import sqlite3
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import msgspec

from repository.domain.corrections import PayloadExpunged
from repository.domain.values import Sha256, Time
from repository.errors import ArchiveError
from repository.eventlog.codec import NOT_AN_EVENT
from repository.eventlog.database import Connection, Database, unreadable

BATCH = 500
ENVELOPES = 2_000
LAST = 2**63 - 1

Row = tuple[int, str, int, str, int, bytes, str | None, bytes | None]
"""position, stream, version, type, schema, envelope, salt (hex), payload"""

_SELECT = (
    "SELECT e.position, e.stream, e.version, e.type, e.schema, e.envelope, p.salt, p.payload "
    "FROM events AS e LEFT JOIN payloads AS p ON p.position = e.position "
)
_EXPUNGED = (
    "SELECT p.payload FROM events AS e JOIN payloads AS p ON p.position = e.position "
    "WHERE e.stream = ? AND e.version > ? AND e.type LIKE '%.PayloadExpunged' ORDER BY e.version DESC"
)


_decode_expunged = msgspec.json.Decoder(PayloadExpunged).decode


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
    """Everything that is asked of the log, by any thread. Raises `storage-failed` or `log-fault`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def by_position(self, after: int, upto: int | None, types: Sequence[str], limit: int | None) -> Iterator[list[Row]]:
        """Rows after one position and up to another (to the end), in batches."""
        left = LAST if limit is None else limit
        statement = f"{_SELECT}WHERE e.position > ? AND e.position <= ? {_of(types)}ORDER BY e.position LIMIT ?"
        while left > 0:
            size = min(left, BATCH)
            rows: list[Row] = self._fetch(statement, after, LAST if upto is None else upto, *types, size)
            if rows:
                yield rows
            if len(rows) < size:
                return
            after, left = rows[-1][0], left - len(rows)

    def envelopes(self, after: int, upto: int) -> Iterator[bytes]:
        """Envelopes after one position and up to another, in batches."""
        statement = "SELECT envelope FROM events WHERE position > ? AND position <= ? ORDER BY position LIMIT ?"
        while after < upto:
            rows = self._fetch(statement, after, upto, ENVELOPES)
            if not rows:
                return
            yield from (envelope for (envelope,) in rows)
            after += len(rows)

    def by_version(self, stream: UUID, after: int, upto: int | None, *, desc: bool, limit: int | None) -> list[Row]:
        """Rows of one stream after one version and up to another, rising or falling."""
        order = "DESC" if desc else "ASC"
        statement = (
            f"{_SELECT}WHERE e.stream = ? AND e.version > ? AND e.version <= ? ORDER BY e.version {order} LIMIT ?"
        )
        return self._fetch(
            statement, str(stream), after, LAST if upto is None else upto, LAST if limit is None else limit
        )

    def payload(self, row: Row) -> bytes:
        """Payload of a row, or its replacement when it was expunged. Raises `log-fault` when it is simply gone."""
        if row[7] is not None:
            return row[7]
        with self._readable() as connection:
            found = replacement(connection, row[1], row[2], row[0])
        if found is None:
            raise ArchiveError("log-fault", self._database.path, reason=f"position {row[0]} has no payload")
        return found

    def performed(self, command_id: UUID) -> Performed | None:
        """What a command did, if it was performed."""
        with self._readable() as connection:
            return performed(connection, command_id)

    def position(self) -> int:
        """The last position; 0 for an empty log."""
        ((position,),) = self._fetch("SELECT position FROM high_water")
        return int(position)

    def newest(self, stream: UUID, upto: int) -> bytes | None:
        """The envelope of a stream's newest event up to a position; null for a stream not begun by then."""
        statement = "SELECT envelope FROM events WHERE stream = ? AND position <= ? ORDER BY version DESC LIMIT 1"
        rows = self._fetch(statement, str(stream), upto)
        return rows[0][0] if rows else None

    def naming(self, identity: UUID, upto: int) -> list[int]:
        """Positions of the events that name an id anywhere, envelope or payload."""
        return self.containing(str(identity), upto)

    def containing(self, words: str, upto: int) -> list[int]:
        """Positions at which these words stand, as JSON spells them. Reads the whole log, inside SQLite."""
        spelled = msgspec.json.encode(words)[1:-1]
        statement = (
            "SELECT e.position FROM events AS e LEFT JOIN payloads AS p ON p.position = e.position "
            "WHERE e.position <= ?1 AND (instr(e.envelope, CAST(?2 AS BLOB)) OR instr(p.payload, CAST(?2 AS BLOB))) "
            "ORDER BY e.position"
        )
        return [int(position) for (position,) in self._fetch(statement, upto, spelled.decode())]

    def identified(self, event: UUID) -> int | None:
        """The position of the event with that id: its envelope begins with it."""
        begin = f'{{"event_id":"{event}"'
        statement = "SELECT position FROM events WHERE substr(envelope, 1, ?1) = CAST(?2 AS BLOB) LIMIT 1"
        rows = self._fetch(statement, len(begin), begin)
        return int(rows[0][0]) if rows else None

    def at(self, positions: Sequence[int]) -> Iterator[Row]:
        """The rows at these positions, in the order of the log."""
        ordered = sorted(set(positions))
        for start in range(0, len(ordered), BATCH):
            batch = ordered[start : start + BATCH]
            places = ", ".join("?" * len(batch))
            yield from self._fetch(f"{_SELECT}WHERE e.position IN ({places}) ORDER BY e.position", *batch)

    def counts(self, after: int, upto: int) -> dict[str, int]:
        """How many events of each type stand after one position and up to another."""
        statement = "SELECT type, count(*) FROM events WHERE position > ? AND position <= ? GROUP BY type ORDER BY type"
        return dict(self._fetch(statement, after, upto))

    def recorded_at(self, position: int) -> Time | None:
        """When the event at a position was written; null where there is none."""
        rows = self._fetch("SELECT recorded_at FROM events WHERE position = ?", position)
        return str(rows[0][0]) if rows else None

    def clock_back(self) -> list[int]:
        """The positions at which the clock stood earlier than one position before."""
        return [int(position) for (position,) in self._fetch("SELECT position FROM clock_back ORDER BY position")]

    def position_at(self, time: Time) -> int:
        """The last position whose `recorded_at` is not later than `time`; 0 when there is none.

        Where the clock went back, positions recorded before are later in time than positions that follow them; the last
        one counts. Between two such places times rise, so each stretch is bisected, the last stretch first.
        """
        last = self.position()
        for (first,) in self._fetch("SELECT position FROM clock_back UNION SELECT 1 ORDER BY 1 DESC"):
            stretch = range(first, last + 1)
            if earlier := bisect_right(stretch, time, key=self._recorded_at):
                return stretch[earlier - 1]
            last = first - 1
        return 0

    def _recorded_at(self, position: int) -> str:
        ((recorded_at,),) = self._fetch("SELECT recorded_at FROM events WHERE position = ?", position)
        return str(recorded_at)

    def _fetch(self, statement: str, *values: str | int) -> list[Any]:
        with self._readable() as connection:
            return connection.execute(statement, values).fetchall()

    @contextmanager
    def _readable(self) -> Iterator[Connection]:
        try:
            with self._database.reading() as connection:
                yield connection
        except (sqlite3.DatabaseError, *NOT_AN_EVENT) as error:
            raise unreadable(error, self._database.path) from error


def replacement(connection: Connection, stream: str, version: int, position: int) -> bytes | None:
    """What stands for the payload at `position`: the newest `PayloadExpunged` that names it says so in its stream."""
    for (payload,) in connection.execute(_EXPUNGED, (stream, version)):
        named = _decode_expunged(payload)
        if named.position == position:
            return named.replacement.encode()
    return None


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
