"""Accession (接收登记): a transfer of custody, from opening to completion, with every delivery it took.

Order of a life: opened; delivery received; planned (in parts of at most 1,000 units); validated or rejected - a
rejected one takes another delivery, and a unit delivered again finds the ids that it was given the first time -;
accepted by policy, or by a person, who may return units of it to come again in another delivery; completed. A sealed
delivery is planned before it is received, so `evolve` takes either order.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from uuid import UUID

import msgspec

from repository.domain import sampling
from repository.domain.accession_events import Accepted as Accepted
from repository.domain.accession_events import Completed as Completed
from repository.domain.accession_events import DeliveryReceived as DeliveryReceived
from repository.domain.accession_events import DeliveryRejected as DeliveryRejected
from repository.domain.accession_events import DeliveryValidated as DeliveryValidated
from repository.domain.accession_events import DigestCheck as DigestCheck
from repository.domain.accession_events import HandoverPrinted as HandoverPrinted
from repository.domain.accession_events import HandoverSigned as HandoverSigned
from repository.domain.accession_events import Opened as Opened
from repository.domain.accession_events import PartCompleted as PartCompleted
from repository.domain.accession_events import Planned as Planned
from repository.domain.accession_events import Returned as Returned
from repository.domain.accession_events import ReviewRequired as ReviewRequired
from repository.domain.accession_events import TermsAgreed as TermsAgreed
from repository.domain.accession_events import Unit as Unit
from repository.domain.accession_events import UnitsAccepted as UnitsAccepted
from repository.domain.accession_events import WorkEntry as WorkEntry
from repository.domain.accession_events import WorkSheetRecorded as WorkSheetRecorded
from repository.domain.aggregate import Aggregate
from repository.domain.batches import UNITS_PER_PART as UNITS_PER_PART
from repository.domain.batches import parts
from repository.domain.sampling import Sample, SampleBy, SampleConcluded, SampleDrawn, SampleJudged
from repository.domain.values import Outcome, Sha256, Value
from repository.errors import ArchiveError

PAPERS = "."
"""Path of the unit that holds a delivery's own papers; of a later delivery `./` and its number."""


class Stage(StrEnum):
    """Where an accession stands."""

    NEW = "new"
    OPEN = "open"
    RECEIVED = "received"
    VALIDATED = "validated"
    REJECTED = "rejected"
    WAITING = "waiting"
    RETURNED = "returned"
    ACCEPTED = "accepted"
    COMPLETED = "completed"


class State(msgspec.Struct, frozen=True):
    """What the decisions below need to know. `units` keeps every unit ever planned, by its path.

    Of these, `kept` passed into custody, `chosen` were accepted by a person who has not decided on all yet, and
    `returned` are to be delivered again.
    """

    stage: Stage = Stage.NEW
    opened: Opened | None = None
    terms: TermsAgreed | None = None
    received: DeliveryReceived | None = None
    planned_delivery: int = 0
    parts: frozenset[int] = frozenset()
    parts_wanted: int = 0
    units: Mapping[str, Unit] = {}
    current: tuple[str, ...] = ()
    sheets: frozenset[int] = frozenset()
    review: ReviewRequired | None = None
    chosen: frozenset[str] = frozenset()
    returned: frozenset[str] = frozenset()
    kept: frozenset[str] = frozenset()
    sample: Sample = Sample()
    printed: HandoverPrinted | None = None
    signed: HandoverSigned | None = None

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

    @property
    def taken(self) -> tuple[str, ...]:
        """Paths of the units of the delivery in hand that were not given back."""
        return tuple(path for path in self.current if path not in self.returned)

    @property
    def undecided(self) -> tuple[str, ...]:
        """Paths of the records of the delivery in hand on which nobody has decided yet."""
        return tuple(path for path in self.taken if path not in self.chosen and not self.is_papers(path))

    @property
    def papers(self) -> str:
        """Path of the unit for the papers of the delivery in hand: those of an earlier one are kept already."""
        known = PAPERS in self.current if self.is_planned else PAPERS not in self.kept
        return PAPERS if known else f"{PAPERS}/{self.delivery}"

    def is_papers(self, path: str) -> bool:
        """Whether a unit of the delivery in hand is its papers; a delivery that is one unit has none beside it."""
        return len(self.current) > 1 and (path == PAPERS or path.startswith(f"{PAPERS}/"))


