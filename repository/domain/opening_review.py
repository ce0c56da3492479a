"""Opening review (开放审核): up to 1,000 records whose term has run out are judged together.

Two different reviewers give their opinions, the unit that the records came from is heard, and somebody else decides: a
record is opened only where nobody of them advised to control it. Agents are compared as sets, a deputy and the
principal together, so that no person is two.
"""

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from uuid import UUID

import msgspec

from repository.domain.aggregate import Aggregate
from repository.domain.values import Confidential, Day, Ground, Value
from repository.errors import ArchiveError

MOST = 1_000
"""Records of one review at most."""

REVIEWERS = 2
"""Opinions that a decision needs."""


class Candidate(Value, frozen=True, kw_only=True):
    """A package to be judged, and how often its access status had been changed when it was proposed."""

    package: UUID
    revision: int


class Control(Value, frozen=True, kw_only=True):
    """This package is to be controlled on a ground, until a day or for good."""

    package: UUID
    ground: Ground
    until: Day | None


class Proposed(Value, frozen=True, kw_only=True):
    """These records are to be judged, because of this rule of the policy."""

    rule: str
    candidates: tuple[Candidate, ...]
    proposed_by: tuple[UUID, ...]


class OpinionGiven(Value, frozen=True, kw_only=True):
    """One reviewer's opinion: these are to be controlled, all others opened. Given again, the last word holds."""

    reviewer: tuple[UUID, ...]
    control: tuple[Control, ...]
    note: Confidential | None


class Answer(StrEnum):
    """What the unit said (移交单位意见)."""

    AGREES = "agrees"
    OBJECTS = "objects"
    SILENT = "silent"


class UnitAnswered(Value, frozen=True, kw_only=True):
    """The unit's opinion, as its letter has it. Recorded again, the last word holds."""

    answer: Answer
    control: tuple[Control, ...]
    letter: Confidential | None
    recorded_by: tuple[UUID, ...]


class Decided(Value, frozen=True, kw_only=True):
    """What was decided: these are controlled, these left alone because they had changed meanwhile, all others open."""

    control: tuple[Control, ...]
    passed_over: tuple[UUID, ...]
    decided_by: tuple[UUID, ...]


class Withdrawn(Value, frozen=True, kw_only=True):
    """The review ends without a decision, and why."""

    reason: Confidential


class State(msgspec.Struct, frozen=True):
    """What the decisions below need to know."""

    proposed: Proposed | None = None
    opinions: Mapping[tuple[UUID, ...], OpinionGiven] = {}
    unit: UnitAnswered | None = None
    decided: Decided | None = None
    withdrawn: bool = False


def evolve(state: State, event: Value) -> State:
    """Fold one event."""
    replace = msgspec.structs.replace
    match event:
        case Proposed():
            return replace(state, proposed=event)
        case OpinionGiven():
            return replace(state, opinions={**state.opinions, event.reviewer: event})
        case UnitAnswered():
            return replace(state, unit=event)
        case Decided():
            return replace(state, decided=event)
        case Withdrawn():
            return replace(state, withdrawn=True)
        case _:
            return state


OPENING_REVIEW = Aggregate("OpeningReview", State(), evolve)


def propose(state: State, proposed: Proposed) -> list[Value]:
    """Propose records. Refused for none, for more than 1,000 (`review-size`), and twice."""
    if state.proposed is not None:
        raise ArchiveError("review-order", "Proposed")
    if not 0 < len(proposed.candidates) <= MOST:
        raise ArchiveError("review-size", len(proposed.candidates), most=MOST)
    return [proposed]


def give_opinion(state: State, given: OpinionGiven) -> list[Value]:
    """Give an opinion. Refused to one who has part in another opinion of the same review (`own-review`)."""
    _expect_candidates(state, given.control)
    if any(set(other) & set(given.reviewer) for other in state.opinions if other != given.reviewer):
        raise ArchiveError("own-review", ", ".join(map(str, given.reviewer)))
    return [] if state.opinions.get(given.reviewer) == given else [given]


def hear_unit(state: State, answered: UnitAnswered) -> list[Value]:
    """Record the unit's opinion. Refused before two reviewers have given theirs, which the unit is told."""
    _expect_candidates(state, answered.control)
    if len(state.opinions) < REVIEWERS:
        raise ArchiveError("review-order", "UnitAnswered")
    if answered.answer is Answer.OBJECTS and not answered.control:
        raise ArchiveError("reason-missing", "UnitAnswered")
    return [] if state.unit == answered else [answered]


def decide(
    state: State, control: Iterable[Control], agents: Collection[UUID], revisions: Mapping[UUID, int]
) -> Decided:
    """Decide on all of them: whatever anybody advised to control is controlled, and what the decider adds.

    Refused before both reviewers and the unit were heard, and to one who gave an opinion (`own-review`). A package
    whose status changed since it was proposed - it was taken down, say - is passed over.
    """
    proposed = _expect_candidates(state, control)
    if len(state.opinions) < REVIEWERS or state.unit is None:
        raise ArchiveError("review-order", "Decided")
    if any(set(reviewer) & set(agents) for reviewer in state.opinions):
        raise ArchiveError("own-review", ", ".join(map(str, sorted(agents))))
    passed_over = tuple(one.package for one in proposed.candidates if revisions.get(one.package) != one.revision)
    advised = [*control, *state.unit.control, *(one for given in state.opinions.values() for one in given.control)]
    strictest: dict[UUID, Control] = {}
    for one in advised:
        if one.package not in passed_over and _is_stricter(one, strictest.get(one.package)):
            strictest[one.package] = one
    ordered = tuple(strictest[one.package] for one in proposed.candidates if one.package in strictest)
    return Decided(control=ordered, passed_over=passed_over, decided_by=tuple(sorted(agents)))


def opened(state: State, decided: Decided) -> list[UUID]:
    """The packages that a decision opens."""
    kept = {*(one.package for one in decided.control), *decided.passed_over}
    return [one.package for one in state.proposed.candidates if one.package not in kept] if state.proposed else []


def everybody(state: State, decided: Decided) -> tuple[UUID, ...]:
    """Everybody who had part in the decision."""
    return tuple(sorted({*decided.decided_by, *(agent for reviewer in state.opinions for agent in reviewer)}))


def withdraw(state: State, reason: str) -> list[Value]:
    """End a review without a decision."""
    _expect_candidates(state, ())
    if not reason.strip():
        raise ArchiveError("reason-missing", "Withdrawn")
    return [Withdrawn(reason=reason)]


def _is_stricter(one: Control, other: Control | None) -> bool:
    return other is None or (other.until is not None and (one.until is None or one.until > other.until))


def _expect_candidates(state: State, control: Iterable[Control]) -> Proposed:
    if state.proposed is None or state.decided is not None or state.withdrawn:
        raise ArchiveError("review-order", "OpeningReview")
    known = {one.package for one in state.proposed.candidates}
    strange = [str(one.package) for one in control if one.package not in known]
    if strange:
        raise ArchiveError("review-stranger", ", ".join(strange))
    return state.proposed
