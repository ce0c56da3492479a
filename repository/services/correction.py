"""Correction by sheet (批量更正): an exported catalogue comes back corrected, and is applied with a reason.

Only cells that differ from what an export would write now are changes; so a sheet that was applied already changes
nothing, and one that was interrupted goes on. An entry that changed after the export is a conflict and is left alone.
Rows without an id describe what is new (`sheet_entries`); a sheet of nothing else needs no columns for ids.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import msgspec

from packages_spec.findings import Finding, is_valid
from packages_spec.tables import RefusedTable, Sheet, read_workbook
from repository.domain import description
from repository.domain.aggregate import New, fold
from repository.domain.description import DESCRIPTION, Fields, Moved, State, evolve
from repository.domain.ids import reference_code_guard
from repository.domain.reservation import REFERENCE_CODE
from repository.domain.values import Value
from repository.errors import ArchiveError
from repository.eventlog import Streams
from repository.services.catalogue_export import CODE, ID, PARENT, VERSION, shown
from repository.services.description import expect_below_ceiling, reserve
from repository.services.description_fields import FIELDS, read, written
from repository.services.sealing import has_sealed
from repository.services.session import Progress, Session
from repository.services.sheet_cells import SheetCells, meant
from repository.services.sheet_entries import LEVEL, TITLE, Creation, NewEntries, NewEntry, described, is_new

ROWS_AT_ONCE = 1_000
"""Entries that one command corrects at most."""
_OF_NEW = (CODE, LEVEL, TITLE)
"""Columns without which nothing new can be described."""


class Change(msgspec.Struct, frozen=True):
    """A cell that differs: its field, what the entry says now, and what the sheet says."""

    field: str
    before: str
    after: str


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """A row that changes an entry."""

    row: int
    description: UUID
    reference_code: str | None
    changes: tuple[Change, ...]


class CorrectionReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a sheet would change, or changed (`applied` entries, in so many `commands`), and what is wrong with it.

    `creations` are the rows that describe something new, as many as are `created` when it is applied.
    """

    schema: str = "jingui.catalogue-import/1"
    rows: int
    unchanged: int
    corrections: tuple[Correction, ...]
    findings: tuple[Finding, ...]
    applied: int = 0
    commands: int = 0
    creations: tuple[Creation, ...] = ()
    created: int = 0


class _Planned(msgspec.Struct, frozen=True):
    """A correction with the events that it asks for, decided against the entry's stream at this version."""

    correction: Correction
    archive: str | None
    version: int
    code: str | None
    events: tuple[Value, ...]


def preview_corrections(session: Session, sheet: Path) -> CorrectionReport:
    """What a sheet would change, row by row; faults name row and column. Changes nothing itself."""
    session.require("describe")
    return _plan(session, sheet, "-").report


def apply_corrections(
    session: Session, sheet: Path, *, reason: str, rest: bool, progress: Progress
) -> CorrectionReport:
    """Apply a sheet, in commands of at most 1,000 entries with one reason: what is new first, then corrections.

    With a fault or a conflict nothing is applied, unless the `rest` is wanted. Killed in between, the same sheet goes
    on. `reason-missing`; `description-changed` for an entry that changes while its command is decided;
    `sheet-missing` where there is no such file.
    """
    session.require("describe")
    if not reason.strip():
        raise ArchiveError("reason-missing", sheet.name)
    plan = _plan(session, sheet, reason)
    if not is_valid(plan.report.findings) and not rest:
        return plan.report
    import_id, commands = session.new_id(), 0
    total = len(plan.entries) + len(plan.corrections)
    for entries in _batches(plan.entries):

        def describe(streams: Streams, entries: Sequence[NewEntry] = entries) -> Iterator[New]:
            return described(streams, entries)

        session.perform("describe", describe, correlation=import_id, archive=entries[0].archive)
        commands += 1
        progress("correct", min(commands * ROWS_AT_ONCE, total), total)
    for batch in _batches(plan.corrections):

        def decide(streams: Streams, batch: Sequence[_Planned] = batch) -> list[New]:
            return [event for one in batch for event in _decided(streams, one)]

        session.perform("correct", decide, correlation=import_id, archive=batch[0].archive)
        commands += 1
        progress("correct", min(commands * ROWS_AT_ONCE, total), total)
    return msgspec.structs.replace(
        plan.report, applied=len(plan.corrections), created=len(plan.entries), commands=commands
    )


