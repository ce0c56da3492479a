"""Correction by sheet (批量更正): an exported catalogue comes back corrected, and is applied with a reason.

Only cells that differ from what an export would write now are changes; so a sheet that was applied already changes
nothing, and one that was interrupted goes on. An entry that changed after the export is a conflict and is left alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from uuid import UUID

import msgspec

from packages_spec.findings import Finding, is_valid
from packages_spec.tables import RefusedTable, Sheet, cell_name, place_of, read_workbook
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
from repository.services.description_fields import FIELDS, field_named, read, written
from repository.services.sealing import has_sealed
from repository.services.session import Progress, Session
from repository.services.tables import FORMULA

ROWS_AT_ONCE = 1_000
"""Entries that one command corrects at most."""


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
    """What a sheet would change, or changed (`applied` entries, in so many `commands`), and what is wrong with it."""

    schema: str = "jingui.catalogue-import/1"
    rows: int
    unchanged: int
    corrections: tuple[Correction, ...]
    findings: tuple[Finding, ...]
    applied: int = 0
    commands: int = 0


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
    return _plan(session, sheet, "-")[0]


def apply_corrections(
    session: Session, sheet: Path, *, reason: str, rest: bool, progress: Progress
) -> CorrectionReport:
    """Apply a sheet, in commands of at most 1,000 entries with one reason.

    With a fault or a conflict nothing is applied, unless the `rest` is wanted. Killed in between, the same sheet goes
    on. `reason-missing`; `description-changed` for an entry that changes while its command is decided;
    `sheet-missing` where there is no such file.
    """
    session.require("describe")
    if not reason.strip():
        raise ArchiveError("reason-missing", sheet.name)
    report, planned = _plan(session, sheet, reason)
    if not is_valid(report.findings) and not rest:
        return report
    import_id, commands = session.new_id(), 0
    for batch in _batches(planned):

        def decide(streams: Streams, batch: Sequence[_Planned] = batch) -> list[New]:
            return [event for one in batch for event in _decided(streams, one)]

        session.perform("correct", decide, correlation=import_id, archive=batch[0].archive)
        commands += 1
        progress("correct", commands * ROWS_AT_ONCE, len(planned))
    return msgspec.structs.replace(report, applied=len(planned), commands=commands)


def _meant(cell: str) -> str:
    """Words that a cell stands for."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA) else cell


def _plan(session: Session, path: Path, reason: str) -> tuple[CorrectionReport, list[_Planned]]:
    """What a sheet changes, and what is wrong with it."""
    try:
        sheet = next((one for one in read_workbook(path, path.name) if one.rows), Sheet("", ((),)))
    except FileNotFoundError as error:
        raise ArchiveError("sheet-missing", path) from error
    except RefusedTable as refusal:
        return CorrectionReport(rows=0, unchanged=0, corrections=(), findings=(refusal.finding,)), []
    reading = _Reading(session, path.name, sheet, reason)
    rows = [number for number in range(2, len(sheet.rows) + 1) if any(sheet.rows[number - 1])]
    planned = [plan for number in rows if (plan := reading.row(number)) is not None]
    report = CorrectionReport(
        rows=len(rows),
        unchanged=reading.unchanged,
        corrections=tuple(one.correction for one in planned),
        findings=tuple(reading.findings),
    )
    return report, planned


