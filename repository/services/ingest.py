"""Ingest (接收入库): one delivery becomes archival packages that are stored, described and in the log.

The use case is `ingest`, read from top to bottom; its steps are those of the table in the README. Killed anywhere and
run again it goes on, because each step first asks the log what is already so.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from uuid import UUID

import msgspec

from packages_spec.findings import Finding, is_valid
from repository.domain import accession, archival_package, description, reservation
from repository.domain.accession import ACCESSION, Stage, Unit, WorkSheetRecorded
from repository.domain.aggregate import Loaded, New
from repository.domain.archival_package import ARCHIVAL_PACKAGE, Created, Digitised, PagesDeclared
from repository.domain.description import DESCRIPTION
from repository.domain.ids import reference_code_guard
from repository.domain.reservation import REFERENCE_CODE
from repository.domain.values import AccessionKind as AccessionKind
from repository.domain.values import Finding as KeptFinding
from repository.domain.values import Outcome
from repository.errors import ArchiveError
from repository.eventlog import Streams
from repository.services import examination, format_policy, packaging
from repository.services.accession_opening import IngestRequest as IngestRequest
from repository.services.accession_opening import archive_of, find_or_open, left_behind, profile_of
from repository.services.declarations import declared_pages
from repository.services.delivery import DeliveryPlan, UnitPlan
from repository.services.preservation import put_straight
from repository.services.reception import Reception, Source, open_source, receive_delivery
from repository.services.returning import returned_workbook, write_faults
from repository.services.sealing import is_same_listing
from repository.services.session import Progress, Session
from repository.services.work_sheet import digitised, work_entries
from repository.settings import Acceptance
from repository.storage import discard_quarantine, source_lock

PACKAGES_AT_ONCE = 100
"""Packages that are created, and later committed, together: one transaction and two syncs for all of them."""
FINDINGS_KEPT = 100
"""Findings that an event keeps; their number is always kept."""


class IngestedPackage(msgspec.Struct, frozen=True, kw_only=True):
    """One package that came of the delivery."""

    package: UUID
    unit: str
    reference_code: str | None
    title: str
    files: int
    bytes: int


class IngestReport(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it.

    `outcome` is `completed`, `already-recorded`, `rejected`, `waiting` (for a person's decision) or `part-completed`
    (units that were returned are still to come).
    `system` is the kind of foreign package that the delivery was recognised as.
    """

    schema: str = "jingui.ingest/1"
    outcome: str
    accession: UUID
    delivery: int
    files: int
    bytes: int
    packages: tuple[IngestedPackage, ...] = ()
    findings: tuple[Finding, ...] = ()
    system: str | None = None


def ingest(session: Session, request: IngestRequest, progress: Progress) -> IngestReport:
    """Take one delivery in, if the actor may; see `take_in`."""
    session.require("ingest")
    return take_in(session, request, progress)


