"""Assessment (质量检测): what machines found of a record's pages, and what people decided on what a machine may not.

A verdict is compact, so that one event holds 500 pages: a letter for each check and its measured value as a scaled
integer; geometry and everything in words stand in the report that the event names by its digest. Nobody overrules
their own work: whoever had the pages judged, or decided on them before, is compared with who decides now.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from uuid import UUID

import msgspec

from repository.domain.values import Confidential, Outcome, Sha256, Value
from repository.errors import ArchiveError

PAGES_PER_EVENT = 500
PAGES_DECIDED = 5_000
"""Pages that one decision names at most."""

PASS, NOTED, DECLARED, REVIEW, FAIL, ABSTAIN, NOT_TESTED, ABSENT = "p", "i", "d", "r", "f", "a", "n", "-"
"""Letters of a check: passed; passed with a note; a fault that the producer declared, with the reason, in the
delivery's own papers; for a person; refused; the page does not say; nobody looked; not a check for this page."""

PageKey = tuple[int, int]
"""A page: the number of its file in the record, by the order of paths, and the frame in it; both from 1."""


class CheckColumn(Value, frozen=True, kw_only=True):
    """What stands at one place of every page's `checks` and `values`: which check, in which unit, times `scale`.

    A check that measures one thing on one page and another on the next has a column for each.
    """

    id: str
    unit: str
    scale: int


class JudgedPage(Value, frozen=True, kw_only=True):
    """The verdict on one page. `serial` is the page number in its file's name, null where the name has none."""

    file: int
    frame: int
    serial: int | None
    checks: str
    values: tuple[int | None, ...]

    @property
    def key(self) -> PageKey:
        """Which page it is."""
        return self.file, self.frame

    @property
    def machine(self) -> str:
        """The whole page's letter: the worst of its checks; one that no check judged was not tested."""
        for letter in (FAIL, REVIEW):
            if letter in self.checks:
                return letter
        return PASS if set(self.checks) & {PASS, NOTED, DECLARED} else NOT_TESTED


class ProfileUsed(Value, frozen=True, kw_only=True):
    """A profile that pages were judged by; its digest is that of the profile's file."""

    name: str
    version: int
    sha256: Sha256


class QualityAssessed(Value, frozen=True, kw_only=True):
    """Machines judged these pages of the record, at most 500, by these algorithms and profiles: one a sort of file.

    Parts 1 to the `last` of one delivery make the verdict, each of whole files where a file has no more pages than fit.
    `report_sha256` is the digest of this part of the record's report.
    """

    delivery: int
    part: int
    last: bool
    profiles: tuple[ProfileUsed, ...]
    algorithm: int
    assessed_by: tuple[UUID, ...]
    columns: tuple[CheckColumn, ...]
    pages: tuple[JudgedPage, ...]
    report_sha256: Sha256


class Decision(StrEnum):
    """What a person decides on pages."""

    ACCEPT = "accept"
    RETURN = "return"
    OVERRULE = "overrule"


class QualityReviewed(Value, frozen=True, kw_only=True):
    """A person decided on these pages, each as file and frame; `check` names the kind, where all of a kind are meant.

    The last decision on a page holds.
    """

    delivery: int
    decision: Decision
    pages: tuple[PageKey, ...]
    check: str | None
    reason: Confidential | None
    reviewed_by: tuple[UUID, ...]


class Standing(StrEnum):
    """How a page stands."""

    PASSED = "passed"
    WAITING = "waiting"
    FAILED = "failed"
    ACCEPTED = "accepted"
    RETURNED = "returned"
    OVERRULED = "overruled"
    NOT_TESTED = "not-tested"


BAD = frozenset({Standing.FAILED, Standing.RETURNED})
"""A record with such a page is not accepted."""
OPEN = frozenset({Standing.WAITING, Standing.FAILED})
"""On such a page a person has yet to decide."""

_BY_MACHINE = {
    FAIL: Standing.FAILED,
    REVIEW: Standing.WAITING,
    PASS: Standing.PASSED,
    NOT_TESTED: Standing.NOT_TESTED,
}
_BY_PERSON = {
    Decision.ACCEPT: Standing.ACCEPTED,
    Decision.RETURN: Standing.RETURNED,
    Decision.OVERRULE: Standing.OVERRULED,
}


def by_machine(page: JudgedPage) -> Standing:
    """How a page stands on which nobody has decided."""
    return _BY_MACHINE[page.machine]


def by_person(decision: Decision) -> Standing:
    """How a page stands after this decision."""
    return _BY_PERSON[decision]


class Assessment(msgspec.Struct, frozen=True):
    """The verdict on the delivery in hand, as far as it has come, and the last decision on each page."""

    assessed: Mapping[int, QualityAssessed] = {}
    decided: Mapping[PageKey, QualityReviewed] = {}

    @property
    def newest(self) -> QualityAssessed | None:
        """Any part of it; all parts are of one profile and one algorithm."""
        return next(iter(self.assessed.values()), None)

    @property
    def is_whole(self) -> bool:
        """Whether every part is there."""
        ends = [part for part, event in self.assessed.items() if event.last]
        return bool(ends) and all(part in self.assessed for part in range(1, min(ends)))

    @property
    def pages(self) -> dict[PageKey, JudgedPage]:
        """Every judged page."""
        return {page.key: page for number in sorted(self.assessed) for page in self.assessed[number].pages}

    @property
    def parts(self) -> dict[PageKey, QualityAssessed]:
        """The part of the verdict that each page stands in."""
        return {page.key: event for event in self.assessed.values() for page in event.pages}

    def standing(self, page: JudgedPage) -> Standing:
        """How a page stands now."""
        decided = self.decided.get(page.key)
        return by_machine(page) if decided is None else by_person(decided.decision)

    @property
    def standings(self) -> dict[PageKey, Standing]:
        """How every page stands."""
        return {key: self.standing(page) for key, page in self.pages.items()}

    @property
    def is_open(self) -> bool:
        """Whether a page of it keeps it from being accepted: a bad one, or one that waits for a person."""
        return bool(set(self.standings.values()) & (BAD | OPEN))

    @property
    def outcome(self) -> Outcome:
        """What came of it: failed with one bad page; not checked as long as a page is open, or was never tested."""
        found = set(self.standings.values())
        if found & BAD:
            return Outcome.FAILED
        if not self.is_whole or found & {Standing.WAITING, Standing.NOT_TESTED}:
            return Outcome.NOT_CHECKED
        return Outcome.PASSED


