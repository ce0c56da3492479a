"""Ingest (接收入库): one delivery becomes archival packages that are stored, described and in the log.

The use case is `ingest`, read from top to bottom; its steps are those of the table in the README. Killed anywhere and
run again it goes on, because each step first asks the log what is already so.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from packages_spec.findings import Finding, is_valid
from repository.domain import accession, description
from repository.domain.accession import ACCESSION, Stage, Unit
from repository.domain.aggregate import Loaded, New
from repository.domain.archival_package import ARCHIVAL_PACKAGE
from repository.domain.assessment import BAD, Standing, outcome_of
from repository.domain.description import DESCRIPTION
from repository.domain.values import AccessionKind as AccessionKind
from repository.domain.values import Outcome
from repository.errors import ArchiveError
from repository.eventlog import Streams
from repository.services import examination, format_policy, packaging
from repository.services.accession_opening import IngestRequest as IngestRequest
from repository.services.accession_opening import archive_of, find_or_open, left_behind, profile_of
from repository.services.creation import batches, create_packages
from repository.services.delivery import DeliveryPlan, UnitPlan
from repository.services.planning import plan_units, record_verdict, record_work
from repository.services.preservation import put_straight
from repository.services.quality import judge_batch, judge_units
from repository.services.reception import Reception, Source, open_source, receive_delivery
from repository.services.returning import returned_workbook, write_faults
from repository.services.review_rules import verdicts_of
from repository.services.sealing import is_same_listing
from repository.services.session import Progress, Session
from repository.services.volumes import describe_items, describe_volumes, described_below, placed
from repository.settings import Acceptance
from repository.storage import discard_quarantine, source_lock


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
    `system` is the kind of foreign package that the delivery was recognised as. Of the pages that machines judged some
    wait for a person, and some fail.
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
    pages_judged: int = 0
    pages_waiting: int = 0
    pages_failed: int = 0


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
            return _waiting(session, opened)
        reception = receive_delivery(session, opened, source, progress, request.mapping)

        # 2 plan the units and reserve their reference codes
        plan, taken = plan_units(session, opened.stream, reception)
        record_work(session, opened.stream, reception, plan)

        # 3 validate its structure and the producer's digests, and hold its formats against the policy
        findings = [*reception.received.findings, *plan.findings, *taken]
        findings += examination.judge_delivery(session, reception, plan)
        formats = examination.formats_to_judge(session, reception, plan.units, progress)
        findings += format_policy.judge(format_policy.read_policy(session.settings.format_policy), formats or {})
        findings += judge_batch(session, plan.units, formats or {})
        if not is_valid(findings):
            reception.keep_papers(returned_workbook(reception, plan, findings))
        valid = record_verdict(session, opened.stream, reception, findings)
        if request.faults is not None:
            write_faults(request.faults, returned_workbook(reception, plan, findings))
        if not valid:
            return _report(session, opened.stream, "rejected", reception, plan, findings)

        # 4, 5 create the packages: technical metadata, viruses
        units = _units(session, opened.stream)
        plan = _only(plan, units)
        made = create_packages(session, opened.stream, reception, plan, units, formats, progress)
        examination.refuse_infected(made)
        findings += examination.unreadable(made)

        # 6 judge every page; those of a sealed delivery are not judged, for what is found out tells of them
        if not reception.is_sealed and session.log.load(ACCESSION, opened.stream).state.stage is Stage.VALIDATED:
            judge_units(session, opened.stream, reception, units, made, progress)

        # 7 accept custody, or let a person decide: by policy, or because of what was judged
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


def _units(session: Session, stream: UUID) -> dict[str, Unit]:
    """The units of the delivery in hand that were not given back."""
    state = session.log.load(ACCESSION, stream).state
    return {path: state.units[path] for path in state.taken}


def _only(plan: DeliveryPlan, units: Mapping[str, Unit]) -> DeliveryPlan:
    return DeliveryPlan(tuple(unit for unit in plan.units if unit.path in units), plan.findings)


def _accept(session: Session, stream: UUID) -> bool:
    """Let custody pass by policy, or note that a person has to decide. Whether it has passed.

    Whatever the policy: nothing passes by itself of which a page was refused or left to a person, or of which people
    have to judge a sample.
    """
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
        verdicts = verdicts_of(streams, state, state.taken)
        settled = outcome_of(verdicts) is Outcome.PASSED or not any(one.is_open for one in verdicts)
        if how is Acceptance.AUTOMATIC and settled and not session.settings.quality_sample:
            decided = accession.accept(state, policy=how, quality=outcome_of(verdicts))
        else:
            two = how is Acceptance.TWO_PERSONS
            decided = accession.require_review(state, received_by=received_by, two_persons=two)
        return [New(stream, payload) for payload in decided]

    session.perform("accept", decide, correlation=stream, archive=archive_of(session, stream))
    return session.log.load(ACCESSION, stream).state.stage is Stage.ACCEPTED


def _waiting(session: Session, opened: Loaded[accession.State]) -> IngestReport:
    received = opened.state.received
    pages, waiting, failed = _pages(session, opened.state)
    return IngestReport(
        outcome="waiting",
        accession=opened.stream,
        delivery=opened.state.delivery,
        files=received.files if received else 0,
        bytes=received.bytes if received else 0,
        pages_judged=pages,
        pages_waiting=waiting,
        pages_failed=failed,
    )


def _pages(session: Session, state: accession.State) -> tuple[int, int, int]:
    """Pages of the delivery in hand that were judged, that wait for a person, and that fail."""
    verdicts = verdicts_of(session.log, state, state.taken) if session.assessors else []
    found = [standing for one in verdicts for standing in one.standings.values()]
    return len(found), found.count(Standing.WAITING), sum(one in BAD for one in found)


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
    volumes = describe_volumes(session, stream, reception)
    for batch in batches(waiting):
        fields = {
            unit.path: placed(packaging.fields_of(units[unit.path], made[unit.path]), unit.row, volumes)
            for unit in batch
        }

        def describe(streams: Streams, fields: dict[str, description.Fields] = fields) -> list[New]:
            events: list[New] = []
            for path, described in fields.items():
                loaded = streams.load(DESCRIPTION, units[path].description)
                state = loaded.state
                if state.fields is None:
                    if streams.load(ARCHIVAL_PACKAGE, units[path].package).state.encrypted is not None:
                        described = packaging.sealed_fields_of(session, units[path], loaded.version + 1, described)  # noqa: PLW2901 - as the event may tell it
                    payloads = description.describe(state, *described_below(streams, described))
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
    describe_items(session, stream, reception, plan.units, units)


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
    pages, waiting, failed = _pages(session, session.log.load(ACCESSION, stream).state)
    return IngestReport(
        outcome=outcome,
        accession=stream,
        delivery=reception.delivery,
        files=len(reception.files),
        bytes=sum(file.size for file in reception.files),
        packages=tuple(_ingested(units[unit.path], unit) for unit in plan.units if unit.path in units),
        findings=tuple(findings),
        system=reception.foreign.system.value if reception.foreign else None,
        pages_judged=pages,
        pages_waiting=waiting,
        pages_failed=failed,
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
