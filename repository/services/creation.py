"""Creation (建立信息包): the packages of a delivery come to exist, with what was found out about their files."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from uuid import UUID

from repository.domain import archival_package
from repository.domain.accession import Unit, WorkSheetRecorded
from repository.domain.aggregate import New
from repository.domain.archival_package import ARCHIVAL_PACKAGE, Created, Digitised, PagesDeclared
from repository.eventlog import Streams
from repository.services import examination, packaging
from repository.services.declarations import declared_pages
from repository.services.delivery import DeliveryPlan, UnitPlan
from repository.services.reception import Reception
from repository.services.session import Progress, Session
from repository.services.work_sheet import digitised

PACKAGES_AT_ONCE = 100
"""Packages that are created, and later committed, together: one transaction and two syncs for all of them."""


def create_packages(
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
    for batch in batches(plan.units):
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


def batches(units: Sequence[UnitPlan]) -> Iterator[list[UnitPlan]]:
    """The units in their order, as many at a time as are worked on together."""
    rest = iter(units)
    while batch := list(islice(rest, PACKAGES_AT_ONCE)):
        yield batch
