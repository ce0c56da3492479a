"""Tasks (任务): long work that is asked for over a wire, done by a job, and read when it is done.

What is asked for stands in quarantine with the bytes that came with it, so a server that was killed does it when it
comes back; what it changes, the log says, as always. What was made to be fetched lies in `outgoing/` until its day.

Who may ask for a kind of task may see those that were asked for: whoever could have the answer anyway.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import msgspec

from repository.errors import PASSING, ArchiveError
from repository.services.dissemination import Happening, Parcel, kept_until
from repository.services.session import Progress, Session
from repository.services.task_kinds import DONE_BY, Done
from repository.services.task_room import IN_PERSON, OWN, VERBS, Result, note, stored_task, upload_of
from repository.services.task_room import Asked as Asked
from repository.services.task_room import Content as Content
from repository.services.task_room import Task as Task
from repository.services.task_room import TaskKind as TaskKind
from repository.services.task_room import clear_tasks as clear_tasks
from repository.services.waiting import ROOM
from repository.storage import TASKS, Part, discard_kept, uploads


class TaskList(msgspec.Struct, frozen=True, kw_only=True):
    """The tasks that the one who asks may see, the newest first."""

    schema: str = "jingui.tasks/1"
    tasks: tuple[Task, ...]


def open_task(session: Session, asked: Asked, content: Content | None = None) -> Task:
    """Take a task down, durably. Asked again under the same key it is the same one; `command-reused` for another."""
    session.require(VERBS[asked.kind])
    task = Task(
        id=session.new_id(),
        agent=session.actor.agent,
        asked=asked,
        began=session.now(),
        state="waiting" if content is None else "receiving",
        content=content,
    )
    if not upload_of(session, task).create(msgspec.json.encode(task)):
        known = stored_task(session, task.id)
        if (known.asked, known.content) != (asked, content):
            raise ArchiveError("command-reused", task.id)
        return known
    return task


def read_task(session: Session, identifier: UUID) -> Task:
    """How it stands. `task-unknown` for none, and for one that the one who asks might not have asked for."""
    task = stored_task(session, identifier)
    if not _is_visible(session, task):
        raise ArchiveError("task-unknown", identifier)
    offset = upload_of(session, task).size if task.state == "receiving" else task.content.bytes if task.content else 0
    return msgspec.structs.replace(task, offset=offset)


def list_tasks(session: Session) -> TaskList:
    """Those that the one who asks may see, the newest first; they stay until they are let go or their day is over."""
    found = (stored_task(session, identifier) for identifier in uploads(session.folder, TASKS))
    return TaskList(tasks=tuple(sorted(filter(lambda one: _is_visible(session, one), found), key=_age, reverse=True)))


def _age(task: Task) -> tuple[str, UUID]:
    return task.began, task.id


@contextmanager
def receiving(session: Session, identifier: UUID, offset: int) -> Iterator[tuple[Part, int]]:
    """Take bytes from this place on, and say how many may still come. `upload-offset`, `locked`, `upload-closed`."""
    task = _own(session, identifier)
    if task.state != "receiving" or task.content is None:
        raise ArchiveError("upload-closed", identifier)
    with upload_of(session, task).writing(offset) as part:
        yield part, task.content.bytes - offset


def complete_task(session: Session, identifier: UUID) -> Task:
    """Everything came: compare it with what was declared, once. It is then a job's to do it.

    Raises `upload-incomplete`; `upload-mismatch`, after which it is to be uploaded anew. A second time changes nothing.
    """
    task = _own(session, identifier)
    if task.state != "receiving" or task.content is None:
        return task
    upload = upload_of(session, task)
    if upload.size != task.content.bytes:
        raise ArchiveError("upload-incomplete", identifier, received=upload.size, bytes=task.content.bytes)
    if upload.sha256() != task.content.sha256:
        upload.empty()
        raise ArchiveError("upload-mismatch", identifier)
    return note(session, msgspec.structs.replace(task, state="waiting", offset=task.content.bytes))


def do_task(session: Session, identifier: UUID, progress: Progress) -> None:
    """Do it, and write down what came of it. Killed and run again, it is done anew, or goes on where its work can.

    A refusal is an answer. That somebody else is at it is raised, so that it is tried again.
    """
    task = stored_task(session, identifier)
    if task.state != "waiting":
        return
    upload = upload_of(session, task)
    outgoing = session.folder / ROOM / str(identifier)
    discard_kept(outgoing)
    try:
        done = DONE_BY[task.asked.kind](session, task.asked, upload.path, outgoing, progress)
    except ArchiveError as error:
        if error.code in PASSING:
            raise
        fail_task(session, identifier, error)
    except BaseException:
        fail_task(session, identifier, ArchiveError("internal", task.asked.kind))
        raise
    else:
        note(session, _finished(session, task, done))
    upload.let_go()


def _finished(session: Session, task: Task, done: Done) -> Task:
    ended = session.now()
    file = None
    if done.file is not None:
        until = kept_until(session, ended)
        name, size, sha256 = done.file.path, done.file.size, done.file.sha256
        file = Result(name=name, media_type=done.media_type, bytes=size, sha256=sha256, until=until)
    return msgspec.structs.replace(task, state="done", ended=ended, result=done.report, file=file)


def fail_task(session: Session, identifier: UUID, error: ArchiveError) -> None:
    """Write down that it could not be done."""
    task = stored_task(session, identifier)
    failed = msgspec.structs.replace(task, state="failed", ended=session.now(), problem=error.code)
    note(session, failed)


def history_of(session: Session, identifier: UUID) -> list[Happening]:
    """That it began and that it ended, for those who may see it."""
    task = read_task(session, identifier)
    happened = [Happening(position=1, type="began", time=task.began)]
    if task.ended is not None:
        happened.append(Happening(position=2, type=task.state, time=task.ended))
    return happened


def open_result(session: Session, identifier: UUID) -> Parcel:
    """The file that a task made. `task-unknown`; `task-file-missing` for none, and once its day is over."""
    task = read_task(session, identifier)
    place = session.folder / ROOM / str(identifier)
    if task.file is None or task.file.until <= session.now() or not (place / task.file.name).is_file():
        raise ArchiveError("task-file-missing", identifier)
    file = task.file
    path = place / file.name
    session.true_files.expect(path, file.sha256, file.name)
    return Parcel(path=path, name=file.name, media_type=file.media_type, bytes=file.bytes, sha256=file.sha256)


def close_task(session: Session, identifier: UUID) -> None:
    """Let it go, with its file; what it did stays done. `task-under-way` until then."""
    task = _own(session, identifier)
    if task.state == "waiting":
        raise ArchiveError("task-under-way", identifier)
    discard_kept(session.folder / ROOM / str(identifier))
    upload_of(session, task).forget()


def unfinished_tasks(session: Session) -> Iterator[UUID]:
    """Tasks that everything is there for and that are not done, of the kinds that this session may do.

    One that is a person's own agreement is over: they agree again, or have it resumed.
    """
    for identifier in uploads(session.folder, TASKS):
        task = stored_task(session, identifier)
        if task.state != "waiting":
            continue
        if task.asked.kind in IN_PERSON:
            fail_task(session, identifier, ArchiveError("task-interrupted", identifier))
        elif session.opens(VERBS[task.asked.kind]):
            yield identifier


def _is_visible(session: Session, task: Task) -> bool:
    if not session.opens(VERBS[task.asked.kind]):
        return False
    return task.agent == session.actor.agent or task.asked.kind not in OWN


def _own(session: Session, identifier: UUID) -> Task:
    """A task of the one who asks: only they send its bytes or let it go."""
    task = read_task(session, identifier)
    if task.agent != session.actor.agent:
        raise ArchiveError("task-unknown", identifier)
    return task
