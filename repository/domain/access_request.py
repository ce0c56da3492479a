"""Access request (利用申请): a use is registered, records are asked for, somebody else decides, they are handed out.

`Refused`, `ContentViewed` and `DipDelivered` are committed before the first byte leaves the archive. Nobody decides on
what they asked for themselves: the agents who registered and asked are compared with those who decide, deputies and
their principals alike.
"""

from collections.abc import Collection
from enum import StrEnum
from uuid import UUID

import msgspec

from repository.domain.aggregate import Aggregate
from repository.domain.reader import IDENTITY, Document
from repository.domain.values import Confidential, Day, Ground, Sha256, Value
from repository.errors import ArchiveError

BEST = 5
"""The best mark of a rating; 1 is the worst."""


class Capacity(StrEnum):
    """In which capacity somebody uses records (利用者身份)."""

    SELF = "self"
    GUARDIAN = "guardian"
    AGENT = "agent"
    HEIR = "heir"
    UNIT = "unit"
    COURT = "court"


PROOF = {
    Capacity.GUARDIAN: Document.PROOF_OF_GUARDIANSHIP,
    Capacity.AGENT: Document.POWER_OF_ATTORNEY,
    Capacity.HEIR: Document.PROOF_OF_KINSHIP,
    Capacity.UNIT: Document.LETTER_OF_INTRODUCTION,
    Capacity.COURT: Document.COURT_LETTER,
}
"""The paper that proves a capacity, beside the one that proves who somebody is."""


class Channel(StrEnum):
    """How somebody comes (利用途径)."""

    DESK = "desk"
    LETTER = "letter"
    TELEPHONE = "telephone"
    ONLINE = "online"
    PARTNER = "partner"


class Purpose(StrEnum):
    """For what records are used (利用目的)."""

    PROOF = "proof"
    RESEARCH = "research"
    WORK = "work"
    FAMILY = "family"
    PUBLICATION = "publication"
    LITIGATION = "litigation"
    OTHER = "other"


class UseRegistered(Value, frozen=True, kw_only=True):
    """A use is registered (利用登记): who, in which capacity, on which papers, checked by whom, and for what.

    `requesters` are the agents who registered it, a deputy and the principal both. `represented` says for whom or for
    which unit the reader comes.
    """

    reader: UUID
    capacity: Capacity
    documents: tuple[Document, ...]
    represented: Confidential | None
    requesters: tuple[UUID, ...]
    channel: Channel
    purpose: Purpose
    detail: Confidential | None
    reply_by: Day | None


class Requested(Value, frozen=True, kw_only=True):
    """These packages are asked for, whole (`paths` empty) or these files of them, and for which purpose."""

    packages: tuple[UUID, ...]
    paths: tuple[str, ...]
    purpose: Confidential


class Assigned(Value, frozen=True, kw_only=True):
    """This agent is to decide."""

    to: UUID


class Granted(Value, frozen=True, kw_only=True):
    """These packages may be used, whole (`paths` empty) or these files; up to and with a day, on conditions.

    `copies` allows a copy to be handed out, else the files may only be looked at. `decided_by` names everybody whose
    decision it is, a deputy and the principal both.
    """

    packages: tuple[UUID, ...]
    paths: tuple[str, ...]
    until: Day | None
    copies: bool
    conditions: Confidential | None
    decided_by: tuple[UUID, ...]


class GrantRevoked(Value, frozen=True, kw_only=True):
    """The grant is in force no longer, and why."""

    reason: Confidential
    revoked_by: tuple[UUID, ...]


class Refused(Value, frozen=True, kw_only=True):
    """It is not given: on which ground, why, and how to object. `decided_by` is empty where the rules alone refused."""

    ground: Ground | None
    reason: Confidential | None
    objection: Confidential | None
    decided_by: tuple[UUID, ...]


class ContentViewed(Value, frozen=True, kw_only=True):
    """These files of a stored version are shown from now on."""

    package: UUID
    generation: int
    version: int
    paths: tuple[str, ...]
    way: str


class DipSource(Value, frozen=True, kw_only=True):
    """Which stored version the dissemination package was made from, and the event that committed it."""

    package: UUID
    generation: int
    version: int
    stored_event: UUID


class DipAssembled(Value, frozen=True, kw_only=True):
    """The dissemination package is ready."""

    dip: UUID
    sources: tuple[DipSource, ...]
    files: int
    bytes: int
    manifest_sha256: Sha256
    tagmanifest_sha256: Sha256


class DipDelivered(Value, frozen=True, kw_only=True):
    """The dissemination package is handed out from now on."""

    dip: UUID
    way: str


class FormChosen(Value, frozen=True, kw_only=True):
    """In which form it is to be made: a bag (the whole record, or the files asked for), or copies made from it.

    `description` is the record that was asked for, which may share its package with others; `as_of` the position of the
    log whose stored version is meant, null for the newest. `pages` are the numbers of the files, from 1 in their order;
    empty for all. `width` is in pixels, for pictures.
    """

    description: UUID
    as_of: int | None
    form: str
    pages: tuple[int, ...]
    width: int | None