def evolve(state: Assessment, event: QualityAssessed | QualityReviewed) -> Assessment:
    """Fold one event. Another delivery, profile or algorithm begins anew; pages judged again are undecided again."""
    if isinstance(event, QualityReviewed):
        return msgspec.structs.replace(state, decided={**state.decided, **dict.fromkeys(event.pages, event)})
    if state.newest is None or _course(state.newest) != _course(event):
        return Assessment({event.part: event})
    again = {page.key for page in event.pages}
    kept = {key: value for key, value in state.decided.items() if key not in again}
    return Assessment({**state.assessed, event.part: event}, kept)


def _course(event: QualityAssessed) -> tuple[object, ...]:
    return event.delivery, event.profiles, event.algorithm


def assess(state: Assessment, event: QualityAssessed) -> list[Value]:
    """Record a part of the verdict; the same part again says nothing new. Refused for too many pages and none."""
    if not 0 < len(event.pages) <= PAGES_PER_EVENT or any(
        len(page.checks) != len(event.columns) or len(page.values) != len(event.columns) for page in event.pages
    ):
        raise ArchiveError("verdict-unfit", event.delivery, pages=len(event.pages), most=PAGES_PER_EVENT)
    known = state.assessed.get(event.part)
    by = {"assessed_by": event.assessed_by}
    return [] if known is not None and msgspec.structs.replace(known, **by) == event else [event]


def review(state: Assessment, reviewed: QualityReviewed, thing: str) -> list[Value]:
    """Record a person's decision on pages. What stands so already is not said again.

    Refused for a page that was not judged (`page-unknown`) and for too many (`verdict-unfit`); without a reason, but to
    accept (`reason-missing`); to accept what a machine refused, which takes an overruling (`overrule-needed`); and
    to whoever had the machine judge it, or decided on it before (`own-work`), where the decision overrules either.
    """
    if not reviewed.pages or len(reviewed.pages) > PAGES_DECIDED:
        raise ArchiveError("verdict-unfit", thing, pages=len(reviewed.pages), most=PAGES_DECIDED)
    if reviewed.decision is not Decision.ACCEPT and _is_empty(reviewed.reason):
        raise ArchiveError("reason-missing", thing)
    pages, told = state.pages, []
    for key in dict.fromkeys(reviewed.pages):
        page = pages.get(key)
        if page is None:
            raise ArchiveError("page-unknown", thing, file=key[0], frame=key[1])
        before = state.decided.get(key)
        if before is None or by_person(before.decision) is not by_person(reviewed.decision):
            _may_decide(state, page, before, reviewed, thing)
            told.append(key)
    return [msgspec.structs.replace(reviewed, pages=tuple(told))] if told else []


def _may_decide(
    state: Assessment, page: JudgedPage, before: QualityReviewed | None, reviewed: QualityReviewed, thing: str
) -> None:
    standing = state.standing(page)
    if reviewed.decision is Decision.ACCEPT and standing in BAD:
        raise ArchiveError("overrule-needed", thing, file=page.file)
    if reviewed.decision is Decision.OVERRULE and standing not in BAD:
        raise ArchiveError("nothing-to-overrule", thing, file=page.file)
    theirs: Collection[UUID] = before.reviewed_by if before else ()
    if reviewed.decision is Decision.OVERRULE and page.machine == FAIL:
        theirs = (*theirs, *_assessors(state, page))
    if set(theirs) & set(reviewed.reviewed_by) or not reviewed.reviewed_by:
        raise ArchiveError("own-work", thing, file=page.file)


def _assessors(state: Assessment, page: JudgedPage) -> Sequence[UUID]:
    return state.parts[page.key].assessed_by


def _is_empty(reason: Confidential | None) -> bool:
    return reason is None or (isinstance(reason, str) and not reason.strip())


def outcome_of(assessments: Iterable[Assessment]) -> Outcome:
    """What came of a delivery's records together: the worst of them; none at all is not checked."""
    found = {one.outcome for one in assessments}
    for outcome in (Outcome.FAILED, Outcome.NOT_CHECKED, Outcome.PASSED):
        if outcome in found:
            return outcome
    return Outcome.NOT_CHECKED


def expect_settled(assessments: Iterable[Assessment], thing: object) -> None:
    """Let nothing be accepted that has a bad page (`quality-refused`), or one that waits for a person (`quality-open`).

    A record that no machine judged stands in nobody's way, and is never called passed.
    """
    found = [standing for one in assessments for standing in one.standings.values()]
    if bad := sum(one in BAD for one in found):
        raise ArchiveError("quality-refused", thing, bad=bad)
    if waiting := found.count(Standing.WAITING):
        raise ArchiveError("quality-open", thing, waiting=waiting)
