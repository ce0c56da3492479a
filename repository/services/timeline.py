"""Timeline (经过): everything that happened to a record, or was done by or to a person, in the order of the log."""

from collections.abc import Iterator
from uuid import UUID

import msgspec

from repository.domain.corrections import Annulled
from repository.domain.envelope import Envelope, Event, OccurredAt
from repository.services.search import position_of
from repository.services.session import Session
from repository.services.subjects import Subject, find_subject

BELONGS_TO_MANY = frozenset({"Agent", "Door", "Producer", "Description", "ReferenceCode", "TransferNumber"})
"""Streams that concern others too: of these only the events that name the subject are its own."""


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a timeline.

    `occurred_at` is when it happened and how that is known, `recorded_at` when it was written down. `annulled` are the
    positions of the events that took it back, `annuls` the position that this event takes back.
    """

    position: int
    event: UUID
    type: str
    stream: UUID
    occurred_at: OccurredAt
    recorded_at: str
    actor: UUID
    actor_name: str | None
    on_behalf_of: UUID | None
    annulled: tuple[int, ...]
    annuls: int | None

    @property
    def name(self) -> str:
        """The event's name without its aggregate's."""
        return self.type.partition(".")[2]

    @property
    def late(self) -> bool:
        """Whether it was written down from something else than the clock that recorded it."""
        return self.occurred_at.source != "clock"


class TimelineReport(msgspec.Struct, frozen=True, kw_only=True):
    """What is meant, and all that happened to it."""

    schema: str = "jingui.timeline/1"
    subject: Subject
    position: int
    entries: tuple[Happening, ...]


def timeline(session: Session, named: str, *, as_of: str | None) -> TimelineReport:
    """Everything that the log says of a record, a person, an accession or any other stream, up to a moment.

    An event belongs to it that names it anywhere, and so does every event of the streams that such events stand in -
    its accession, the requests for it, the runs over it - except those that concern others too. The catalogue says
    which these are; only of a single event is it asked of the whole log what it caused.
    """
    session.require("audit")
    last = session.catch_up()
    position = position_of(session, as_of)
    upto = last if position is None else min(position, last)
    subject = find_subject(session, named, upto)

    # 1 what names it
    positions = {at for identity in subject.ids for at in _naming(session, subject, identity, upto)}

    # 2 the rest of the streams that these stand in; a person's doings are theirs alone
    if subject.kind not in ("Agent", "Producer"):
        envelopes = [_envelope(record.envelope) for record in session.log.at(sorted(positions))]
        streams = {one.stream for one in envelopes if _is_its_own(one, subject)}
        positions |= {one.position for stream in streams for one in session.log.records(stream)}

    # 3 each as it was read then, with what took it back
    events = [event for at in _runs_of(positions, upto) for event in session.log.events(after=at[0] - 1, upto=at[1])]
    taken_back = _taken_back(session, events, upto)
    entries = tuple(_happening(session, event, taken_back, upto) for event in events)
    return TimelineReport(subject=subject, position=upto, entries=entries)


def _naming(session: Session, subject: Subject, identity: UUID, upto: int) -> list[int]:
    """Positions of the events that name an id of the subject, those of its own stream among them."""
    if subject.event is not None:
        return session.log.naming(identity, upto=upto)
    own = [record.position for record in session.log.records(identity) if record.position <= upto]
    return [*own, *session.catalogue.naming(identity, as_of=upto)]


def _is_its_own(envelope: Envelope, subject: Subject) -> bool:
    return envelope.stream in subject.ids or envelope.type.partition(".")[0] not in BELONGS_TO_MANY


def _runs_of(positions: set[int], upto: int) -> Iterator[tuple[int, int]]:
    """Positions as stretches without a gap: the log is read by stretches."""
    first = last = 0
    for position in sorted(at for at in positions if at <= upto):
        if position != last + 1:
            if last:
                yield first, last
            first = position
        last = position
    if last:
        yield first, last


def _taken_back(session: Session, events: list[Event], upto: int) -> dict[UUID, tuple[int, ...]]:
    """Which events are annulled at that position, and by which positions."""
    found: dict[UUID, tuple[int, ...]] = {}
    for stream in {event.envelope.stream for event in events}:
        standing = {mark.id for mark in session.catalogue.marks(stream, as_of=upto)}
        for event in session.log.stream(stream) if standing else ():
            payload = event.payload
            if isinstance(payload, Annulled) and payload.event in standing and event.envelope.position <= upto:
                found[payload.event] = (*found.get(payload.event, ()), event.envelope.position)
    return found


def _happening(session: Session, event: Event, taken_back: dict[UUID, tuple[int, ...]], upto: int) -> Happening:
    envelope = event.envelope
    actor = session.catalogue.agent(envelope.actor, as_of=upto)
    return Happening(
        position=envelope.position,
        event=envelope.event_id,
        type=envelope.type,
        stream=envelope.stream,
        occurred_at=envelope.occurred_at,
        recorded_at=envelope.recorded_at,
        actor=envelope.actor,
        actor_name=actor.name if actor else None,
        on_behalf_of=envelope.on_behalf_of,
        annulled=taken_back.get(envelope.event_id, ()),
        annuls=event.payload.position if isinstance(event.payload, Annulled) else None,
    )


def _envelope(raw: bytes) -> Envelope:
    return msgspec.json.decode(raw, type=Envelope)