class DipRendered(Value, frozen=True, kw_only=True):
    """The one file in which the dissemination package goes over a wire, byte for byte."""

    dip: UUID
    form: str
    name: Confidential
    media_type: str
    bytes: int
    sha256: Sha256


class CertificateIssued(Value, frozen=True, kw_only=True):
    """A certificate (档案证明) says that a copy is true: its number, and the digest of the manifest of the copy."""

    certificate: UUID
    number: str
    dip: UUID
    manifest_sha256: Sha256


class CertificateAnnulled(Value, frozen=True, kw_only=True):
    """The certificate says nothing any more, and why."""

    certificate: UUID
    reason: Confidential


class Rated(Value, frozen=True, kw_only=True):
    """How satisfied the reader was (满意度), 1 to 5. Rated again, the last word holds."""

    score: int
    comment: Confidential | None


class Closed(Value, frozen=True, kw_only=True):
    """The request is at its end."""

    outcome: str


class State(msgspec.Struct, frozen=True):
    """What the decisions below need to know."""

    use: UseRegistered | None = None
    requested: Requested | None = None
    chosen: FormChosen | None = None
    assigned: UUID | None = None
    granted: Granted | None = None
    refused: Refused | None = None
    assembled: DipAssembled | None = None
    rendered: DipRendered | None = None
    delivered: frozenset[UUID] = frozenset()
    viewed: bool = False
    certificates: frozenset[UUID] = frozenset()
    rated: Rated | None = None
    closed: bool = False


def evolve(state: State, event: Value) -> State:
    """Fold one event."""
    replace = msgspec.structs.replace
    match event:
        case UseRegistered():
            return replace(state, use=event)
        case Requested():
            return replace(state, requested=event)
        case Closed():
            return replace(state, closed=True)
        case Rated():
            return replace(state, rated=event)
        case Assigned() | Granted() | GrantRevoked() | Refused():
            return _decided(state, event)
        case _:
            return _handed_out(state, event)


def _decided(state: State, event: Assigned | Granted | GrantRevoked | Refused) -> State:
    replace = msgspec.structs.replace
    match event:
        case Assigned():
            return replace(state, assigned=event.to)
        case Granted():
            return replace(state, granted=event, refused=None)
        case GrantRevoked():
            return replace(state, granted=None)
        case Refused():
            if not event.decided_by and state.use is not None:
                return state  # the rules let nothing out; what people decided on the use stands
            return replace(state, granted=None, refused=event)


def _handed_out(state: State, event: Value) -> State:
    replace = msgspec.structs.replace
    match event:
        case FormChosen():
            return replace(state, chosen=event, assembled=None, rendered=None)
        case ContentViewed():
            return replace(state, viewed=True)
        case DipAssembled():
            return replace(state, assembled=event)
        case DipRendered():
            return replace(state, rendered=event)
        case DipDelivered():
            return replace(state, delivered=state.delivered | {event.dip})
        case CertificateIssued():
            return replace(state, certificates=state.certificates | {event.certificate})
        case CertificateAnnulled():
            return replace(state, certificates=state.certificates - {event.certificate})
        case _:
            return state


ACCESS_REQUEST = Aggregate("AccessRequest", State(), evolve)


def register_use(state: State, use: UseRegistered) -> list[Value]:
    """Register a use. Refused where a paper is missing that proves who it is, or the capacity (`documents-missing`)."""
    if state.use is not None or state.requested is not None:
        raise ArchiveError("request-order", "UseRegistered")
    if not IDENTITY & set(use.documents):
        raise ArchiveError("documents-missing", use.capacity, needed=", ".join(sorted(IDENTITY)))
    proof = PROOF.get(use.capacity)
    if proof is not None and proof not in use.documents:
        raise ArchiveError("documents-missing", use.capacity, needed=proof)
    return [use]


def request(state: State, requested: Requested) -> list[Value]:
    """Ask. Refused without a purpose, and for files of several packages at once."""
    if isinstance(requested.purpose, str) and not requested.purpose.strip():
        raise ArchiveError("purpose-missing")
    if requested.paths and len(requested.packages) > 1:
        raise ArchiveError("files-of-several", len(requested.packages))
    return [requested] if state.requested is None else []


def choose(state: State, chosen: FormChosen, *, expired: bool = False) -> list[Value]:
    """Say in which form. Refused before the request and after its end.

    Once a package was made, too, unless the copy of it has `expired`: then it is made anew, and delivered anew.
    """
    _expect_open(state)
    if state.assembled is not None:
        if not expired:
            raise ArchiveError("request-order", "FormChosen")
        return [chosen]
    return [] if state.chosen == chosen else [chosen]


def assign(state: State, to: UUID) -> list[Value]:
    """Say who is to decide. Refused for one of those who asked."""
    _expect_asked(state)
    _expect_others(state, {to})
    return [] if state.assigned == to else [Assigned(to=to)]