class _Reading:
    """One reading of one sheet against the log as it stands."""

    def __init__(self, session: Session, name: str, sheet: Sheet, reason: str) -> None:
        self.findings: list[Finding] = []
        self.unchanged = 0
        self._session, self._name, self._sheet, self._reason = session, name, sheet, reason
        self._columns: dict[str, int] = {}
        self._seen: dict[UUID, int] = {}
        self._codes: dict[UUID, int] = {}
        self._parents: dict[UUID, str] = {}
        for column, header in enumerate(sheet.rows[0] if sheet.rows else (), 1):
            known = header if header in (ID, VERSION, CODE, PARENT) else self._field(column, header)
            if known is not None:
                self._columns[known] = column
        for header in (ID, VERSION):
            if header not in self._columns:
                self.findings.append(Finding("sheet.column-missing", place_of(name, "", 1), header))

    def _field(self, column: int, header: str) -> str | None:
        if not header:
            return None
        try:
            return field_named(header).key
        except ArchiveError:
            self._fault("sheet.column-unknown", 1, column, found=header)
            return None

    def row(self, number: int) -> _Planned | None:
        """What a row changes; null for one that changes nothing, or with which something is wrong."""
        if ID not in self._columns or VERSION not in self._columns:
            return None
        identity = self._entry(number)
        if identity is None:
            return None
        events = self._session.log.stream(identity)
        state = fold(DESCRIPTION, events)
        if state.fields is None:
            self._fault("sheet.id-unknown", number, self._columns[ID], found=str(identity))
            return None
        before = len(self.findings)
        changes = self._changes(number, state.fields)
        if not changes:
            self.unchanged += len(self.findings) == before
            return None
        position = events[-1].envelope.position
        if self._cell(number, VERSION) != str(position):
            self._fault("sheet.changed-since", number, self._columns[VERSION], expected=str(position))
        archive = events[0].envelope.archive
        decided = self._decide(number, identity, archive, state, state.fields, changes)
        if len(self.findings) > before:
            return None
        code = state.fields.reference_code
        differing = tuple(Change(key, _now(state.fields, key), words) for key, words in changes.items())
        correction = Correction(row=number, description=identity, reference_code=code, changes=differing)
        return _Planned(correction, archive, len(events), changes.get(CODE), tuple(decided))

    def _entry(self, number: int) -> UUID | None:
        words = self._cell(number, ID)
        try:
            identity = UUID(words)
        except ValueError:
            self._fault("sheet.id-unknown", number, self._columns[ID], found=words)
            return None
        if identity in self._seen:
            self._fault("sheet.row-twice", number, self._columns[ID], expected=str(self._seen[identity]))
            return None
        self._seen[identity] = number
        return identity

    def _changes(self, number: int, fields: Fields) -> dict[str, str]:
        """The cells that differ from what an export would write now, by field."""
        changes: dict[str, str] = {}
        for key, column in self._columns.items():
            if key in (ID, VERSION):
                continue
            cell, now = self._cell(number, key), self._parent(fields) if key == PARENT else _now(fields, key)
            if cell == shown(now):
                continue
            if (number, column) in self._sheet.formulas:
                self._fault("sheet.formula", number, column, found=cell)
            elif key in ("level", PARENT) or (key == CODE and not cell):
                self._fault("sheet.fixed", number, column, expected=now, found=cell)
            else:
                changes[key] = _meant(cell)
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
        before = len(self.findings)
        for key in changes.keys() - {CODE}:
            try:
                written(fields, {key: changes[key]})
            except ArchiveError as error:
                if error.code != "field-unfit":
                    raise
                takes = FIELDS[key].allowed
                self._fault("sheet.field-unfit", number, self._columns[key], expected=takes, found=changes[key])
        if len(self.findings) > before:
            return []
        try:
            self._expect_free(number, archive, identity, changes.get(CODE))
            events = _events(state, changes, self._reason)
            for event in events:
                if isinstance(event, description.Revised):
                    expect_below_ceiling(self._session, event.fields)
        except ArchiveError as error:
            found = f"{error.message('zh')} / {error.message('en')}"
            self.findings.append(Finding("sheet.refused", place_of(self._name, "", number), found=found))
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

    def _cell(self, number: int, key: str) -> str:
        row, column = self._sheet.rows[number - 1], self._columns[key]
        return row[column - 1] if column <= len(row) else ""

    def _fault(self, code: str, number: int, column: int, *, expected: str = "", found: str = "") -> None:
        header = self._sheet.rows[0][column - 1] if self._sheet.rows else ""
        place = f"{place_of(self._name, '', number)}:{cell_name(column, header)}"
        self.findings.append(Finding(code, place, expected, found))


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


def _batches(planned: Sequence[_Planned]) -> Iterator[list[_Planned]]:
    """Commands: at most so many entries, all of one archive."""
    batch: list[_Planned] = []
    for one in planned:
        if batch and (len(batch) == ROWS_AT_ONCE or batch[0].archive != one.archive):
            yield batch
            batch = []
        batch.append(one)
    if batch:
        yield batch
