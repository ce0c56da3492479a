"""Opening (开放审核), takedown (撤下) and holds (冻结): what may be used from when on, and who decides on it."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import Query

from api.endpoints import Answer, Call, Room
from api.parameters import AsOf, Record
from repository.services import opening
from repository.services.opening import Answer as UnitAnswer
from repository.services.opening import Due, Ground, Queue, ReviewReport

room = Room("opening")

Rule = Annotated[str, Query(max_length=100, description="Rule of the site's policy")]
Most = Annotated[int, Query(ge=1, le=1000, description="At most so many records")]
Day = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\d$")]

_REVIEW = ("review-unknown", "review-order", "review-stranger", "reason-missing", "record-unknown", "not-deputy")
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


class Why(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why."""

    reason: str


class Settlement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether a takedown is confirmed, or what was before it restored; and why."""

    confirm: bool
    reason: str


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
    answer=Due,
    refused=("rule-unknown", "not-deputy", "time-invalid"),
)
def openings_due(call: Call, rule: Rule = "term", limit: Most = 1000, as_of: AsOf = None) -> Due:
    """到期。Controlled records that a rule says are due, at most 1,000."""
    return opening.list_due(call.session, rule, limit=limit, as_of=as_of)


@room.add(
    "POST",
    "/v1/openings",
    verb="propose-opening",
    answer=ReviewReport,
    status=HTTPStatus.CREATED,
    takes=Proposal,
    refused=(*_PACKAGE, "rule-unknown", "nothing-due", "review-size", "not-deputy"),
)
def propose_opening(call: Call) -> Answer:
    """提出开放审核。Propose named records, or those that are due by a rule."""
    wish = call.body(Proposal)
    if wish.records:
        report = opening.propose_records(call.session, wish.records)
    else:
        report = opening.propose(call.session, wish.rule)
    return Answer(body=report, status=HTTPStatus.CREATED)


@room.add(
    "POST",
    "/v1/openings/{review}/opinion",
    verb="review-opening",
    status=HTTPStatus.NO_CONTENT,
    takes=Opinion,
    refused=(*_REVIEW, "own-review"),
)
def give_opinion(call: Call, review: UUID) -> Answer:
    """审核意见。One reviewer's opinion; the second has to be somebody else's."""
    given = call.body(Opinion)
    control = opening.controls(call.session, given.control, given.ground, given.until)
    opening.give_opinion(call.session, review, control=control, note=given.note)
    return Answer(status=HTTPStatus.NO_CONTENT)


@room.add(
    "POST",
    "/v1/openings/{review}/unit",
    verb="propose-opening",
    status=HTTPStatus.NO_CONTENT,
    takes=UnitSaid,
    refused=_REVIEW,
)
def hear_unit(call: Call, review: UUID) -> Answer:
    """单位意见。What the unit said, after two reviewers were heard."""
    said = call.body(UnitSaid)
    control = opening.controls(call.session, said.control, said.ground, said.until)
    opening.hear_unit(call.session, review, answer=said.answer, control=control, letter=said.letter)
    return Answer(status=HTTPStatus.NO_CONTENT)


@room.add(
    "POST",
    "/v1/openings/{review}/decision",
    verb="decide-opening",
    answer=ReviewReport,
    takes=Decision,
    refused=(*_REVIEW, "own-review", "takedown-open", "second-person-needed", "secret-open"),
)
def decide_opening(call: Call, review: UUID) -> ReviewReport:
    """开放决定。All records of the review or none; by nobody who gave an opinion."""
    made = call.body(Decision)
    control = opening.controls(call.session, made.control, made.ground, made.until)
    return opening.decide(call.session, review, control=control, opening_date=made.opening_date)


@room.add(
    "POST",
    "/v1/openings/{review}/withdrawal",
    verb="propose-opening",
    status=HTTPStatus.NO_CONTENT,
    takes=Why,
    refused=_REVIEW,
)
def withdraw_opening(call: Call, review: UUID) -> Answer:
    """撤回审核。It was drawn up wrongly."""
    opening.withdraw(call.session, review, call.body(Why).reason)
    return Answer(status=HTTPStatus.NO_CONTENT)


@room.add(
    "POST",
    "/v1/records/{record}/takedown",
    verb="take-down",
    status=HTTPStatus.NO_CONTENT,
    takes=Why,
    refused=(*_PACKAGE, "takedown-open", "not-deputy"),
)
def take_down(call: Call, record: Record) -> Answer:
    """撤下。Controlled at once; a second person looks at it later."""
    opening.take_down(call.session, record, call.body(Why).reason)
    return Answer(status=HTTPStatus.NO_CONTENT)


@room.add(
    "POST",
    "/v1/records/{record}/takedown/settlement",
    verb="settle-takedown",
    status=HTTPStatus.NO_CONTENT,
    takes=Settlement,
    refused=(*_PACKAGE, "no-takedown", "second-person-needed", "not-deputy"),
)
def settle_takedown(call: Call, record: Record) -> Answer:
    """复核撤下。Confirm it, or restore what was before; never by whoever took it down."""
    made = call.body(Settlement)
    opening.settle(call.session, record, confirm=made.confirm, reason=made.reason)
    return Answer(status=HTTPStatus.NO_CONTENT)


@room.add(
    "POST",
    "/v1/records/{record}/holds",
    verb="hold",
    answer=Hold,
    status=HTTPStatus.CREATED,
    takes=Why,
    refused=_PACKAGE,
)
def place_hold(call: Call, record: Record) -> Answer:
    """冻结。The record is not destroyed as long as the hold lies on it."""
    hold = opening.place_hold(call.session, record, call.body(Why).reason)
    return Answer(body=Hold(hold=hold), status=HTTPStatus.CREATED)


@room.add(
    "POST",
    "/v1/records/{record}/holds/{hold}/release",
    verb="hold",
    status=HTTPStatus.NO_CONTENT,
    takes=Why,
    refused=(*_PACKAGE, "hold-unknown"),
)
def release_hold(call: Call, record: Record, hold: UUID) -> Answer:
    """解除冻结。Take one hold off."""
    opening.release_hold(call.session, record, hold, call.body(Why).reason)
    return Answer(status=HTTPStatus.NO_CONTENT)
