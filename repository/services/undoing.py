"""Undoing a merger or a division (撤销归并、拆分): what they carried along is carried back, in the command that annuls.

After a merger that never was, what had moved below the survivor stands below its own entry again, and the survivor
gives back the files that it took over. After a division that never was, its parts lead to the whole: their 档号 were
borne, and go on leading to the record. What somebody moved, revised or divided since stays as it is now.
"""

from collections.abc import Iterator
from itertools import takewhile
from uuid import UUID

import msgspec

from repository.domain import description
from repository.domain.aggregate import New, fold
from repository.domain.corrections import Annulled
from repository.domain.description import DESCRIPTION, Divided, Merged, Moved, Revised, State
from repository.domain.envelope import Event
from repository.errors import ArchiveError
from repository.eventlog import Streams
from repository.services.description import moving
from repository.services.session import Session

_CARRIED = ("package", "files", "carrier", "pages_scanned")
"""Fields that a survivor takes over with the files of the entry that goes."""


def carried_back(session: Session, streams: Streams, undone: Event, reason: str) -> list[New]:
    """The events that put back what an event carried along; none for an event that carried nothing.

    An annulled merger or division is not made anew by annulling the annulment (`not-annullable`): it is made again.
    """
    match undone.payload:
        case Merged():
            return list(_unmerged(session, streams, undone, undone.payload, reason))
        case Divided():
            return list(_undivided(session, streams, undone, undone.payload, reason))
        case Annulled():
            (before,) = session.log.events(after=undone.payload.position - 1, upto=undone.payload.position)
            if isinstance(before.payload, Merged | Divided):
                raise ArchiveError("not-annullable", undone.envelope.type, correction=before.envelope.type)
    return []


def _of_command(session: Session, first: Event) -> Iterator[Event]:
    """The events of one command, from its first."""
    every = session.log.events(after=first.envelope.position - 1)
    return takewhile(lambda event: event.envelope.command_id == first.envelope.command_id, every)


def _unmerged(session: Session, streams: Streams, undone: Event, merged: Merged, reason: str) -> Iterator[New]:
    lost, archive = undone.envelope.stream, undone.envelope.archive
    again = msgspec.structs.replace(streams.load(DESCRIPTION, lost).state, into=None)
    for event in _of_command(session, undone):
        stream = event.envelope.stream
        now = streams.load(DESCRIPTION, stream).state
        if isinstance(event.payload, Revised) and stream == merged.into:
            yield from _given_back(session, stream, now, event, reason)
        elif isinstance(event.payload, Moved) and now.fields is not None and now.stands:
            before = _before(session, event)
            if before is not None and now.fields.parent == event.payload.parent:
                place = Moved(
                    parent=before.parent,
                    reference_code=now.fields.reference_code,
                    fonds_code=before.fonds_code,
                    reason=reason,
                )
                if before.parent == lost:
                    yield from (New(stream, one) for one in description.move(now, place, again))
                else:
                    yield from moving(streams, archive, stream, place)


def _before(session: Session, event: Event) -> description.Fields | None:
    """A description as it read before one of its events."""
    earlier = [
        one for one in session.log.stream(event.envelope.stream) if one.envelope.version < event.envelope.version
    ]
    return fold(DESCRIPTION, earlier).fields


def _given_back(session: Session, stream: UUID, now: State, taken: Event, reason: str) -> Iterator[New]:
    """The survivor without what it took over, as far as nobody put something else in its place since."""
    before = _before(session, taken)
    said = taken.payload.fields if isinstance(taken.payload, Revised) else None
    if before is None or said is None or now.fields is None or not now.stands:
        return
    back = {name: getattr(before, name) for name in _CARRIED if getattr(now.fields, name) == getattr(said, name)}
    fields = msgspec.structs.replace(now.fields, **back)
    yield from (New(stream, one) for one in description.revise(now, fields, reason))


def _undivided(session: Session, streams: Streams, undone: Event, divided: Divided, reason: str) -> Iterator[New]:
    whole = undone.envelope.stream
    again = msgspec.structs.replace(streams.load(DESCRIPTION, whole).state, parts=())
    for part in divided.parts:
        state = streams.load(DESCRIPTION, part.description).state
        if not state.stands:
            continue
        gone, _, _ = description.merge((part.description, state), (whole, again), reason)
        yield from (New(part.description, one) for one in gone)
        for child in _children(session, part.description):
            now = streams.load(DESCRIPTION, child).state
            if now.fields is not None and now.stands and now.fields.parent == part.description:
                place = Moved(
                    parent=whole,
                    reference_code=now.fields.reference_code,
                    fonds_code=now.fields.fonds_code,
                    reason=reason,
                )
                yield from (New(child, one) for one in description.move(now, place, again))


def _children(session: Session, entry: UUID) -> Iterator[UUID]:
    after: str | None = None
    while True:
        page = session.catalogue.children(entry, limit=1_000, after=after)
        yield from (one.id for one in page.entries)
        if (after := page.after) is None:
            return
