"""Description (著录): entries are described, revised, moved, merged, divided and closed - before and without files too.

Each use case is one command: what it decides by is loaded in it, its events stand or fall together. Only where an entry
stands in the catalogue is asked beforehand, to know what to load.
"""

import re
from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec
from msgspec.structs import replace

from repository.catalogue import Description
from repository.domain import description, reservation
from repository.domain.aggregate import New
from repository.domain.description import DESCRIPTION, Fields, Moved
from repository.domain.description_fields import FileRange, holds
from repository.domain.ids import reference_code_guard
from repository.domain.reservation import REFERENCE_CODE
from repository.domain.values import Level as Level
from repository.errors import ArchiveError
from repository.eventlog import Answer, Streams
from repository.services import stored
from repository.services.description_fields import blank_fields, written
from repository.services.sealing import has_sealed, is_controlled, sealed_fields, unsealed_fields
from repository.services.search import find_description
from repository.services.session import Session

NOWHERE = "-"
"""Said instead of a parent: the entry stands below none."""

_RANGE = re.compile(r"([0-9]{1,6})(?:-([0-9]{1,6}))?")


class DescriptionReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an entry. `position` is that of the last event; `changed` says that there was one.

    `others` are the entries that came of a division, or the one that a merged entry leads to.
    """

    schema: str = "jingui.description/1"
    description: UUID
    reference_code: str | None
    changed: bool
    position: int
    others: tuple[UUID, ...] = ()


class PartRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A part that a division shall make: its 档号, its title, and its pages (`1-3,7`; empty for an entry on paper)."""

    reference_code: str
    title: str
    pages: str


def entry_to_change(session: Session, record: str) -> UUID:
    """Which entry a change to this record is made to. `record-unknown`."""
    session.require("describe")
    return find_description(session, record).id


def version_of(session: Session, entry: UUID) -> int:
    """The version of an entry that a change made at a distance must have seen."""
    return session.log.load(DESCRIPTION, entry).version


def describe_record(
    session: Session,
    *,
    level: Level,
    parent: str | None,
    reference_code: str | None,
    words: Mapping[str, str],
    archive: str | None = None,
) -> DescriptionReport:
    """Describe a fonds, series, volume or item that is not described yet; on paper, unless the words say otherwise.

    Below a parent it takes over archive and fonds. Raises `code-taken`, `title-missing`, `field-unknown`,
    `field-unfit`, `secrecy-ceiling`, and what `description.expect_place` raises.
    """
    session.require("describe")
    above = find_description(session, parent) if parent else None
    archive = above.archive if above else session.archive_code(archive)
    stream = session.new_id()
    fonds_code = reference_code if level is Level.FONDS else above.fonds_code if above else None
    blank = blank_fields(level, above.id if above else None, reference_code, fonds_code)
    fields = written(blank, words)
    expect_below_ceiling(session, fields)

    def decide(streams: Streams) -> list[New]:
        place = streams.load(DESCRIPTION, above.id).state if above else None
        events = description.describe(streams.load(DESCRIPTION, stream).state, fields, place)
        return [*reserve(streams, archive, reference_code, stream), *(New(stream, event) for event in events)]

    answer = session.perform("describe", decide, correlation=stream, archive=archive)
    return _report(session, stream, answer)


def revise_record(session: Session, record: str, *, words: Mapping[str, str], reason: str) -> DescriptionReport:
    """Put other words into fields of an entry. What is so already appends nothing.

    Raises `record-unknown`, `reason-missing`, `field-unknown`, `field-unfit`, `section-unfit`, `secrecy-ceiling`.
    """
    session.require("describe")
    entry = find_description(session, record)
    below = _children(session, entry) if {"level", "级别"} & set(words) else []

    def decide(streams: Streams) -> list[New]:
        loaded = streams.load(DESCRIPTION, entry.id)
        state = loaded.state
        if state.fields is None:
            raise ArchiveError("description-unknown", record)
        before = unsealed_fields(session, session.log.stream(entry.id), state.fields)
        fields = written(before, words)
        expect_below_ceiling(session, fields)
        if has_sealed(state.fields) and entry.package is not None:
            if fields == before:
                return []
            fields = sealed_fields(session, entry.package, entry.id, loaded.version + 1, fields)
        above = streams.load(DESCRIPTION, fields.parent).state if fields.parent else None
        children = [streams.load(DESCRIPTION, child.id).state for child in below]
        return [New(entry.id, event) for event in description.revise(state, fields, reason, above, children)]

    answer = session.perform("revise", decide, correlation=entry.id, archive=entry.archive)
    return _report(session, entry.id, answer)


