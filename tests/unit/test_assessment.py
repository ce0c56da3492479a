"""Machine verdicts and reviews as pure decisions: who may decide what, what holds, and how large an event gets."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

import msgspec
import pytest

from repository.domain import archival_package, assessment
from repository.domain.aggregate import fold
from repository.domain.archival_package import ARCHIVAL_PACKAGE, State
from repository.domain.assessment import (
    PAGES_PER_EVENT,
    CheckColumn,
    Decision,
    JudgedPage,
    PageKey,
    ProfileUsed,
    QualityAssessed,
    QualityReviewed,
    Standing,
)
from repository.domain.values import Outcome, Value
from repository.errors import ArchiveError
from repository.eventlog.codec import encode
from tests.catalogue_events import created, stored
from tests.histories import NOTHING, MemoryLog, identity

RECEIVER, REVIEWER, OTHER = (identity(f"person {number}") for number in range(3))
PACKAGE = identity("package 1")
LARGEST_EVENT, LARGEST_PAGE = 160_000, 300
CHECKS = 27
"""More than any profile asks for."""


def assessed(*letters: str, part: int = 1, last: bool = True, by: UUID = RECEIVER, first: int = 1) -> QualityAssessed:
    return QualityAssessed(
        delivery=1,
        part=part,
        last=last,
        profiles=(ProfileUsed(name="documents", version=1, sha256=NOTHING),),
        algorithm=1,
        assessed_by=(by,),
        columns=(CheckColumn(id="Q01", unit="degree", scale=1000), CheckColumn(id="Q03", unit="components", scale=1)),
        pages=tuple(
            JudgedPage(file=number, frame=1, serial=number, checks=both, values=(1, None))
            for number, both in enumerate(letters, first)
        ),
        report_sha256=NOTHING,
    )


def reviewed(
    decision: Decision, *pages: PageKey, by: UUID = REVIEWER, reason: str | None = "核对原件"
) -> QualityReviewed:
    return QualityReviewed(delivery=1, decision=decision, pages=pages, check=None, reason=reason, reviewed_by=(by,))


def after(*payloads: Value) -> State:
    log = MemoryLog()
    log.record("ArchivalPackage", PACKAGE, created(1), *payloads)
    return fold(ARCHIVAL_PACKAGE, log.recorded)


def refused(deed: Callable[[], object]) -> str:
    with pytest.raises(ArchiveError) as caught:
        deed()
    return caught.value.code


def standings(state: State) -> list[Standing]:
    return list(state.quality.standings.values())


def test_a_page_is_as_bad_as_its_worst_check_and_nothing_unseen_passes() -> None:
    state = after(assessed("pp", "pr", "rf", "an", "n-", "pd", "ia"))
    names = ["passed", "waiting", "failed", "not-tested", "not-tested", "passed", "passed"]
    assert [one.value for one in standings(state)] == names
    assert state.quality.outcome is Outcome.FAILED
    assert after(assessed("pp", "pr")).quality.outcome is Outcome.NOT_CHECKED
    assert after(assessed("pp", "an")).quality.outcome is Outcome.NOT_CHECKED
    assert after(assessed("pp", part=1, last=False)).quality.outcome is Outcome.NOT_CHECKED
    assert after(assessed("pp", "pd")).quality.outcome is Outcome.PASSED
    assert after().quality.outcome is Outcome.NOT_CHECKED


def test_whoever_had_it_judged_does_not_overrule_and_another_may() -> None:
    state = after(assessed("pf", "pr"))
    overrule = reviewed(Decision.OVERRULE, (1, 1))
    own = msgspec.structs.replace(overrule, reviewed_by=(RECEIVER,))
    assert refused(partial(archival_package.review, state, own)) == "own-work"
    deputy = msgspec.structs.replace(overrule, reviewed_by=tuple(sorted((RECEIVER, OTHER))))
    assert refused(partial(archival_package.review, state, deputy)) == "own-work"
    nobody = msgspec.structs.replace(overrule, reviewed_by=())
    assert refused(partial(archival_package.review, state, nobody)) == "own-work"
    assert archival_package.review(state, overrule) == [overrule]
    # what the machine left to a person is nobody's work yet
    accepted = reviewed(Decision.ACCEPT, (2, 1), by=RECEIVER, reason=None)
    assert archival_package.review(state, accepted) == [accepted]


def test_a_decision_of_a_person_is_changed_by_another_alone() -> None:
    state = after(assessed("pr", "pf"), reviewed(Decision.ACCEPT, (1, 1)), reviewed(Decision.OVERRULE, (2, 1)))
    back = reviewed(Decision.RETURN, (1, 1))
    assert refused(partial(archival_package.review, state, back)) == "own-work"
    theirs = reviewed(Decision.RETURN, (1, 1), (2, 1), by=OTHER)
    assert archival_package.review(state, theirs) == [theirs]
    returned = after(assessed("pr"), reviewed(Decision.RETURN, (1, 1)))
    assert refused(partial(archival_package.review, returned, reviewed(Decision.ACCEPT, (1, 1), by=OTHER))) == (
        "overrule-needed"
    )
    again = reviewed(Decision.OVERRULE, (1, 1), by=OTHER)
    assert archival_package.review(returned, again) == [again]
    assert refused(partial(archival_package.review, returned, reviewed(Decision.OVERRULE, (1, 1)))) == "own-work"


def test_what_is_refused() -> None:
    state = after(assessed("pf", "pp"))
    wrong = {
        "overrule-needed": reviewed(Decision.ACCEPT, (1, 1)),
        "nothing-to-overrule": reviewed(Decision.OVERRULE, (2, 1)),
        "page-unknown": reviewed(Decision.RETURN, (3, 1)),
        "reason-missing": reviewed(Decision.RETURN, (1, 1), reason=" "),
        "verdict-unfit": reviewed(Decision.RETURN),
    }
    assert {code: refused(partial(archival_package.review, state, one)) for code, one in wrong.items()} == {
        code: code for code in wrong
    }
    done = after(assessed("pr"), stored(1))
    assert refused(partial(archival_package.review, done, reviewed(Decision.ACCEPT, (1, 1)))) == "package-exists"
    assert refused(partial(archival_package.assess, done, assessed("pp"))) == "package-exists"
    assert refused(partial(archival_package.assess, after(), assessed())) == "verdict-unfit"
    assert refused(partial(archival_package.assess, after(), assessed("ppp"))) == "verdict-unfit"


def test_the_same_said_again_is_not_recorded_again() -> None:
    state = after(assessed("pr", "pr"), reviewed(Decision.ACCEPT, (1, 1)))
    assert archival_package.assess(state, assessed("pr", "pr", by=OTHER)) == []
    assert archival_package.review(state, reviewed(Decision.ACCEPT, (1, 1), by=OTHER)) == []
    both = reviewed(Decision.ACCEPT, (1, 1), (2, 1), by=OTHER)
    assert archival_package.review(state, both) == [msgspec.structs.replace(both, pages=((2, 1),))]


def test_pages_judged_anew_are_undecided_and_a_unit_that_came_again_begins_anew() -> None:
    parts = (assessed("pr", part=1, last=False), assessed("pr", part=2, first=2))
    accepted = reviewed(Decision.ACCEPT, (1, 1), (2, 1))
    state = after(*parts, accepted, assessed("rr", part=2, first=2))
    assert standings(state) == [Standing.ACCEPTED, Standing.WAITING]
    (again, *_) = archival_package.redeliver(state, msgspec.structs.replace(created(1), delivery=2), ())
    assert after(*parts, again).quality.newest is None


def test_nothing_is_accepted_that_is_bad_or_open() -> None:
    def settled(*payloads: Value) -> None:
        assessment.expect_settled([after(*payloads).quality], "卷")

    overruled = reviewed(Decision.OVERRULE, (1, 1))
    settled(assessed("pf"), overruled)
    settled()
    assert refused(partial(settled, assessed("pf"))) == "quality-refused"
    assert refused(partial(settled, assessed("pp"), reviewed(Decision.RETURN, (1, 1)))) == "quality-refused"
    assert refused(partial(settled, assessed("pr"))) == "quality-open"
    passed, unseen = after(assessed("pf"), overruled).quality, after().quality
    assert assessment.outcome_of([passed]) is Outcome.PASSED
    assert assessment.outcome_of([passed, unseen]) is Outcome.NOT_CHECKED
    assert assessment.outcome_of([]) is Outcome.NOT_CHECKED


def test_five_hundred_pages_of_every_check_fit_into_one_event() -> None:
    columns = tuple(CheckColumn(id=f"Q{number:02}", unit="components", scale=1000) for number in range(CHECKS))
    page = JudgedPage(file=99_999, frame=1, serial=999, checks="f" * CHECKS, values=(-12_345,) * CHECKS)
    full = msgspec.structs.replace(
        assessed(), columns=columns, pages=(page,) * PAGES_PER_EVENT, assessed_by=(RECEIVER, OTHER)
    )
    assert len(encode(page)) <= LARGEST_PAGE
    assert len(encode(full)) <= LARGEST_EVENT
    assert "." not in encode(full).decode()
