"""Search (检索): what the catalogue says of records, packages and accessions, now or as of a moment of the past."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Unpack
from uuid import UUID

import msgspec

from packages_spec.profiles import PayloadFile
from repository.catalogue import Accession, AccessRequest, Description, Filters, Package, Run, Viewer
from repository.catalogue import Page as Page
from repository.domain import access_rules
from repository.domain.access_rules import Act
from repository.domain.authority import may
from repository.domain.description_fields import holds
from repository.domain.envelope import Event
from repository.domain.values import SecrecyClass, time_of
from repository.errors import ArchiveError
from repository.services import rights, stored
from repository.services.format_policy import Verdict, read_policy
from repository.services.sealing import is_shredded, readable_fields
from repository.services.session import Session

_DAY = re.compile(r"^\d{4}-\d\d-\d\d$")


FARTHEST = 2**53
"""No log is longer: a larger number means its end."""


def position_of(session: Session, as_of: str | None) -> int | None:
    """The position that `--as-of` means: a position of the log, a time, or the end of a day; None for now.

    A day is one of the machine's own time zone, as times are shown. The position of a time is the last one recorded not
    later. `time-invalid` for what is none of these.
    """
    if as_of is None:
        return None
    if as_of.isdecimal():
        return min(int(as_of), FARTHEST)
    try:
        day_end = datetime.fromisoformat(f"{as_of}T23:59:59.999999").astimezone() if _DAY.match(as_of) else None
        moment = day_end or datetime.fromisoformat(as_of)
        if moment.tzinfo is None:
            raise ArchiveError("time-invalid", as_of)
        return session.log.position_at(time_of(moment))
    except (ValueError, OverflowError) as error:
        raise ArchiveError("time-invalid", as_of) from error


def moment_of(session: Session, position: int) -> datetime:
    """When the last event up to that position was recorded; now, for a log that does not reach so far back."""
    recorded = session.log.recorded_at(min(position, session.log.position()))
    return session.clock() if recorded is None else datetime.fromisoformat(recorded)


def find_record(session: Session, record: str) -> UUID:
    """The package of a record that is named by its 档号, its description's id or its package's id."""
    description = find_description(session, record)
    if description.package is None:
        raise ArchiveError("record-without-package", record)
    return description.package


def named_package(session: Session, record: str) -> UUID | None:
    """The package of a record of that name, whoever asks: only to write down what was refused, never to show it."""
    session.catch_up()
    return next((found.package for found, _ in _named(session, record, None)), None)


def find_description(session: Session, record: str) -> Description:
    """The description of a record named by 档号 (a former one leads to it too), description or package id.

    One that was merged leads to its survivor. What it was called in another archive leads to it as well, where nothing
    of ours is called so.
    """
    return _find(session, record, None)[0]


def _find(session: Session, record: str, as_of: int | None) -> tuple[Description, bool]:
    """The record of that name. One that may not be known of and one that is not there are the same `record-unknown`."""
    session.require("search")
    session.catch_up()
    for found, formerly in _named(session, record, as_of):
        if rights.known(session, found):
            return found, formerly
    raise ArchiveError("record-unknown", record)


def _named(session: Session, record: str, as_of: int | None) -> Iterator[tuple[Description, bool]]:
    """Every entry that the name leads to; a merged one leads to its survivor."""
    identifier = uuid_of(record)
    if identifier is None:
        named = [
            (match.description, match.formerly) for match in session.catalogue.by_reference_code(record, as_of=as_of)
        ]
    else:
        found = session.catalogue.description(identifier, as_of=as_of)
        package = session.catalogue.package(identifier, as_of=as_of) if found is None else None
        if package is not None:
            found = session.catalogue.description(package.description, as_of=as_of)
        named = [(found, False)] if found is not None else []
    if not named:
        named = [(found, False) for found in session.catalogue.by_old_identifier(record, as_of=as_of)]
    for description, formerly in named:
        yield _survivor(session, description, as_of, formerly=formerly)


def _survivor(session: Session, found: Description, as_of: int | None, *, formerly: bool) -> tuple[Description, bool]:
    while found.into is not None and (survivor := session.catalogue.description(found.into, as_of=as_of)) is not None:
        found, formerly = survivor, True
    return found, formerly


def uuid_of(text: str) -> UUID | None:
    """The id that is written here, with or without the prefixes that packages and objects give it; null for none."""
    try:
        return UUID(text.removeprefix("urn:uuid:").removeprefix("uuid-"))
    except ValueError:
        return None


class HistoryEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One event in the history of a record."""

    position: int
    time: str
    type: str
    stream: UUID
    actor: UUID
    actor_name: str | None

    @property
    def name(self) -> str:
        """The event's name without its aggregate's."""
        return self.type.partition(".")[2]


class RecordReport(msgspec.Struct, frozen=True, kw_only=True):
    """A record: its description and package as of a position, its files, and its history up to there.

    `formerly` says that it was asked for under a name that it had before; `merged` are the entries that lead to it.
    """

    schema: str = "jingui.show/1"
    description: Description
    formerly: bool
    merged: tuple[Description, ...] = ()
    package: Package | None
    files: tuple[PayloadFile, ...]
    history: tuple[HistoryEntry, ...]


def list_records(session: Session, *, as_of: str | None, limit: int, after: str | None) -> Page[Description]:
    """Descriptions by 档号."""
    return search_records(session, "", as_of=as_of, limit=limit, after=after)


