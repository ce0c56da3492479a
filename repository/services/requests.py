"""Requests (利用申请): records are asked for, a person decides, what was granted goes out, and the reader rates it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import UUID

import msgspec

from repository.catalogue import AccessRequest, Page
from repository.domain import access_request, access_rules
from repository.domain.access_request import (
    ACCESS_REQUEST,
    CertificateIssued,
    Granted,
    Rated,
    Refused,
    Requested,
)
from repository.domain.agent import AGENT
from repository.domain.aggregate import Loaded, New
from repository.domain.archival_package import ARCHIVAL_PACKAGE
from repository.domain.authority import may
from repository.domain.values import Ground as Ground
from repository.domain.values import Role, Value
from repository.errors import ArchiveError
from repository.eventlog import Streams
from repository.services import access, use
from repository.services.access import Asked, DisseminationReport, ViewReport
from repository.services.search import find_record, moment_of, position_of
from repository.services.session import Session

WORDS = ("represented", "detail", "purpose", "conditions", "reason", "objection", "comment")
"""Fields of a request's events that hold free words."""


class RequestReport(msgspec.Struct, frozen=True, kw_only=True):
    """A request: its card, whether a person has to decide, and - for those who may read them - its words."""

    schema: str = "jingui.request/1"
    request: AccessRequest
    needs_decision: bool
    reader: dict[str, str | None] | None
    words: dict[str, str] | None


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What a request was answered with."""

    schema: str = "jingui.delivery/1"
    request: UUID
    packages: tuple[DisseminationReport, ...]


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate (档案证明): whoever has the copy compares the digest of its `manifest-sha256.txt` with this."""

    schema: str = "jingui.certificate/1"
    certificate: UUID
    number: str
    request: UUID
    dip: UUID
    manifest_sha256: str


def list_requests(
    session: Session, *, waiting: bool, mine: bool, as_of: int | None, limit: int, after: str | None
) -> Page[AccessRequest]:
    """Requests in their order: all, those that wait for a decision, or those assigned to the one who asks.

    A partner sees their own.
    """
    session.require("read-requests")
    session.catch_up()
    return session.catalogue.requests(
        waiting=waiting or None,
        assigned=session.principal if mine else None,
        requester=None if _is_staff(session) else session.principal,
        as_of=as_of,
        limit=limit,
        after=after,
    )


def show_request(session: Session, request: UUID, *, as_of: str | None = None) -> RequestReport:
    """One request, as it stands or stood. `request-unknown` for none, and for a partner one that is not theirs."""
    session.require("read-requests")
    session.catch_up()
    position = position_of(session, as_of)
    card = _card(session, request, position)
    opened = session.opens("read-sealed")
    return RequestReport(
        request=card,
        needs_decision=card.waits and not all(_is_open(session, package, position) for package in card.packages),
        reader=use.reader_words(session, card.reader) if opened and card.reader else None,
        words=use.open_words(session, request, WORDS, upto=position) if opened else None,
    )


def make_request(
    session: Session, request: UUID, records: Sequence[str], *, files: Sequence[str], purpose: str
) -> None:
    """Ask for records under a registered use. `purpose-missing`, `record-unknown`, `files-of-several`."""
    session.require("register-use")
    packages, paths = use.wanted(session, records, files)

    def decide(loaded: Loaded[access_request.State]) -> list[Value]:
        _expect_own(session, loaded.state)
        if not purpose.strip():
            raise ArchiveError("purpose-missing")
        words = use.sealed_for(session, loaded.state, request, loaded.version + 1, "purpose", purpose)
        return access_request.request(loaded.state, Requested(packages=packages, paths=paths, purpose=words or purpose))

    _append(session, "make-request", request, decide)


def assign(session: Session, request: UUID, to: UUID) -> None:
    """Say who is to decide. Refused for one who may not decide, and for one who asked."""
    session.require("assign-request")
    archive = _archive(session, request)

    def decide(streams: Streams) -> list[New]:
        if not may(streams.load(AGENT, to).state, "decide-request"):
            raise ArchiveError("not-allowed", "decide-request")
        state = streams.load(ACCESS_REQUEST, request).state
        return [New(request, payload) for payload in access_request.assign(state, to)]

    session.perform("assign-request", decide, correlation=request, archive=archive)


