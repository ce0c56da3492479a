"""Archival package (存档信息包, AIP): a unit of records, from creation to each stored version."""

from collections.abc import Collection, Sequence
from enum import StrEnum
from uuid import UUID

import msgspec

from repository.domain import assessment
from repository.domain.aggregate import Aggregate
from repository.domain.assessment import Assessment
from repository.domain.assessment import QualityAssessed as QualityAssessed
from repository.domain.assessment import QualityReviewed as QualityReviewed
from repository.domain.values import (
    AccessStatus,
    Confidential,
    Day,
    Finding,
    Ground,
    Outcome,
    RecordType,
    SecrecyClass,
    Sha256,
    Value,
)
from repository.errors import ArchiveError


class Created(Value, frozen=True, kw_only=True):
    """The package exists: what it is made from, and for which description. Names and titles are the description's."""

    accession: UUID
    delivery: int
    unit: str
    description: UUID
    record_type: RecordType
    secrecy_class: SecrecyClass
    files: int
    bytes: int


class Redelivered(Value, frozen=True, kw_only=True):
    """The unit was returned before it was stored and came again: what this delivery holds takes the place of it."""

    delivery: int
    repairs: int
    record_type: RecordType
    secrecy_class: SecrecyClass
    files: int
    bytes: int


class DeclaredPages(Value, frozen=True, kw_only=True):
    """Pages of which the producer says something (缺页, 空白页, 插页, 折页), with the reason."""

    pages: tuple[int, ...]
    condition: str
    reason: Confidential | None


class PagesDeclared(Value, frozen=True, kw_only=True):
    """What the producer declared (备考表) of the record's pages in this delivery."""

    delivery: int
    declared: tuple[DeclaredPages, ...]


class Digitisation(Value, frozen=True, kw_only=True):
    """Who digitised the pages with the serials `first` to `last`, on what, and when in the day."""

    first: int
    last: int
    pages: int
    contractor: str
    operator: Confidential | None
    device: str | None
    shift: str | None


class Digitised(Value, frozen=True, kw_only=True):
    """How the record was digitised, by the delivery's work sheet (工作单)."""

    delivery: int
    work: tuple[Digitisation, ...]


class FormatCount(Value, frozen=True, kw_only=True):
    """How many files have one PRONOM id; `puid` null stands for files that no signature knows."""

    puid: str | None
    files: int


class FormatsIdentified(Value, frozen=True, kw_only=True):
    """Each file's format was looked for; the per-file table is `formats.ndjson`, bound by its digest."""

    tool: str
    signatures: str
    files: int
    formats: tuple[FormatCount, ...]
    formats_sha256: Sha256


class VirusChecked(Value, frozen=True, kw_only=True):
    """What came of the virus check; `not-checked` where no scanner is configured."""

    outcome: Outcome
    tool: str | None
    signatures: str | None
    files: int
    infected: tuple[str, ...]


class ForeignIdentifier(Value, frozen=True, kw_only=True):
    """What something was called elsewhere, and which kind of name that is (`OBJID`, `handle`, `AIP UUID`, ...)."""

    kind: str
    value: str


class IdentifiersRecorded(Value, frozen=True, kw_only=True):
    """What the content was called before it came here; recorded again, it replaces what was recorded before.

    `system` is the kind of package that it came as (`archivematica-aip`, `roda-sip`, `bag`, ...), null where unknown.
    """

    system: str | None
    identifiers: tuple[ForeignIdentifier, ...]


Check = FormatsIdentified | VirusChecked | IdentifiersRecorded
"""What is found out about a package's files before they are stored."""


class Stored(Value, frozen=True, kw_only=True):
    """The commit point: this version lies in the store, whole and durable, with these digests."""

    generation: int
    version: int
    profile: str
    files: int
    bytes: int
    manifest_sha256: Sha256
    tagmanifest_sha256: Sha256
    inventory_sha256: Sha256


