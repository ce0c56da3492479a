"""What can happen to an accession (接收登记的事件). The decisions on them stand in `accession`."""

from uuid import UUID

from repository.domain.values import AccessionKind, Confidential, DeliveryForm, Finding, Outcome, Sha256, Value


class Opened(Value, frozen=True, kw_only=True):
    """Custody is about to pass: from whom, by which way, and where the delivery lies.

    `per_folder` is the wish that each child folder be a unit.
    """

    kind: AccessionKind
    producer: UUID
    transfer_number: str | None
    source: str
    per_folder: bool
    title: Confidential


class DeliveryReceived(Value, frozen=True, kw_only=True):
    """A delivery lies in quarantine, whole. `listing_sha256` is the digest of its `delivery.sha256`.

    `per_folder` is the wish for this delivery, which may differ from that of one that was rejected.
    """

    delivery: int
    form: DeliveryForm
    source: str
    per_folder: bool
    files: int
    bytes: int
    listing_sha256: Sha256


class Unit(Value, frozen=True, kw_only=True):
    """One unit of a delivery and the ids that it has from now on. `path` is its folder (`.` for the whole delivery)."""

    path: str
    package: UUID
    description: UUID
    reference_code: str | None


class Planned(Value, frozen=True, kw_only=True):
    """Which packages the delivery's units become. All `parts` of one delivery make the plan."""

    delivery: int
    part: int
    parts: int
    units: tuple[Unit, ...]


class DigestCheck(Value, frozen=True, kw_only=True):
    """Files whose bytes were compared with a digest of the producer's, by algorithm."""

    algorithm: str
    files: int


class DeliveryValidated(Value, frozen=True, kw_only=True):
    """The delivery's structure is sound and every digest that the producer gave is met."""

    delivery: int
    producer_digests: tuple[DigestCheck, ...]
    findings: tuple[Finding, ...]
    findings_total: int


class DeliveryRejected(Value, frozen=True, kw_only=True):
    """The delivery cannot be taken as it is. At most 100 findings stand here; `findings_total` counts them all."""

    delivery: int
    findings: tuple[Finding, ...]
    findings_total: int


class Accepted(Value, frozen=True, kw_only=True):
    """Custody passed for what the delivery holds. `policy` says what decided (`automatic`, or a person)."""

    delivery: int
    policy: str
    packages: int
    quality: Outcome


class Completed(Value, frozen=True, kw_only=True):
    """Every unit of the delivery is a stored package with a description."""

    delivery: int
    packages: int
    files: int
    bytes: int


class TermsAgreed(Value, frozen=True, kw_only=True):
    """On which terms custody passes: the agreement's reference, and on which medium the delivery came.

    `opening_opinion` is what the unit taken in thinks of opening its records (开放意见).
    """

    agreement: str | None
    medium: str | None
    opening_opinion: Confidential | None


class WorkEntry(Value, frozen=True, kw_only=True):
    """Who digitised pages of one unit: those with the serials `first` to `last`, `pages` of them delivered."""

    unit: str
    reference_code: str
    first: int
    last: int
    pages: int
    contractor: str
    operator: Confidential | None
    device: str | None
    shift: str | None


class WorkSheetRecorded(Value, frozen=True, kw_only=True):
    """The delivery's work sheet (工作单). All `parts` of one delivery make the sheet."""

    delivery: int
    part: int
    parts: int
    entries: tuple[WorkEntry, ...]


class ReviewRequired(Value, frozen=True, kw_only=True):
    """The delivery is valid and waits for a person's decision; with `two_persons` not of the one who received it."""

    delivery: int
    received_by: UUID
    two_persons: bool


class UnitsAccepted(Value, frozen=True, kw_only=True):
    """A person accepted these units of the delivery; others are still to be decided, or were returned."""

    delivery: int
    units: tuple[str, ...]


class Returned(Value, frozen=True, kw_only=True):
    """A person gave units of the delivery back (返工, 退回), with the reason; `whole`: nothing of it is left with this.

    Of a delivery that was rejected no unit was ever in question, and none is named.
    """

    delivery: int
    whole: bool
    units: tuple[str, ...]
    reason: Confidential


class PartCompleted(Value, frozen=True, kw_only=True):
    """What was accepted of the delivery is stored and described; `outstanding` units are to be delivered again."""

    delivery: int
    packages: int
    outstanding: int


class HandoverPrinted(Value, frozen=True, kw_only=True):
    """A handover form (移交接收登记表) of this accession was made for signature; its digest."""

    delivery: int
    form_sha256: Sha256


class HandoverSigned(Value, frozen=True, kw_only=True):
    """The signed form came back: the digest of its scan, and the package that keeps it."""

    form_sha256: Sha256 | None
    scan_name: Confidential
    scan_sha256: Sha256
    bytes: int
    package: UUID
    description: UUID