def take_in(session: Session, request: IngestRequest, progress: Progress) -> IngestReport:
    """Take one delivery in, or go on with it.

    A delivery that cannot be taken is rejected with its findings, which is an answer and not an error. Raises
    `ArchiveError` where work cannot go on: `above-ceiling`, `delivery-changed`, `storage-full`, `locked`, ...
    """
    if request.faults is not None and request.faults.exists():
        raise ArchiveError("file-exists", request.faults)
    going_on = left_behind(session, request)
    request, source = going_on or (request, _open(session, request))
    with source_lock(session.folder, source.key):
        put_straight(session)

        # 1 open the accession and receive the delivery into quarantine
        opened = find_or_open(session, request, source)
        if opened.state.stage is Stage.COMPLETED:
            discard_quarantine(session.quarantine / str(opened.stream))  # of one killed right after its last event
            return _already_recorded(session, opened, source, progress)
        if opened.state.stage is Stage.WAITING:
            return _waiting(opened)
        reception = receive_delivery(session, opened, source, progress, request.mapping)

        # 2 plan the units and reserve their reference codes
        plan, taken = _plan(session, opened.stream, reception)
        _record_work(session, opened.stream, reception, plan)

        # 3 validate its structure and the producer's digests, and hold its formats against the policy
        findings = [*reception.received.findings, *plan.findings, *taken]
        findings += examination.judge_delivery(session, reception, plan)
        formats = examination.formats_to_judge(session, reception, plan.units, progress)
        findings += format_policy.judge(format_policy.read_policy(session.settings.format_policy), formats or {})
        if not is_valid(findings):
            reception.keep_papers(returned_workbook(reception, plan, findings))
        valid = _validate(session, opened.stream, reception, findings)
        if request.faults is not None:
            write_faults(request.faults, returned_workbook(reception, plan, findings))
        if not valid:
            return _report(session, opened.stream, "rejected", reception, plan, findings)

        # 4, 5, 6 create the packages: technical metadata, viruses; quality has no assessor yet and is not tested
        units = _units(session, opened.stream)
        plan = _only(plan, units)
        made = _create(session, opened.stream, reception, plan, units, formats, progress)
        examination.refuse_infected(made)
        findings += examination.unreadable(made)

        # 7 accept custody, or let a person decide
        if not _accept(session, opened.stream):
            return _report(session, opened.stream, "waiting", reception, plan, findings)
        units = _units(session, opened.stream)
        plan = _only(plan, units)

        # 8, 9 describe, build and store
        _store(session, opened.stream, reception, plan, units, made, progress)

        # 10 complete
        outcome = _complete(session, opened.stream, len(units))
        reception.clear()
        packaging.forget_delivery(session, reception, opened.stream)
        return _report(session, opened.stream, outcome, reception, plan, findings)


def _open(session: Session, request: IngestRequest) -> Source:
    ceiling, profile = session.settings.secrecy_ceiling, profile_of(request)
    return open_source(request.source, per_folder=request.per_folder, ceiling=ceiling, profile=profile)


def _of(streams: Streams, stream: UUID) -> accession.State:
    return streams.load(ACCESSION, stream).state


def _already_recorded(
    session: Session, opened: Loaded[accession.State], source: Source, progress: Progress
) -> IngestReport:
    received = opened.state.received
    if received is None or not is_same_listing(session, opened.stream, source.listing_sha256(progress), received):
        raise ArchiveError("delivery-differs", source.path, accession=opened.stream)
    return IngestReport(
        outcome="already-recorded",
        accession=opened.stream,
        delivery=received.delivery,
        files=received.files,
        bytes=received.bytes,
    )


def _plan(session: Session, stream: UUID, reception: Reception) -> tuple[DeliveryPlan, list[Finding]]:
    """Give every unit its ids and reserve its reference code; codes that others hold come back as findings."""
    plan = reception.plan()
    taken: list[Finding] = []

    def decide(streams: Streams) -> list[New]:
        taken.clear()
        state = _of(streams, stream)
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


def _record_work(session: Session, stream: UUID, reception: Reception, plan: DeliveryPlan) -> None:
    """Record who digitised what, by the work sheet; of a delivery that will be rejected too, for the statement."""
    lines, _ = reception.work_sheet
    if not lines or reception.stage is not Stage.RECEIVED or reception.is_sealed:
        return  # of a sealed delivery, who did what stands in its sealed papers
    entries = work_entries(lines, plan.units, examination.page_counts(session, reception, plan))

    def decide(streams: Streams) -> list[New]:
        state = _of(streams, stream)
        if state.stage is not Stage.RECEIVED:
            return []
        return [New(stream, payload) for payload in accession.record_work(state, entries)]

    session.perform("record-work", decide, correlation=stream, archive=reception.archive)


def _validate(session: Session, stream: UUID, reception: Reception, findings: Sequence[Finding]) -> bool:
    """Record the verdict, once; a rejection gives the reserved codes back. Whether the delivery is valid."""
    kept = tuple(_kept(finding, sealed=reception.is_sealed) for finding in findings[:FINDINGS_KEPT])
    valid = is_valid(findings)

    def decide(streams: Streams) -> list[New]:
        state = _of(streams, stream)
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


