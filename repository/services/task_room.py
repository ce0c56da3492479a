"""The room of tasks (任务簿): what was asked for and what came of it, beside the bytes that came with it."""

from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from repository.errors import ArchiveError
from repository.services.dissemination import kept_until
from repository.services.exports import Form
from repository.services.session import Session
from repository.services.waiting import ROOM
from repository.storage import TASKS, Upload, discard_kept, facts_of, uploads


class TaskKind(StrEnum):
    """What can be asked for."""

    FIXITY = "fixity"
    WORK = "work"
    REPACK = "repack"
    REBUILD = "rebuild"
    FSCK = "fsck"
    MATERIALISE = "materialise"
    EXPORT = "export"
    RESCAN = "rescan"
    VALIDATE = "validate"
    CORRECT = "correct"
    PREVIEW = "preview"
    SIGN = "sign"
    RERUN = "rerun"
    VERIFY = "verify"
    EVIDENCE = "evidence"
    RECLASSIFY = "reclassify"
    APPROVE_REMOVAL = "approve-removal"
    RESUME_REMOVAL = "resume-removal"


VERBS = {
    TaskKind.FIXITY: "work",
    TaskKind.WORK: "work",
    TaskKind.REPACK: "work",
    TaskKind.REBUILD: "work",
    TaskKind.FSCK: "audit",
    TaskKind.MATERIALISE: "materialise",
    TaskKind.EXPORT: "materialise",
    TaskKind.RESCAN: "ingest",
    TaskKind.VALIDATE: "search",
    TaskKind.CORRECT: "describe",
    TaskKind.PREVIEW: "ingest",
    TaskKind.SIGN: "accept",
    TaskKind.RERUN: "work",
    TaskKind.VERIFY: "audit",
    TaskKind.EVIDENCE: "audit",
    TaskKind.RECLASSIFY: "work",
    TaskKind.APPROVE_REMOVAL: "approve-removal",
    TaskKind.RESUME_REMOVAL: "approve-removal",
}
"""By kind, what somebody must be allowed to ask for it, and to see what came of it."""

OWN = frozenset({TaskKind.VALIDATE, TaskKind.PREVIEW})
"""Kinds whose answers are about somebody's own files: to anybody else there is no such task."""

IN_PERSON = frozenset({TaskKind.APPROVE_REMOVAL, TaskKind.RESUME_REMOVAL})
"""Kinds that are somebody's own agreement: nobody else's process goes on with them; they are asked for again."""

Name = Annotated[str, msgspec.Meta(pattern=r"^[^/.\x00-\x1f\x7f][^/\x00-\x1f\x7f]{0,59}$")]
Size = Annotated[int, msgspec.Meta(ge=1, le=2**53)]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]


class Content(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bytes that are to come with a task: the file's name, its size and its SHA-256."""

    name: Name
    bytes: Size
    sha256: Sha256


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for; what a kind does not need is null.

    `subject` is the deposit that is judged, or the accession whose form was signed.
    """

    kind: TaskKind
    record: str | None = None
    records: tuple[str, ...] = ()
    form: Form | None = None
    budget: int | None = None
    as_of: str | None = None
    reason: str | None = None
    rest: bool = False
    add: bool = False
    remove: tuple[str, ...] = ()
    profile: str | None = None
    log_key: str | None = None
    reader: UUID | None = None
    since: str | None = None
    until: str | None = None
    subject: UUID | None = None


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was made, and until when it is kept."""

    name: str
    media_type: str
    bytes: int
    sha256: str
    until: str


State = Literal["receiving", "waiting", "done", "failed"]


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A task as it stands. `receiving` has bytes to come, from `offset` on; `failed` says with which error, `problem`.

    `result` is the report of what was done, with its own `schema`; `file` is to be fetched.
    """

    schema: str = "jingui.task/1"
    id: UUID
    agent: UUID
    asked: Asked
    began: str
    state: State
    content: Content | None = None
    offset: int = 0
    ended: str | None = None
    result: dict[str, Any] | None = None
    file: Result | None = None
    problem: str | None = None


def stored_task(session: Session, identifier: UUID) -> Task:
    """A task as it was written down last, whoever asks. `task-unknown`."""
    facts = facts_of(session.folder, identifier, TASKS)
    if facts is None:
        raise ArchiveError("task-unknown", identifier)
    return msgspec.json.decode(facts, type=Task)


def note(session: Session, task: Task) -> Task:
    """Write down how it stands, durably."""
    upload_of(session, task).note(msgspec.json.encode(task))
    return task


def upload_of(session: Session, task: Task) -> Upload:
    """Its place in quarantine."""
    name = task.content.name if task.content else "nothing"
    return Upload(session.folder, task.id, name, TASKS)


def clear_tasks(session: Session) -> int:
    """Let go the tasks that ended, or were begun and never sent, longer ago than files are kept. How many."""
    gone = 0
    for identifier in list(uploads(session.folder, TASKS)):
        task = stored_task(session, identifier)
        if task.state != "waiting" and kept_until(session, task.ended or task.began) <= session.now():
            discard_kept(session.folder / ROOM / str(identifier))
            upload_of(session, task).forget()
            gone += 1
    return gone
