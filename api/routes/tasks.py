"""Tasks (任务): long work is asked for, followed, and read when it is done; some of it comes with a file, or makes one.

A task with a file is declared first, with the file's size and SHA-256; the file is sent in parts as a deposit is, and
the task begins when all of it came. Each kind has an address of its own, with the verb that it asks for.
"""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import Response
from starlette.concurrency import run_in_threadpool

from api.endpoints import ANYBODY, Answer, Call, Room
from api.following import Span, stream_of
from api.parameters import Offset, Record
from api.receiving import PARTS, receive_part
from api.sending import send
from repository.services import tasks
from repository.services.accessions import show_accession
from repository.services.deposit import read_deposit
from repository.services.exports import Form
from repository.services.search import find_record
from repository.services.tasks import Asked, Content, Task, TaskKind, TaskList

room = Room("tasks")
_OWN = ("task-unknown",)
_NEW = ("storage-full",)
_CONTENT = ("upload-offset", "upload-closed", "upload-too-long", "media-type-unknown", "locked")
_SPAN = Span("began", frozenset({"done", "failed"}))


class FixityWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One record, or those verified longest ago within so many bytes; without a number, the day's."""

    record: str | None = None
    budget: Annotated[int, msgspec.Meta(ge=1, le=2**53)] | None = None


class RepackWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many packages at most."""

    budget: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 100


class MaterialiseWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which record, as it is stored now or was at a moment."""

    record: str
    as_of: str | None = None


class ExportWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which records, and in which form."""

    records: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=1_000)]
    form: Form


class RescanWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of which record the pages are, why they were scanned again, and the packed folder that is to come.

    `add`: names that the record does not have are pages that were missed; `remove`: pages that go.
    """

    record: str
    reason: str
    content: Content | None = None
    add: bool = False
    remove: tuple[str, ...] = ()


class RerunWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By which profile stored pages are judged again."""

    profile: str


class VerificationWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The key that signs the log, as somebody else knows it; without it, as the archive publishes it."""

    log_key: str | None = None


class EvidenceWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the pack is about: a record, a reader, a period; nothing named: everything."""

    record: str | None = None
    reader: UUID | None = None
    since: str | None = None
    until: str | None = None


class ValidationWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The zip, tar or XML document that is to come."""

    content: Content


class CorrectionWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The sheet that is to come; without a reason it is only looked at. `rest`: apply the rows without a fault."""

    content: Content
    reason: str | None = None
    rest: bool = False


class SignatureWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The scan of the signed form that is to come."""

    content: Content


def begin(call: Call, asked: Asked) -> Answer:
    """A task that needs nothing more: it is done now."""
    return _answer(call, tasks.open_task(call.session, asked))


def _declare(call: Call, asked: Asked, content: Content) -> Answer:
    """A task that waits for its bytes."""
    return _answer(call, tasks.open_task(call.session, asked, content))


def _answer(call: Call, task: Task) -> Answer:
    if task.state == "waiting":
        _put(call, task.id)
    status = HTTPStatus.CREATED if task.state == "receiving" else HTTPStatus.ACCEPTED
    return Answer(body=task, status=status, headers=_headers(task))


def _put(call: Call, identifier: UUID) -> None:
    session = call.later
    call.work.put(
        identifier,
        lambda progress: tasks.do_task(session, identifier, progress),
        long=True,
        given_up=lambda error: tasks.fail_task(session, identifier, error),
    )


def _headers(task: Task) -> dict[str, str]:
    headers = {"cache-control": "no-store", "location": f"/v1/tasks/{task.id}"}
    if task.content is not None:
        headers |= {"upload-offset": str(task.offset), "upload-length": str(task.content.bytes)}
    return headers


