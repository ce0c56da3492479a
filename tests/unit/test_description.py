"""Decisions about descriptions: where an entry may stand, and what putting it right does to it and to others."""

from contextlib import AbstractContextManager
from uuid import UUID

import msgspec
import pytest

from repository.domain import description
from repository.domain.description import Described, Divided, Fields, Merged, Moved, Revised, State, evolve
from repository.domain.description_fields import FileRange, Image, Text, expect_sound, holds
from repository.domain.values import Carrier, Level, RecordType, Value
from repository.errors import ArchiveError
from tests.catalogue_events import fields
from tests.histories import identity

ONE, OTHER, THIRD = identity("one"), identity("other"), identity("third")


def entry(level: Level, **changes: object) -> State:
    return State(fields(level=level, **changes))


def refused(code: str) -> "AbstractContextManager[object]":
    return pytest.raises(ArchiveError, check=lambda error: error.code == code)


def after(state: State, events: list[Value]) -> State:
    for event in events:
        state = evolve(state, event)
    return state


def moved(**changes: object) -> Moved:
    plain = Moved(parent=None, reference_code=None, fonds_code="0001", reason="改正")
    return msgspec.structs.replace(plain, **changes)


@pytest.mark.parametrize("higher", Level)
@pytest.mark.parametrize("lower", Level)
def test_each_level_stands_below_higher_ones_only(higher: Level, lower: Level) -> None:
    wanted, above = fields(level=lower, parent=ONE), entry(higher)
    if list(Level).index(higher) < list(Level).index(lower):
        assert description.describe(State(), wanted, above) == [Described(fields=wanted)]
    else:
        with refused("parent-level"):
            description.describe(State(), wanted, above)


@pytest.mark.parametrize(
    ("above", "code"),
    [
        (None, "parent-unknown"),
        (State(), "parent-unknown"),
        (State(fields(level=Level.VOLUME), into=OTHER), "parent-unknown"),
        (State(fields(level=Level.VOLUME), closed=True), "parent-closed"),
        (State(fields(level=Level.VOLUME, fonds_code="0002")), "parent-fonds"),
    ],
)
def test_a_parent_has_to_be_there_open_and_of_the_same_fonds(above: State | None, code: str) -> None:
    with refused(code):
        description.describe(State(), fields(parent=ONE), above)
    with refused(code):
        description.move(entry(Level.ITEM), moved(parent=ONE), above)


def test_a_revision_changes_words_and_never_the_place() -> None:
    state = entry(Level.ITEM, reference_code="0001-1")
    assert state.fields is not None
    other = msgspec.structs.replace(state.fields, title="地契存根")
    assert description.revise(state, other, "改正") == [Revised(fields=other, reason="改正")]
    assert description.revise(state, state.fields, "改正") == []
    with refused("description-place"):
        description.revise(state, msgspec.structs.replace(other, reference_code="0001-2"), "改正")
    with refused("reason-missing"):
        description.revise(state, other, "  ")


def test_a_level_changes_only_where_it_fits_what_stands_above_and_below() -> None:
    state = entry(Level.VOLUME, parent=ONE)
    assert state.fields is not None
    series = msgspec.structs.replace(state.fields, level=Level.SERIES)
    assert description.revise(state, series, "是类", entry(Level.FONDS), [entry(Level.ITEM)]) != []
    with refused("parent-level"):
        description.revise(state, series, "是类", entry(Level.SERIES))
    item = msgspec.structs.replace(state.fields, level=Level.ITEM)
    with refused("parent-level"):
        description.revise(state, item, "是件", entry(Level.FONDS), [entry(Level.ITEM)])


def test_moving_changes_the_place_and_nothing_else() -> None:
    state = entry(Level.ITEM, reference_code="0001-1")
    event = moved(parent=ONE, reference_code="0001-2")
    (appended,) = description.move(state, event, entry(Level.VOLUME))
    assert appended == event
    now = evolve(state, event).fields
    assert now == msgspec.structs.replace(state.fields, parent=ONE, reference_code="0001-2")  # type: ignore[type-var]
    assert description.move(State(now), event, entry(Level.VOLUME)) == []


