"""Opening (开放审核), takedown (撤下) and holds (冻结): what may be used from when on, and who decides on it."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import Query

from api.bodies import Day, Reason
from api.endpoints import Answer, Call, Room
from api.parameters import After, AsOf, Limit, Record
from repository.catalogue import OpeningReview
from repository.services import opening
from repository.services.opening import AccessReport, AccessStatus, Due, Ground, Queue, ReviewReport, SecrecyClass
from repository.services.opening import Answer as UnitAnswer
from repository.services.search import Page, find_record, position_of
from repository.services.session import Session

room = Room("opening")

Rule = Annotated[str, Query(max_length=100, description="Rule of the site's policy")]
Most = Annotated[int, Query(ge=1, le=1000, description="At most so many records")]
_REVIEW = ("review-unknown", "review-order", "review-stranger", "reason-missing", "record-unknown")
_PACKAGE = ("record-unknown", "record-without-package", "package-unknown", "reason-missing", "package-not-stored")


class Proposal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is proposed: named records, or those that are due by a rule."""

    records: tuple[str, ...] = ()
    rule: str = "term"


class Opinion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Records to be controlled on a ground, until a day or for good; all others are to be opened."""

    control: tuple[str, ...] = ()
    ground: Ground | None = None
    until: Day | None = None
    note: str | None = None


class UnitSaid(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the unit said that the records came from, and where its letter is."""

    answer: UnitAnswer
    control: tuple[str, ...] = ()
    ground: Ground | None = None
    until: Day | None = None
    letter: str | None = None


class Decision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Records that are controlled beyond what was advised, and from which day the others are open."""

    control: tuple[str, ...] = ()
    ground: Ground | None = None
    until: Day | None = None
    opening_date: Day | None = None


class Settlement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether a takedown is confirmed, or what was before it restored; and why."""

    confirm: bool
    reason: str


class StatusCorrection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the status and the class ought to be, why, and on which ground; null leaves the status to the rules."""

    reason: str
    status: AccessStatus | None = None
    secrecy: SecrecyClass | None = None
    ground: Ground | None = None
    until: Day | None = None


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """A hold that lies on a record."""

    schema: str = "jingui.hold/1"
    hold: UUID


@room.add("GET", "/v1/openings", verb="survey", answer=Queue, refused=("time-invalid",))
def openings(call: Call, as_of: AsOf = None) -> Queue:
    """待办。Reviews that are not decided, and records taken down that nobody looked at again."""
    return opening.queue(call.session, as_of=as_of)


@room.add(
    "GET",
    "/v1/openings/due",
    verb="propose-opening",
    deputies=True,
    answer=Due,
    refused=("rule-unknown", "time-invalid"),
)
def openings_due(call: Call, rule: Rule = "term", limit: Most = 1000, as_of: AsOf = None) -> Due:
    """到期。Controlled records that a rule says are due, at most 1,000."""
    return opening.list_due(call.session, rule, limit=limit, as_of=as_of)


@room.add(
    "POST",
    "/v1/openings",
    verb="propose-opening",
    deputies=True,
    answer=ReviewReport,
    status=HTTPStatus.CREATED,
    takes=Proposal,
    refused=(*_PACKAGE, "rule-unknown", "nothing-due", "review-size"),
)
def propose_opening(call: Call) -> Answer:
    """提出开放审核。Propose named records, or those that are due by a rule."""
    wish = call.body(Proposal)
    if wish.records:
        report = opening.propose_records(call.session, wish.records)
    else:
        report = opening.propose(call.session, wish.rule)
    headers = call.etag(report.review) | {"location": f"/v1/openings/{report.review}"}
    return Answer(body=report, status=HTTPStatus.CREATED, headers=headers)


@room.add(
    "GET",
    "/v1/openings/reviews",
    verb="survey",
    answer=Page[OpeningReview],
    refused=("cursor-invalid", "time-invalid"),
    reads=True,
)
def reviews(call: Call, as_of: AsOf = None, limit: Limit = 20, after: After = None) -> Page[OpeningReview]:
    """列出开放审核。Every review, decided or not, in the order in which they were proposed."""
    return opening.list_reviews(call.session, as_of=position_of(call.session, as_of), limit=limit, after=after)


@room.add("GET", "/v1/openings/{review}", verb="survey", answer=OpeningReview, refused=("review-unknown",))
def show_review(call: Call, review: UUID) -> Answer:
    """查看开放审核。One review; the ETag is the version that the next step must have seen."""
    return Answer(body=opening.show_review(call.session, review), headers=call.etag(review))


@room.add(
    "POST",
    "/v1/openings/{review}/opinion",
    verb="review-opening",
    deputies=True,
    changes=True,
    status=HTTPStatus.NO_CONTENT,
    takes=Opinion,
    refused=(*_REVIEW, "own-review"),
)
def give_opinion(call: Call, review: UUID) -> Answer:
    """审核意见。One reviewer's opinion; the second has to be somebody else's."""
    session = call.seeing(review)
    given = call.body(Opinion)
    control = opening.controls(session, given.control, given.ground, given.until)
    opening.give_opinion(session, review, control=control, note=given.note)
    return Answer(status=HTTPStatus.NO_CONTENT, headers=call.etag(review))


@room.add(
    "POST",
    "/v1/openings/{review}/unit",
    verb="propose-opening",
    deputies=True,
    changes=True,
    status=HTTPStatus.NO_CONTENT,
    takes=UnitSaid,
    refused=_REVIEW,
)
def hear_unit(call: Call, review: UUID) -> Answer:
    """单位意见。What the unit said, after two reviewers were heard."""
    session = call.seeing(review)
    said = call.body(UnitSaid)
    control = opening.controls(session, said.control, said.ground, said.until)
    opening.hear_unit(session, review, answer=said.answer, control=control, letter=said.letter)
    return Answer(status=HTTPStatus.NO_CONTENT, headers=call.etag(review))


@room.add(
    "POST",
    "/v1/openings/{review}/decision",
    verb="decide-opening",
    deputies=True,
    changes=True,
    answer=ReviewReport,
    takes=Decision,
    refused=(*_REVIEW, "own-review", "takedown-open", "second-person-needed", "secret-open"),
)
def decide_opening(call: Call, review: UUID) -> Answer:
    """开放决定。All records of the review or none; by nobody who gave an opinion."""
    session = call.seeing(review)
    made = call.body(Decision)
    control = opening.controls(session, made.control, made.ground, made.until)
    report = opening.decide(session, review, control=control, opening_date=made.opening_date)
    return Answer(body=report, headers=call.etag(review))


@room.add(
    "POST",
    "/v1/openings/{review}/withdrawal",
    verb="propose-opening",
    deputies=True,
    changes=True,
    status=HTTPStatus.NO_CONTENT,
    takes=Reason,
    refused=_REVIEW,
)
def withdraw_opening(call: Call, review: UUID) -> Answer:
    """撤回审核。It was drawn up wrongly."""
    session = call.seeing(review)
    opening.withdraw(session, review, call.body(Reason).reason)
    return Answer(status=HTTPStatus.NO_CONTENT, headers=call.etag(review))


@room.add("GET", "/v1/records/{record}/access", verb="survey", answer=AccessReport, refused=_PACKAGE)
def access(call: Call, record: Record) -> Answer:
    """查看开放状态。Status, class, holds and takedown of a record; the ETag is what a change of them must have seen."""
    report = opening.access_of(call.session, record)
    return Answer(body=report, headers=call.etag(report.package))


def _seeing(call: Call, record: str) -> Session:
    """The session that changes this record's access only as the caller saw it."""
    return call.seeing(find_record(call.session, record))


