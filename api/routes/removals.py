"""Removal (依法删除): words, readers' keys and files that must go - asked for by one person, approved by another.

Both act by themselves, each with their own key; what is removed, and what was not reached, can be read afterwards.
"""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

import msgspec

from api.bodies import Reason
from api.endpoints import Answer, Call, Room
from api.routes.tasks import begin
from repository.services import removal, spill
from repository.services.removal import RemovalKind, RemovalReport, RemovalRequest
from repository.services.tasks import Asked, Task, TaskKind

room = Room("removals")
Position = Annotated[int, msgspec.Meta(ge=1, le=2**53)]
_ASKED = ("reason-missing", "removal-empty", "removal-too-large", "position-unknown", "record-unknown")
_FILES = ("file-unknown", "removal-kept", "package-not-stored", "record-without-package", "fixity-mismatch")
_OWN = ("removal-unknown", "removal-order")


class Removals(msgspec.Struct, frozen=True, kw_only=True):
    """Every removal that was ever asked for."""

    schema: str = "jingui.removals/1"
    removals: tuple[RemovalReport, ...]


class RemovalWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words wherever they stand and events by position, or readers whose keys go; on which basis, and why."""

    legal_basis: str
    reason: str
    words: tuple[str, ...] = ()
    positions: tuple[Position, ...] = ()
    readers: tuple[UUID, ...] = ()


class SpillWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Files of a record, files by SHA-256 wherever they are, and words; on which basis, and why."""

    legal_basis: str
    reason: str
    record: str | None = None
    files: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    words: tuple[str, ...] = ()


@room.add("GET", "/v1/removals", verb="inspect", answer=Removals)
def removals(call: Call) -> Removals:
    """列出删除。Every removal, in the order of the log."""
    return Removals(removals=tuple(removal.removals(call.session)))


@room.add("GET", "/v1/removals/{removal_id}", verb="inspect", answer=RemovalReport, refused=("removal-unknown",))
def show_removal(call: Call, removal_id: UUID) -> Answer:
    """查看删除。How it stands, what it takes, what it did not reach; the ETag is what the next step must have seen."""
    return Answer(body=removal.report(call.session, removal_id), headers=call.etag(removal_id))


@room.add(
    "POST",
    "/v1/removals",
    verb="propose-removal",
    deputies=True,
    answer=RemovalReport,
    status=HTTPStatus.CREATED,
    takes=RemovalWish,
    refused=(*_ASKED, *_FILES),
)
def propose_removal(call: Call) -> Answer:
    """提请删除。Words or readers' keys that the law says must go; somebody else approves."""
    wish = call.body(RemovalWish)
    request = RemovalRequest(
        kind=RemovalKind.READERS if wish.readers else RemovalKind.WORDS,
        legal_basis=wish.legal_basis,
        reason=wish.reason,
        words=wish.words,
        positions=wish.positions,
        readers=wish.readers,
    )
    return _proposed(call, removal.propose(call.session, request))


@room.add(
    "POST",
    "/v1/spills",
    verb="propose-removal",
    deputies=True,
    answer=RemovalReport,
    status=HTTPStatus.CREATED,
    takes=SpillWish,
    refused=(*_ASKED, *_FILES, "digest-unknown"),
)
def propose_spill(call: Call) -> Answer:
    """提请清除误收的文件。Files that should never have come in are to be taken out; somebody else approves."""
    wish = call.body(SpillWish)
    report = spill.propose_spill(
        call.session,
        wish.record,
        files=wish.files,
        digests=wish.digests,
        words=wish.words,
        legal_basis=wish.legal_basis,
        reason=wish.reason,
    )
    return _proposed(call, report)


def _proposed(call: Call, report: RemovalReport) -> Answer:
    headers = call.etag(report.removal) | {"location": f"/v1/removals/{report.removal}"}
    return Answer(body=report, status=HTTPStatus.CREATED, headers=headers)


@room.add(
    "POST",
    "/v1/removals/{removal_id}/approval",
    verb="approve-removal",
    answer=Task,
    status=HTTPStatus.ACCEPTED,
    refused=(*_OWN, "storage-full"),
)
def approve_removal(call: Call, removal_id: UUID) -> Answer:
    """批准删除。By nobody who asked for it; it is carried out as a task of the one who approves, by nobody else."""
    removal.report(call.session, removal_id)
    return begin(call, Asked(kind=TaskKind.APPROVE_REMOVAL, subject=removal_id))


@room.add(
    "POST",
    "/v1/removals/{removal_id}/resumption",
    verb="approve-removal",
    answer=Task,
    status=HTTPStatus.ACCEPTED,
    refused=(*_OWN, "storage-full"),
)
def resume_removal(call: Call, removal_id: UUID) -> Answer:
    """继续删除。Carry out what was approved and did not come to its end."""
    removal.report(call.session, removal_id)
    return begin(call, Asked(kind=TaskKind.RESUME_REMOVAL, subject=removal_id))


@room.add(
    "POST",
    "/v1/removals/{removal_id}/withdrawal",
    verb="propose-removal",
    deputies=True,
    changes=True,
    answer=RemovalReport,
    takes=Reason,
    refused=(*_OWN, "reason-missing"),
)
def withdraw_removal(call: Call, removal_id: UUID) -> Answer:
    """撤回删除。Give up a removal that nobody has agreed to."""
    report = removal.withdraw(call.seeing(removal_id), removal_id, call.body(Reason).reason)
    return Answer(body=report, headers=call.etag(removal_id))
