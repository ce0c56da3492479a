"""Deposit (网上移交): declare what is to come, send it in parts, say that it is complete, follow what becomes of it."""

from http import HTTPStatus
from uuid import UUID

from starlette.concurrency import run_in_threadpool

from api.endpoints import Answer, Call, Room
from api.parameters import Offset
from api.receiving import PARTS, receive_part
from repository.services import deposit as service
from repository.services.deposit import Deposit, DepositWish

room = Room("deposit")

_OWN = ("upload-unknown",)


def _headers(deposit: Deposit) -> dict[str, str]:
    return {
        "upload-offset": str(deposit.offset),
        "upload-length": str(deposit.wish.bytes),
        "cache-control": "no-store",
        "location": f"/v1/deposits/{deposit.id}",
    }


@room.add(
    "POST",
    "/v1/deposits",
    verb="ingest",
    answer=Deposit,
    status=HTTPStatus.CREATED,
    takes=DepositWish,
    refused=("archive-unknown", "name-missing", "storage-full"),
)
def open_deposit(call: Call) -> Answer:
    """开始移交。Declare a packed delivery with its size and digest; `Location` is where to send it."""
    deposit = service.open_deposit(call.session, call.body(DepositWish))
    return Answer(body=deposit, status=HTTPStatus.CREATED, headers=_headers(deposit))


@room.add("GET", "/v1/deposits/{deposit_id}", verb="ingest", answer=Deposit, refused=_OWN)
def show_deposit(call: Call, deposit_id: UUID) -> Answer:
    """查看移交。How it stands, and the findings against it once it was judged."""
    deposit = service.read_deposit(call.session, deposit_id)
    return Answer(body=deposit, headers=_headers(deposit))


@room.add("HEAD", "/v1/deposits/{deposit_id}", verb="ingest", refused=_OWN)
def probe_deposit(call: Call, deposit_id: UUID) -> Answer:
    """续传位置。`Upload-Offset` is the byte at which to go on."""
    return Answer(headers=_headers(service.read_deposit(call.session, deposit_id)))


@room.add(
    "PATCH",
    "/v1/deposits/{deposit_id}",
    verb="ingest",
    status=HTTPStatus.NO_CONTENT,
    refused=(*_OWN, "upload-offset", "upload-closed", "upload-too-long", "media-type-unknown", "locked"),
    content=PARTS,
)
async def send_part(call: Call, deposit_id: UUID, upload_offset: Offset) -> Answer:
    """续传。Bytes from `Upload-Offset` on; those that came before a connection broke are kept, durable."""
    await receive_part(call, service.receiving(call.session, deposit_id, upload_offset))
    deposit = await run_in_threadpool(service.read_deposit, call.session, deposit_id)
    return Answer(status=HTTPStatus.NO_CONTENT, headers=_headers(deposit))


@room.add(
    "POST",
    "/v1/deposits/{deposit_id}/complete",
    verb="ingest",
    answer=Deposit,
    status=HTTPStatus.ACCEPTED,
    refused=(*_OWN, "upload-incomplete", "upload-mismatch", "locked"),
)
def complete_deposit(call: Call, deposit_id: UUID) -> Answer:
    """上传完毕。It is compared with its digest and ingested by a job; asking again changes nothing."""
    session = call.later
    deposit = service.complete_deposit(session, deposit_id)
    call.work.put(deposit_id, lambda progress: service.take_in(session, deposit_id, progress))
    return Answer(body=deposit, status=HTTPStatus.ACCEPTED, headers=_headers(deposit))
