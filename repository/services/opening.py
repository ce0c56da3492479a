"""Opening (开放审核): records whose term has run out are listed, judged by two reviewers and their unit, and decided.

And the way back: a record is taken down at once by one person, and looked at by a second one later.
"""

import calendar
import re
from collections.abc import Callable, Sequence
from datetime import date
from uuid import UUID

import msgspec

from repository.catalogue import Candidate as Candidate
from repository.catalogue import Description, OpeningReview, Package, Page, Term
from repository.domain import archival_package, opening_review
from repository.domain.agent import AGENT
from repository.domain.aggregate import New
from repository.domain.archival_package import ARCHIVAL_PACKAGE, AccessStatusChanged, StatusWay
from repository.domain.authority import may
from repository.domain.envelope import Actor
from repository.domain.opening_review import (
    MOST,
    OPENING_REVIEW,
    Control,
    OpinionGiven,
    Proposed,
    UnitAnswered,
)
from repository.domain.opening_review import Answer as Answer
from repository.domain.values import AccessStatus as AccessStatus
from repository.domain.values import Ground as Ground
from repository.domain.values import SecrecyClass as SecrecyClass
from repository.errors import ArchiveError
from repository.eventlog import Streams
from repository.services.policy import Rule
from repository.services.search import find_record, moment_of, position_of
from repository.services.session import Session