def evolve(state: State, event: Value) -> State:  # noqa: C901 - a table: one line a type of event
    """Fold one event."""
    replace = msgspec.structs.replace
    match event:
        case Opened():
            return replace(state, stage=Stage.OPEN, opened=event)
        case TermsAgreed():
            return replace(state, terms=event)
        case DeliveryReceived():
            return replace(
                state, stage=Stage.RECEIVED, received=event, review=None, chosen=frozenset(), sample=Sample()
            )
        case Planned():
            return _with_part(state, event)
        case WorkSheetRecorded():
            return replace(state, sheets=state.sheets | {event.delivery})
        case DeliveryValidated():
            return replace(state, stage=Stage.VALIDATED)
        case DeliveryRejected():
            return replace(state, stage=Stage.REJECTED)
        case ReviewRequired():
            return replace(state, stage=Stage.WAITING, review=event)
        case UnitsAccepted():
            return replace(state, chosen=state.chosen.union(event.units))
        case Returned():
            return _without(state, event)
        case Accepted():
            return replace(state, stage=Stage.ACCEPTED, kept=state.kept.union(state.taken))
        case PartCompleted():
            return replace(state, stage=Stage.RETURNED)
        case Completed():
            return replace(state, stage=Stage.COMPLETED)
        case SampleDrawn() | SampleJudged() | SampleConcluded():
            return replace(state, sample=sampling.evolve(state.sample, event))
        case HandoverPrinted():
            return replace(state, printed=event)
        case HandoverSigned():
            return replace(state, signed=event)
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
        returned=state.returned.difference(paths),
    )


def _without(state: State, event: Returned) -> State:
    """What was given back is to be delivered again."""
    stage = Stage.RETURNED if event.whole else state.stage
    return msgspec.structs.replace(state, stage=stage, returned=state.returned.union(event.units))


ACCESSION = Aggregate("Accession", State(), evolve)


def open_accession(state: State, opened: Opened) -> list[Value]:
    """Open it. Refused when it is open already."""
    if state.stage is not Stage.NEW:
        raise ArchiveError("accession-exists", opened.source)
    return [opened]


TAKES_A_DELIVERY = (Stage.OPEN, Stage.REJECTED, Stage.RETURNED)
"""Stages in which an accession waits for a delivery: the first, or another one."""


def agree(state: State, terms: TermsAgreed) -> list[Value]:
    """State the terms; the same ones again say nothing new. Refused before the opening."""
    if state.stage is Stage.NEW:
        raise ArchiveError("accession-unknown", "-")
    return [] if terms == state.terms else [terms]


def receive(state: State, received: DeliveryReceived) -> list[Value]:
    """Take a delivery into quarantine: the first one, or another after a rejection or a return."""
    if state.stage not in TAKES_A_DELIVERY:
        raise ArchiveError("accession-order", received.source, stage=state.stage, step="DeliveryReceived")
    return [received]


def plan(state: State, units: Sequence[Unit]) -> list[Value]:
    """Plan the delivery in hand, in parts. A unit known from an earlier delivery keeps the ids that it has."""
    _expect(state, Stage.RECEIVED, "Planned")
    known = [_as_known(state, unit) for unit in units]
    batches = list(parts(known))
    return [
        Planned(delivery=state.delivery, part=number, parts=len(batches), units=batch)
        for number, batch in enumerate(batches, 1)
    ]


def _as_known(state: State, unit: Unit) -> Unit:
    before = state.units.get(unit.path)
    if before is None:
        return unit
    return msgspec.structs.replace(unit, package=before.package, description=before.description)


def validate(state: State, verdict: DeliveryValidated | DeliveryRejected) -> list[Value]:
    """Record the verdict on the delivery in hand. A rejection needs no plan; a validation does."""
    _expect(state, Stage.RECEIVED, type(verdict).__name__)
    if isinstance(verdict, DeliveryValidated) and not state.is_planned:
        raise ArchiveError("accession-order", _source(state), stage=state.stage, step="DeliveryValidated")
    return [verdict]


def record_work(state: State, entries: Sequence[WorkEntry]) -> list[Value]:
    """Record the work sheet of the delivery in hand, once, in parts."""
    _expect(state, Stage.RECEIVED, "WorkSheetRecorded")
    if state.delivery in state.sheets or not entries:
        return []
    batches = list(parts(entries))
    return [
        WorkSheetRecorded(delivery=state.delivery, part=number, parts=len(batches), entries=batch)
        for number, batch in enumerate(batches, 1)
    ]


def require_review(state: State, *, received_by: UUID, two_persons: bool) -> list[Value]:
    """Let the delivery in hand wait for a person. Refused unless it was validated."""
    _expect(state, Stage.VALIDATED, "ReviewRequired")
    return [ReviewRequired(delivery=state.delivery, received_by=received_by, two_persons=two_persons)]


def accept_units(
    state: State, units: Sequence[str] | None, *, actor: UUID, quality: Outcome, needs_sample: bool = False
) -> list[Value]:
    """A person accepts the delivery in hand, or these units of it. With the last decision custody passes.

    Refused unless it waits for a decision, for units that are not to be decided, and - where two persons are wanted -
    to the one who received it; before a sample that was drawn, or is wanted, was judged, and where it failed.
    """
    _expect(state, Stage.WAITING, "UnitsAccepted")
    review = state.review
    if review is not None and review.two_persons and review.received_by == actor:
        raise ArchiveError("acceptor-received", _source(state))
    _expect_good_sample(state, needed=needs_sample)
    chosen = _undecided(state, units)
    after = msgspec.structs.replace(state, chosen=state.chosen.union(chosen))
    events: list[Value] = []
    if units is not None:
        events += [UnitsAccepted(delivery=state.delivery, units=part) for part in parts(chosen)]
    return events + _accepted_when_decided(after, quality)


