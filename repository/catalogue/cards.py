"""Cards (卡片): what the catalogue shows of one stream at one position of the log - the rows and the answers alike.

Every card says when its stream was `opened`, when it last `changed`, and at which positions an event of the stream was
annulled (更正), so that a corrected state is never shown without its mark. A field named in `sealed` has words that
cannot be read here; it stands as null.

Cards never form cycles, so the collector need not look at them (`gc=False`): a rebuild makes hundreds of thousands.
"""

from functools import cache
from typing import Literal, TypeVar, cast
from uuid import UUID

import msgspec
from msgspec.structs import replace

from repository.domain.access_request import Capacity, Channel, Purpose
from repository.domain.accession import Stage
from repository.domain.agent import AgentKind
from repository.domain.archival_package import FormatCount, StatusWay
from repository.domain.assessment import PageKey, Standing
from repository.domain.description import Part
from repository.domain.description_fields import Audio, Database, FileRange, Image, Location, Text, Video
from repository.domain.envelope import Envelope
from repository.domain.opening_review import Answer
from repository.domain.reader import Document
from repository.domain.run import RunKind
from repository.domain.values import (
    AccessionKind,
    AccessStatus,
    Carrier,
    Confidential,
    Finding,
    Ground,
    Level,
    Outcome,
    RecordType,
    Role,
    Sealed,
    SecrecyClass,
    Sha256,
    Time,
)
from repository.errors import ArchiveError


class Moment(msgspec.Struct, frozen=True, gc=False):
    """A place in the log, and when it was written there."""

    position: int
    time: Time