def _units(session: Session, stream: UUID) -> dict[str, Unit]:
    """The units of the delivery in hand that were not given back."""
    state = session.log.load(ACCESSION, stream).state
    return {path: state.units[path] for path in state.taken}


def _only(plan: DeliveryPlan, units: Mapping[str, Unit]) -> DeliveryPlan:
    return DeliveryPlan(tuple(unit for unit in plan.units if unit.path in units), plan.findings)


def _create(
    session: Session,
    stream: UUID,
    reception: Reception,
    plan: DeliveryPlan,
    units: dict[str, Unit],
    formats: examination.Formats | None,
    progress: Progress,
) -> dict[str, examination.Examined]:
    """Look at every file of every unit, and create the packages that do not exist yet."""
    made: dict[str, examination.Examined] = {}
    done = 0
    told = _told(session, stream, reception, plan)
    for batch in _batches(plan.units):
        missing = [unit for unit in batch if not _is_stored(session, units[unit.path].package)]
        examined = examination.examine(session, reception, missing, formats)
        made |= examined
        ciphers = packaging.ciphers_for(session, reception, [(units[path], one) for path, one in examined.items()])

        def decide(
            streams: Streams,
            examined: dict[str, examination.Examined] = examined,
            ciphers: Mapping[str, archival_package.Encrypted] = ciphers,
        ) -> list[New]:
            events: list[New] = []
            for path, result in examined.items():
                unit = units[path]
                state = streams.load(ARCHIVAL_PACKAGE, unit.package).state
                created = _created(stream, reception, unit, result)
                if state.created is None:
                    payloads = archival_package.create(state, created, result.checks)
                elif state.created.delivery != reception.delivery:
                    payloads = archival_package.redeliver(state, created, result.checks)
                else:
                    payloads = archival_package.check_again(state, result.checks)
                payloads += archival_package.tell(state, told.get(path, ()))
                payloads += archival_package.encrypt(state, ciphers.get(path))
                events += [New(unit.package, payload) for payload in payloads]
            return events

        session.perform("create-packages", decide, correlation=stream, archive=reception.archive)
        done += len(batch)
        progress("create", done, len(plan.units))
    return made


def _told(
    session: Session, stream: UUID, reception: Reception, plan: DeliveryPlan
) -> dict[str, list[PagesDeclared | Digitised]]:
    """By unit, what the producer declared of its pages, and how it was digitised."""
    told: dict[str, list[PagesDeclared | Digitised]] = defaultdict(list)
    if reception.is_sealed:
        return told  # it stands in its sealed papers
    for unit, event in declared_pages(reception.delivery, reception.declarations[0], plan.units).items():
        told[unit] += event
    entries = [
        entry
        for event in session.log.stream(stream)
        if isinstance(event.payload, WorkSheetRecorded) and event.payload.delivery == reception.delivery
        for entry in event.payload.entries
    ]
    for unit, work in digitised(reception.delivery, entries).items():
        told[unit] += work
    return told


def _created(stream: UUID, reception: Reception, unit: Unit, result: examination.Examined) -> Created:
    return Created(
        accession=stream,
        delivery=reception.delivery,
        unit=unit.path,
        description=unit.description,
        record_type=result.record_type,
        secrecy_class=result.secrecy_class,
        files=len(result.plan.files),
        bytes=result.plan.size,
    )


def _is_stored(session: Session, package: UUID) -> bool:
    return bool(session.log.load(ARCHIVAL_PACKAGE, package).state.stored)


def _accept(session: Session, stream: UUID) -> bool:
    """Let custody pass by policy, or note that a person has to decide. Whether it has passed."""
    how = session.settings.acceptance
    received_by = next(
        event.envelope.actor
        for event in reversed(session.log.stream(stream))
        if isinstance(event.payload, accession.DeliveryReceived)
    )

    def decide(streams: Streams) -> list[New]:
        state = _of(streams, stream)
        if state.stage is not Stage.VALIDATED:
            return []
        if how is Acceptance.AUTOMATIC:
            decided = accession.accept(state, policy=how, quality=Outcome.NOT_CHECKED)
        else:
            two = how is Acceptance.TWO_PERSONS
            decided = accession.require_review(state, received_by=received_by, two_persons=two)
        return [New(stream, payload) for payload in decided]

    session.perform("accept", decide, correlation=stream, archive=archive_of(session, stream))
    return session.log.load(ACCESSION, stream).state.stage is Stage.ACCEPTED


