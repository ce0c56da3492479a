"""Deposit (网上移交): a packed delivery comes over a wire in parts, is compared with its digest, and is then ingested.

What a producer declared stands beside the bytes in quarantine, with how far it has come: a server that was killed goes
on with every deposit that was complete. What ingest does with it, the log says.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from packages_spec.findings import Finding, Severity
from repository.domain.agent import AGENT
from repository.domain.authority import may
from repository.errors import ArchiveError
from repository.services import ingest
from repository.services.ingest import AccessionKind, IngestRequest
from repository.services.preview import PreviewReport, preview
from repository.services.session import Progress, Session
from repository.storage import Part, Upload, facts_of, uploads

State = Literal[
    "receiving", "complete", "completed", "already-recorded", "rejected", "waiting", "part-completed", "failed"
]
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]

Name = Annotated[str, msgspec.Meta(pattern=r"^[^/\x00-\x1f\x7f]{1,60}\.(zip|tar|tar\.gz|tgz)$")]
Size = Annotated[int, msgspec.Meta(ge=1, le=2**53)]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]


class DepositWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to come: one zip or tar with a bag, a SIP or a folder in it; its size and SHA-256; and what it is.

    `rework` is the accession that the delivery repairs (返工), `mapping` the text of a mapping profile; the last three
    are the terms on which custody passes.
    """

    name: Name
    bytes: Size
    sha256: Sha256
    producer: str | None = None
    transfer_number: str | None = None
    archive: str | None = None
    kind: AccessionKind = AccessionKind.TRANSFER
    per_folder: bool = False
    rework: UUID | None = None
    mapping: Annotated[str, msgspec.Meta(max_length=100_000)] | None = None
    agreement: Words | None = None
    medium: Words | None = None
    opening_opinion: Words | None = None


class Deposit(msgspec.Struct, frozen=True, kw_only=True):
    """A deposit as it stands: `offset` is the byte at which it goes on.

    `complete` waits to be ingested; then it is what ingest made of it, with its accession, or `failed` with the code.
    `waiting` is for a person's decision on the accession, which tells of everything that follows.
    """

    schema: str = "jingui.deposit/1"
    id: UUID
    agent: UUID
    wish: DepositWish
    state: State = "receiving"
    offset: int = 0
    accession: UUID | None = None
    packages: int = 0
    findings: tuple["FoundFault", ...] = ()
    problem: str | None = None


class FoundFault(msgspec.Struct, frozen=True, kw_only=True):
    """A finding against the delivery, in both languages."""

    code: str
    severity: Severity
    path: str
    zh: str
    en: str


MAPPING = "mapping.toml"
"""Name of the mapping profile that came with a deposit, beside its bytes."""

FINDINGS_TOLD = 1_000
"""Findings that an answer lists; the log keeps how many there were."""


def open_deposit(session: Session, wish: DepositWish) -> Deposit:
    """Begin a deposit. Asked again under the same key it is the same one. `archive-unknown`, `name-missing`."""
    session.require("ingest")
    session.archive_code(wish.archive)
    if wish.producer is not None and not wish.producer.strip():
        raise ArchiveError("name-missing")
    deposit = Deposit(id=session.new_id(), agent=session.actor.agent, wish=wish)
    if not _upload(session, deposit).create(msgspec.json.encode(deposit)):
        known = read_deposit(session, deposit.id)
        if known.wish != wish:
            raise ArchiveError("command-reused", deposit.id)
        return known
    return deposit


def read_deposit(session: Session, identifier: UUID) -> Deposit:
    """How it stands, for whoever began it and for those who manage the archive. `upload-unknown` for all others."""
    session.require("ingest")
    deposit = _known(session, identifier)
    return msgspec.structs.replace(deposit, offset=_offset(session, deposit))


@contextmanager
def receiving(session: Session, identifier: UUID, offset: int) -> Iterator[tuple[Part, int]]:
    """Take bytes from this place on, and say how many may still come. `upload-offset`, `locked`, `upload-closed`."""
    deposit = read_deposit(session, identifier)
    if deposit.state != "receiving":
        raise ArchiveError("upload-closed", identifier)
    with _upload(session, deposit).writing(offset) as part:
        yield part, deposit.wish.bytes - offset