@room.add(
    "POST",
    "/v1/fixity",
    verb="work",
    answer=Task,
    status=HTTPStatus.ACCEPTED,
    takes=FixityWish,
    refused=(*_NEW, "record-unknown"),
)
def verify_fixity(call: Call) -> Answer:
    """固定性校验。Read stored packages again and compare every byte with the log; those verified longest ago first."""
    wish = call.body(FixityWish)
    if wish.record is not None:
        find_record(call.session, wish.record)
    return begin(call, Asked(kind=TaskKind.FIXITY, record=wish.record, budget=wish.budget))


@room.add("POST", "/v1/work", verb="work", answer=Task, status=HTTPStatus.ACCEPTED, refused=_NEW)
def work(call: Call) -> Answer:
    """继续未完成的事项。Put straight what a crash left, go on with open accessions, do the jobs that are due."""
    return begin(call, Asked(kind=TaskKind.WORK))


@room.add("POST", "/v1/repack", verb="work", answer=Task, status=HTTPStatus.ACCEPTED, takes=RepackWish, refused=_NEW)
def repack(call: Call) -> Answer:
    """更新信息包。Let packages tell what the log now knows of their descriptions, so many at most."""
    return begin(call, Asked(kind=TaskKind.REPACK, budget=call.body(RepackWish).budget))


@room.add("POST", "/v1/rebuild", verb="work", answer=Task, status=HTTPStatus.ACCEPTED, refused=_NEW)
def rebuild(call: Call) -> Answer:
    """重建目录库。Make the catalogue anew from the log beside the live one, then swap."""
    return begin(call, Asked(kind=TaskKind.REBUILD))


@room.add("POST", "/v1/fsck", verb="audit", answer=Task, status=HTTPStatus.ACCEPTED, refused=_NEW)
def fsck(call: Call) -> Answer:
    """全面核对。Is all that the archive says still true: the log, the packages, the catalogue? Changes nothing."""
    return begin(call, Asked(kind=TaskKind.FSCK))


@room.add(
    "POST",
    "/v1/materialisations",
    verb="materialise",
    answer=Task,
    status=HTTPStatus.ACCEPTED,
    takes=MaterialiseWish,
    refused=(*_NEW, "record-unknown", "record-without-package"),
)
def materialise(call: Call) -> Answer:
    """导出存档信息包。A stored version exactly as it is, a bag in one zip, every byte compared on the way."""
    wish = call.body(MaterialiseWish)
    find_record(call.session, wish.record)
    return begin(call, Asked(kind=TaskKind.MATERIALISE, record=wish.record, as_of=wish.as_of))


@room.add(
    "POST",
    "/v1/records/{record}/reclassification",
    verb="work",
    answer=Task,
    status=HTTPStatus.ACCEPTED,
    refused=(*_NEW, "record-unknown", "record-without-package"),
)
def reclassify(call: Call, record: Record) -> Answer:
    """按密级重存。Let a record lie in the store as its class asks, after two people changed the class."""
    find_record(call.session, record)
    return begin(call, Asked(kind=TaskKind.RECLASSIFY, record=record))


@room.add(
    "POST",
    "/v1/exports",
    verb="materialise",
    answer=Task,
    status=HTTPStatus.ACCEPTED,
    takes=ExportWish,
    refused=_NEW,
)
def export(call: Call) -> Answer:
    """导出。Records in a form that other systems read, in one zip."""
    wish = call.body(ExportWish)
    return begin(call, Asked(kind=TaskKind.EXPORT, records=wish.records, form=wish.form))


@room.add(
    "POST",
    "/v1/rescans",
    verb="ingest",
    answer=Task,
    status=HTTPStatus.CREATED,
    takes=RescanWish,
    also=(HTTPStatus.ACCEPTED,),
    refused=(*_NEW, "record-unknown", "record-without-package"),
)
def rescan(call: Call) -> Answer:
    """更换重扫的页。Declare the packed pages, which have the names of those that they replace; then send them."""
    wish = call.body(RescanWish)
    find_record(call.session, wish.record)
    asked = Asked(kind=TaskKind.RESCAN, record=wish.record, reason=wish.reason, add=wish.add, remove=tuple(wish.remove))
    return begin(call, asked) if wish.content is None else _declare(call, asked, wish.content)