def _done(call: Call, record: str) -> Answer:
    return Answer(status=HTTPStatus.NO_CONTENT, headers=call.etag(find_record(call.session, record)))


@room.add(
    "POST",
    "/v1/records/{record}/takedown",
    verb="take-down",
    deputies=True,
    changes=True,
    status=HTTPStatus.NO_CONTENT,
    takes=Reason,
    refused=(*_PACKAGE, "takedown-open"),
)
def take_down(call: Call, record: Record) -> Answer:
    """撤下。Controlled at once; a second person looks at it later. It waits for nothing: `If-Match` may be left out."""
    session = call.if_seen(find_record(call.session, record))
    opening.take_down(session, record, call.body(Reason).reason)
    return _done(call, record)


@room.add(
    "POST",
    "/v1/records/{record}/takedown/settlement",
    verb="settle-takedown",
    deputies=True,
    changes=True,
    status=HTTPStatus.NO_CONTENT,
    takes=Settlement,
    refused=(*_PACKAGE, "no-takedown", "second-person-needed"),
)
def settle_takedown(call: Call, record: Record) -> Answer:
    """复核撤下。Confirm it, or restore what was before; never by whoever took it down."""
    made = call.body(Settlement)
    opening.settle(_seeing(call, record), record, confirm=made.confirm, reason=made.reason)
    return _done(call, record)


@room.add(
    "POST",
    "/v1/records/{record}/status",
    verb="settle-takedown",
    second="decide-opening",
    deputies=True,
    changes=True,
    status=HTTPStatus.NO_CONTENT,
    takes=StatusCorrection,
    refused=(*_PACKAGE, "secret-open", "takedown-open"),
)
def correct_status(call: Call, record: Record) -> Answer:
    """更正开放状态或密级。Put a status or a class right; the key of a second person, who decides, in `Second-Key`."""
    right = call.body(StatusCorrection)
    opening.correct_status(
        _seeing(call, record),
        record,
        status=right.status,
        secrecy=right.secrecy,
        ground=right.ground,
        reason=right.reason,
        approver=call.approver,
        until=right.until,
    )
    return _done(call, record)


@room.add(
    "POST",
    "/v1/records/{record}/holds",
    verb="hold",
    changes=True,
    answer=Hold,
    status=HTTPStatus.CREATED,
    takes=Reason,
    refused=_PACKAGE,
)
def place_hold(call: Call, record: Record) -> Answer:
    """冻结。The record is not destroyed as long as the hold lies on it; `If-Match` may be left out."""
    package = find_record(call.session, record)
    hold = opening.place_hold(call.if_seen(package), record, call.body(Reason).reason)
    return Answer(body=Hold(hold=hold), status=HTTPStatus.CREATED, headers=call.etag(package))


@room.add(
    "POST",
    "/v1/records/{record}/holds/{hold}/release",
    verb="hold",
    changes=True,
    status=HTTPStatus.NO_CONTENT,
    takes=Reason,
    refused=(*_PACKAGE, "hold-unknown"),
)
def release_hold(call: Call, record: Record, hold: UUID) -> Answer:
    """解除冻结。Take one hold off."""
    opening.release_hold(_seeing(call, record), record, hold, call.body(Reason).reason)
    return _done(call, record)