class Card(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What every card has. `id` is the stream's; `archive` the code (档案馆代码) that it belongs to, if to one."""

    id: UUID
    archive: str | None
    opened: Moment
    changed: Moment
    annulled: tuple[int, ...] = ()
    sealed: tuple[str, ...] = ()


class Description(Card, frozen=True, kw_only=True, gc=False):
    """A description (著录), field by field as `repository.domain.description_fields.Fields` has them.

    One that was merged leads to the entry `into`, one that was divided to its `parts`; neither is listed any more.
    """

    level: Level
    parent: UUID | None
    package: UUID | None
    reference_code: str | None
    fonds_code: str | None
    title: str | None
    responsible_party: str | None
    date: str | None
    year: int | None
    retention_period: str | None
    secrecy_class: SecrecyClass
    page_count: int | None
    record_type: RecordType
    carrier: Carrier
    pages_scanned: int | None = None
    location: Location | None = None
    language: str | None = None
    keywords: tuple[str, ...] = ()
    abstract: str | None = None
    note: str | None = None
    files: tuple[FileRange, ...] | None = None
    text: Text | None = None
    image: Image | None = None
    audio: Audio | None = None
    video: Video | None = None
    database: Database | None = None
    into: UUID | None = None
    parts: tuple[Part, ...] = ()
    closed: bool = False

    @property
    def stands(self) -> bool:
        """Whether it is an entry of its own, neither merged nor divided."""
        return self.into is None and not self.parts


class StoredVersion(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The newest version in the store, with the digests that prove it."""

    position: int
    generation: int
    version: int
    profile: str
    files: int
    bytes: int
    manifest_sha256: Sha256
    tagmanifest_sha256: Sha256
    inventory_sha256: Sha256


class OldIdentifier(msgspec.Struct, frozen=True, gc=False):
    """What the content of a package was called elsewhere, and which kind of name that is."""

    kind: str
    value: str


class Declared(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the producer declared of some pages (备考表); `reason` is null where there is none, or it is sealed."""

    pages: tuple[int, ...]
    condition: str
    reason: str | None


class OddPage(msgspec.Struct, frozen=True, gc=False):
    """A judged page that did not simply pass: which one, and how it stands."""

    key: PageKey
    standing: Standing


class Package(Card, frozen=True, kw_only=True, gc=False):
    """An archival package (存档信息包). `formats` and `virus` are null until that was looked at at all.

    `tells` is the position up to which its newest version tells of its description; null for a first version, which
    tells what was known when it was stored. `revising` is the one of a revision that waits to be stored.
    `damaged` says since when the newest stored version is known not to be what the log says of it.
    `access` is null as long as nobody decided on it: then the policy's default for its class holds.
    `system` is the kind of foreign package that it came as, `identifiers` what it was called there.
    `judged` counts the pages that machines judged, by part of the verdict (of `judged_parts`), `judged_by` names the
    profile; `odd_pages` are those that did not simply pass.
    """

    accession: UUID
    delivery: int
    unit: str
    description: UUID
    record_type: RecordType
    secrecy_class: SecrecyClass
    files: int
    bytes: int
    formats: tuple[FormatCount, ...] | None = None
    virus: Outcome | None = None
    quality: Literal["not-tested", "passed", "waiting", "failed"] = "not-tested"
    judged: tuple[tuple[int, int], ...] = ()
    judged_parts: int = 0
    judged_by: str | None = None
    odd_pages: tuple[OddPage, ...] = ()
    system: str | None = None
    identifiers: tuple[OldIdentifier, ...] = ()
    stored: StoredVersion | None = None
    declared: tuple[Declared, ...] = ()
    contractors: tuple[str, ...] = ()
    revising: int | None = None
    tells: int | None = None
    damaged: Moment | None = None
    access: AccessStatus | None = None
    access_way: StatusWay | None = None
    ground: Ground | None = None
    opening_date: str | None = None
    controlled_until: str | None = None
    decided_by: tuple[UUID, ...] = ()
    revision: int = 0
    holds: tuple[UUID, ...] = ()

    @property
    def stage(self) -> str:
        """Where it stands: `stored`, `infected` (a virus keeps it out of the store), else `created`."""
        if self.stored is not None:
            return "stored"
        return "infected" if self.virus is Outcome.FAILED else "created"


class Accession(Card, frozen=True, kw_only=True, gc=False):
    """An accession (接收登记). `units`, `files` and `bytes` are of the delivery in hand, `findings` of its verdict.

    `source` is where the delivery in hand came from, `returned` are the units that went back and have not come again.
    `packages` and `packages_stored` are counted when it is asked for.
    """

    kind: AccessionKind
    producer: UUID
    transfer_number: str | None
    source: str
    title: str | None
    stage: Stage = Stage.OPEN
    deliveries: int = 0
    planned_delivery: int = 0
    units: int = 0
    files: int = 0
    bytes: int = 0
    findings: tuple[Finding, ...] = ()
    findings_total: int = 0
    packages: int = 0
    packages_stored: int = 0
    agreement: str | None = None
    medium: str | None = None
    opening_opinion: str | None = None
    contractors: tuple[str, ...] = ()
    returned: tuple[str, ...] = ()
    handover: Literal["none", "printed", "signed"] = "none"
    sample: Literal["none", "open", "passed", "failed"] = "none"
    sampled: int = 0
    sample_judged: tuple[str, ...] = ()


class Agent(Card, frozen=True, kw_only=True, gc=False):
    """An agent (人员) or, with `is_producer`, a producer (移交单位). `credentials` are those in force."""

    is_producer: bool
    kind: AgentKind
    name: str | None
    roles: tuple[Role, ...] = ()
    credentials: tuple[UUID, ...] = ()
    deputies: tuple["Deputy", ...] = ()


class Deputy(msgspec.Struct, frozen=True, gc=False):
    """One who may act on another's behalf, up to and with a day."""

    agent: UUID
    until: str


class Grant(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What may be used, until when, and by whose decision; `copies` where more than a look is allowed."""

    packages: tuple[UUID, ...]
    paths: tuple[str, ...]
    until: str | None
    copies: bool
    conditions: str | None
    decided_by: tuple[UUID, ...]


class AccessRequest(Card, frozen=True, kw_only=True, gc=False):
    """An access request (利用申请): who asked for what, for which purpose, what was decided and handed out.

    What a registration of use says stands here too; `reader` is null where a member of staff asked without one.
    `denials` counts how often the rules let nothing out.
    """

    requester: UUID
    requesters: tuple[UUID, ...] = ()
    packages: tuple[UUID, ...] = ()
    paths: tuple[str, ...] = ()
    purpose: str | None = None
    state: Literal["registered", "requested", "granted", "refused", "revoked", "assembled", "delivered", "closed"] = (
        "requested"
    )
    reader: UUID | None = None
    capacity: Capacity | None = None
    channel: Channel | None = None
    purpose_kind: Purpose | None = None
    reply_by: str | None = None
    assigned: UUID | None = None
    grant: Grant | None = None
    refused_on: Ground | None = None
    denials: int = 0
    views: int = 0
    certificates: tuple[str, ...] = ()
    rating: int | None = None
    dip: UUID | None = None
    files: int = 0
    bytes: int = 0
    outcome: str | None = None

    @property
    def waits(self) -> bool:
        """Whether somebody has to decide."""
        return self.reader is not None and self.state in ("requested", "revoked")


class Reader(Card, frozen=True, kw_only=True, gc=False):
    """A reader (查档人): known here by an id and the kind of paper alone; the words are sealed."""

    document: Document
    destroyed: bool = False


class OpeningReview(Card, frozen=True, kw_only=True, gc=False):
    """An opening review (开放审核): which records, which rule, and how far it has come."""

    rule: str
    packages: tuple[UUID, ...]
    state: Literal["proposed", "reviewed", "heard", "decided", "withdrawn"] = "proposed"
    reviewers: tuple[tuple[UUID, ...], ...] = ()
    unit: Answer | None = None
    controlled: int = 0
    passed_over: int = 0


class Run(Card, frozen=True, kw_only=True, gc=False):
    """A run (作业) of long work. `outcome` is null as long as it goes on."""

    kind: RunKind
    scope: str
    target: str | None
    done: int = 0
    total: int | None = None
    cursor: str = ""
    outcome: Outcome | None = None
    findings: tuple[Finding, ...] = ()
    findings_total: int = 0


class Mark(Card, frozen=True, kw_only=True, gc=False):
    """An annulment: the event `id` at `position` in `stream` counts as never having happened; why, and who agreed."""

    stream: UUID
    position: int
    reason: str | None
    annulled_by: UUID
    approver: UUID


AnyCard = TypeVar("AnyCard", bound=Card)


def moment(envelope: Envelope) -> Moment:
    """Where and when an event stands in the log."""
    return Moment(envelope.position, envelope.recorded_at)


def changed(card: AnyCard | None, envelope: Envelope, **fields: object) -> AnyCard | None:
    """The card with these fields, changed by that event. No card stays no card."""
    return None if card is None else replace(card, changed=moment(envelope), **fields)


@cache
def _decoder(card: type[Card]) -> msgspec.json.Decoder[Card]:
    return msgspec.json.Decoder(card)


def decoded(card: type[AnyCard], body: bytes) -> AnyCard:
    """The card that a row holds. A row that is no such card is damage."""
    try:
        return cast("AnyCard", _decoder(card).decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ArchiveError("catalogue-damaged", card.__name__, reason=error) from error


def words_of(text: Confidential | None) -> str | None:
    """The words of a field when they can be read here."""
    return None if isinstance(text, Sealed) else text


def sealed_among(**fields: Confidential | None) -> tuple[str, ...]:
    """Names of the fields whose words cannot be read here."""
    return tuple(name for name, text in fields.items() if isinstance(text, Sealed))