def grant(
    session: Session,
    request: UUID,
    *,
    records: Sequence[str] = (),
    files: Sequence[str] = (),
    until: str | None = None,
    copies: bool = True,
    conditions: str | None = None,
) -> None:
    """Grant a request, whole or in part. Refused to whoever asked (`own-request`), whatever else they are."""
    session.require("decide-request")
    chosen = tuple(dict.fromkeys(find_record(session, record) for record in records))

    def decide(loaded: Loaded[access_request.State]) -> list[Value]:
        state = loaded.state
        asked = state.requested
        granted = Granted(
            packages=chosen or (asked.packages if asked else ()),
            paths=tuple(files) or (asked.paths if asked else ()),
            until=until,
            copies=copies,
            conditions=use.sealed_for(session, state, request, loaded.version + 1, "conditions", conditions),
            decided_by=session.agents,
        )
        return access_request.grant(state, granted, today=session.today())

    _append(session, "grant", request, decide)


def refuse(session: Session, request: UUID, *, ground: Ground, reason: str | None, objection: str | None) -> None:
    """Refuse a request on a ground, and say how to object. Refused to whoever asked (`own-request`)."""
    session.require("decide-request")

    def decide(loaded: Loaded[access_request.State]) -> list[Value]:
        refused = Refused(
            ground=ground,
            reason=use.sealed_for(session, loaded.state, request, loaded.version + 1, "reason", reason),
            objection=objection,
            decided_by=session.agents,
        )
        return access_request.refuse(loaded.state, refused)

    _append(session, "refuse", request, decide)


def revoke(session: Session, request: UUID, reason: str) -> None:
    """Take a grant back: it went to the wrong reader, or its conditions were broken. It waits for a decision again."""
    session.require("decide-request")

    def decide(loaded: Loaded[access_request.State]) -> list[Value]:
        if not reason.strip():
            raise ArchiveError("reason-missing", request)
        words = use.sealed_for(session, loaded.state, request, loaded.version + 1, "reason", reason)
        return access_request.revoke(loaded.state, words or reason, session.agents)

    _append(session, "revoke-grant", request, decide)


def deliver(session: Session, request: UUID, target: Path) -> Delivery:
    """Hand out what a request was granted, or what of it is open to everybody, each record as a package of its own.

    `access-controlled` for what is neither; nothing of the request leaves then. Raises as `disseminate` does.
    """
    session.require("disseminate")
    records = to_let_out(session, request)
    for asked in records:
        access.let_out(session, asked, copy=True)
    reports = [access.hand_out(session, asked, target) for asked in records]
    archive = records[0].archive
    access.append(session, request, archive, lambda state: access_request.close(state, outcome="delivered"))
    return Delivery(request=request, packages=tuple(reports))


def view(session: Session, request: UUID, record: str | None = None, *, files: Sequence[str] = ()) -> ViewReport:
    """Let files be looked at under a request; the look is in the log before their place is told.

    Without `record` the first that was asked for; without `files` all that were asked for or granted of it.
    """
    session.require("disseminate")
    records = {asked.package: asked for asked in to_let_out(session, request)}
    package = find_record(session, record) if record else next(iter(records))
    if package not in records:
        raise ArchiveError("record-unknown", record or package)
    asked = msgspec.structs.replace(records[package], paths=tuple(files) or records[package].paths)
    access.let_out(session, asked, copy=False)
    return access.show_files(session, asked)


def certify(session: Session, request: UUID, dip: UUID, number: str) -> Certificate:
    """Certify that a copy that was handed out is true, under the archive's own number."""
    session.require("register-use")
    if not number.strip():
        raise ArchiveError("name-missing")
    certificate = session.new_id()
    manifest = ""

    def decide(loaded: Loaded[access_request.State]) -> list[Value]:
        nonlocal manifest
        _expect_own(session, loaded.state)
        made = (event.payload for event in session.log.stream(request))
        manifest = next(
            (one.manifest_sha256 for one in made if isinstance(one, access_request.DipAssembled) and one.dip == dip), ""
        )
        if not manifest:
            raise ArchiveError("request-order", "CertificateIssued")
        issued = CertificateIssued(certificate=certificate, number=number, dip=dip, manifest_sha256=manifest)
        return access_request.certify(loaded.state, issued)

    _append(session, "certify", request, decide)
    return Certificate(certificate=certificate, number=number, request=request, dip=dip, manifest_sha256=manifest)