def move_record(
    session: Session, record: str, *, parent: str | None, reference_code: str | None, reason: str
) -> DescriptionReport:
    """Give an entry another parent (`-`: none), another 档号, or both; None leaves as it is.

    The old 档号 goes on leading to it and is never given to another. What stands below it goes with it into another
    fonds. Raises `code-taken` and what
    `description.expect_place` raises.
    """
    session.require("describe")
    entry = find_description(session, record)
    above = find_description(session, parent) if parent and parent != NOWHERE else None
    if above is not None and above.archive != entry.archive:
        raise ArchiveError("parent-unknown", parent)
    other_fonds = above is not None and above.fonds_code not in (None, entry.fonds_code)
    below = _descendants(session, entry) if other_fonds else []

    def decide(streams: Streams) -> list[New]:
        state = streams.load(DESCRIPTION, entry.id).state
        if state.fields is None:
            raise ArchiveError("description-unknown", record)
        parent_id = state.fields.parent if parent is None else above.id if above else None
        fonds = above.fonds_code if above and above.fonds_code else state.fields.fonds_code
        moved = Moved(
            parent=parent_id,
            reference_code=reference_code or state.fields.reference_code,
            fonds_code=fonds,
            reason=reason,
        )
        events = moving(streams, entry.archive, entry.id, moved)
        return events + _into_fonds(streams, below, fonds, reason) if events else []

    answer = session.perform("move", decide, correlation=entry.id, archive=entry.archive)
    return _report(session, entry.id, answer)


def merge_records(session: Session, record: str, *, into: str, reason: str) -> DescriptionReport:
    """Make two entries that are one record one: `record` leads to `into` for ever, with its files and all below it.

    Raises `merge-unfit`, `description-gone`.
    """
    session.require("describe")
    lost, kept = find_description(session, record), find_description(session, into)
    if lost.archive != kept.archive:
        raise ArchiveError("merge-unfit", record)
    below = _children(session, lost)
    other_fonds = kept.fonds_code not in (None, lost.fonds_code)
    farther = [entry for child in below for entry in _descendants(session, child)] if other_fonds else []

    def decide(streams: Streams) -> list[New]:
        one, other = streams.load(DESCRIPTION, lost.id).state, streams.load(DESCRIPTION, kept.id).state
        for state in (one, other):
            if state.fields is not None and has_sealed(state.fields):
                raise ArchiveError("record-sealed", record)
        gone, stays, _ = description.merge((lost.id, one), (kept.id, other), reason)
        events = [*(New(lost.id, event) for event in gone), *(New(kept.id, event) for event in stays)]
        for child in below:
            fields = streams.load(DESCRIPTION, child.id).state.fields
            if fields is not None and fields.parent == lost.id:
                fonds = kept.fonds_code or fields.fonds_code
                moved = Moved(parent=kept.id, reference_code=fields.reference_code, fonds_code=fonds, reason=reason)
                events += moving(streams, child.archive, child.id, moved)
        return events + _into_fonds(streams, farther, kept.fonds_code, reason)

    answer = session.perform("merge", decide, correlation=kept.id, archive=kept.archive)
    return _report(session, lost.id, answer, (kept.id,))


def divide_record(session: Session, record: str, *, parts: Sequence[PartRequest], reason: str) -> DescriptionReport:
    """Make several entries of one that was several records; each page of its files goes to exactly one of them.

    The files stay where they are stored: each part shows and hands out its own. Raises `divide-unfit`, `pages-unfit`,
    `code-taken`, `fixity-mismatch`.
    """
    session.require("describe")
    entry = find_description(session, record)
    if is_controlled(session, entry.package):
        raise ArchiveError("record-sealed", record)
    files = _paths(session, entry)
    ids = [session.new_id() for _ in parts]

    def decide(streams: Streams) -> list[New]:
        state = streams.load(DESCRIPTION, entry.id).state
        if state.fields is None:
            raise ArchiveError("description-unknown", record)
        if has_sealed(state.fields):
            raise ArchiveError("record-sealed", record)
        fields = {identity: _part_of(state.fields, part, files) for identity, part in zip(ids, parts, strict=True)}
        above = streams.load(DESCRIPTION, state.fields.parent).state if state.fields.parent else None
        whole, made = description.divide(state, fields, files, reason, above)
        events = [New(entry.id, event) for event in whole]
        for identity, described in made.items():
            streams.load(DESCRIPTION, identity)
            events += reserve(streams, entry.archive, fields[identity].reference_code, identity)
            events += [New(identity, event) for event in described]
        return events

    answer = session.perform("divide", decide, correlation=entry.id, archive=entry.archive)
    return _report(session, entry.id, answer, tuple(ids))


