"""Use and requests (利用登记与申请): a reader is registered, records are asked for, somebody else decides."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import Query

from api.bodies import Day, Reason
from api.endpoints import Answer, Call, Room
from api.parameters import After, AsOf, Limit
from repository.catalogue import AccessRequest
from repository.services import requests
from repository.services.requests import Certificate, Ground, RequestReport
from repository.services.search import Page, position_of
from repository.services.use import Document, ReaderFound, Registration, UseForm, find_reader, read_form, register_use

room = Room("use")
_OWN = ("request-unknown",)
_STEP = ("request-unknown", "request-order", "key-record-damaged")


class Asking(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which records, whole or these files of the one, and for which purpose."""

    records: tuple[str, ...]
    purpose: str
    files: tuple[str, ...] = ()


class Paper(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The paper that a reader shows."""

    document: Document
    number: str


class Grant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is granted: everything that was asked for, or these records and files; until a day; copies or looks only."""

    records: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    until: Day | None = None
    copies: bool = True
    conditions: str | None = None


class Refusal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """On which ground it is refused, why, and how to object."""

    ground: Ground
    reason: str | None = None
    objection: str | None = None


class Rating(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How satisfied the reader was, from 1 to 5."""

    score: Annotated[int, msgspec.Meta(ge=1, le=5)]
    comment: str | None = None


class Assignment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is to decide."""

    to: UUID


class Certifying(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which copy is certified, under which number."""

    dip: UUID
    number: str


Waiting = Annotated[bool, Query(description="Only those that wait for a decision")]
Mine = Annotated[bool, Query(description="Only those assigned to the one who asks")]


@room.add(
    "POST",
    "/v1/uses",
    verb="register-use",
    deputies=True,
    answer=Registration,
    status=HTTPStatus.CREATED,
    takes=UseForm,
    refused=(
        *("documents-missing", "name-missing", "reader-differs", "archive-unknown", "form-invalid", "day-over"),
        *("record-unknown", "record-without-package", "files-of-several", "key-record-damaged", "vault-key-missing"),
    ),
)
def register(call: Call) -> Answer:
    """利用登记。Register a reader's use and what they ask for in one call; their words are kept sealed."""
    done = register_use(call.session, read_form(call.raw))
    return Answer(body=done, status=HTTPStatus.CREATED, headers={"location": f"/v1/requests/{done.request}"})


@room.add(
    "POST",
    "/v1/readers/search",
    verb="read-sealed",
    deputies=True,
    answer=ReaderFound,
    takes=Paper,
    refused=("reader-unknown", "key-record-damaged", "vault-key-missing"),
)
def find_known_reader(call: Call) -> ReaderFound:
    """查找来过的查档人。By the paper that they show; its number is in the body, so that no address holds it."""
    paper = call.body(Paper)
    return find_reader(call.session, paper.document, paper.number)


@room.add(
    "GET",
    "/v1/requests",
    verb="read-requests",
    deputies=True,
    answer=Page[AccessRequest],
    refused=("cursor-invalid", "time-invalid"),
)
def list_requests(
    call: Call, waiting: Waiting = False, mine: Mine = False, as_of: AsOf = None, limit: Limit = 20, after: After = None
) -> Page[AccessRequest]:
    """列出利用申请。Requests in their order; a partner sees their own."""
    position = position_of(call.session, as_of)
    return requests.list_requests(call.session, waiting=waiting, mine=mine, as_of=position, limit=limit, after=after)


@room.add(
    "GET",
    "/v1/requests/{request_id}",
    verb="read-requests",
    deputies=True,
    answer=RequestReport,
    refused=(*_OWN, "time-invalid"),
)
def show_request(call: Call, request_id: UUID, as_of: AsOf = None) -> Answer:
    """查看利用申请。A request, its words for those who may read them; the ETag is what a decision must see."""
    report = requests.show_request(call.session, request_id, as_of=as_of)
    return Answer(body=report, headers=call.etag(request_id))


@room.add(
    "POST",
    "/v1/requests/{request_id}/records",
    verb="register-use",
    deputies=True,
    changes=True,
    status=HTTPStatus.NO_CONTENT,
    takes=Asking,
    refused=(*_STEP, "record-unknown", "purpose-missing", "files-of-several"),
)
def ask(call: Call, request_id: UUID) -> Answer:
    """申请档案。Ask for records under a registered use."""
    asked = call.body(Asking)
    requests.make_request(call.if_seen(request_id), request_id, asked.records, files=asked.files, purpose=asked.purpose)
    return Answer(status=HTTPStatus.NO_CONTENT, headers=call.etag(request_id))


@room.add(
    "POST",
    "/v1/requests/{request_id}/grant",
    verb="decide-request",
    deputies=True,
    changes=True,
    status=HTTPStatus.NO_CONTENT,
    takes=Grant,
    refused=(*_STEP, "record-unknown", "own-request", "grant-exceeds", "day-over"),
)
def grant(call: Call, request_id: UUID) -> Answer:
    """批准。Grant a request, whole or in part; never one's own."""
    given = call.body(Grant)
    requests.grant(
        call.seeing(request_id),
        request_id,
        records=given.records,
        files=given.files,
        until=given.until,
        copies=given.copies,
        conditions=given.conditions,
    )
    return Answer(status=HTTPStatus.NO_CONTENT, headers=call.etag(request_id))


@room.add(
    "POST",
    "/v1/requests/{request_id}/refusal",
    verb="decide-request",
    deputies=True,
    changes=True,
    status=HTTPStatus.NO_CONTENT,
    takes=Refusal,
    refused=(*_STEP, "own-request"),
)
def refuse(call: Call, request_id: UUID) -> Answer:
    """不予提供。Refuse a request on a ground, and say how to object; never one's own."""
    refusal = call.body(Refusal)
    requests.refuse(
        call.seeing(request_id), request_id, ground=refusal.ground, reason=refusal.reason, objection=refusal.objection
    )
    return Answer(status=HTTPStatus.NO_CONTENT, headers=call.etag(request_id))


@room.add(
    "POST",
    "/v1/requests/{request_id}/rating",
    verb="register-use",
    deputies=True,
    changes=True,
    status=HTTPStatus.NO_CONTENT,
    takes=Rating,
    refused=_STEP,
)
def rate(call: Call, request_id: UUID) -> Answer:
    """评价。How satisfied the reader was; said again, the last word holds."""
    rating = call.body(Rating)
    requests.rate(call.if_seen(request_id), request_id, rating.score, rating.comment)
    return Answer(status=HTTPStatus.NO_CONTENT, headers=call.etag(request_id))


@room.add(
    "POST",
    "/v1/requests/{request_id}/assignment",
    verb="assign-request",
    deputies=True,
    changes=True,
    status=HTTPStatus.NO_CONTENT,
    takes=Assignment,
    refused=(*_STEP, "own-request", "agent-unknown"),
)
def assign(call: Call, request_id: UUID) -> Answer:
    """分派。Say who is to decide; never one of those who asked."""
    requests.assign(call.seeing(request_id), request_id, call.body(Assignment).to)
    return Answer(status=HTTPStatus.NO_CONTENT, headers=call.etag(request_id))


@room.add(
    "POST",
    "/v1/requests/{request_id}/revocation",
    verb="decide-request",
    deputies=True,
    changes=True,
    status=HTTPStatus.NO_CONTENT,
    takes=Reason,
    refused=(*_STEP, "reason-missing"),
)
def revoke(call: Call, request_id: UUID) -> Answer:
    """收回批准。Take a grant back; the request waits for a decision again."""
    requests.revoke(call.seeing(request_id), request_id, call.body(Reason).reason)
    return Answer(status=HTTPStatus.NO_CONTENT, headers=call.etag(request_id))


@room.add(
    "POST",
    "/v1/requests/{request_id}/certificates",
    verb="register-use",
    deputies=True,
    changes=True,
    answer=Certificate,
    status=HTTPStatus.CREATED,
    takes=Certifying,
    refused=(*_STEP, "name-missing"),
)
def certify(call: Call, request_id: UUID) -> Answer:
    """出具证明。Certify under the archive's number that a copy which was handed out is true."""
    wish = call.body(Certifying)
    certificate = requests.certify(call.if_seen(request_id), request_id, wish.dip, wish.number)
    return Answer(body=certificate, status=HTTPStatus.CREATED, headers=call.etag(request_id))


@room.add(
    "POST",
    "/v1/requests/{request_id}/certificates/{certificate}/annulment",
    verb="register-use",
    deputies=True,
    changes=True,
    status=HTTPStatus.NO_CONTENT,
    takes=Reason,
    refused=(*_STEP, "reason-missing", "certificate-unknown"),
)
def annul_certificate(call: Call, request_id: UUID, certificate: UUID) -> Answer:
    """撤销证明。Take a certificate back, with a reason."""
    requests.annul_certificate(call.seeing(request_id), request_id, certificate, call.body(Reason).reason)
    return Answer(status=HTTPStatus.NO_CONTENT, headers=call.etag(request_id))


@room.add(
    "POST",
    "/v1/requests/{request_id}/closure",
    verb="register-use",
    deputies=True,
    changes=True,
    status=HTTPStatus.NO_CONTENT,
    takes=Reason,
    refused=_STEP,
)
def close_request(call: Call, request_id: UUID) -> Answer:
    """办结。Nothing more comes of it: withdrawn, registered by mistake, answered in another way."""
    requests.close(call.seeing(request_id), request_id, call.body(Reason).reason or "closed")
    return Answer(status=HTTPStatus.NO_CONTENT, headers=call.etag(request_id))