def test_of_two_entries_one_goes_and_the_other_takes_over_its_files() -> None:
    lost = (ONE, entry(Level.ITEM, package=THIRD, carrier=Carrier.DIGITAL))
    kept = (OTHER, entry(Level.ITEM, carrier=Carrier.PAPER, title="地契存根"))
    gone, stays, package = description.merge(lost, kept, "同一件")
    assert gone == [Merged(into=OTHER, reason="同一件")]
    assert package == THIRD
    (revised,) = stays
    assert isinstance(revised, Revised)
    assert (revised.fields.package, revised.fields.carrier, revised.fields.title) == (THIRD, Carrier.BOTH, "地契存根")
    assert (revised.fields.page_count, revised.fields.pages_scanned) == (3, 3)
    with refused("description-gone"):
        description.revise(after(lost[1], gone), fields(title="新"), "改正")
    with refused("description-gone"):
        description.merge((ONE, after(lost[1], gone)), kept, "再来")


@pytest.mark.parametrize("other", [(ONE, entry(Level.ITEM)), (OTHER, entry(Level.VOLUME))])
def test_an_entry_merges_with_another_of_its_level_only(other: tuple[UUID, State]) -> None:
    with refused("merge-unfit"):
        description.merge((ONE, entry(Level.ITEM)), other, "同一件")


def part(*ranges: tuple[str, str]) -> Fields:
    return fields(files=tuple(FileRange(first=first, last=last) for first, last in ranges))


FILES = ("a.tif", "b.tif", "c.tif")


def test_a_division_gives_each_file_to_one_part() -> None:
    parts = {ONE: part(("a.tif", "a.tif"), ("c.tif", "c.tif")), OTHER: part(("b.tif", "b.tif"))}
    whole, made = description.divide(entry(Level.ITEM), parts, FILES, "原是两件")
    (divided,) = whole
    assert isinstance(divided, Divided)
    assert [one.description for one in divided.parts] == [ONE, OTHER]
    assert made == {stream: [Described(fields=said)] for stream, said in parts.items()}
    assert [[path for path in FILES if holds(said.files, path)] for said in parts.values()] == [
        ["a.tif", "c.tif"],
        ["b.tif"],
    ]
    assert not after(entry(Level.ITEM), whole).stands


@pytest.mark.parametrize(
    "parts",
    [
        {ONE: part(("a.tif", "c.tif"))},
        {ONE: part(("a.tif", "b.tif")), OTHER: part(("b.tif", "c.tif"))},
        {ONE: part(("a.tif", "a.tif")), OTHER: part(("c.tif", "c.tif"))},
        {ONE: part(("a.tif", "c.tif")), OTHER: fields(files=None)},
    ],
)
def test_a_division_that_loses_or_doubles_a_file_is_refused(parts: dict[UUID, Fields]) -> None:
    with refused("divide-unfit"):
        description.divide(entry(Level.ITEM), parts, FILES, "原是两件")


def test_parts_may_stand_in_a_closed_volume_where_their_entry_stood() -> None:
    closed = State(fields(level=Level.VOLUME), closed=True)
    parts = {stream: fields(parent=THIRD, files=()) for stream in (ONE, OTHER)}
    _, made = description.divide(entry(Level.ITEM, parent=THIRD), parts, (), "原是两件", closed)
    assert len(made) == 2


def test_closing_is_done_once() -> None:
    events = description.close(entry(Level.VOLUME), "立毕")
    assert len(events) == 1
    assert description.close(after(entry(Level.VOLUME), events), "立毕") == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"title": "  "}, "title-missing"),
        ({"image": Image(photographer="王")}, "section-unfit"),
        ({"page_count": -1}, "number-unfit"),
    ],
)
def test_what_no_description_may_say_is_refused(changes: dict[str, object], code: str) -> None:
    with refused(code):
        expect_sound(fields(**changes))
    expect_sound(fields(record_type=RecordType.TEXT, text=Text(document_number="1号")))