def complete_deposit(session: Session, identifier: UUID) -> Deposit:
    """Everything came: compare it with what was declared, once. It is then a job's to ingest it.

    Raises `upload-incomplete`; `upload-mismatch`, after which it is to be uploaded anew. A second time changes nothing.
    """
    deposit = read_deposit(session, identifier)
    if deposit.state != "receiving":
        return deposit
    upload = _upload(session, deposit)
    if upload.size != deposit.wish.bytes:
        raise ArchiveError("upload-incomplete", identifier, received=upload.size, bytes=deposit.wish.bytes)
    if upload.sha256() != deposit.wish.sha256:
        upload.empty()
        raise ArchiveError("upload-mismatch", identifier)
    return _note(session, msgspec.structs.replace(deposit, state="complete"))


def take_in(session: Session, identifier: UUID, progress: Progress) -> None:
    """Ingest a deposit that is complete; what came of it is written down. Killed and run again, it goes on.

    Whether they may was asked of whoever completed it; whoever goes on with it after a crash need not be one who may.
    A delivery that is rejected or cannot be taken is an answer. A fault of the place is raised, and tried again by the
    next process.
    """
    deposit = _stored(session, identifier)
    if deposit.state != "complete":
        return
    upload = _upload(session, deposit)
    try:
        report = ingest.take_in(session, _as_asked(session, deposit), progress)
    except ArchiveError as error:
        if error.row.exit in _OF_THE_PLACE:
            raise
        _note(session, msgspec.structs.replace(deposit, state="failed", problem=error.code))
    else:
        done = msgspec.structs.replace(
            deposit,
            state=report.outcome,
            accession=report.accession,
            packages=len(report.packages),
            findings=tuple(map(_told, report.findings[:FINDINGS_TOLD])),
        )
        _note(session, done)
    upload.let_go()


def judge(session: Session, identifier: UUID, progress: Progress) -> tuple[PreviewReport, bytes]:
    """What would come of a deposit that came whole and was not completed, and the workbook to give back.

    `upload-incomplete`, and what receiving it would raise at once. Nothing is changed.
    """
    deposit = read_deposit(session, identifier)
    if deposit.state != "receiving" or deposit.offset != deposit.wish.bytes:
        raise ArchiveError("upload-incomplete", identifier, received=deposit.offset, bytes=deposit.wish.bytes)
    return preview(session, _as_asked(session, deposit), progress)


def _as_asked(session: Session, deposit: Deposit) -> IngestRequest:
    wish, upload = deposit.wish, _upload(session, deposit)
    return IngestRequest(
        source=upload.path,
        archive=wish.archive,
        producer=wish.producer,
        transfer_number=wish.transfer_number,
        kind=wish.kind,
        per_folder=wish.per_folder,
        accession=wish.rework,
        mapping=None if wish.mapping is None else upload.beside(MAPPING, wish.mapping.encode()),
        agreement=wish.agreement,
        medium=wish.medium,
        opening_opinion=wish.opening_opinion,
    )


_OF_THE_PLACE = frozenset({1, 11, 23, 30})
"""Exits of errors that are not the delivery's: a bug, somebody else at work, the log, the storage."""


def unfinished_deposits(session: Session) -> Iterator[UUID]:
    """Deposits that are complete and not ingested yet."""
    for identifier in uploads(session.folder):
        if _stored(session, identifier).state == "complete":
            yield identifier


def _known(session: Session, identifier: UUID) -> Deposit:
    deposit = _stored(session, identifier)
    state = session.log.load(AGENT, session.actor.agent).state
    if session.actor.agent != deposit.agent and not may(state, "materialise"):
        raise ArchiveError("upload-unknown", identifier)
    return deposit


def _stored(session: Session, identifier: UUID) -> Deposit:
    facts = facts_of(session.folder, identifier)
    if facts is None:
        raise ArchiveError("upload-unknown", identifier)
    return msgspec.json.decode(facts, type=Deposit)


def _offset(session: Session, deposit: Deposit) -> int:
    return _upload(session, deposit).size if deposit.state == "receiving" else deposit.wish.bytes


def _note(session: Session, deposit: Deposit) -> Deposit:
    _upload(session, deposit).note(msgspec.json.encode(deposit))
    return deposit


def _upload(session: Session, deposit: Deposit) -> Upload:
    return Upload(session.folder, deposit.id, deposit.wish.name)


def _told(finding: Finding) -> FoundFault:
    return FoundFault(
        code=finding.code,
        severity=finding.severity,
        path=finding.path,
        zh=finding.message("zh"),
        en=finding.message("en"),
    )