def close_record(session: Session, record: str, *, reason: str) -> DescriptionReport:
    """Close an entry: nothing more is placed below it."""
    session.require("describe")
    entry = find_description(session, record)

    def decide(streams: Streams) -> list[New]:
        state = streams.load(DESCRIPTION, entry.id).state
        return [New(entry.id, event) for event in description.close(state, reason)]

    answer = session.perform("close", decide, correlation=entry.id, archive=entry.archive)
    return _report(session, entry.id, answer)


def reserve(streams: Streams, archive: str | None, code: str | None, holder: UUID) -> list[New]:
    """Reserve a 档号 for an entry: `code-taken` where another bears it or bore it once."""
    if code is None:
        return []
    guard = reference_code_guard(archive or "", code)
    held = streams.load(REFERENCE_CODE, guard).state
    return [New(guard, event) for event in reservation.reserve(held, code, holder)]


def moving(streams: Streams, archive: str | None, stream: UUID, moved: Moved) -> list[New]:
    """The events of a move: the new 档号 reserved, the old one not released."""
    above = streams.load(DESCRIPTION, moved.parent).state if moved.parent else None
    events = description.move(streams.load(DESCRIPTION, stream).state, moved, above)
    reserved = reserve(streams, archive, moved.reference_code, stream) if events else []
    return [*reserved, *(New(stream, event) for event in events)]


def expect_below_ceiling(session: Session, fields: Fields) -> None:
    """`secrecy-ceiling`: nothing is encrypted here, so no description above what the archive may hold either."""
    ceiling = session.settings.secrecy_ceiling
    if fields.secrecy_class.rank > ceiling.rank:
        raise ArchiveError("secrecy-ceiling", fields.secrecy_class.value, ceiling=ceiling.value)


def _children(session: Session, entry: Description) -> list[Description]:
    """Everything directly below an entry."""
    found: list[Description] = []
    after: str | None = None
    while True:
        page = session.catalogue.children(entry.id, limit=1_000, after=after)
        found += page.entries
        if (after := page.after) is None:
            return found


def _descendants(session: Session, entry: Description) -> list[Description]:
    """Everything below an entry, however deep; there are three levels at most."""
    children = _children(session, entry)
    return children + [farther for child in children for farther in _descendants(session, child)]


def _into_fonds(streams: Streams, entries: Sequence[Description], fonds: str | None, reason: str) -> list[New]:
    """The events by which entries stand in another fonds, where they stood below the same parents."""
    events: list[New] = []
    for entry in entries:
        state = streams.load(DESCRIPTION, entry.id).state
        if state.fields is not None and state.stands:
            moved = Moved(
                parent=state.fields.parent,
                reference_code=state.fields.reference_code,
                fonds_code=fonds,
                reason=reason,
            )
            events += [New(entry.id, event) for event in description.move(state, moved)]
    return events


def _paths(session: Session, entry: Description) -> list[str]:
    """The paths of an entry's files, in their order; none for one without files."""
    if entry.package is None:
        return []
    version = stored.newest(session, entry.package)
    return sorted(file.path for file in stored.content(session, version) if holds(entry.files, file.path))


def _part_of(whole: Fields, part: PartRequest, files: Sequence[str]) -> Fields:
    ranges, count = _ranges(part.pages, files)
    return replace(
        whole,
        reference_code=part.reference_code,
        title=part.title,
        page_count=count or None,
        pages_scanned=count if count and whole.pages_scanned is not None else None,
        files=ranges,
    )


def _ranges(pages: str, files: Sequence[str]) -> tuple[tuple[FileRange, ...], int]:
    """Ranges of files from page numbers, which count from 1; and how many pages they are."""
    ranges, count = [], 0
    for words in filter(None, re.split(r"[,，\s]+", pages)):
        found = _RANGE.fullmatch(words)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
        if not 0 < first <= last <= len(files):
            raise ArchiveError("pages-unfit", words, pages=len(files))
        ranges.append(FileRange(first=files[first - 1], last=files[last - 1]))
        count += last - first + 1
    return tuple(ranges), count


def _report(session: Session, stream: UUID, answer: Answer, others: tuple[UUID, ...] = ()) -> DescriptionReport:
    fields = session.log.load(DESCRIPTION, stream).state.fields
    return DescriptionReport(
        description=stream,
        reference_code=fields.reference_code if fields else None,
        changed=answer.last >= answer.first,
        position=answer.last,
        others=others,
    )
