"""The event log (事件日志): the one place where what happened in the archive is written, and read."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Self, TypeVar
from uuid import UUID

import msgspec
from eventsourcing.persistence import IntegrityError

from repository.domain.aggregate import Aggregate, Loaded, New, fold
from repository.domain.envelope import Command, Envelope, Event
from repository.domain.values import Time
from repository.errors import ArchiveError
from repository.eventlog import database
from repository.eventlog.application import Changes, FrameMapper, LogApplication
from repository.eventlog.codec import Codec, decode_envelope
from repository.eventlog.digests import leaf_hash
from repository.eventlog.reader import LAST, Reader, Record, Row, record_of
from repository.eventlog.recorder import Clock, CommandPerformedError, Recorder
from repository.eventlog.streams import KeyedLocks, Streams

State = TypeVar("State")

ATTEMPTS = 5
"""How often a command is decided, when another was faster, before it is given up; from the second time in its turn."""


class Answer(msgspec.Struct, frozen=True):
    """What a command did: the positions that it took (none: `last` is `first` - 1), and whether it did so before."""

    first: int
    last: int
    already: bool


class EventLog:
    """An open event log. Every method may be called by any thread, and by the process that opened the log only."""

    def __init__(self, file: database.Database, *, clock: Clock, software: str, codec: Codec | None = None) -> None:
        self.path = file.path
        self.codec = codec or Codec()
        recorder = Recorder(file, clock)
        self._reader: Reader = recorder.reader
        self._turnstile = recorder.turnstile
        self._recorder = recorder
        self._application = LogApplication(recorder, FrameMapper(self.codec, software))
        self._locks = KeyedLocks()

    @classmethod
    def create(cls, path: Path, *, clock: Clock, software: str, codec: Codec | None = None) -> Self:
        """Make an empty log and open it. Raises `log-exists` when something of that name is there."""
        database.create(path)
        return cls.open(path, clock=clock, software=software, codec=codec)

    @classmethod
    def open(cls, path: Path, *, clock: Clock, software: str, codec: Codec | None = None) -> Self:
        """Open a log. Raises `log-missing`, and `log-fault` unless it is durable and all of its guards stand."""
        return cls(database.open_existing(path), clock=clock, software=software, codec=codec)

    def perform(self, command: Command, decide: Callable[[Streams], Iterable[New]]) -> Answer:
        """Decide and append, once: when it returns, the events and the command's row are durable, all or none.

        `decide` may run several times, on fresh streams each time, and must do nothing but decide. The same command
        again is answered without deciding. Raises what `decide` raises; `command-reused` when the id stood for another
        request; `conflict` when it was overtaken every time; `storage-full`, `log-write-failed` or `log-fault`, after
        which nothing is acknowledged: the same command may be performed again.
        """
        known: set[UUID] = set()
        for attempt in range(ATTEMPTS):
            if answer := self._performed(command, already=True):
                return answer
            streams = Streams(self._locks, self.load)
            try:
                with streams.locked(known), self._turnstile.held() if attempt else nullcontext():
                    return self._decide(command, decide, streams)
            except (IntegrityError, CommandPerformedError):
                known |= streams.asked
            except ArchiveError:
                # What refuses it may be its own twin, performed meanwhile.
                if answer := self._performed(command, already=True):
                    return answer
                raise
        raise ArchiveError("conflict", command.command_id)

    def _decide(self, command: Command, decide: Callable[[Streams], Iterable[New]], streams: Streams) -> Answer:
        events = streams.pending(decide(streams), command, self.codec)
        changes: Any = Changes(command.command_id, events)
        recordings = self._application.save(changes, command=(command.command_id, command.request))
        if recordings:
            return Answer(recordings[0].notification.id, recordings[-1].notification.id, already=False)
        answer = self._performed(command, already=False)
        if answer is None:
            raise ArchiveError("log-fault", self.path, reason=f"command {command.command_id} is not there")
        return answer

    def _performed(self, command: Command, *, already: bool) -> Answer | None:
        done = self._reader.performed(command.command_id)
        if done is None:
            return None
        if done.request != command.request:
            raise ArchiveError("command-reused", command.command_id)
        return Answer(done.first, done.last, already)

    def load(self, aggregate: Aggregate[State], stream: UUID) -> Loaded[State]:
        """A stream as it stands; version 0 and the initial state when it has not begun.

        Raises `stream-kind` when it holds events of another aggregate.
        """
        repository: Any = self._application.repository
        loaded: Loaded[State] = repository.get(
            stream, projector_func=lambda _, events: _projected(aggregate, stream, list(events))
        )
        return loaded

    def stream(self, stream: UUID) -> list[Event]:
        """Every event of a stream, by version."""
        return [self._event(row) for row in self._rows(stream)]

    def records(self, stream: UUID) -> list[Record]:
        """Every event of a stream, byte for byte."""
        return [record_of(row) for row in self._rows(stream)]

    def events(
        self, *, after: int = 0, upto: int | None = None, types: Sequence[str] = (), limit: int | None = None
    ) -> Iterator[Event]:
        """Events by position, streamed: those after one position, up to another, of these types, at most so many."""
        for rows in self._reader.by_position(after, upto, types, limit):
            yield from map(self._event, rows)

    def raw(self, *, after: int = 0, upto: int | None = None) -> Iterator[Record]:
        """Records by position, streamed, byte for byte."""
        for rows in self._reader.by_position(after, upto, (), None):
            yield from map(record_of, rows)

    def leaves(self, *, after: int = 0, upto: int) -> Iterator[bytes]:
        """Leaves by position, streamed, each computed from the envelope as it is stored."""
        yield from map(leaf_hash, self._reader.envelopes(after, upto))

    def follow(self, *, after: int = 0, upto: int | None = None) -> Iterator[Record]:
        """Records by position as they come, from this process and from others, up to a position or for ever.

        Waits on the recorder's subscription: asleep between two questions, never busy.
        """
        reached = after
        if upto is not None and reached >= upto:
            return
        with self._application.recorder.subscribe(gt=after) as subscription:
            for notification in subscription:
                for record in self.raw(after=reached, upto=notification.id):
                    if upto is not None and record.position > upto:
                        return
                    yield record
                reached = max(reached, notification.id)
                if upto is not None and reached >= upto:
                    return

    def position(self) -> int:
        """The last position; 0 for an empty log."""
        return self._reader.position()

    def position_at(self, time: Time) -> int:
        """The last position whose `recorded_at` is not later than `time`, whatever the clock did before it; or 0."""
        return self._reader.position_at(time)

    def newest(self, stream: UUID, *, upto: int = LAST) -> Envelope | None:
        """The envelope of a stream's newest event, up to a position; null for a stream not begun by then."""
        envelope = self._reader.newest(stream, upto)
        return None if envelope is None else decode_envelope(envelope)

    def naming(self, identity: UUID, *, upto: int) -> list[int]:
        """Positions of the events up to one position that name an id anywhere. Reads the whole log once."""
        return self._reader.naming(identity, upto)

    def identified(self, event: UUID) -> int | None:
        """The position of the event with that id; null where there is none."""
        return self._reader.identified(event)

    def at(self, positions: Sequence[int]) -> Iterator[Record]:
        """The records at these positions, byte for byte, in the order of the log."""
        yield from map(record_of, self._reader.at(positions))

    def counts(self, *, after: int, upto: int) -> dict[str, int]:
        """How many events of each type stand after one position and up to another."""
        return self._reader.counts(after, upto)

    def recorded_at(self, position: int) -> Time | None:
        """When the event at a position was recorded; null where there is none."""
        return self._reader.recorded_at(position)

    def clock_back(self) -> list[int]:
        """The positions at which the clock stood earlier than one position before."""
        return self._reader.clock_back()

    def expunge(self, positions: Sequence[int]) -> None:
        """Take payloads that a committed `PayloadExpunged` names out of the file for ever; durable when it returns.

        `log-fault` where none names one of them, `locked` while an old state of the file is being read.
        """
        self._recorder.expunge(positions)

    def containing(self, words: str, *, upto: int) -> list[int]:
        """Positions up to one at which these words stand in an envelope or a payload. Reads the whole log once."""
        return self._reader.containing(words, upto)

    def close(self) -> None:
        """Finish what waits to be written, and close the file."""
        self._application.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _rows(self, stream: UUID) -> list[Row]:
        return self._reader.by_version(stream, 0, None, desc=False, limit=None)

    def _event(self, row: Row) -> Event:
        return self.codec.event(row[3], row[4], row[5], self._reader.payload(row))


def _projected(aggregate: Aggregate[State], stream: UUID, events: Sequence[Event]) -> Loaded[State]:
    foreign = {event.envelope.type for event in events if not event.envelope.type.startswith(f"{aggregate.name}.")}
    if foreign:
        raise ArchiveError("stream-kind", stream, expected=aggregate.name, found=", ".join(sorted(foreign)))
    return Loaded(stream, len(events), fold(aggregate, events))
