"""Planning (划分与判定): every unit of a delivery gets its ids and its 档号, and the delivery its verdict."""

from collections.abc import Sequence
from uuid import UUID

from packages_spec.findings import Finding, is_valid
from repository.domain import accession, reservation
from repository.domain.accession import ACCESSION, Stage, Unit
from repository.domain.aggregate import New
from repository.domain.ids import reference_code_guard
from repository.domain.reservation import REFERENCE_CODE
from repository.domain.values import Finding as KeptFinding
from repository.errors import ArchiveError
from repository.eventlog import Streams
from repository.services import examination
from repository.services.delivery import DeliveryPlan
from repository.services.reception import Reception
from repository.services.session import Session
from repository.services.volumes import release_entries, reserve_entries
from repository.services.work_sheet import work_entries

FINDINGS_KEPT = 100
"""Findings that an event keeps; their number is always kept."""


def plan_units(session: Session, stream: UUID, reception: Reception) -> tuple[DeliveryPlan, list[Finding]]:
    """Give every unit its ids and reserve its reference code; codes that others hold come back as findings."""
    plan = reception.plan()
    if reception.is_sealed and reception.catalogue.volumes:
        raise ArchiveError("sealed-form", reception.source.path, secrecy=reception.source.secrecy)
    taken: list[Finding] = []

    def decide(streams: Streams) -> list[New]:
        taken.clear()
        state = streams.load(ACCESSION, stream).state
        if state.is_planned or state.stage is not Stage.RECEIVED or not is_valid(plan.findings):
            return []
        units = [
            Unit(
                path=unit.path,
                package=session.new_id(),
                description=session.new_id(),
                reference_code=unit.row.reference_code if unit.row else None,
            )
            for unit in plan.units
        ]
        kept = [unit.path for unit in units if unit.path in state.kept]
        taken.extend(Finding("delivery.unit-kept", path, found=path) for path in kept)
        events = [New(stream, payload) for payload in accession.plan(state, units)]
        planned = [unit for new in events if isinstance(new.payload, accession.Planned) for unit in new.payload.units]
        reserved: set[UUID] = set()
        for unit in planned:
            events += _reserve(streams, reception.archive, unit, reserved, taken)
        events += reserve_entries(session, streams, stream, reception, reserved, taken)
        return [] if taken else events

    session.perform("plan", decide, correlation=stream, archive=reception.archive)
    return plan, taken


def _reserve(streams: Streams, archive: str, unit: Unit, reserved: set[UUID], taken: list[Finding]) -> list[New]:
    if unit.reference_code is None:
        return []
    guard = reference_code_guard(archive, unit.reference_code)
    if guard in reserved:  # two rows have one code: the catalogue's own finding, which rejects the delivery
        return []
    reserved.add(guard)
    held = streams.load(REFERENCE_CODE, guard).state
    if held.holder not in (None, unit.description):
        taken.append(Finding("delivery.code-taken", unit.path, found=unit.reference_code))
        return []
    return [New(guard, payload) for payload in reservation.reserve(held, unit.reference_code, unit.description)]


def record_work(session: Session, stream: UUID, reception: Reception, plan: DeliveryPlan) -> None:
    """Record who digitised what, by the work sheet; of a delivery that will be rejected too, for the statement."""
    lines, _ = reception.work_sheet
    if not lines or reception.stage is not Stage.RECEIVED or reception.is_sealed:
        return  # of a sealed delivery, who did what stands in its sealed papers
    entries = work_entries(lines, plan.units, examination.page_counts(session, reception, plan))

    def decide(streams: Streams) -> list[New]:
        state = streams.load(ACCESSION, stream).state
        if state.stage is not Stage.RECEIVED:
            return []
        return [New(stream, payload) for payload in accession.record_work(state, entries)]

    session.perform("record-work", decide, correlation=stream, archive=reception.archive)


def record_verdict(session: Session, stream: UUID, reception: Reception, findings: Sequence[Finding]) -> bool:
    """Record the verdict, once; a rejection gives the reserved codes back. Whether the delivery is valid."""
    kept = tuple(_kept(finding, sealed=reception.is_sealed) for finding in findings[:FINDINGS_KEPT])
    valid = is_valid(findings)

    def decide(streams: Streams) -> list[New]:
        state = streams.load(ACCESSION, stream).state
        if state.stage is not Stage.RECEIVED:
            return []
        if valid:
            verdict: accession.DeliveryValidated | accession.DeliveryRejected = accession.DeliveryValidated(
                delivery=state.delivery,
                producer_digests=examination.producer_digests(reception),
                findings=kept,
                findings_total=len(findings),
            )
        else:
            verdict = accession.DeliveryRejected(delivery=state.delivery, findings=kept, findings_total=len(findings))
        events = [New(stream, payload) for payload in accession.validate(state, verdict)]
        if not valid and state.planned_delivery == state.delivery:
            for unit in state.plan:
                events += _release(streams, reception.archive, unit)
            events += release_entries(session, streams, stream, reception)
        return events

    session.perform("validate", decide, correlation=stream, archive=reception.archive)
    return session.log.load(ACCESSION, stream).state.stage is not Stage.REJECTED


def _release(streams: Streams, archive: str, unit: Unit) -> list[New]:
    if unit.reference_code is None:
        return []
    guard = reference_code_guard(archive, unit.reference_code)
    held = streams.load(REFERENCE_CODE, guard).state
    return [New(guard, payload) for payload in reservation.release(held, unit.description, "DeliveryRejected")]


def _kept(finding: Finding, *, sealed: bool) -> KeptFinding:
    """A finding as the log keeps it; of a sealed delivery, without names and words."""
    if sealed:
        return KeptFinding(code=finding.code, path="", expected="", found="")
    return KeptFinding(code=finding.code, path=finding.path, expected=finding.expected, found=finding.found)