def search_records(
    session: Session, words: str, *, as_of: str | None, limit: int, after: str | None, **filters: Unpack[Filters]
) -> Page[Description]:
    """Descriptions with these words in their titles that meet the filters and that the one who asks may know of."""
    session.require("search")
    session.catch_up()
    position = position_of(session, as_of)
    filters["viewer"] = viewer_of(session)
    return session.catalogue.search(words or None, as_of=position, limit=limit, after=after, **filters)


def viewer_of(session: Session) -> Viewer:
    """What the one who asks may know of, as a condition of the question."""
    reach, today = access_rules.reach(session.standing().roles, Act.KNOW), session.today()
    sees_all = reach >= max(secrecy.rank for secrecy in SecrecyClass)
    return Viewer(
        controlled_upto=reach,
        open_upto=access_rules.MOST_OPEN.rank,
        open_by_default=session.policy.status.open_upto,
        today=today,
        granted=() if sees_all else session.catalogue.granted_to(session.principal, today),
    )


def list_packages(session: Session, *, as_of: str | None, limit: int, after: str | None) -> Page[Package]:
    """Archival packages in the order of their creation."""
    session.require("survey")
    session.catch_up()
    return session.catalogue.packages(as_of=position_of(session, as_of), limit=limit, after=after)


def list_lagging(session: Session, *, as_of: str | None, limit: int, after: str | None) -> Page[Package]:
    """Packages whose newest version tells less than the log knows of their descriptions."""
    session.require("survey")
    session.catch_up()
    return session.catalogue.lagging(as_of=position_of(session, as_of), limit=limit, after=after)


def list_to_migrate(session: Session, *, as_of: str | None, limit: int, after: str | None) -> Page[Package]:
    """Stored packages with files that the format policy, as it reads today, wants migrated."""
    session.require("survey")
    session.catch_up()
    puids = read_policy(session.settings.format_policy).puids(Verdict.TO_MIGRATE)
    position = position_of(session, as_of)
    return session.catalogue.packages(stored=True, puids=puids, as_of=position, limit=limit, after=after)


def list_accessions(session: Session, *, as_of: str | None, limit: int, after: str | None) -> Page[Accession]:
    """Accessions in the order of their opening."""
    session.require("survey")
    session.catch_up()
    return session.catalogue.accessions(as_of=position_of(session, as_of), limit=limit, after=after)


def list_requests(session: Session, *, as_of: str | None, limit: int, after: str | None) -> Page[AccessRequest]:
    """Access requests in the order in which they were made. They name people: not every reader may see them."""
    session.require("inspect")
    session.catch_up()
    return session.catalogue.requests(as_of=position_of(session, as_of), limit=limit, after=after)


def list_runs(session: Session, *, as_of: str | None, limit: int, after: str | None) -> Page[Run]:
    """Runs in the order in which they began."""
    session.require("inspect")
    session.catch_up()
    return session.catalogue.runs(as_of=position_of(session, as_of), limit=limit, after=after)


def show_record(session: Session, record: str, *, as_of: str | None) -> RecordReport:
    """A record named by 档号, description or package id. `record-unknown` where nothing of that name stood then.

    Its files are those of the newest version that was stored then, as far as they are its own. How it came here, and
    the names of staff, are shown to staff.
    """
    position = position_of(session, as_of)
    description, formerly = _find(session, record, position)
    merged = [
        one for one in session.catalogue.merged_into(description.id, as_of=position) if rights.known(session, one)
    ]
    package = session.catalogue.package(description.package, as_of=position) if description.package else None
    is_staff = may(session.standing(), "survey")
    streams = streams_of(description, merged, package if is_staff else None)
    if package is not None and not is_staff:
        streams.append(package.id)
    events = [event for stream in streams for event in session.log.stream(stream)]
    history = sorted(
        (
            _entry(session, event, position, named=is_staff)
            for event in events
            if position is None or event.envelope.position <= position
        ),
        key=lambda entry: entry.position,
    )
    files: tuple[PayloadFile, ...] = ()
    if package is not None and package.stored is not None:
        version = stored.newest(session, package.id, as_of=position)
        gone = version.is_sealed and is_shredded(session, package.id, version.event.generation)
        if not version.is_sealed or (not gone and rights.may_see_sealed(session, description, package.id)):
            files = tuple(file for file in stored.content(session, version) if holds(description.files, file.path))
    if description.sealed and position is None and _can_read(session, description):
        description = _readable(session, description)
    return RecordReport(
        description=description,
        formerly=formerly,
        merged=tuple(merged),
        package=package,
        files=files,
        history=tuple(history),
    )


def _can_read(session: Session, card: Description) -> bool:
    """Whether the sealed words are still there to be read, and the one who asks may."""
    has_key = card.package is not None and session.vault.key_id(card.package) is not None
    return has_key and rights.may_see_sealed(session, card, card.package)


def _readable(session: Session, card: Description) -> Description:
    """A description with its words, which lie sealed, for one who may see what they tell of."""
    fields = readable_fields(session, card.id)
    words = {name: getattr(fields, name) for name in ("title", "responsible_party", "abstract", "note")}
    return msgspec.structs.replace(card, **words, sealed=())


def streams_of(description: Description, merged: Sequence[Description], package: Package | None) -> list[UUID]:
    """The streams in which a record's history stands."""
    return [description.id, *(one.id for one in merged), *([package.id, package.accession] if package else [])]


def _entry(session: Session, event: Event, as_of: int | None, *, named: bool) -> HistoryEntry:
    envelope = event.envelope
    actor = session.catalogue.agent(envelope.actor, as_of=as_of) if named else None
    return HistoryEntry(
        position=envelope.position,
        time=envelope.recorded_at,
        type=envelope.type,
        stream=envelope.stream,
        actor=envelope.actor,
        actor_name=actor.name if actor else None,
    )