@room.add(
    "POST",
    "/v1/quality/reruns",
    verb="work",
    answer=Task,
    status=HTTPStatus.ACCEPTED,
    takes=RerunWish,
    refused=_NEW,
)
def rerun_quality(call: Call) -> Answer:
    """另按规范重判。Judge the stored pages by another profile, and record what differs."""
    return begin(call, Asked(kind=TaskKind.RERUN, profile=call.body(RerunWish).profile))


@room.add(
    "POST",
    "/v1/verifications",
    verb="audit",
    answer=Task,
    status=HTTPStatus.ACCEPTED,
    takes=VerificationWish,
    refused=_NEW,
)
def verify_evidence(call: Call) -> Answer:
    """证据核验。Everything that fsck looks at, and the log against its signed checkpoints."""
    return begin(call, Asked(kind=TaskKind.VERIFY, log_key=call.body(VerificationWish).log_key))


@room.add(
    "POST",
    "/v1/evidence",
    verb="audit",
    answer=Task,
    status=HTTPStatus.ACCEPTED,
    takes=EvidenceWish,
    refused=_NEW,
)
def export_evidence(call: Call) -> Answer:
    """导出证据包。What happened to a record, to a reader or in a period, to be verified with other people's tools."""
    wish = call.body(EvidenceWish)
    asked = Asked(kind=TaskKind.EVIDENCE, record=wish.record, reader=wish.reader, since=wish.since, until=wish.until)
    return begin(call, asked)


@room.add(
    "POST",
    "/v1/validations",
    verb="search",
    answer=Task,
    status=HTTPStatus.CREATED,
    takes=ValidationWish,
    refused=_NEW,
)
def validate(call: Call) -> Answer:
    """检验。Declare a packed bag or package, or a METS or PREMIS document, that is to be judged; then send it."""
    return _declare(call, Asked(kind=TaskKind.VALIDATE), call.body(ValidationWish).content)


@room.add(
    "POST",
    "/v1/catalogue/corrections",
    verb="describe",
    answer=Task,
    status=HTTPStatus.CREATED,
    takes=CorrectionWish,
    refused=_NEW,
)
def correct_catalogue(call: Call) -> Answer:
    """收回更正的目录表。Declare a corrected sheet, then send it: without a reason a preview, with one it is applied."""
    wish = call.body(CorrectionWish)
    return _declare(call, Asked(kind=TaskKind.CORRECT, reason=wish.reason, rest=wish.rest), wish.content)


@room.add(
    "POST",
    "/v1/deposits/{deposit_id}/preview",
    verb="ingest",
    answer=Task,
    status=HTTPStatus.ACCEPTED,
    refused=(*_NEW, "upload-unknown"),
)
def preview_deposit(call: Call, deposit_id: UUID) -> Answer:
    """预检。What would come of a deposit that came whole, and its catalogue with the faults; nothing is changed."""
    read_deposit(call.session, deposit_id)
    return begin(call, Asked(kind=TaskKind.PREVIEW, subject=deposit_id))


@room.add(
    "POST",
    "/v1/accessions/{accession_id}/handover/signature",
    verb="accept",
    answer=Task,
    status=HTTPStatus.CREATED,
    takes=SignatureWish,
    refused=(*_NEW, "accession-unknown"),
)
def sign_handover(call: Call, accession_id: UUID) -> Answer:
    """归档签字的接收登记表。Declare the scan of the signed form, then send it; with it the handover is closed."""
    content = call.body(SignatureWish).content
    show_accession(call.session, accession_id)
    return _declare(call, Asked(kind=TaskKind.SIGN, subject=accession_id), content)


@room.add("GET", "/v1/tasks", verb=ANYBODY, answer=TaskList)
def list_tasks(call: Call) -> TaskList:
    """列出任务。Those of the kinds that one may ask for, the newest first."""
    return tasks.list_tasks(call.session)