def grant(state: State, granted: Granted, *, today: str) -> list[Value]:
    """Grant what was asked for, or part of it. Refused by one of those who asked (`own-request`), and for more.

    A request that was refused may be granted after all: that is how a refusal is put right.
    """
    requested = _expect_asked(state)
    _expect_others(state, granted.decided_by)
    if granted.until is not None and granted.until < today:
        raise ArchiveError("day-over", granted.until)
    asked = set(requested.packages)
    if not granted.packages or not set(granted.packages) <= asked:
        raise ArchiveError("grant-exceeds", ", ".join(map(str, sorted(set(granted.packages) - asked))))
    if requested.paths and not (granted.paths and set(granted.paths) <= set(requested.paths)):
        raise ArchiveError("grant-exceeds", ", ".join(granted.paths) or "*")
    if granted.paths and len(granted.packages) > 1:
        raise ArchiveError("files-of-several", len(granted.packages))
    return [] if granted == state.granted else [granted]


def refuse(state: State, refused: Refused) -> list[Value]:
    """Refuse it, on a ground and with a word on how to object. Refused by one of those who asked."""
    _expect_asked(state)
    _expect_others(state, refused.decided_by)
    if refused.ground is None:
        raise ArchiveError("reason-missing", "Refused")
    if state.granted is not None:
        raise ArchiveError("request-order", "Refused")
    return [] if refused == state.refused else [refused]


def refuse_by_rule(state: State, ground: Ground | None) -> list[Value]:
    """Record that the rules alone let nothing out: no person decided, and nothing was sent.

    What people decided on a registered use stays as it was.
    """
    _expect_open(state)
    return [Refused(ground=ground, reason=None, objection=None, decided_by=())]


def revoke(state: State, reason: Confidential, agents: Collection[UUID]) -> list[Value]:
    """Take a grant back: it went to the wrong reader, or its conditions were broken. Anybody who may decide may."""
    if state.granted is None:
        raise ArchiveError("request-order", "GrantRevoked")
    if isinstance(reason, str) and not reason.strip():
        raise ArchiveError("reason-missing", "GrantRevoked")
    return [GrantRevoked(reason=reason, revoked_by=tuple(sorted(agents)))]


def covers(state: State, package: UUID, paths: Collection[str], *, today: str, copy: bool) -> bool:
    """Whether a grant in force today covers these files of the package (none named: the whole), as a copy or a look."""
    granted = state.granted
    if granted is None or package not in granted.packages or (copy and not granted.copies):
        return False
    if granted.until is not None and granted.until < today:
        return False
    return not granted.paths or (bool(paths) and set(paths) <= set(granted.paths))


def view(state: State, viewed: ContentViewed) -> list[Value]:
    """Record a look. Refused before the request and after its end."""
    _expect_open(state)
    return [viewed]


def assemble(state: State, assembled: DipAssembled) -> list[Value]:
    """Record the package that was made. Refused before the request and after its end."""
    _expect_open(state)
    return [assembled]


def render(state: State, rendered: DipRendered) -> list[Value]:
    """Record the file that it was put into. Refused before it was assembled."""
    _expect_open(state)
    if state.assembled is None:
        raise ArchiveError("request-order", "DipRendered")
    return [rendered]


def deliver(state: State, *, way: str) -> list[Value]:
    """Record that it is handed out. Refused before it was assembled."""
    _expect_open(state)
    if state.assembled is None:
        raise ArchiveError("request-order", "DipDelivered")
    return [DipDelivered(dip=state.assembled.dip, way=way)]


def certify(state: State, issued: CertificateIssued) -> list[Value]:
    """Certify a copy that was handed out. Refused for one that was not."""
    if issued.dip not in state.delivered:
        raise ArchiveError("request-order", "CertificateIssued")
    return [issued]


def annul_certificate(state: State, certificate: UUID, reason: str) -> list[Value]:
    """Take a certificate back. Refused without a reason, and for one that is not in force."""
    if not reason.strip():
        raise ArchiveError("reason-missing", certificate)
    if certificate not in state.certificates:
        raise ArchiveError("certificate-unknown", certificate)
    return [CertificateAnnulled(certificate=certificate, reason=reason)]


def rate(state: State, rated: Rated) -> list[Value]:
    """Rate the service, from 1 to 5, once something was decided, shown or handed out."""
    if not 1 <= rated.score <= BEST:
        raise ArchiveError("score-invalid", rated.score)
    if not (state.delivered or state.viewed or state.refused or state.closed):
        raise ArchiveError("request-order", "Rated")
    return [] if rated == state.rated else [rated]


def close(state: State, *, outcome: str) -> list[Value]:
    """End the request."""
    _expect_open(state)
    return [Closed(outcome=outcome)]


def _expect_open(state: State) -> None:
    if state.requested is None or state.closed:
        raise ArchiveError("request-order", "AccessRequest")


def _expect_asked(state: State) -> Requested:
    """What was asked for by a registered use. Only that is decided on: otherwise nobody knows who asked."""
    if state.requested is None or state.use is None or state.closed:
        raise ArchiveError("request-order", "AccessRequest")
    return state.requested


def _expect_others(state: State, agents: Collection[UUID]) -> None:
    asked = set(state.use.requesters) if state.use is not None else set()
    if not agents or asked & set(agents):
        raise ArchiveError("own-request", ", ".join(map(str, sorted(asked & set(agents)))))
