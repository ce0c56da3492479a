"""Opening review as a pure decision: how many, in which order, by how many people, and what changed meanwhile."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

import pytest

from repository.domain import opening_review
from repository.domain.aggregate import fold
from repository.domain.opening_review import (
    MOST,
    OPENING_REVIEW,
    Answer,
    Candidate,
    Control,
    Decided,
    OpinionGiven,
    Proposed,
    State,
    UnitAnswered,
)
from repository.domain.values import Ground, Value
from repository.errors import ArchiveError
from repository.eventlog.codec import encode
from tests.histories import MemoryLog, identity

ONE, TWO, THREE, FOUR = (identity(f"person {number}") for number in range(4))
PACKAGES = [identity(f"package {number}") for number in range(4)]
LARGEST_EVENT = 160_000


def proposed(count: int = 4, rule: str = "term") -> Proposed:
    return Proposed(
        rule=rule,
        candidates=tuple(Candidate(package=identity(f"package {number}"), revision=0) for number in range(count)),
        proposed_by=(ONE,),
    )


def control(package: UUID, until: str | None = None) -> Control:
    return Control(package=package, ground=Ground.INTELLECTUAL_PROPERTY, until=until)


def opinion(*who: UUID, keep: tuple[Control, ...] = ()) -> OpinionGiven:
    return OpinionGiven(reviewer=tuple(sorted(who)), control=keep, note=None)


def unit(*keep: Control) -> UnitAnswered:
    answer = Answer.OBJECTS if keep else Answer.AGREES
    return UnitAnswered(answer=answer, control=keep, letter=None, recorded_by=(ONE,))


def after(*payloads: Value) -> State:
    log = MemoryLog()
    log.record("OpeningReview", identity("review"), *payloads)
    return fold(OPENING_REVIEW, log.recorded)


def refused(deed: Callable[[], object]) -> str:
    with pytest.raises(ArchiveError) as error:
        deed()
    return error.value.code


@pytest.mark.parametrize(("count", "code"), [(0, "review-size"), (1, None), (MOST, None), (MOST + 1, "review-size")])
def test_a_review_has_up_to_a_thousand_records(count: int, code: str | None) -> None:
    if code is None:
        assert len(opening_review.propose(State(), proposed(count))) == 1
    else:
        assert refused(lambda: opening_review.propose(State(), proposed(count))) == code


def test_the_largest_events_stay_within_the_bound() -> None:
    whole = proposed(MOST)
    keep = tuple(control(one.package, "2040-12-31") for one in whole.candidates)
    state = after(whole, opinion(ONE, keep=keep), opinion(TWO, keep=keep), unit(*keep))
    decided = opening_review.decide(state, keep, {THREE}, {one.package: 0 for one in whole.candidates})
    assert len(decided.control) == MOST
    for event in (whole, opinion(ONE, keep=keep), unit(*keep), decided):
        assert len(encode(event)) < LARGEST_EVENT


def revisions(**changed: int) -> dict[UUID, int]:
    return dict.fromkeys(PACKAGES, 0) | {identity(f"package {name[1:]}"): n for name, n in changed.items()}


def test_nothing_is_decided_before_everybody_was_heard() -> None:
    steps: list[Value] = [proposed(), opinion(ONE), opinion(TWO), unit()]
    for heard in range(len(steps)):
        state = after(*steps[:heard])
        assert refused(partial(opening_review.decide, state, (), {THREE}, revisions())) == "review-order"
    assert (
        opening_review.opened(after(*steps), opening_review.decide(after(*steps), (), {THREE}, revisions())) == PACKAGES
    )


@pytest.mark.parametrize("second", [(ONE, THREE), (THREE, ONE)])
def test_no_person_is_two_reviewers_not_even_as_somebodys_deputy(second: tuple[UUID, UUID]) -> None:
    state = after(proposed(), opinion(ONE))
    assert refused(lambda: opening_review.give_opinion(state, opinion(*second))) == "own-review"
    assert opening_review.give_opinion(state, opinion(ONE)) == []
    assert opening_review.give_opinion(state, opinion(ONE, keep=(control(PACKAGES[0]),)))


@pytest.mark.parametrize("decider", [{ONE}, {TWO}, {THREE, ONE}, {TWO, FOUR}])
def test_no_reviewer_decides_not_even_as_somebodys_deputy(decider: set[UUID]) -> None:
    state = after(proposed(), opinion(ONE), opinion(TWO), unit())
    assert refused(lambda: opening_review.decide(state, (), decider, revisions())) == "own-review"


def test_whoever_advised_to_control_is_followed_and_the_strictest_word_holds() -> None:
    first = opinion(ONE, keep=(control(PACKAGES[0], "2030-01-01"), control(PACKAGES[1], "2030-01-01")))
    second = opinion(TWO, keep=(control(PACKAGES[0], "2040-01-01"),))
    state = after(proposed(), first, second, unit(control(PACKAGES[1])))
    made = opening_review.decide(state, (control(PACKAGES[0], "2025-01-01"),), {THREE}, revisions())
    assert {one.package: one.until for one in made.control} == {PACKAGES[0]: "2040-01-01", PACKAGES[1]: None}
    assert opening_review.opened(state, made) == PACKAGES[2:]
    assert opening_review.everybody(state, made) == tuple(sorted((ONE, TWO, THREE)))


def test_what_changed_meanwhile_is_neither_opened_nor_controlled() -> None:
    state = after(proposed(), opinion(ONE, keep=(control(PACKAGES[1]),)), opinion(TWO), unit())
    made = opening_review.decide(state, (), {THREE}, revisions(p1=1, p2=3))
    assert (made.control, made.passed_over) == ((), (PACKAGES[1], PACKAGES[2]))
    assert opening_review.opened(state, made) == [PACKAGES[0], PACKAGES[3]]


def test_a_review_that_is_over_is_over() -> None:
    for last in (
        Decided(control=(), passed_over=(), decided_by=(THREE,)),
        opening_review.Withdrawn(reason="清单有误"),
    ):
        state = after(proposed(), opinion(ONE), opinion(TWO), unit(), last)
        deeds: tuple[Callable[[], object], ...] = (
            partial(opening_review.give_opinion, state, opinion(FOUR)),
            partial(opening_review.hear_unit, state, unit()),
            partial(opening_review.decide, state, (), {FOUR}, revisions()),
            partial(opening_review.withdraw, state, "再撤"),
            partial(opening_review.propose, state, proposed()),
        )
        for deed in deeds:
            assert refused(deed) == "review-order"


def test_an_objection_says_what_it_is_about() -> None:
    state = after(proposed(), opinion(ONE), opinion(TWO))
    silent = UnitAnswered(answer=Answer.OBJECTS, control=(), letter=None, recorded_by=(ONE,))
    assert refused(lambda: opening_review.hear_unit(state, silent)) == "reason-missing"
    stranger = unit(control(identity("elsewhere")))
    assert refused(lambda: opening_review.hear_unit(state, stranger)) == "review-stranger"
