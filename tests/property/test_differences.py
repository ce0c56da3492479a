"""Two moments of any history: their difference is exact, and any moment is what a replay to it gives."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repository.catalogue import Catalogue, Difference
from repository.catalogue.schema import TABLES
from tests.histories import MemoryLog, identity
from tests.property.test_catalogue_histories import histories

State = dict[tuple[str, str], Any]
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@contextmanager
def replayed(log: MemoryLog, position: int) -> Iterator[Catalogue]:
    """A catalogue that knows nothing but the log up to a position."""
    with TemporaryDirectory() as folder, closing(Catalogue.open(Path(folder))) as catalogue:
        catalogue.catch_up(log, upto=position)
        yield catalogue


def state(catalogue: Catalogue) -> State:
    """Every card that stands, read from the tables without any of the queries under test."""
    found: State = {}
    with catalogue._snapshot() as (db, position):
        for table in TABLES:
            rows = db.execute(f"SELECT body FROM {table.name} WHERE until > {position} AND body IS NOT NULL")
            for (body,) in rows.fetchall():
                card = {key: value for key, value in msgspec.json.decode(body).items() if key not in table.counted}
                found[table.name, card["id"]] = card
    return found


def applied(before: State, differences: Iterable[Difference]) -> State:
    """The state that differences make of an earlier one; each must fit what it is applied to."""
    after = dict(before)
    for one in differences:
        key = one.kind, one.id
        if one.change == "removed":
            assert after.pop(key) == one.card
        elif one.change == "added":
            assert key not in after
            after[key] = one.card
        else:
            assert one.fields
            assert all(after[key].get(name) == field.before != field.after for name, field in one.fields.items())
            after[key] = after[key] | {name: field.after for name, field in one.fields.items()}
            assert after[key] == one.card
    return after


@quick
@given(histories(), st.data())
def test_a_state_with_the_differences_applied_is_the_other_state(log: MemoryLog, data: st.DataObject) -> None:
    end = log.position()
    earlier = data.draw(st.integers(0, end), label="earlier")
    later = data.draw(st.integers(earlier, end), label="later")
    with replayed(log, earlier) as one, replayed(log, later) as other, replayed(log, end) as live:
        differences = list(live.differences(earlier, later))
        assert applied(state(one), differences) == state(other)
        assert [(one.kind, one.id) for one in differences] == unique((one.kind, one.id) for one in differences)
        assert list(other.differences(earlier, later)) == differences


def unique(keys: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return list(dict.fromkeys(keys))


@quick
@given(histories())
def test_nothing_differs_from_itself_and_the_whole_is_the_sum_of_its_parts(log: MemoryLog) -> None:
    end = log.position()
    middle = end // 2
    with replayed(log, end) as live, replayed(log, middle) as half:
        assert list(live.differences(middle, middle)) == []
        assert list(live.differences(end, end)) == []
        first, second = live.differences(0, middle), live.differences(middle, end)
        assert applied({}, first) == state(half)
        assert applied(state(half), second) == applied({}, live.differences(0, end)) == state(live)


def test_a_history_longer_than_a_window_is_read_whole(monkeypatch: Any) -> None:
    monkeypatch.setattr("repository.catalogue.differences.WINDOW", 3)
    checked = 0

    @quick
    @given(histories())
    def whole(log: MemoryLog) -> None:
        nonlocal checked
        with replayed(log, log.position()) as live:
            assert applied({}, live.differences(0, log.position())) == state(live)
            checked += log.position() > 3

    whole()
    assert checked


LINKED = [identity("dip"), *(identity(f"package {number}") for number in range(3))]
ASKED: dict[str, Callable[[Catalogue, int | None], Any]] = {
    "list": lambda catalogue, then: catalogue.search(as_of=then, limit=1_000).entries,
    "search": lambda catalogue, then: catalogue.search("地契", as_of=then, limit=1_000).entries,
    "packages": lambda catalogue, then: catalogue.packages(as_of=then, limit=1_000).entries,
    "accessions": lambda catalogue, then: catalogue.accessions(as_of=then, limit=1_000).entries,
    "people": lambda catalogue, then: catalogue.agents(as_of=then, limit=1_000).entries,
    "requests": lambda catalogue, then: catalogue.requests(as_of=then, limit=1_000).entries,
    "trace": lambda catalogue, then: [catalogue.requests_for(one, as_of=then) for one in LINKED],
    "runs": lambda catalogue, then: catalogue.runs(as_of=then, limit=1_000).entries,
    "status": lambda catalogue, then: catalogue.holdings(as_of=then),
    "diff": lambda catalogue, then: applied(
        {}, catalogue.differences(0, catalogue.position() if then is None else then)
    ),
}
"""What each reading verb shows, as of a position."""


def shown(catalogue: Catalogue, then: int | None = None) -> dict[str, Any]:
    found = {verb: ask(catalogue, then) for verb, ask in ASKED.items()}
    one_by_one: list[object] = [catalogue.description(card.id, as_of=then) for card in found["list"]]
    one_by_one += [catalogue.package(card.id, as_of=then) for card in found["packages"]]
    marks = [catalogue.marks(card.id, as_of=then) for card in (*found["packages"], *found["runs"])]
    return found | {"show": one_by_one, "marks": marks}


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories(), st.lists(st.integers(0, 10_000), min_size=25, max_size=25))
def test_as_of_equals_a_replay_to_that_position(log: MemoryLog, places: list[int]) -> None:
    """Eight histories at twenty-five positions each: two hundred in all."""
    with replayed(log, log.position()) as live:
        for position in {place % (log.position() + 1) for place in places}:
            with replayed(log, position) as then:
                assert shown(live, position) == shown(then)
