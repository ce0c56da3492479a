"""A log in memory, filled by the domain's own decisions: histories that could have happened."""

from collections.abc import Iterator, Sequence
from typing import TypeVar
from uuid import UUID, uuid5

from repository.domain.aggregate import Aggregate, fold
from repository.domain.envelope import Authentication, Envelope, Event, OccurredAt
from repository.domain.ids import NAMESPACE
from repository.domain.values import Value
from repository.eventlog.registry import event_types

State = TypeVar("State")
ARCHIVE = "437001"
NOW = "2026-01-02T03:04:{:02d}.{:06d}Z"


def identity(name: str) -> UUID:
    """An id that is the same in every run."""
    return uuid5(NAMESPACE, name)


ACTOR, APPROVER, NOTHING = identity("actor"), identity("approver"), "0" * 64
BY = Authentication(method="credential", session=None, workplace=None)


class MemoryLog:
    """Events in the order in which they were recorded; what the catalogue reads."""

    def __init__(self) -> None:
        self.recorded: list[Event] = []
        self.forgotten = 0
        self._versions: dict[UUID, int] = {}

    def events(
        self, *, after: int = 0, upto: int | None = None, types: Sequence[str] = (), limit: int | None = None
    ) -> Iterator[Event]:
        """As `EventReader` has it."""
        chosen = self.recorded[after - self.forgotten : None if upto is None else upto - self.forgotten]
        wanted = [event for event in chosen if not types or event.envelope.type in types] if types else chosen
        return iter(wanted[:limit])

    def position(self) -> int:
        """Position of the newest event."""
        return self.forgotten + len(self.recorded)

    def forget(self) -> list[Event]:
        """Let go of what is recorded and answer it: for logs that are longer than memory is large."""
        gone, self.recorded = self.recorded, []
        self.forgotten += len(gone)
        self._versions = {}
        return gone

    def record(self, aggregate: str, stream: UUID, *payloads: Value) -> list[Event]:
        """Record payloads as they are."""
        return [self._record(aggregate, stream, payload) for payload in payloads]

    def state(self, aggregate: Aggregate[State], stream: UUID) -> State:
        """What the domain decides by."""
        return fold(aggregate, [event for event in self.recorded if event.envelope.stream == stream])

    def _record(self, aggregate: str, stream: UUID, payload: Value) -> Event:
        position = self.position() + 1
        version = self._versions[stream] = self._versions.get(stream, 0) + 1
        time = NOW.format(*divmod(position, 1_000_000))
        envelope = Envelope(
            event_id=identity(f"event {position}"),
            archive=None if aggregate in ("Agent", "Producer") else ARCHIVE,
            position=position,
            stream=stream,
            version=version,
            type=event_types()[f"{aggregate}.{type(payload).__name__}"].name,
            schema=1,
            recorded_at=time,
            occurred_at=OccurredAt(time=time, precision="microsecond", source="clock"),
            actor=ACTOR,
            authenticated_by=BY,
            on_behalf_of=None,
            command_id=ACTOR,
            correlation_id=ACTOR,
            causation_id=None,
            software="jingui/test",
            payload_sha256=NOTHING,
        )
        event = Event(envelope=envelope, payload=payload)
        self.recorded.append(event)
        return event