_FORMED = re.compile(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?[?~%]?$")


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """Records that a rule of the policy says are due."""

    schema: str = "jingui.opening.due/1"
    rule: Rule
    candidates: tuple[Candidate, ...]


class ReviewReport(msgspec.Struct, frozen=True, kw_only=True):
    """A review, and what was decided if it was."""

    schema: str = "jingui.opening.review/1"
    review: UUID
    opened: tuple[UUID, ...] = ()
    controlled: tuple[UUID, ...] = ()
    passed_over: tuple[UUID, ...] = ()


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """What waits: reviews that are not decided, records that were taken down and not looked at again."""

    schema: str = "jingui.opening.queue/1"
    reviews: tuple[OpeningReview, ...]
    taken_down: tuple[Package, ...]


def list_due(session: Session, rule: str, *, limit: int = MOST, as_of: str | None = None) -> Due:
    """The controlled records that a rule names, by 档号, at most 1,000; those under review already are left out.

    As of a moment, what the rule as it reads today would have named then. `rule-unknown`, `time-invalid`.
    """
    session.require("propose-opening")
    session.catch_up()
    chosen = session.policy.rule(rule)
    position = position_of(session, as_of)
    then = session.clock() if position is None else moment_of(session, position)
    today = then.astimezone().date()
    term = Term(
        year_to=today.year - chosen.years,
        secrecy_max=chosen.secrecy_max,
        fonds=chosen.fonds,
        record_type=chosen.record_type,
        open_by_default=session.policy.status.open_upto,
    )
    found = session.catalogue.opening_candidates(
        term,
        due=lambda described: term_is_over(described, chosen.years, today),
        without={package for review in _undecided(session, position) for package in review.packages},
        limit=min(limit, MOST),
        as_of=position,
    )
    return Due(rule=chosen, candidates=tuple(found))


def term_is_over(described: Description, years: int, today: date) -> bool:
    """Whether so many full years have passed since the record was formed.

    Counted from its day, else from the last day of its month or year: what is not known exactly is not opened early.
    """
    end = (described.date or "").replace("..", "/").split("/")[-1].strip() or str(described.year or "")
    found = _FORMED.fullmatch(end)
    if found is None:
        return described.year is not None and described.year + years < today.year
    year, month = int(found[1]), int(found[2] or 12)
    if not 1 <= month <= 12:
        return year + years < today.year
    day = min(int(found[3] or 31), calendar.monthrange(year, month)[1])
    return (year + years, month, day) < (today.year, today.month, today.day)


def propose(session: Session, rule: str, *, limit: int = MOST) -> ReviewReport:
    """Propose the records that are due by a rule, at most 1,000, all of one archive. `nothing-due` for none."""
    due = list_due(session, rule, limit=limit)
    if not due.candidates:
        raise ArchiveError("nothing-due", rule)
    archive = due.candidates[0].package.archive
    packages = [one.package.id for one in due.candidates if one.package.archive == archive]
    return _propose(session, rule, packages, archive)


def propose_records(session: Session, records: Sequence[str]) -> ReviewReport:
    """Propose records that somebody names, as when a reader asks for a judgement before its time."""
    session.require("propose-opening")
    packages = list(dict.fromkeys(find_record(session, record) for record in records))
    archive = session.log.stream(packages[0])[0].envelope.archive if packages else None
    return _propose(session, "named", packages, archive)


def _propose(session: Session, rule: str, packages: Sequence[UUID], archive: str | None) -> ReviewReport:
    review = session.new_id()

    def decide(streams: Streams) -> list[New]:
        state = streams.load(OPENING_REVIEW, review).state
        proposed = Proposed(
            rule=rule,
            candidates=tuple(
                opening_review.Candidate(
                    package=package, revision=streams.load(ARCHIVAL_PACKAGE, package).state.revision
                )
                for package in packages
            ),
            proposed_by=session.agents,
        )
        return [New(review, payload) for payload in opening_review.propose(state, proposed)]

    session.perform("propose-opening", decide, correlation=review, archive=archive)
    return ReviewReport(review=review)


def give_opinion(session: Session, review: UUID, *, control: Sequence[Control], note: str | None = None) -> None:
    """One reviewer's opinion: these are to be controlled, all others opened. `own-review` for the same person twice."""
    session.require("review-opening")
    given = OpinionGiven(reviewer=session.agents, control=tuple(control), note=note)

    def decide(streams: Streams) -> list[New]:
        state = streams.load(OPENING_REVIEW, review).state
        return [New(review, payload) for payload in opening_review.give_opinion(state, given)]

    session.perform("give-opinion", decide, correlation=review, archive=_archive(session, review))


def hear_unit(
    session: Session, review: UUID, *, answer: Answer, control: Sequence[Control] = (), letter: str | None = None
) -> None:
    """Record what the unit said that the records came from. `review-order` before two reviewers were heard."""
    session.require("propose-opening")
    answered = UnitAnswered(answer=answer, control=tuple(control), letter=letter, recorded_by=session.agents)

    def decide(streams: Streams) -> list[New]:
        state = streams.load(OPENING_REVIEW, review).state
        return [New(review, payload) for payload in opening_review.hear_unit(state, answered)]

    session.perform("hear-unit", decide, correlation=review, archive=_archive(session, review))


def decide(
    session: Session, review: UUID, *, control: Sequence[Control] = (), opening_date: str | None = None
) -> ReviewReport:
    """Decide on a review: one event in its stream and one in every record's, all of them or none.

    What anybody advised to control is controlled; what changed since it was proposed is passed over. `own-review` for
    one who gave an opinion, `review-order` before everybody was heard.
    """
    session.require("decide-opening")
    outcome = ReviewReport(review=review)

    def decided(streams: Streams) -> list[New]:
        nonlocal outcome
        state = streams.load(OPENING_REVIEW, review).state
        candidates = state.proposed.candidates if state.proposed else ()
        held = {one.package: streams.load(ARCHIVAL_PACKAGE, one.package).state for one in candidates}
        revisions = {package: package_state.revision for package, package_state in held.items()}
        made = opening_review.decide(state, control, session.agents, revisions)
        everybody, opened = opening_review.everybody(state, made), opening_review.opened(state, made)
        status = _StatusOf(review, everybody, opening_date or session.today())
        new = [New(review, made)]
        for package in opened:
            changes = archival_package.change_status(held[package], status.opened(held[package]))
            new += [New(package, change) for change in changes]
        for one in made.control:
            changes = archival_package.change_status(held[one.package], status.controlled(held[one.package], one))
            new += [New(one.package, change) for change in changes]
        outcome = ReviewReport(
            review=review,
            opened=tuple(opened),
            controlled=tuple(one.package for one in made.control),
            passed_over=made.passed_over,
        )
        return new

    session.perform("decide-opening", decided, correlation=review, archive=_archive(session, review))
    return outcome


class _StatusOf(msgspec.Struct, frozen=True):
    """The statuses that one decision gives."""

    review: UUID
    decided_by: tuple[UUID, ...]
    opening_date: str

    def opened(self, state: archival_package.State) -> AccessStatusChanged:
        return AccessStatusChanged(
            status=AccessStatus.OPEN,
            secrecy_class=state.secrecy_class,
            opening_date=self.opening_date,
            controlled_until=None,
            ground=Ground.TERM_EXPIRED,
            reason=None,
            way=StatusWay.REVIEW,
            review=self.review,
            decided_by=self.decided_by,
        )

    def controlled(self, state: archival_package.State, control: Control) -> AccessStatusChanged:
        return msgspec.structs.replace(
            self.opened(state),
            status=AccessStatus.CONTROLLED,
            opening_date=None,
            controlled_until=control.until,
            ground=control.ground,
        )


def withdraw(session: Session, review: UUID, reason: str) -> None:
    """End a review without a decision: it was drawn up wrongly."""
    session.require("propose-opening")

    def decide(streams: Streams) -> list[New]:
        state = streams.load(OPENING_REVIEW, review).state
        return [New(review, payload) for payload in opening_review.withdraw(state, reason)]

    session.perform("withdraw-review", decide, correlation=review, archive=_archive(session, review))


def queue(session: Session, *, as_of: str | None = None) -> Queue:
    """What waits for somebody, or waited then."""
    session.require("survey")
    session.catch_up()
    position = position_of(session, as_of)
    taken_down = session.catalogue.taken_down(as_of=position)
    return Queue(reviews=tuple(_undecided(session, position)), taken_down=tuple(taken_down))


def list_reviews(session: Session, *, as_of: int | None, limit: int, after: str | None) -> Page[OpeningReview]:
    """Every review in the order in which they were proposed."""
    session.require("survey")
    session.catch_up()
    return session.catalogue.reviews(as_of=as_of, limit=limit, after=after)


def show_review(session: Session, review: UUID) -> OpeningReview:
    """One review. `review-unknown`."""
    session.require("survey")
    session.catch_up()
    card = session.catalogue.review(review)
    if card is None:
        raise ArchiveError("review-unknown", review)
    return card


class AccessReport(msgspec.Struct, frozen=True, kw_only=True):
    """How a record stands: `status` null where the rules decide; `taken_down` while a second is to look."""

    schema: str = "jingui.access/1"
    package: UUID
    status: AccessStatus | None
    secrecy: SecrecyClass
    opening_date: str | None
    controlled_until: str | None
    ground: Ground | None
    taken_down: bool
    holds: tuple[UUID, ...]


def access_of(session: Session, record: str) -> AccessReport:
    """How a record stands, by its own history."""
    session.require("survey")
    package = find_record(session, record)
    state = session.log.load(ARCHIVAL_PACKAGE, package).state
    given = state.access
    return AccessReport(
        package=package,
        status=given.status if given else None,
        secrecy=state.secrecy_class,
        opening_date=given.opening_date if given else None,
        controlled_until=given.controlled_until if given else None,
        ground=given.ground if given else None,
        taken_down=given is not None and given.way is StatusWay.TAKEDOWN,
        holds=tuple(sorted(state.holds)),
    )


def take_down(session: Session, record: str, reason: str) -> UUID:
    """Control a record at once; a second person looks at it later (`settle`). Answers with its package."""
    session.require("take-down")
    package = find_record(session, record)

    def decide(streams: Streams) -> list[New]:
        state = streams.load(ARCHIVAL_PACKAGE, package).state
        changes = archival_package.take_down(state, agents=session.agents, reason=reason)
        return [New(package, change) for change in changes]

    _perform(session, "take-down", package, decide)
    return package


def settle(session: Session, record: str, *, confirm: bool, reason: str) -> UUID:
    """Confirm a takedown, or restore what was before it. `second-person-needed` for whoever took it down."""
    session.require("settle-takedown")
    package = find_record(session, record)

    def decide(streams: Streams) -> list[New]:
        state = streams.load(ARCHIVAL_PACKAGE, package).state
        changes = archival_package.settle_takedown(state, confirm=confirm, agents=session.agents, reason=reason)
        return [New(package, change) for change in changes]

    _perform(session, "settle-takedown", package, decide)
    return package


def correct_status(
    session: Session,
    record: str,
    *,
    status: AccessStatus | None,
    secrecy: SecrecyClass | None,
    ground: Ground | None,
    reason: str,
    approver: Actor,
    until: str | None = None,
) -> UUID:
    """Put an access status or a class right, with a second person's agreement, whose credential was checked.

    `not-allowed` where either may not decide on opening or settle takedowns.
    """
    session.require("settle-takedown")
    package = find_record(session, record)
    if not reason.strip():
        raise ArchiveError("reason-missing", record)

    def decide(streams: Streams) -> list[New]:
        if not may(streams.load(AGENT, approver.agent).state, "decide-opening"):
            raise ArchiveError("not-allowed", "decide-opening")
        if approver.agent in session.agents:
            raise ArchiveError("second-person-needed", record)
        state = streams.load(ARCHIVAL_PACKAGE, package).state
        changed = AccessStatusChanged(
            status=status,
            secrecy_class=secrecy or state.secrecy_class,
            opening_date=session.today() if status is AccessStatus.OPEN else None,
            controlled_until=until,
            ground=ground,
            reason=reason,
            way=StatusWay.CORRECTION,
            review=None,
            decided_by=tuple(sorted({*session.agents, approver.agent})),
        )
        return [New(package, change) for change in archival_package.change_status(state, changed)]

    _perform(session, "correct-status", package, decide)
    return package


def place_hold(session: Session, record: str, reason: str) -> UUID:
    """Keep a record from being destroyed as long as this hold (冻结) lies on it. Answers with the hold's id."""
    session.require("hold")
    package, hold = find_record(session, record), session.new_id()

    def decide(streams: Streams) -> list[New]:
        state = streams.load(ARCHIVAL_PACKAGE, package).state
        return [New(package, payload) for payload in archival_package.place_hold(state, hold, reason)]

    _perform(session, "place-hold", package, decide)
    return hold


def release_hold(session: Session, record: str, hold: UUID, reason: str) -> None:
    """Take a hold off. `hold-unknown` for one that does not lie on the record."""
    session.require("hold")
    package = find_record(session, record)

    def decide(streams: Streams) -> list[New]:
        state = streams.load(ARCHIVAL_PACKAGE, package).state
        return [New(package, payload) for payload in archival_package.release_hold(state, hold, reason)]

    _perform(session, "release-hold", package, decide)


def controls(
    session: Session, records: Sequence[str], ground: Ground | None, until: str | None = None
) -> tuple[Control, ...]:
    """These records, to be controlled on a ground, as opinions and decisions say it. `reason-missing` without one."""
    if records and ground is None:
        raise ArchiveError("reason-missing", records[0])
    return tuple(
        Control(package=find_record(session, record), ground=ground, until=until)
        for record in dict.fromkeys(records)
        if ground is not None
    )


def _perform(session: Session, what: str, package: UUID, decide: Callable[[Streams], list[New]]) -> None:
    archive = session.log.stream(package)[0].envelope.archive
    session.perform(what, decide, correlation=package, archive=archive)


def _undecided(session: Session, as_of: int | None) -> list[OpeningReview]:
    found: list[OpeningReview] = []
    for state in ("proposed", "reviewed", "heard"):
        after: str | None = None
        while True:
            page = session.catalogue.reviews(state=state, as_of=as_of, limit=1_000, after=after)
            found += page.entries
            if page.after is None:
                break
            after = page.after
    return found


def _archive(session: Session, review: UUID) -> str | None:
    events = session.log.stream(review)
    if not events or not events[0].envelope.type.startswith("OpeningReview."):
        raise ArchiveError("review-unknown", review)
    return events[0].envelope.archive
