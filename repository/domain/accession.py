"""Accession (接收登记): a transfer of custody, from opening to completion, with every delivery it took.

Order of a life: opened; delivery received; planned (in parts of at most 1,000 units); validated or rejected - a
rejected one takes another delivery, and a unit delivered again finds the ids that it was given the first time -;
accepted; completed. A sealed delivery is planned before it is received, so `evolve` takes either order.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from uuid import UUID

import msgspec

from repository.domain.aggregate import Aggregate
from repository.domain.values import AccessionKind, Confidential, DeliveryForm, Finding, Outcome, Sha256, Value
from repository.errors import ArchiveError

UNITS_PER_PART = 1_000
BYTES_PER_PART = 150_000
"""A part of a plan stays below 160 kB as an event; this leaves room for its envelope and the names of its fields."""


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


class Stage(StrEnum):
    """Where an accession stands."""

    NEW = "new"
    OPEN = "open"
    RECEIVED = "received"
    VALIDATED = "validated"
    REJECTED = "rejected"
    ACCEPTED = "accepted"
    COMPLETED = "completed"


class State(msgspec.Struct, frozen=True):
    """What the decisions below need to know. `units` keeps every unit ever planned, by its path."""

    stage: Stage = Stage.NEW
    opened: Opened | None = None
    received: DeliveryReceived | None = None
    planned_delivery: int = 0
    parts: frozenset[int] = frozenset()
    parts_wanted: int = 0
    units: Mapping[str, Unit] = {}
    current: tuple[str, ...] = ()

    @property
    def delivery(self) -> int:
        """Number of the delivery in hand; 0 before the first."""
        return self.received.delivery if self.received else 0

    @property
    def is_planned(self) -> bool:
        """Whether every part of the delivery's plan is there."""
        return self.planned_delivery == self.delivery > 0 and len(self.parts) == self.parts_wanted > 0

    @property
    def plan(self) -> tuple[Unit, ...]:
        """The units of the delivery in hand."""
        return tuple(self.units[path] for path in self.current)


def evolve(state: State, event: Value) -> State:
    """Fold one event."""
    replace = msgspec.structs.replace
    match event:
        case Opened():
            return replace(state, stage=Stage.OPEN, opened=event)
        case DeliveryReceived():
            return replace(state, stage=Stage.RECEIVED, received=event)
        case Planned():
            return _with_part(state, event)
        case DeliveryValidated():
            return replace(state, stage=Stage.VALIDATED)
        case DeliveryRejected():
            return replace(state, stage=Stage.REJECTED)
        case Accepted():
            return replace(state, stage=Stage.ACCEPTED)
        case Completed():
            return replace(state, stage=Stage.COMPLETED)
        case _:
            return state


def _with_part(state: State, event: Planned) -> State:
    again = event.delivery != state.planned_delivery
    paths = tuple(unit.path for unit in event.units)
    return msgspec.structs.replace(
        state,
        planned_delivery=event.delivery,
        parts=frozenset({event.part}) | (frozenset() if again else state.parts),
        parts_wanted=event.parts,
        units={**state.units, **{unit.path: unit for unit in event.units}},
        current=paths if again else state.current + paths,
    )


ACCESSION = Aggregate("Accession", State(), evolve)


def open_accession(state: State, opened: Opened) -> list[Value]:
    """Open it. Refused when it is open already."""
    if state.stage is not Stage.NEW:
        raise ArchiveError("accession-exists", opened.source)
    return [opened]


def receive(state: State, received: DeliveryReceived) -> list[Value]:
    """Take a delivery into quarantine: the first one, or another after a rejection."""
    if state.stage not in (Stage.OPEN, Stage.REJECTED):
        raise ArchiveError("accession-order", received.source, stage=state.stage, step="DeliveryReceived")
    return [received]


def plan(state: State, units: Sequence[Unit]) -> list[Value]:
    """Plan the delivery in hand, in parts. A unit known from an earlier delivery keeps the ids that it has."""
    _expect(state, Stage.RECEIVED, "Planned")
    known = [_as_known(state, unit) for unit in units]
    batches = list(_parts(known))
    return [
        Planned(delivery=state.delivery, part=number, parts=len(batches), units=batch)
        for number, batch in enumerate(batches, 1)
    ]


def _as_known(state: State, unit: Unit) -> Unit:
    before = state.units.get(unit.path)
    if before is None:
        return unit
    return msgspec.structs.replace(unit, package=before.package, description=before.description)


def _parts(units: Sequence[Unit]) -> Iterator[tuple[Unit, ...]]:
    batch: list[Unit] = []
    size = 0
    for unit in units:
        weight = len(msgspec.json.encode(unit)) + 1
        if batch and (len(batch) == UNITS_PER_PART or size + weight > BYTES_PER_PART):
            yield tuple(batch)
            batch, size = [], 0
        batch.append(unit)
        size += weight
    yield tuple(batch)


def validate(state: State, verdict: DeliveryValidated | DeliveryRejected) -> list[Value]:
    """Record the verdict on the delivery in hand. A rejection needs no plan; a validation does."""
    _expect(state, Stage.RECEIVED, type(verdict).__name__)
    if isinstance(verdict, DeliveryValidated) and not state.is_planned:
        raise ArchiveError("accession-order", _source(state), stage=state.stage, step="DeliveryValidated")
    return [verdict]


def accept(state: State, *, policy: str, quality: Outcome) -> list[Value]:
    """Accept the delivery in hand. Refused unless it was validated."""
    _expect(state, Stage.VALIDATED, "Accepted")
    return [Accepted(delivery=state.delivery, policy=policy, packages=len(state.current), quality=quality)]


def complete(state: State, *, stored: int) -> list[Value]:
    """Complete the accession. Refused unless all of its packages are stored."""
    _expect(state, Stage.ACCEPTED, "Completed")
    if stored != len(state.current) or state.received is None:
        raise ArchiveError("accession-order", _source(state), stage=state.stage, step="Completed")
    received = state.received
    return [Completed(delivery=received.delivery, packages=stored, files=received.files, bytes=received.bytes)]


def _expect(state: State, stage: Stage, step: str) -> None:
    if state.stage is not stage:
        raise ArchiveError("accession-order", _source(state), stage=state.stage, step=step)


def _source(state: State) -> str:
    return state.opened.source if state.opened else ""