class _Plan(msgspec.Struct, frozen=True):
    """What a sheet asks for."""

    report: CorrectionReport
    entries: list[NewEntry]
    corrections: list[_Planned]


def _plan(session: Session, path: Path, reason: str) -> _Plan:
    """What a sheet changes, and what is wrong with it."""
    try:
        sheet = next((one for one in read_workbook(path, path.name) if one.rows), Sheet("", ((),)))
    except FileNotFoundError as error:
        raise ArchiveError("sheet-missing", path) from error
    except RefusedTable as refusal:
        return _Plan(CorrectionReport(rows=0, unchanged=0, corrections=(), findings=(refusal.finding,)), [], [])
    cells = SheetCells(path.name, sheet)
    has_ids = ID in cells.columns or VERSION in cells.columns
    new = [number for number in cells.numbers if is_new(cells, number)]
    entries, reading = NewEntries(session, cells), _Reading(session, cells, reason)
    created: list[NewEntry] = []
    planned: list[_Planned] = []
    if not (has_ids and cells.lacks(ID, VERSION)) and not (new and cells.lacks(*_OF_NEW)):
        created = entries.plan(new)
        old = [number for number in cells.numbers if not is_new(cells, number)]
        planned = [plan for number in old if (plan := reading.row(number)) is not None]
    report = CorrectionReport(
        rows=len(cells.numbers),
        unchanged=reading.unchanged + entries.unchanged,
        corrections=tuple(one.correction for one in planned),
        findings=tuple(cells.findings),
        creations=tuple(one.creation for one in created),
    )
    return _Plan(report, created, planned)


