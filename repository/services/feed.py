"""Event feed (事件流): the log itself, byte for byte, as it stands and as it grows."""

from collections.abc import Iterator, Sequence

from repository.errors import ArchiveError
from repository.eventlog import Record as Record
from repository.eventlog.registry import event_types
from repository.services.search import find_description, position_of, streams_of
from repository.services.session import Session


def read_events(
    session: Session,
    *,
    record: str | None = None,
    after: int | str = 0,
    upto: int | str | None = None,
    types: Sequence[str] = (),
    follow: bool = False,
) -> Iterator[Record]:
    """The log's records byte for byte: all, or one record's; after one moment, up to another; of these types only.

    `follow` goes on with what is appended, by whichever process, until the reader stops or `upto` is reached. Asks for
    the right to audit. `event-type-unknown` for a type that no log can hold, `time-invalid` for a moment that is none.
    """
    session.require("audit")
    wanted = frozenset(_known(types))
    first = position_of(session, str(after)) or 0
    last = None if upto is None else position_of(session, str(upto))
    if record is not None:
        yield from _of_record(session, record, first, last, wanted)
        return
    records = session.log.follow(after=first, upto=last) if follow else session.log.raw(after=first, upto=last)
    yield from (one for one in records if not wanted or one.type in wanted)


def _of_record(session: Session, record: str, after: int, upto: int | None, wanted: frozenset[str]) -> Iterator[Record]:
    description = find_description(session, record)
    package = session.catalogue.package(description.package) if description.package else None
    streams = streams_of(description, session.catalogue.merged_into(description.id), package)
    records = sorted((one for stream in streams for one in session.log.records(stream)), key=lambda one: one.position)
    for one in records:
        if after < one.position and (upto is None or one.position <= upto) and (not wanted or one.type in wanted):
            yield one


def _known(types: Sequence[str]) -> Iterator[str]:
    """Full names of the types: `ArchivalPackage.Stored`, or `Stored` for all that are called so."""
    for name in types:
        found = [known for known in event_types() if name in (known, known.partition(".")[2])]
        if not found:
            raise ArchiveError("event-type-unknown", name)
        yield from found