def return_units(state: State, units: Sequence[str] | None, *, reason: str, quality: Outcome) -> list[Value]:
    """A person gives the delivery in hand back, or these units of it; with the last decision the rest is accepted.

    Refused without a reason, and unless it waits for a decision; whole also after a rejection, and where it is valid
    and cannot go on (a virus was found). After a sample that failed it goes back whole (`sample-failed`).
    """
    if not reason.strip():
        raise ArchiveError("reason-missing", _source(state))
    if state.stage is Stage.REJECTED and units is None:  # nothing of it was ever in question
        return [Returned(delivery=state.delivery, whole=True, units=(), reason=reason)]
    if state.stage is not Stage.VALIDATED or units is not None:
        _expect(state, Stage.WAITING, "Returned")
    gone = _undecided(state, units)
    if len(gone) < len(state.undecided) and state.sample.outcome is Outcome.FAILED:
        raise ArchiveError("sample-failed", _source(state))
    whole = not state.chosen and len(gone) == len(state.undecided)
    batches = list(parts(gone))
    events: list[Value] = [
        Returned(delivery=state.delivery, whole=whole and number == len(batches), units=batch, reason=reason)
        for number, batch in enumerate(batches, 1)
    ]
    after = state
    for event in events:
        after = evolve(after, event)
    return events if whole else events + _accepted_when_decided(after, quality)


def draw_sample(state: State, units: Mapping[str, str], *, seed: str, by: SampleBy, percent: int) -> list[Value]:
    """Draw what people are to judge of the delivery in hand. Refused unless it waits for a decision."""
    _expect(state, Stage.WAITING, "SampleDrawn")
    return sampling.draw(state.sample, state.delivery, units, seed=seed, by=by, percent=percent)


def judge_sample(state: State, judged: SampleJudged) -> list[Value]:
    """Record a person's verdict on a sampled unit. Refused unless the delivery waits for a decision."""
    _expect(state, Stage.WAITING, "SampleJudged")
    return sampling.judge(state.sample, judged)


def _expect_good_sample(state: State, *, needed: bool) -> None:
    """What was drawn is judged before anything is accepted, and one that failed goes back whole."""
    if needed and not state.sample.drawn:
        raise ArchiveError("sample-needed", _source(state))
    if state.sample.waiting:
        raise ArchiveError("sample-open", _source(state), waiting=len(state.sample.waiting))
    if state.sample.outcome is Outcome.FAILED:
        raise ArchiveError("sample-failed", _source(state))


def _undecided(state: State, units: Sequence[str] | None) -> tuple[str, ...]:
    for unit in units or ():
        if unit not in state.undecided:
            raise ArchiveError("unit-unknown", unit, delivery=state.delivery)
    return tuple(dict.fromkeys(units)) if units is not None else state.undecided


def _accepted_when_decided(state: State, quality: Outcome) -> list[Value]:
    if state.undecided:
        return []
    return [Accepted(delivery=state.delivery, policy="person", packages=len(state.taken), quality=quality)]


def print_handover(state: State, form_sha256: Sha256) -> list[Value]:
    """Note that a form was made for signature. Refused before custody passed, and once it was signed."""
    if not state.kept or state.signed is not None:
        raise ArchiveError("accession-order", _source(state), stage=state.stage, step="HandoverPrinted")
    return [HandoverPrinted(delivery=state.delivery, form_sha256=form_sha256)]


def sign_handover(state: State, signed: HandoverSigned) -> list[Value]:
    """The signed form closes the handover, once. Refused before custody passed."""
    if not state.kept or state.signed is not None:
        raise ArchiveError("accession-order", _source(state), stage=state.stage, step="HandoverSigned")
    return [signed]


def accept(state: State, *, policy: str, quality: Outcome) -> list[Value]:
    """Accept the delivery in hand. Refused unless it was validated."""
    _expect(state, Stage.VALIDATED, "Accepted")
    return [Accepted(delivery=state.delivery, policy=policy, packages=len(state.current), quality=quality)]


def complete(state: State, *, stored: int) -> list[Value]:
    """Complete the delivery in hand, and the accession with it unless units of it are still to come back.

    Refused unless everything that was accepted of the delivery is stored.
    """
    _expect(state, Stage.ACCEPTED, "Completed")
    if stored != len(state.taken) or state.received is None:
        raise ArchiveError("accession-order", _source(state), stage=state.stage, step="Completed")
    received = state.received
    if state.returned:
        return [PartCompleted(delivery=received.delivery, packages=stored, outstanding=len(state.returned))]
    return [Completed(delivery=received.delivery, packages=stored, files=received.files, bytes=received.bytes)]


def _expect(state: State, stage: Stage, step: str) -> None:
    if state.stage is not stage:
        raise ArchiveError("accession-order", _source(state), stage=state.stage, step=step)


def _source(state: State) -> str:
    return state.opened.source if state.opened else ""