class _Reading:
    """One reading of one sheet against the log as it stands."""

    def __init__(self, session: Session, cells: SheetCells, reason: str) -> None:
        self.unchanged = 0
        self._session, self._cells, self._reason = session, cells, reason
        self._seen: dict[UUID, int] = {}
        self._codes: dict[UUID, int] = {}
        self._parents: dict[UUID, str] = {}

    def row(self, number: int) -> _Planned | None:
        """What a row changes; null for one that changes nothing, or with which something is wrong."""
        identity = self._entry(number)
        if identity is None:
            return None
        events = self._session.log.stream(identity)
        state = fold(DESCRIPTION, events)
        if state.fields is None:
            self._cells.fault_at("sheet.id-unknown", number, ID, found=str(identity))
            return None
        before = len(self._cells.findings)
        changes = self._changes(number, state.fields)
        if not changes:
            self.unchanged += len(self._cells.findings) == before
            return None
        position = events[-1].envelope.position
        if self._cells.cell(number, VERSION) != str(position):
            self._cells.fault_at("sheet.changed-since", number, VERSION, expected=str(position))
        archive = events[0].envelope.archive
        decided = self._decide(number, identity, archive, state, state.fields, changes)
        if len(self._cells.findings) > before:
            return None
        code = state.fields.reference_code
        differing = tuple(Change(key, _now(state.fields, key), words) for key, words in changes.items())
        correction = Correction(row=number, description=identity, reference_code=code, changes=differing)
        return _Planned(correction, archive, len(events), changes.get(CODE), tuple(decided))

    def _entry(self, number: int) -> UUID | None:
        words = self._cells.cell(number, ID)
        try:
            identity = UUID(words)
        except ValueError:
            self._cells.fault_at("sheet.id-unknown", number, ID, found=words)
            return None
        if identity in self._seen:
            self._cells.fault_at("sheet.row-twice", number, ID, expected=str(self._seen[identity]))
            return None
        self._seen[identity] = number
        return identity

    def _changes(self, number: int, fields: Fields) -> dict[str, str]:
        """The cells that differ from what an export would write now, by field."""
        changes: dict[str, str] = {}
        for key in self._cells.columns:
            if key in (ID, VERSION):
                continue
            cell, now = self._cells.cell(number, key), self._parent(fields) if key == PARENT else _now(fields, key)
            if cell == shown(now):
                continue
            if self._cells.is_formula(number, key):
                self._cells.fault_at("sheet.formula", number, key, found=cell)
            elif key in ("level", PARENT) or (key == CODE and not cell):
                self._cells.fault_at("sheet.fixed", number, key, expected=now, found=cell)
            else:
                changes[key] = meant(cell)
        return changes

    def _parent(self, fields: Fields) -> str:
        """An entry's parent, as an export names it."""
        if fields.parent is None:
            return ""
        if fields.parent not in self._parents:
            above = self._session.log.load(DESCRIPTION, fields.parent).state.fields
            self._parents[fields.parent] = (above.reference_code if above else None) or str(fields.parent)
        return self._parents[fields.parent]

    def _decide(
        self,
        number: int,
        identity: UUID,
        archive: str | None,
        state: State,
        fields: Fields,
        changes: Mapping[str, str],
    ) -> list[Value]:
        """The events of a row, by the same decisions as a single move and a single revision; none for a fault."""
        before = len(self._cells.findings)
        for key in changes.keys() - {CODE}:
            try:
                written(fields, {key: changes[key]})
            except ArchiveError as error:
                if error.code != "field-unfit":
                    raise
                takes = FIELDS[key].allowed
                self._cells.fault_at("sheet.field-unfit", number, key, expected=takes, found=changes[key])
        if len(self._cells.findings) > before:
            return []
        try:
            self._expect_free(number, archive, identity, changes.get(CODE))
            events = _events(state, changes, self._reason)
            for event in events:
                if isinstance(event, description.Revised):
                    expect_below_ceiling(self._session, event.fields)
        except ArchiveError as error:
            self._cells.refuse(number, None, error)
            return []
        return events

    def _expect_free(self, number: int, archive: str | None, holder: UUID, code: str | None) -> None:
        """`code-taken` for a 档号 that another entry bears, bore once, or is given in the same sheet."""
        if code is None:
            return
        guard = reference_code_guard(archive or "", code)
        held = self._session.log.load(REFERENCE_CODE, guard).state.holder
        if held not in (None, holder) or self._codes.setdefault(guard, number) != number:
            raise ArchiveError("code-taken", code)


def _now(fields: Fields, key: str) -> str:
    return fields.reference_code or "" if key == CODE else read(fields, key)


def _events(state: State, changes: Mapping[str, str], reason: str) -> list[Value]:
    if state.fields is None:
        return []
    events: list[Value] = []
    if CODE in changes:
        place = Moved(
            parent=state.fields.parent,
            reference_code=changes[CODE],
            fonds_code=state.fields.fonds_code,
            reason=reason,
        )
        events += description.move(state, place)
        state = evolve(state, place)
    others = {key: words for key, words in changes.items() if key != CODE}
    if others and state.fields is not None:
        if has_sealed(state.fields):
            raise ArchiveError("record-sealed", state.fields.reference_code or "")
        events += description.revise(state, written(state.fields, others), reason)
    return events


def _decided(streams: Streams, one: _Planned) -> list[New]:
    """The events of a row, if its entry is still what they were decided against."""
    stream = one.correction.description
    if streams.load(DESCRIPTION, stream).version != one.version:
        raise ArchiveError("description-changed", one.correction.reference_code or stream)
    return [*reserve(streams, one.archive, one.code, stream), *(New(stream, event) for event in one.events)]


_Row = TypeVar("_Row", _Planned, NewEntry)


def _batches(planned: Sequence[_Row]) -> Iterator[list[_Row]]:
    """Commands: at most so many entries, all of one archive."""
    batch: list[_Row] = []
    for one in planned:
        if batch and (len(batch) == ROWS_AT_ONCE or batch[0].archive != one.archive):
            yield batch
            batch = []
        batch.append(one)
    if batch:
        yield batch