def _waiting(opened: Loaded[accession.State]) -> IngestReport:
    received = opened.state.received
    return IngestReport(
        outcome="waiting",
        accession=opened.stream,
        delivery=opened.state.delivery,
        files=received.files if received else 0,
        bytes=received.bytes if received else 0,
    )


def _store(
    session: Session,
    stream: UUID,
    reception: Reception,
    plan: DeliveryPlan,
    units: dict[str, Unit],
    made: dict[str, examination.Examined],
    progress: Progress,
) -> None:
    """Describe, build and store the packages that are not stored yet. `Stored` is appended when the bytes are safe."""
    waiting = [unit for unit in plan.units if unit.path in made]
    history, done = packaging.history_of(session, stream), 0
    for batch in _batches(waiting):
        fields = {unit.path: packaging.fields_of(units[unit.path], made[unit.path]) for unit in batch}

        def describe(streams: Streams, fields: dict[str, description.Fields] = fields) -> list[New]:
            events: list[New] = []
            for path, described in fields.items():
                loaded = streams.load(DESCRIPTION, units[path].description)
                state = loaded.state
                if state.fields is None:
                    if reception.is_sealed:
                        described = packaging.sealed_fields_of(session, units[path], loaded.version + 1, described)  # noqa: PLW2901 - as the event may tell it
                    payloads = description.describe(state, described)
                    events += [New(units[path].description, payload) for payload in payloads]
            return events

        session.perform("describe", describe, correlation=stream, archive=reception.archive)
        # What is built tells what the log says now: somebody may have revised what a killed run described.
        said = {unit.path: session.log.load(DESCRIPTION, units[unit.path].description).state.fields for unit in batch}
        packaging.store_packages(
            session,
            stream,
            reception,
            [(units[unit.path], made[unit.path], said[unit.path] or fields[unit.path]) for unit in batch],
            history,
        )
        done += len(batch)
        progress("store", done, len(waiting))


def _complete(session: Session, stream: UUID, packages: int) -> str:
    """Record that all is stored. `completed`, or `part-completed` while returned units are still to come."""

    def decide(streams: Streams) -> list[New]:
        state = _of(streams, stream)
        if state.stage is not Stage.ACCEPTED:
            return []
        return [New(stream, payload) for payload in accession.complete(state, stored=packages)]

    session.perform("complete", decide, correlation=stream, archive=archive_of(session, stream))
    done = session.log.load(ACCESSION, stream).state.stage is Stage.COMPLETED
    return "completed" if done else "part-completed"


def _report(
    session: Session,
    stream: UUID,
    outcome: str,
    reception: Reception,
    plan: DeliveryPlan,
    findings: Sequence[Finding],
) -> IngestReport:
    units = _units(session, stream) if outcome in ("completed", "part-completed") else {}
    return IngestReport(
        outcome=outcome,
        accession=stream,
        delivery=reception.delivery,
        files=len(reception.files),
        bytes=sum(file.size for file in reception.files),
        packages=tuple(_ingested(units[unit.path], unit) for unit in plan.units if unit.path in units),
        findings=tuple(findings),
        system=reception.foreign.system.value if reception.foreign else None,
    )


def _ingested(unit: Unit, plan: UnitPlan) -> IngestedPackage:
    return IngestedPackage(
        package=unit.package,
        unit=unit.path,
        reference_code=unit.reference_code,
        title=plan.title,
        files=len(plan.files),
        bytes=plan.size,
    )


def _batches(units: Sequence[UnitPlan]) -> Iterator[list[UnitPlan]]:
    rest = iter(units)
    while batch := list(islice(rest, PACKAGES_AT_ONCE)):
        yield batch