class Replicated(Value, frozen=True, kw_only=True):
    """A copy of this version lies in a further store, whole and durable: every byte was read and found true.

    `store` is the id that the store bears itself; where it stands may change.
    """

    store: UUID
    generation: int
    version: int
    files: int
    bytes: int
    inventory_sha256: Sha256


class Encrypted(Value, frozen=True, kw_only=True):
    """From this generation on the record is ciphertext in the store: how, and under which class key.

    `recipient` is the public half of the identity that every file of the generation is encrypted to. `sealed` says what
    is ciphertext beside the files themselves. The keys are the vault's and never stand here.
    """

    generation: int
    suite: str
    class_key: str
    recipient: str
    sealed: tuple[str, ...]


class Decrypted(Value, frozen=True, kw_only=True):
    """From this generation on the record lies in the store in clear: its class no longer asks for encryption."""

    generation: int


class Expunged(Value, frozen=True, kw_only=True):
    """The object of this generation is removed from the store, with all of its versions; the next one stands for it.

    The digests are those of its last version, which an audit no longer looks for. `removal` is what it was part of,
    null where a change of classification asked for it.
    """

    generation: int
    version: int
    manifest_sha256: Sha256
    tagmanifest_sha256: Sha256
    inventory_sha256: Sha256
    reason: Confidential
    removal: UUID | None
    approvers: tuple[UUID, UUID]


class MetadataRevised(Value, frozen=True, kw_only=True):
    """The next version tells of this description as it stood at this position of the log."""

    description: UUID
    position: int


class ReplacedFile(Value, frozen=True, kw_only=True):
    """A file of the record whose bytes are others in the next version; the old ones stay in the versions before."""

    path: str
    before_sha256: Sha256
    after_sha256: Sha256
    bytes: int


class AddedFile(Value, frozen=True, kw_only=True):
    """A file that the record has from the next version on: a page that was missed."""

    path: str
    sha256: Sha256
    bytes: int


class RemovedFile(Value, frozen=True, kw_only=True):
    """A file that the record no longer has: a page scanned twice. It stays in the versions before."""

    path: str
    sha256: Sha256


