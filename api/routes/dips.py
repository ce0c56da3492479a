"""Dissemination (利用): ask for a package, follow its making, fetch it as often as it takes, say that it arrived."""

from http import HTTPStatus
from uuid import UUID

import msgspec
from fastapi import Response

from api.endpoints import Answer, Call, Room
from api.following import Span, stream_of
from api.sending import send
from repository.services import dissemination
from repository.services.dip_forms import Wish
from repository.services.dip_proof import DipProof
from repository.services.dissemination import DipReport

room = Room("dissemination")
_OWN = ("request-unknown",)
_SPAN = Span("AccessRequest.FormChosen", frozenset({"AccessRequest.DipRendered", "AccessRequest.Closed"}))
"""From the form that was chosen last, until there is nothing to wait for."""


class DipWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked for: a record, whole or some files or pages of it, in a form, and for which purpose."""

    record: str
    purpose: str
    paths: tuple[str, ...] = ()
    form: str = "zip"
    pages: tuple[int, ...] = ()
    width: int | None = None
    as_of: str | None = None


@room.add(
    "POST",
    "/v1/dips",
    verb="disseminate",
    deputies=True,
    answer=DipReport,
    status=HTTPStatus.ACCEPTED,
    takes=DipWish,
    refused=(
        "record-unknown",
        "access-controlled",
        "record-without-package",
        "package-not-stored",
        "file-unknown",
        "purpose-missing",
        "form-unknown",
        "pages-invalid",
        "width-invalid",
        "time-invalid",
        "fixity-mismatch",
    ),
)
def request_dip(call: Call) -> Answer:
    """申请利用。Ask for a package; it is made by a job. `Location` is where to follow it."""
    wished = call.body(DipWish)
    wish = Wish(form=wished.form, pages=wished.pages, width=wished.width)
    request = dissemination.request_dip(
        call.session, wished.record, paths=wished.paths, purpose=wished.purpose, wish=wish, as_of=wished.as_of
    )
    report = dissemination.read_dip(call.session, request)
    session = call.later
    call.work.put(request, lambda progress: dissemination.make_dip(session, request, progress))
    return Answer(body=report, status=HTTPStatus.ACCEPTED, headers={"location": f"/v1/dips/{request}"})


class FormWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """In which form a registered request is to be answered."""

    form: str = "zip"
    pages: tuple[int, ...] = ()
    width: int | None = None


@room.add(
    "POST",
    "/v1/requests/{request_id}/dip",
    verb="disseminate",
    deputies=True,
    answer=DipReport,
    status=HTTPStatus.ACCEPTED,
    takes=FormWish,
    refused=(
        *("request-unknown", "request-order", "several-records", "access-controlled", "package-not-stored"),
        *("file-unknown", "form-unknown", "pages-invalid", "width-invalid", "fixity-mismatch"),
    ),
)
def answer_request(call: Call, request_id: UUID) -> Answer:
    """提供利用。Have the package made of what a registered request was granted, or of what is open of it."""
    wished = call.body(FormWish)
    wish = Wish(form=wished.form, pages=wished.pages, width=wished.width)
    dissemination.form_of_request(call.session, request_id, wish)
    report = dissemination.read_dip(call.session, request_id)
    session = call.later
    call.work.put(request_id, lambda progress: dissemination.make_dip(session, request_id, progress))
    return Answer(body=report, status=HTTPStatus.ACCEPTED, headers={"location": f"/v1/dips/{request_id}"})


@room.add("GET", "/v1/dips/{request_id}", verb="disseminate", deputies=True, answer=DipReport, refused=_OWN)
def show_dip(call: Call, request_id: UUID) -> DipReport:
    """查看利用申请。How it stands; once ready, the file's name, size and SHA-256."""
    return dissemination.read_dip(call.session, request_id)


@room.add(
    "GET",
    "/v1/dips/{request_id}/events",
    verb="disseminate",
    deputies=True,
    refused=_OWN,
    media_types=("text/event-stream",),
)
async def follow_dip(call: Call, request_id: UUID) -> Response:
    """跟踪进度。Server-sent events: the log's, each once, from `Last-Event-ID` on; ends when it is ready or closed."""
    return await stream_of(call, request_id, dissemination.history_of, _SPAN)


@room.add(
    "GET",
    "/v1/dips/{request_id}/content",
    verb="disseminate",
    deputies=True,
    refused=(*_OWN, "access-controlled", "dip-not-ready", "dip-gone", "dip-expired", "bytes-invalid"),
    media_types=("application/zip", "application/pdf"),
    also=(HTTPStatus.PARTIAL_CONTENT, HTTPStatus.NOT_MODIFIED),
)
def fetch_dip(call: Call, request_id: UUID) -> Response:
    """下载。The package, whole or in ranges; its delivery is in the log before the first byte leaves."""
    return send(call.request, dissemination.open_parcel(call.session, request_id))


@room.add(
    "HEAD",
    "/v1/dips/{request_id}/content",
    verb="disseminate",
    deputies=True,
    refused=(*_OWN, "access-controlled", "dip-not-ready", "dip-gone", "dip-expired", "bytes-invalid"),
    also=(HTTPStatus.PARTIAL_CONTENT, HTTPStatus.NOT_MODIFIED),
)
def probe_dip(call: Call, request_id: UUID) -> Response:
    """下载前查询。Size and ETag; that somebody was about to fetch it counts as a delivery."""
    return send(call.request, dissemination.open_parcel(call.session, request_id))


@room.add(
    "GET",
    "/v1/dips/{request_id}/proof",
    verb="disseminate",
    deputies=True,
    answer=DipProof,
    refused=(*_OWN, "dip-not-ready", "checkpoint-invalid", "checkpoint-contradicts"),
)
def prove_dip(call: Call, request_id: UUID) -> DipProof:
    """来源证明。The proof of what the package was made from, to keep beside it; `unproven` where none is signed yet."""
    return dissemination.proof_of_dip(call.session, request_id)


@room.add(
    "DELETE", "/v1/dips/{request_id}", verb="disseminate", deputies=True, status=HTTPStatus.NO_CONTENT, refused=_OWN
)
def close_dip(call: Call, request_id: UUID) -> Answer:
    """利用结束。It arrived, or is wanted no more: the copy goes."""
    dissemination.close_dip(call.session, request_id)
    return Answer(status=HTTPStatus.NO_CONTENT)
