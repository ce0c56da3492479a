"""Search (检索): what the catalogue says of records, packages and accessions, now or as of a moment of the past."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Unpack
from uuid import UUID

import msgspec

from packages_spec.profiles import PayloadFile
from repository.catalogue import Accession, AccessRequest, Description, Filters, Package, Run
from repository.catalogue import Page as Page
from repository.domain.description_fields import holds
from repository.domain.envelope import Event
from repository.domain.values import time_of
from repository.errors import ArchiveError
from repository.services import stored
from repository.services.format_policy import Verdict, read_policy
from repository.services.session import Session

_DAY = re.compile(r"^\d{4}-\d\d-\d\d$")


def position_of(session: Session, as_of: str | None) -> int | None:
    """The position that `--as-of` means: a position of the log, a time, or the end of a day; None for now.

    A day is one of the machine's own time zone, as times are shown. The position of a time is the last one recorded not
    later. `time-invalid` for what is none of these.
    """
    if as_of is None:
        return None
    if as_of.isdigit():
        return int(as_of)
    try:
        day_end = datetime.fromisoformat(f"{as_of}T23:59:59.999999").astimezone() if _DAY.match(as_of) else None
        moment = day_end or datetime.fromisoformat(as_of)
    except ValueError as error:
        raise ArchiveError("time-invalid", as_of) from error
    if moment.tzinfo is None:
        raise ArchiveError("time-invalid", as_of)
    return session.log.position_at(time_of(moment))


def find_record(session: Session, record: str) -> UUID:
    """The package of a record that is named by its 档号, its description's id or its package's id."""
    description = find_description(session, record)
    if description.package is None:
        raise ArchiveError("record-without-package", record)
    return description.package


def find_description(session: Session, record: str) -> Description:
    """The description of a record named by 档号 (a former one leads to it too), description or package id.

    One that was merged leads to its survivor.
    """
    return _find(session, record, None)[0]


def _find(session: Session, record: str, as_of: int | None) -> tuple[Description, bool]:
    session.require("search")
    session.catch_up()
    identifier, formerly = uuid_of(record), False
    if identifier is None:
        matches = session.catalogue.by_reference_code(record, as_of=as_of)
        found, formerly = (matches[0].description, matches[0].formerly) if matches else (None, False)
    else:
        found = session.catalogue.description(identifier, as_of=as_of)
        package = session.catalogue.package(identifier, as_of=as_of) if found is None else None
        if package is not None:
            found = session.catalogue.description(package.description, as_of=as_of)
    if found is None:
        raise ArchiveError("record-unknown", record)
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
    """Descriptions with these words in their titles that meet the filters."""
    session.require("search")
    session.catch_up()
    position = position_of(session, as_of)
    return session.catalogue.search(words or None, as_of=position, limit=limit, after=after, **filters)


def list_packages(session: Session, *, as_of: str | None, limit: int, after: str | None) -> Page[Package]:
    """Archival packages in the order of their creation."""
    session.require("search")
    session.catch_up()
    return session.catalogue.packages(as_of=position_of(session, as_of), limit=limit, after=after)


def list_lagging(session: Session, *, as_of: str | None, limit: int, after: str | None) -> Page[Package]:
    """Packages whose newest version tells less than the log knows of their descriptions."""
    session.require("search")
    session.catch_up()
    return session.catalogue.lagging(as_of=position_of(session, as_of), limit=limit, after=after)


def list_to_migrate(session: Session, *, as_of: str | None, limit: int, after: str | None) -> Page[Package]:
    """Stored packages with files that the format policy, as it reads today, wants migrated."""
    session.require("search")
    session.catch_up()
    puids = read_policy(session.settings.format_policy).puids(Verdict.TO_MIGRATE)
    position = position_of(session, as_of)
    return session.catalogue.packages(stored=True, puids=puids, as_of=position, limit=limit, after=after)


def list_accessions(session: Session, *, as_of: str | None, limit: int, after: str | None) -> Page[Accession]:
    """Accessions in the order of their opening."""
    session.require("search")
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

    Its files are those of the newest version that was stored then, as far as they are its own.
    """
    position = position_of(session, as_of)
    description, formerly = _find(session, record, position)
    merged = session.catalogue.merged_into(description.id, as_of=position)
    package = session.catalogue.package(description.package, as_of=position) if description.package else None
    events = [event for stream in streams_of(description, merged, package) for event in session.log.stream(stream)]
    history = sorted(
        (
            _entry(session, event, position)
            for event in events
            if position is None or event.envelope.position <= position
        ),
        key=lambda entry: entry.position,
    )
    files: tuple[PayloadFile, ...] = ()
    if package is not None and package.stored is not None:
        version = stored.newest(session, package.id, as_of=position)
        files = tuple(file for file in stored.content(session, version) if holds(description.files, file.path))
    return RecordReport(
        description=description,
        formerly=formerly,
        merged=tuple(merged),
        package=package,
        files=files,
        history=tuple(history),
    )


def streams_of(description: Description, merged: Sequence[Description], package: Package | None) -> list[UUID]:
    """The streams in which a record's history stands."""
    return [description.id, *(one.id for one in merged), *([package.id, package.accession] if package else [])]


def _entry(session: Session, event: Event, as_of: int | None) -> HistoryEntry:
    envelope = event.envelope
    actor = session.catalogue.agent(envelope.actor, as_of=as_of)
    return HistoryEntry(
        position=envelope.position,
        time=envelope.recorded_at,
        type=envelope.type,
        stream=envelope.stream,
        actor=envelope.actor,
        actor_name=actor.name if actor else None,
    )