def annul_certificate(session: Session, request: UUID, certificate: UUID, reason: str) -> None:
    """Take a certificate back, with a reason."""
    session.require("register-use")

    def decide(loaded: Loaded[access_request.State]) -> list[Value]:
        _expect_own(session, loaded.state)
        return access_request.annul_certificate(loaded.state, certificate, reason)

    _append(session, "annul-certificate", request, decide)


def rate(session: Session, request: UUID, score: int, comment: str | None = None) -> None:
    """Write down how satisfied the reader was, 1 to 5; said again, the last word holds."""
    session.require("register-use")

    def decide(loaded: Loaded[access_request.State]) -> list[Value]:
        _expect_own(session, loaded.state)
        words = use.sealed_for(session, loaded.state, request, loaded.version + 1, "comment", comment)
        return access_request.rate(loaded.state, Rated(score=score, comment=words))

    _append(session, "rate", request, decide)


def close(session: Session, request: UUID, outcome: str) -> None:
    """End a request that nothing more comes of: withdrawn, registered by mistake, answered in another way."""
    session.require("register-use")

    def decide(loaded: Loaded[access_request.State]) -> list[Value]:
        _expect_own(session, loaded.state)
        return access_request.close(loaded.state, outcome=outcome)

    _append(session, "close-request", request, decide)


def _append(
    session: Session, what: str, request: UUID, decide: Callable[[Loaded[access_request.State]], list[Value]]
) -> None:
    def decided(streams: Streams) -> list[New]:
        return [New(request, payload) for payload in decide(streams.load(ACCESS_REQUEST, request))]

    session.perform(what, decided, correlation=request, archive=_archive(session, request))


def _archive(session: Session, request: UUID) -> str | None:
    events = session.log.stream(request)
    if not events or not events[0].envelope.type.startswith("AccessRequest."):
        raise ArchiveError("request-unknown", request)
    return events[0].envelope.archive


def _card(session: Session, request: UUID, as_of: int | None) -> AccessRequest:
    card = session.catalogue.request(request, as_of=as_of)
    if card is None or not (_is_staff(session) or card.requester == session.principal):
        raise ArchiveError("request-unknown", request)
    return card


def to_let_out(session: Session, request: UUID) -> list[Asked]:
    """What was granted, or asked for where nothing was decided: each package as a whole, or its files."""
    archive = _archive(session, request)
    state = session.log.load(ACCESS_REQUEST, request).state
    _expect_own(session, state)
    asked = state.granted or state.requested
    if asked is None or not asked.packages:
        raise ArchiveError("request-order", "DipAssembled")
    return [
        Asked(
            request=request,
            archive=archive,
            package=package,
            entry=_entry(session, package),
            own=None,
            paths=asked.paths,
        )
        for package in asked.packages
    ]


def _entry(session: Session, package: UUID) -> UUID:
    created = session.log.load(ARCHIVAL_PACKAGE, package).state.created
    if created is None:
        raise ArchiveError("package-unknown", package)
    return created.description


def _expect_own(session: Session, state: access_request.State) -> None:
    """Staff work on every request, a partner on their own only; another's is unknown to them."""
    requesters = state.use.requesters if state.use else ()
    if not _is_staff(session) and session.principal not in requesters:
        raise ArchiveError("request-unknown", session.principal)


def _is_staff(session: Session) -> bool:
    return may(session.standing(), "survey")


def _is_open(session: Session, package: UUID, as_of: int | None) -> bool:
    card = session.catalogue.package(package, as_of=as_of)
    described = session.catalogue.description(card.description, as_of=as_of) if card else None
    if card is None or described is None:
        return False
    standing = access_rules.Standing(
        status=card.access,
        secrecy=access_rules.higher(card.secrecy_class, described.secrecy_class),
        opening_date=card.opening_date,
    )
    return access_rules.decide(
        access_rules.Act.CONTENT,
        standing,
        roles=(Role.READER,),
        granted=False,
        today=session.today() if as_of is None else moment_of(session, as_of).astimezone().date().isoformat(),
        open_by_default=session.policy.status.open_upto,
    ).allowed