class ContentRevised(Value, frozen=True, kw_only=True):
    """Files of the record are replaced, added or removed in the next version - pages scanned again, say -, and why.

    Schema 2; schema 1 knew of replaced files only.
    """

    files: tuple[ReplacedFile, ...]
    source: str
    reason: Confidential
    added: tuple[AddedFile, ...] = ()
    removed: tuple[RemovedFile, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that differ in the next version."""
        every: tuple[ReplacedFile | AddedFile | RemovedFile, ...] = (*self.files, *self.added, *self.removed)
        return tuple(file.path for file in every)


class FixityFailed(Value, frozen=True, kw_only=True):
    """This version was read again and is not what the log says. At most 100 findings stand here."""

    generation: int
    version: int
    findings: tuple[Finding, ...]
    findings_total: int


class StatusWay(StrEnum):
    """How an access status came about."""

    REVIEW = "review"
    TAKEDOWN = "takedown"
    CONFIRMATION = "confirmation"
    RESTORATION = "restoration"
    CORRECTION = "correction"


class AccessStatusChanged(Value, frozen=True, kw_only=True):
    """The record is open (开放) or controlled (控制) from now on, on which ground, and by whose decision.

    `status` is null where nothing is decided any more: the policy's default for its class holds again.
    `opening_date` is the first day on which an open record is open, `controlled_until` the day at which a controlled
    one is to be judged again; nothing opens by itself. `decided_by` names everybody, deputies and principals both.
    """

    status: AccessStatus | None
    secrecy_class: SecrecyClass
    opening_date: Day | None
    controlled_until: Day | None
    ground: Ground | None
    reason: Confidential | None
    way: StatusWay
    review: UUID | None
    decided_by: tuple[UUID, ...]


class HoldPlaced(Value, frozen=True, kw_only=True):
    """Nothing of the package may be destroyed as long as this hold (冻结) lies on it, and why."""

    hold: UUID
    reason: Confidential


class HoldReleased(Value, frozen=True, kw_only=True):
    """The hold is taken off, and why."""

    hold: UUID
    reason: Confidential


class State(msgspec.Struct, frozen=True):
    """What the decisions below need to know. `pending` are the revisions that no stored version has taken up yet."""

    created: Created | None = None
    formats: FormatsIdentified | None = None
    viruses: VirusChecked | None = None
    identifiers: IdentifiersRecorded | None = None
    stored: tuple[Stored, ...] = ()
    told: frozenset[tuple[int, str]] = frozenset()
    quality: Assessment = Assessment()
    pending: tuple[MetadataRevised | ContentRevised, ...] = ()
    access: AccessStatusChanged | None = None
    before_takedown: AccessStatusChanged | None = None
    revision: int = 0
    holds: frozenset[UUID] = frozenset()
    encrypted: Encrypted | None = None
    expunged: frozenset[int] = frozenset()
    replicated: frozenset[tuple[UUID, int, int]] = frozenset()

    @property
    def content_pending(self) -> ContentRevised | None:
        """The replacement of files that was decided and is not stored."""
        return next((one for one in self.pending if isinstance(one, ContentRevised)), None)

    @property
    def secrecy_class(self) -> SecrecyClass:
        """密级 as it is now."""
        if self.access is not None:
            return self.access.secrecy_class
        return SecrecyClass.JUEMI if self.created is None else self.created.secrecy_class


def evolve(state: State, event: Value) -> State:
    """Fold one event."""
    replace = msgspec.structs.replace
    match event:
        case Created():
            return replace(state, created=event)
        case Redelivered() if state.created is not None:
            return replace(state, created=_as_redelivered(state.created, event), quality=Assessment())
        case QualityAssessed() | QualityReviewed():
            return replace(state, quality=assessment.evolve(state.quality, event))
        case PagesDeclared() | Digitised():
            return replace(state, told=state.told | {(event.delivery, type(event).__name__)})
        case FormatsIdentified() | VirusChecked() | IdentifiersRecorded():
            return _check(state, event)
        case Stored():
            return replace(state, stored=(*state.stored, event), pending=())
        case MetadataRevised() | ContentRevised():
            return replace(state, pending=(*state.pending, event))
        case AccessStatusChanged() | HoldPlaced() | HoldReleased():
            return _use(state, event)
        case Encrypted() | Decrypted() | Expunged() | Replicated():
            return _seal(state, event)
        case _:
            return state


def _as_redelivered(created: Created, event: Redelivered) -> Created:
    return msgspec.structs.replace(
        created,
        delivery=event.delivery,
        record_type=event.record_type,
        secrecy_class=event.secrecy_class,
        files=event.files,
        bytes=event.bytes,
    )


def _check(state: State, event: Check) -> State:
    replace = msgspec.structs.replace
    match event:
        case FormatsIdentified():
            return replace(state, formats=event)
        case VirusChecked():
            return replace(state, viruses=event)
        case IdentifiersRecorded():
            return replace(state, identifiers=event)


def _seal(state: State, event: Encrypted | Decrypted | Expunged | Replicated) -> State:
    replace = msgspec.structs.replace
    match event:
        case Encrypted():
            return replace(state, encrypted=event)
        case Decrypted():
            return replace(state, encrypted=None)
        case Expunged():
            return replace(state, expunged=state.expunged | {event.generation})
        case Replicated():
            copied = (event.store, event.generation, event.version)
            return replace(state, replicated=state.replicated | {copied})


def _use(state: State, event: AccessStatusChanged | HoldPlaced | HoldReleased) -> State:
    replace = msgspec.structs.replace
    match event:
        case AccessStatusChanged():
            before = state.access if event.way is StatusWay.TAKEDOWN else None
            return replace(state, access=event, before_takedown=before, revision=state.revision + 1)
        case HoldPlaced():
            return replace(state, holds=state.holds | {event.hold})
        case HoldReleased():
            return replace(state, holds=state.holds - {event.hold})


ARCHIVAL_PACKAGE = Aggregate("ArchivalPackage", State(), evolve)


def create(state: State, created: Created, checks: Sequence[Check]) -> list[Value]:
    """Create the package with what was found out about its files. Refused when it exists."""
    if state.created is not None:
        raise ArchiveError("package-exists", created.unit)
    return [created, *checks]


def redeliver(state: State, again: Created, checks: Sequence[Check]) -> list[Value]:
    """Take a unit that was returned for what it is now, with what was found out about its files.

    Refused once it is stored: what is stored is revised, never delivered again.
    """
    if state.created is None or state.stored:
        raise ArchiveError("package-exists", again.unit)
    event = Redelivered(
        delivery=again.delivery,
        repairs=state.created.delivery,
        record_type=again.record_type,
        secrecy_class=again.secrecy_class,
        files=again.files,
        bytes=again.bytes,
    )
    return [event, *checks]


def tell(state: State, told: Sequence[PagesDeclared | Digitised]) -> list[Value]:
    """Record what the producer says of the pages and their making, once for each delivery."""
    return [event for event in told if (event.delivery, type(event).__name__) not in state.told]


def encrypt(state: State, encrypted: Encrypted | None) -> list[Value]:
    """Record that a generation is ciphertext, once. None where it is not."""
    return [] if encrypted is None or state.encrypted == encrypted else [encrypted]


def decrypt(state: State, decrypted: Decrypted) -> list[Value]:
    """Record that the next generation lies in clear. Nothing is appended for a package that is not sealed."""
    return [] if state.encrypted is None else [decrypted]


def check_again(state: State, checks: Sequence[Check]) -> list[Value]:
    """Record what a later look at the same files found, where it differs from what is known."""
    return [check for check in checks if check not in (state.formats, state.viruses, state.identifiers)]


def assess(state: State, event: QualityAssessed) -> list[Value]:
    """Record what machines found of some of its pages. Refused once it is stored: a later run compares, and no more."""
    if state.created is None or state.stored or event.delivery != state.created.delivery:
        raise ArchiveError("package-exists", state.created.unit if state.created else event.delivery)
    return assessment.assess(state.quality, event)


def review(state: State, reviewed: QualityReviewed) -> list[Value]:
    """Record what a person decided on some of its pages. Refused once it is stored (`package-exists`)."""
    if state.created is None or state.stored or reviewed.delivery != state.created.delivery:
        raise ArchiveError("package-exists", state.created.unit if state.created else reviewed.delivery)
    return assessment.review(state.quality, reviewed, state.created.unit)


def store(state: State, stored: Stored) -> list[Value]:
    """Record a stored version. Refused before creation, after a virus was found, and out of order."""
    if state.created is None:
        raise ArchiveError("package-unknown", stored.manifest_sha256)
    if state.viruses is not None and state.viruses.outcome is Outcome.FAILED:
        raise ArchiveError("virus-found", state.created.unit, files=", ".join(state.viruses.infected))
    last = state.stored[-1] if state.stored else None
    expected = (last.generation, last.version + 1) if last else (1, 1)
    if (stored.generation, stored.version) != expected:
        raise ArchiveError("package-version", state.created.unit, expected=expected[1], found=stored.version)
    return [stored]


def replicate(state: State, replicated: Replicated) -> list[Value]:
    """Record that a version was copied to a store. Nothing for one that is recorded, or that is gone meanwhile.

    Refused for a version that the log does not know with these digests: `package-version`.
    """
    known = {(one.generation, one.version): one for one in state.stored}
    found = known.get((replicated.generation, replicated.version))
    if found is None or found.inventory_sha256 != replicated.inventory_sha256:
        raise ArchiveError("package-version", replicated.version, expected=len(known), found=replicated.version)
    done = (replicated.store, replicated.generation, replicated.version) in state.replicated
    return [] if done or replicated.generation in state.expunged else [replicated]


def supersede(
    state: State, stored: Stored, *, reason: str, removal: UUID | None, approvers: tuple[UUID, UUID]
) -> list[Value]:
    """Record the first version of the next generation, and that the object of the one before it goes.

    Refused as storing is; under a hold (`held`); without a reason, and without two people.
    """
    thing = _expect_stored(state)
    last = state.stored[-1]
    if (stored.generation, stored.version) != (last.generation + 1, 1):
        raise ArchiveError("package-version", thing, expected=1, found=stored.version)
    if state.holds:
        raise ArchiveError("held", thing)
    if not reason.strip():
        raise ArchiveError("reason-missing", thing)
    if len(set(approvers)) < len(approvers):
        raise ArchiveError("second-person-needed", thing)
    gone = Expunged(
        generation=last.generation,
        version=last.version,
        manifest_sha256=last.manifest_sha256,
        tagmanifest_sha256=last.tagmanifest_sha256,
        inventory_sha256=last.inventory_sha256,
        reason=reason,
        removal=removal,
        approvers=approvers,
    )
    return [stored, gone]


def fail(state: State, failed: FixityFailed) -> list[Value]:
    """Record that the newest version was read and is damaged. Refused for another version: `package-version`."""
    last = state.stored[-1] if state.stored else None
    if last is None or (last.generation, last.version) != (failed.generation, failed.version):
        expected = last.version if last else 0
        raise ArchiveError("package-version", failed.version, expected=expected, found=failed.version)
    return [failed]


REPLACED_AT_ONCE = 500
"""Files that one revision replaces at most: their names stand in the event."""


def revise_metadata(state: State, revised: MetadataRevised) -> list[Value]:
    """Let the next version tell of the description as it now stands. Nothing is appended for a revision under way.

    Refused before the first version (`package-not-stored`), and while replaced files wait to be stored
    (`revision-pending`): that version tells of the description too.
    """
    thing = _expect_stored(state)
    if state.content_pending is not None:
        raise ArchiveError("revision-pending", thing)
    return [] if revised in state.pending else [revised]


def revise_content(
    state: State, revised: ContentRevised, checks: Sequence[FormatsIdentified | VirusChecked]
) -> list[Value]:
    """Let the next version hold other bytes in these files, more or fewer files, with what was found out about them.

    The same revision again, after a crash, appends nothing; another one while it waits is refused
    (`revision-pending`), as are one without a reason, one without a file, and one of too many (`revision-unfit`).
    """
    thing = _expect_stored(state)
    if isinstance(revised.reason, str) and not revised.reason.strip():
        raise ArchiveError("reason-missing", thing)
    if not 0 < len(set(revised.paths)) == len(revised.paths) <= REPLACED_AT_ONCE:
        raise ArchiveError("revision-unfit", thing, files=len(revised.paths), most=REPLACED_AT_ONCE)
    if (waiting := state.content_pending) is not None:
        if (waiting.files, waiting.added, waiting.removed) != (revised.files, revised.added, revised.removed):
            raise ArchiveError("revision-pending", thing)
        return []
    if any(isinstance(check, VirusChecked) and check.outcome is Outcome.FAILED for check in checks):
        raise ArchiveError("virus-found", thing, files=", ".join(revised.paths))
    return [revised, *checks]


def _expect_stored(state: State) -> str:
    if state.created is None or not state.stored:
        raise ArchiveError("package-not-stored", state.created.unit if state.created else "")
    return state.created.unit


def change_status(state: State, changed: AccessStatusChanged) -> list[Value]:
    """Open or control a record by a review or a correction. Nobody opens alone, nor corrects alone.

    Nothing is decided on what is not stored (`package-not-stored`). A takedown that waits for a second one is settled
    first (`takedown-open`). A secret is not opened: its class is lowered by a correction before (`secret-open`).
    """
    thing = _expect_stored(state)
    if takedown_pending(state):
        raise ArchiveError("takedown-open", thing)
    needs_two = changed.status is AccessStatus.OPEN or changed.way is StatusWay.CORRECTION
    if needs_two and len(set(changed.decided_by)) < 2:
        raise ArchiveError("second-person-needed", thing)
    if changed.status is AccessStatus.OPEN and changed.secrecy_class.rank > SecrecyClass.INTERNAL.rank:
        raise ArchiveError("secret-open", thing, secrecy=changed.secrecy_class)
    if changed.status is AccessStatus.CONTROLLED and changed.ground is None:
        raise ArchiveError("reason-missing", thing)
    return [] if changed == state.access else [changed]


def take_down(state: State, *, agents: Collection[UUID], reason: Confidential) -> list[Value]:
    """Control a record at once, by one person's decision, until a second has looked at it. Refused without a reason."""
    thing = _expect_stored(state)
    if isinstance(reason, str) and not reason.strip():
        raise ArchiveError("reason-missing", thing)
    if takedown_pending(state):
        return []
    return [_status(state, StatusWay.TAKEDOWN, AccessStatus.CONTROLLED, reason=reason, agents=agents)]


def settle_takedown(state: State, *, confirm: bool, agents: Collection[UUID], reason: Confidential) -> list[Value]:
    """Confirm a takedown, or restore what was before it. Refused to whoever took it down, and without a reason."""
    if state.created is None or state.access is None or not takedown_pending(state):
        raise ArchiveError("no-takedown", state.created.unit if state.created else "")
    if isinstance(reason, str) and not reason.strip():
        raise ArchiveError("reason-missing", state.created.unit)
    first = set(state.access.decided_by)
    if not agents or first & set(agents):
        raise ArchiveError("second-person-needed", state.created.unit)
    if confirm:
        both = first | set(agents)
        return [_status(state, StatusWay.CONFIRMATION, AccessStatus.CONTROLLED, reason=reason, agents=both)]
    before = state.before_takedown or _status(state, StatusWay.RESTORATION, None, reason=reason, agents=agents)
    return [
        msgspec.structs.replace(
            before, way=StatusWay.RESTORATION, reason=reason, review=None, decided_by=tuple(sorted(agents))
        )
    ]


def takedown_pending(state: State) -> bool:
    """Whether a takedown waits for a second person."""
    return state.access is not None and state.access.way is StatusWay.TAKEDOWN


def place_hold(state: State, hold: UUID, reason: str) -> list[Value]:
    """Place a hold. Refused without a reason."""
    if state.created is None:
        raise ArchiveError("package-unknown", hold)
    if not reason.strip():
        raise ArchiveError("reason-missing", hold)
    return [] if hold in state.holds else [HoldPlaced(hold=hold, reason=reason)]


def release_hold(state: State, hold: UUID, reason: str) -> list[Value]:
    """Release a hold. Refused without a reason, and for one that does not lie on the package."""
    if not reason.strip():
        raise ArchiveError("reason-missing", hold)
    if hold not in state.holds:
        raise ArchiveError("hold-unknown", hold)
    return [HoldReleased(hold=hold, reason=reason)]


def _status(
    state: State, way: StatusWay, status: AccessStatus | None, *, reason: Confidential, agents: Collection[UUID]
) -> AccessStatusChanged:
    return AccessStatusChanged(
        status=status,
        secrecy_class=state.secrecy_class,
        opening_date=None,
        controlled_until=None,
        ground=None,
        reason=reason,
        way=way,
        review=None,
        decided_by=tuple(sorted(set(agents))),
    )
