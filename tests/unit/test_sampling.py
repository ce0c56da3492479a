"""The sample as a pure decision: drawn by a seed that anyone can draw again, 100 % linked, 95 % good."""

from collections.abc import Callable
from functools import partial

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from repository.domain import accession, sampling
from repository.domain.accession import State
from repository.domain.sampling import Sample, SampleBy, SampleDrawn, SampleFault, SampleJudged
from repository.domain.values import Outcome, Value
from repository.errors import ArchiveError
from repository.eventlog.codec import encode
from tests.catalogue_events import opened, received, unit
from tests.histories import identity

LARGEST_EVENT = 160_000
SEED = "00112233445566778899aabbccddeeff"
UNITS = {f"卷{number // 10}/件{number:03}": f"卷{number // 10}" for number in range(200)}


def drawn(units: dict[str, str] = UNITS, by: SampleBy = SampleBy.ITEM, percent: int = 5, seed: str = SEED) -> Sample:
    state = Sample()
    for event in sampling.draw(state, 1, units, seed=seed, by=by, percent=percent):
        assert isinstance(event, SampleDrawn)
        state = sampling.evolve(state, event)
    return state


def judged(one: str, *, pages: int = 20, bad: int = 0, linked: bool = True) -> SampleJudged:
    faults = tuple(SampleFault(file=number + 1, reason="模糊") for number in range(bad))
    return SampleJudged(
        delivery=1, unit=one, linked=linked, pages=pages, faults=faults, note=None, judged_by=(identity("person"),)
    )


def concluded(state: Sample, *verdicts: SampleJudged) -> Outcome:
    for verdict in verdicts:
        for event in sampling.judge(state, verdict):
            state = sampling.evolve(state, event)  # type: ignore[arg-type]  # a sample's own events
    return state.outcome


def refused(deed: Callable[[], object]) -> str:
    with pytest.raises(ArchiveError) as caught:
        deed()
    return caught.value.code


@given(st.integers(1, 400), st.integers(5, 100), st.uuids().map(lambda one: one.hex))
def test_the_share_is_never_below_what_was_asked_and_the_same_seed_draws_the_same(
    count: int, percent: int, seed: str
) -> None:
    units = {f"件{number}": "卷" for number in range(count)}
    sample = drawn(units, percent=percent, seed=seed)
    assert len(sample.units) * 100 >= count * percent > (len(sample.units) - 1) * 100
    assert sample == drawn(dict(reversed(units.items())), percent=percent, seed=seed) or set(sample.units) == set(
        drawn(dict(reversed(units.items())), percent=percent, seed=seed).units
    )


def test_a_volume_is_drawn_with_all_of_its_items() -> None:
    sample = drawn(by=SampleBy.VOLUME)
    assert len(sample.units) == 10
    assert len({UNITS[one] for one in sample.units}) == 1
    assert sample.drawn[1].population == 20
    assert drawn(seed="another").units != drawn().units


def test_every_entry_belongs_to_its_pages_and_nineteen_of_twenty_pages_are_good() -> None:
    state = drawn()
    first, *rest = state.units
    sound = [judged(one) for one in rest]
    assert len(state.units) == 10
    assert concluded(state, judged(first, bad=10), *sound) is Outcome.PASSED
    assert concluded(state, judged(first, bad=11), *sound) is Outcome.FAILED
    assert concluded(state, judged(first, linked=False), *sound) is Outcome.FAILED
    assert concluded(state, *sound) is Outcome.NOT_CHECKED
    # the last word on a unit holds
    assert concluded(state, judged(first, linked=False), *sound, judged(first)) is Outcome.PASSED


def test_what_is_refused() -> None:
    state = drawn()
    one = state.units[0]
    draw = partial(sampling.draw, seed=SEED, by=SampleBy.ITEM)
    faulty = msgspec.structs.replace(judged(one), faults=(SampleFault(file=1, reason=" "),))
    assert refused(partial(draw, state, 1, UNITS, percent=5)) == "sample-drawn"
    assert refused(partial(draw, Sample(), 1, UNITS, percent=4)) == "sample-small"
    assert refused(partial(draw, Sample(), 1, UNITS, percent=101)) == "sample-small"
    assert refused(partial(draw, Sample(), 1, {}, percent=5)) == "sample-empty"
    assert refused(partial(sampling.judge, state, judged("别处"))) == "sample-stranger"
    assert refused(partial(sampling.judge, state, faulty)) == "reason-missing"
    assert refused(partial(sampling.judge, state, judged(one, pages=1, bad=2))) == "page-unknown"


def test_a_sample_of_thousands_of_long_names_is_told_in_parts() -> None:
    units = {f"{'卷' * 40}{number:05}": "卷" for number in range(20_000)}
    events = sampling.draw(Sample(), 1, units, seed=SEED, by=SampleBy.ITEM, percent=20)
    assert len(events) > 1
    assert max(len(encode(event)) for event in events) <= LARGEST_EVENT
    assert len(drawn(units, percent=20).units) == 4_000


def waiting(count: int = 3) -> State:
    valid = accession.DeliveryValidated(delivery=1, producer_digests=(), findings=(), findings_total=0)
    steps: list[Callable[[State], list[Value]]] = [
        lambda state: accession.open_accession(state, opened()),
        lambda state: accession.receive(state, received(1)),
        lambda state: accession.plan(state, [unit(number) for number in range(count)]),
        lambda state: accession.validate(state, valid),
        lambda state: accession.require_review(state, received_by=identity("receiver"), two_persons=False),
    ]
    state = State()
    for step in steps:
        for event in step(state):
            state = accession.evolve(state, event)
    return state


def test_nothing_is_accepted_before_the_sample_is_and_after_it_failed_all_goes_back() -> None:
    state, actor, quality = waiting(), identity("person"), Outcome.PASSED
    units = dict.fromkeys(state.undecided, "卷")
    for event in accession.draw_sample(state, units, seed=SEED, by=SampleBy.ITEM, percent=5):
        state = accession.evolve(state, event)
    (one,) = state.sample.units
    wanted = partial(accession.accept_units, units=None, actor=actor, quality=quality, needs_sample=True)
    assert refused(partial(wanted, waiting())) == "sample-needed"
    accept = partial(accession.accept_units, units=None, actor=actor, quality=quality)
    assert refused(partial(accept, state)) == "sample-open"
    good, bad = state, state
    for event in accession.judge_sample(state, judged(one)):
        good = accession.evolve(good, event)
    for event in accession.judge_sample(state, judged(one, linked=False)):
        bad = accession.evolve(bad, event)
    assert [type(event).__name__ for event in accept(good)] == ["Accepted"]
    assert refused(partial(accept, bad)) == "sample-failed"
    give_back = partial(accession.return_units, bad, reason="返工", quality=quality)
    assert refused(partial(give_back, [state.undecided[0]])) == "sample-failed"
    (returned,) = give_back(None)
    assert isinstance(returned, accession.Returned)
    assert returned.whole
    again = accession.evolve(accession.evolve(bad, returned), received(2))
    assert again.sample == Sample()
    assert refused(partial(accession.draw_sample, again, units, seed=SEED, by=SampleBy.ITEM, percent=5)) == (
        "accession-order"
    )