@room.add("GET", "/v1/tasks/{task_id}", verb=ANYBODY, answer=Task, refused=_OWN)
def show_task(call: Call, task_id: UUID) -> Answer:
    """查看任务。How it stands; when it is done, the report, and what file there is to fetch."""
    task = tasks.read_task(call.session, task_id)
    return Answer(body=task, headers=_headers(task))


@room.add("HEAD", "/v1/tasks/{task_id}", verb=ANYBODY, refused=_OWN)
def probe_task(call: Call, task_id: UUID) -> Answer:
    """续传位置。`Upload-Offset` is the byte at which to go on."""
    return Answer(headers=_headers(tasks.read_task(call.session, task_id)))


@room.add(
    "PATCH",
    "/v1/tasks/{task_id}",
    verb=ANYBODY,
    status=HTTPStatus.NO_CONTENT,
    refused=(*_OWN, *_CONTENT),
    content=PARTS,
)
async def send_content(call: Call, task_id: UUID, upload_offset: Offset) -> Answer:
    """续传。Bytes from `Upload-Offset` on; those that came before a connection broke are kept, durable."""
    await receive_part(call, tasks.receiving(call.session, task_id, upload_offset))
    task = await run_in_threadpool(tasks.read_task, call.session, task_id)
    return Answer(status=HTTPStatus.NO_CONTENT, headers=_headers(task))


@room.add(
    "POST",
    "/v1/tasks/{task_id}/complete",
    verb=ANYBODY,
    answer=Task,
    status=HTTPStatus.ACCEPTED,
    refused=(*_OWN, "upload-incomplete", "upload-mismatch", "locked"),
)
def complete_task(call: Call, task_id: UUID) -> Answer:
    """上传完毕。The file is compared with its digest, and the task begins; asking again changes nothing."""
    task = tasks.complete_task(call.session, task_id)
    if task.state == "waiting":
        _put(call, task.id)
    return Answer(body=task, status=HTTPStatus.ACCEPTED, headers=_headers(task))


@room.add("GET", "/v1/tasks/{task_id}/events", verb=ANYBODY, refused=_OWN, media_types=("text/event-stream",))
async def follow_task(call: Call, task_id: UUID) -> Response:
    """跟踪任务。Server-sent events: how far it is, and its end; goes on after `Last-Event-ID`."""
    return await stream_of(call, task_id, tasks.history_of, _SPAN)


@room.add(
    "GET",
    "/v1/tasks/{task_id}/content",
    verb=ANYBODY,
    refused=(*_OWN, "task-file-missing", "bytes-invalid", "fixity-mismatch"),
    media_types=("*/*",),
    also=(HTTPStatus.PARTIAL_CONTENT, HTTPStatus.NOT_MODIFIED),
)
def fetch_result(call: Call, task_id: UUID) -> Response:
    """下载任务的文件。Whole or in ranges."""
    return send(call.request, tasks.open_result(call.session, task_id))


@room.add(
    "HEAD",
    "/v1/tasks/{task_id}/content",
    verb=ANYBODY,
    refused=(*_OWN, "task-file-missing", "bytes-invalid", "fixity-mismatch"),
    also=(HTTPStatus.PARTIAL_CONTENT, HTTPStatus.NOT_MODIFIED),
)
def probe_result(call: Call, task_id: UUID) -> Response:
    """下载前查询。Size and ETag."""
    return send(call.request, tasks.open_result(call.session, task_id))


@room.add(
    "DELETE", "/v1/tasks/{task_id}", verb=ANYBODY, status=HTTPStatus.NO_CONTENT, refused=(*_OWN, "task-under-way")
)
def close_task(call: Call, task_id: UUID) -> Answer:
    """任务了结。The report was read, the file arrived: both go. What was done stays done."""
    tasks.close_task(call.session, task_id)
    return Answer(status=HTTPStatus.NO_CONTENT)
