"""The recorder: the library's `ApplicationRecorder` over our tables."""

import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from eventsourcing.persistence import ApplicationRecorder, IntegrityError, Notification, StoredEvent, Subscription

from repository.domain.values import Sha256, time_of
from repository.errors import ArchiveError
from repository.eventlog.codec import PARTS, Frame, fill
from repository.eventlog.database import Connection, Database
from repository.eventlog.digests import command_digest, leaf_hash
from repository.eventlog.expunging import expunge
from repository.eventlog.reader import Reader, Row, performed
from repository.eventlog.schema import VERSION_GUARD
from repository.eventlog.subscription import PollingSubscription
from repository.eventlog.turnstile import Turnstile
from repository.eventlog.writer import Writer

Clock = Callable[[], datetime]
"""Answers with the time, in any time zone, never without one."""

_decode_frame = msgspec.msgpack.Decoder(Frame).decode
_encode_frame = msgspec.msgpack.Encoder().encode


class CommandPerformedError(Exception):
    """The same command was written while this one was on its way."""


class Recorder(ApplicationRecorder):
    """Appends frames under the version guard, and reads them back. Anything that is not a frame is refused."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.reader = Reader(database)
        self._database = database
        self._clock = clock
        self._writer = Writer(database)

    @property
    def turnstile(self) -> Turnstile:
        """Where this process takes its turn to write."""
        return self._writer.turnstile

    def expunge(self, positions: Sequence[int]) -> None:
        """Take payloads out of the file that a committed `PayloadExpunged` names. See `expunging`."""
        expunge(self._database, self.turnstile, positions)

    def close(self) -> None:
        """Write what waits, then close the file."""
        self._writer.close()
        self._database.close()

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int]:
        """Append all or none, with the row of the command that they come from (`command=(id, request digest)`).

        Raises the library's `IntegrityError` when the version guard refuses, and only then; `CommandPerformedError`;
        `ArchiveError` for a fault of the log or of the storage.
        """
        command: tuple[UUID, Sha256] | None = kwargs.get("command")
        return self._writer.write(lambda connection: self._append(connection, stored_events, command))

    def _append(
        self, connection: Connection, stored_events: Sequence[StoredEvent], command: tuple[UUID, Sha256] | None
    ) -> list[int]:
        if command is not None and performed(connection, command[0]) is not None:
            raise CommandPerformedError
        reach, clock_before = connection.execute("SELECT position, recorded_at FROM high_water").fetchone()
        positions = list(range(reach + 1, reach + 1 + len(stored_events)))
        now = time_of(self._clock())
        try:
            if positions and now < clock_before:
                connection.execute("INSERT INTO clock_back VALUES (?)", (reach + 1,))
            for position, stored in zip(positions, stored_events, strict=True):
                self._insert(connection, position, now, stored)
            if command is not None:
                _insert_command(connection, str(command[0]), command[1], reach + 1, reach + len(positions))
        except sqlite3.IntegrityError as error:
            raise self._judged(error) from error
        return positions

    def _insert(self, connection: Connection, position: int, recorded_at: str, stored: StoredEvent) -> None:
        """One event. The clock may have gone back: its true time is recorded, and position alone orders the log."""
        schema, parts, salt, payload = _opened(stored)
        envelope = fill(parts, position, recorded_at)
        row = (str(stored.originator_id), stored.originator_version, stored.topic, schema, recorded_at)
        connection.execute(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (position, *row, envelope, leaf_hash(envelope))
        )
        connection.execute("INSERT INTO payloads VALUES (?, ?, ?)", (position, salt.hex(), payload))

    def _judged(self, error: sqlite3.IntegrityError) -> Exception:
        """Only the version guard is a conflict; anything else that the database refuses is a fault."""
        if str(error) == VERSION_GUARD:
            return IntegrityError(VERSION_GUARD)
        return ArchiveError("log-fault", self._database.path, reason=error)

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """A stream's events by version."""
        after = -1 if gt is None else gt
        rows = self.reader.by_version(UUID(str(originator_id)), after, lte, desc=desc, limit=limit)
        return [StoredEvent(UUID(row[1]), row[2], row[3], self._state(row)) for row in rows]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Events by position."""
        after = 0 if start is None else start - inclusive_of_start
        batches = self.reader.by_position(after, stop, topics, limit)
        return [
            Notification(UUID(row[1]), row[2], row[3], self._state(row), row[0]) for rows in batches for row in rows
        ]

    def max_notification_id(self) -> int | None:
        """The last position, or null for an empty log."""
        return self.reader.position() or None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[ApplicationRecorder]:
        """Events by position, for ever."""
        return PollingSubscription(self, gt, topics)

    def _state(self, row: Row) -> bytes:
        salt = None if row[6] is None else bytes.fromhex(row[6])
        return _encode_frame(Frame(row[4], (row[5],), salt, self.reader.payload(row)))


def _opened(stored: StoredEvent) -> tuple[int, tuple[bytes, ...], bytes, bytes]:
    try:
        frame = _decode_frame(stored.state)
    except msgspec.DecodeError as error:
        raise TypeError("only frames are appended, no opaque states") from error
    if frame.salt is None or len(frame.envelope) != PARTS:
        raise TypeError("the frame was recorded already")
    return frame.schema, frame.envelope, frame.salt, frame.payload


def _insert_command(connection: Connection, command_id: str, request: str, first: int, last: int) -> None:
    digest = command_digest(command_id, request, first, last)
    connection.execute("INSERT INTO commands VALUES (?, ?, ?, ?, ?)", (command_id, request, first, last, digest))
