"""New entries by sheet (批量著录): rows without an id describe what is not described yet, with what stands above it.

A fonds, its series, volumes and items may come in one sheet in any order, on paper or not. A row whose 档号 is an entry
already that says all the row says changes nothing: so a sheet that was applied, or interrupted, goes on.
"""

from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

import msgspec

from repository.domain import description
from repository.domain.aggregate import New
from repository.domain.description import DESCRIPTION, Fields, State
from repository.domain.ids import reference_code_guard
from repository.domain.reservation import REFERENCE_CODE
from repository.domain.values import Level
from repository.errors import ArchiveError
from repository.eventlog import Streams
from repository.services.catalogue_export import CODE, ID, PARENT, VERSION, shown
from repository.services.description import expect_below_ceiling, reserve
from repository.services.description_fields import FIELDS, blank_fields, read, written
from repository.services.search import uuid_of
from repository.services.session import Session
from repository.services.sheet_cells import SheetCells, meant

LEVEL, TITLE = "level", "title"


class Creation(msgspec.Struct, frozen=True, kw_only=True):
    """A row that describes an entry which is not there yet."""

    row: int
    reference_code: str
    level: Level
    title: str
    parent: str | None


class NewEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A creation with what it is decided by: its archive, and its fields, in which the parent has its id."""

    creation: Creation
    stream: UUID
    archive: str
    fields: Fields


class _Above(msgspec.Struct, frozen=True):
    """What a row shall stand below."""

    identity: UUID
    archive: str
    state: State


class NewEntries:
    """The rows of one sheet that describe something new, decided against the log as it stands."""

    def __init__(self, session: Session, cells: SheetCells) -> None:
        self.unchanged = 0
        self._session, self._cells = session, cells
        self._made: dict[UUID, NewEntry] = {}
        self._rows: dict[str, int] = {}
        self._left: dict[str, int] = {}

    def plan(self, numbers: Sequence[int]) -> list[NewEntry]:
        """The entries to be, those above before those below."""
        known = [(number, level) for number in numbers if (level := self._level(number)) is not None]
        for number, _ in known:
            self._once(number)
        ordered = sorted(known, key=lambda one: list(Level).index(one[1]))
        return [made for number, level in ordered if (made := self._row(number, level)) is not None]

    def _level(self, number: int) -> Level | None:
        """The level that a row names; null, with the fault told, for none."""
        word = meant(self._cells.cell(number, LEVEL))
        try:
            return Level(FIELDS[LEVEL].value(word))
        except ValueError:
            self._cells.fault_at("sheet.field-unfit", number, LEVEL, expected=FIELDS[LEVEL].allowed, found=word)
            self._left[self._code(number)] = number
            return None

    def _code(self, number: int) -> str:
        return meant(self._cells.cell(number, CODE))

    def _once(self, number: int) -> None:
        code = self._code(number)
        first = self._rows.setdefault(code, number) if code else number
        if first != number:
            self._cells.fault_at("sheet.row-twice", number, CODE, expected=str(first))

    def _row(self, number: int, level: Level) -> NewEntry | None:
        """What a row makes; null where the entry is there already, or something is wrong with it."""
        before = len(self._cells.findings)
        code = self._code(number)
        above = self._above(number)
        for key, words in ((CODE, code), (TITLE, self._cells.cell(number, TITLE))):
            if not words:
                self._cells.fault_at("sheet.needed", number, key)
        archive = above.archive if above else self._session.archive_code(None)
        held = self._holder(archive, code) if code else None
        fields = self._fields(number, level, code, above)
        if len(self._cells.findings) == before and held is not None:
            self._compare(number, held, fields, above)
        elif len(self._cells.findings) == before and self._rows.get(code) == number:
            return self._new(number, archive, fields, above)
        if len(self._cells.findings) > before:
            self._left[code] = number
        return None

    def _new(self, number: int, archive: str, fields: Fields, above: _Above | None) -> NewEntry | None:
        """Decided as a single description would be."""
        before = len(self._cells.findings)
        place = above.state if above else None
        for key, decide in (
            ("secrecy_class", lambda: expect_below_ceiling(self._session, fields)),
            (PARENT, lambda: description.expect_place(fields, place)),
            (None, lambda: description.describe(State(), fields, place)),
        ):
            if len(self._cells.findings) == before:
                try:
                    decide()
                except ArchiveError as error:
                    self._cells.refuse(number, key, error)
        code = fields.reference_code or ""
        if len(self._cells.findings) > before:
            self._left[code] = number
            return None
        creation = Creation(
            row=number,
            reference_code=code,
            level=fields.level,
            title=read(fields, TITLE),
            parent=meant(self._cells.cell(number, PARENT)) or None,
        )
        made = NewEntry(creation=creation, stream=self._session.new_id(), archive=archive, fields=fields)
        self._made[reference_code_guard(archive, code)] = made
        return made

    def _above(self, number: int) -> _Above | None:
        """What the row shall stand below: an entry of the sheet, or one that is there."""
        named = meant(self._cells.cell(number, PARENT))
        if not named:
            return None
        for archive in self._session.settings.archives:
            made = self._made.get(reference_code_guard(archive, named))
            if made is not None:
                return _Above(made.stream, archive, State(fields=made.fields))
            if (holder := self._holder(archive, named)) is not None:
                return self._stored(holder)
        identity = uuid_of(named)
        if identity is not None and (found := self._stored(identity)) is not None:
            return found
        if named in self._left:
            self._cells.fault_at("sheet.parent-left", number, PARENT, expected=str(self._left[named]), found=named)
        else:
            self._cells.fault_at("sheet.parent-unknown", number, PARENT, found=named)
        return None

    def _stored(self, identity: UUID) -> _Above | None:
        events = self._session.log.stream(identity)
        state = self._session.log.load(DESCRIPTION, identity).state
        return _Above(identity, events[0].envelope.archive or "", state) if state.fields is not None else None

    def _holder(self, archive: str, code: str) -> UUID | None:
        return self._session.log.load(REFERENCE_CODE, reference_code_guard(archive, code)).state.holder

    def _fields(self, number: int, level: Level, code: str, above: _Above | None) -> Fields:
        """The row's fields, each put in by itself, so that what is unfit is told by its column."""
        place = above.state.fields if above else None
        fonds_code = code if level is Level.FONDS else place.fonds_code if place else None
        fields = blank_fields(level, above.identity if above else None, code, fonds_code)
        for key, words in self._said(number).items():
            try:
                fields = written(fields, {key: words})
            except ArchiveError as error:
                if error.code != "field-unfit":
                    raise
                self._cells.fault_at("sheet.field-unfit", number, key, expected=FIELDS[key].allowed, found=words)
        return fields

    def _said(self, number: int) -> Mapping[str, str]:
        """The words of a row, by field; of formulas none, for they say nothing themselves."""
        said: dict[str, str] = {}
        for key in self._cells.columns:
            words = self._cells.cell(number, key)
            if words and self._cells.is_formula(number, key):
                self._cells.fault_at("sheet.formula", number, key, found=words)
            elif words and key in FIELDS:
                said[key] = meant(words)
        return said

    def _compare(self, number: int, held: UUID, fields: Fields, above: _Above | None) -> None:
        """An entry of this 档号 is there: the row says the same, or the fault is that it says something else."""
        now = self._session.log.load(DESCRIPTION, held).state.fields
        keys = [*self._said(number), *(("fonds_code",) if above else ())]
        parent = above.identity if above else None
        is_same = now is not None and now.parent == parent and now.level is fields.level
        if now is not None and is_same and all(shown(read(now, key)) == shown(read(fields, key)) for key in keys):
            self.unchanged += 1
        else:
            self._cells.fault_at("sheet.code-exists", number, CODE, expected=str(held), found=self._code(number))


def is_new(cells: SheetCells, number: int) -> bool:
    """Whether a row describes something new: it has neither an id nor a version."""
    return not cells.cell(number, ID) and not cells.cell(number, VERSION)


def described(streams: Streams, entries: Sequence[NewEntry]) -> Iterator[New]:
    """The events of entries, decided again as the log stands now. `code-taken`, and what `describe` raises."""
    made: dict[UUID, State] = {}
    for entry in entries:
        parent = entry.fields.parent
        above = None if parent is None else made.get(parent) or streams.load(DESCRIPTION, parent).state
        yield from reserve(streams, entry.archive, entry.fields.reference_code, entry.stream)
        before = streams.load(DESCRIPTION, entry.stream).state
        yield from (New(entry.stream, event) for event in description.describe(before, entry.fields, above))
        made[entry.stream] = State(fields=entry.fields)
