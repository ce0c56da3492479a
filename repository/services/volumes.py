"""Volumes (案卷) of a delivery in two levels: their 档号 are reserved with the plan, and they stand above their items.

The id of such an entry is the holder of its 档号: so a run that was killed, or a rework delivery, finds the same one. A
volume that was described before the delivery came takes the items in, if it is a volume and not closed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from uuid import UUID

import msgspec

from packages_spec.findings import Finding
from repository.domain import description, reservation
from repository.domain.accession import Unit
from repository.domain.aggregate import New
from repository.domain.description import DESCRIPTION, Fields
from repository.domain.description_fields import FileRange
from repository.domain.ids import reference_code_guard
from repository.domain.reservation import REFERENCE_CODE
from repository.domain.values import Carrier, Level, RecordType, SecrecyClass
from repository.eventlog import Streams
from repository.services.catalogue_file import CatalogueFile, Row, same_code
from repository.services.delivery import UnitPlan
from repository.services.linking import named_page
from repository.services.reception import Reception
from repository.services.session import Session

ENTRIES_AT_ONCE = 500
"""Entries that one command describes."""


def reserve_entries(
    session: Session,
    streams: Streams,
    stream: UUID,
    reception: Reception,
    reserved: set[UUID],
    taken: list[Finding],
) -> list[New]:
    """Reserve the 档号 of entries that are no packages; those that others hold come back as findings.

    `reserved` are the guards that the same command reserves already: of a 档号 that stands twice, that is the fault.
    """
    events: list[New] = []
    for row in _entries(reception.catalogue):
        if row.reference_code is None:
            continue
        guard = reference_code_guard(reception.archive, row.reference_code)
        if guard in reserved:
            continue
        reserved.add(guard)
        held = streams.load(REFERENCE_CODE, guard).state
        if held.holder is None:
            events += [New(guard, made) for made in reservation.reserve(held, row.reference_code, session.new_id())]
        elif not _may_stay(session, streams, stream, guard, held.holder, row):
            place = row.cell("reference_code", "volume", "item")
            taken.append(Finding("delivery.code-taken", place, found=row.reference_code))
    return events


def taken_entries(session: Session, reception: Reception) -> Iterator[Finding]:
    """The entries of a delivery that was not received whose 档号 others hold."""
    for row in _entries(reception.catalogue):
        guard = reference_code_guard(reception.archive, row.reference_code or "")
        holder = session.log.load(REFERENCE_CODE, guard).state.holder if row.reference_code else None
        if holder is not None and not _is_open_volume(session.log.load(DESCRIPTION, holder).state, row):
            place = row.cell("reference_code", "volume", "item")
            yield Finding("delivery.code-taken", place, found=row.reference_code or "")


def _entries(catalogue: CatalogueFile) -> Iterator[Row]:
    yield from (*catalogue.volumes, *catalogue.items)


def _may_stay(session: Session, streams: Streams, stream: UUID, guard: UUID, holder: UUID, row: Row) -> bool:
    """Whether the holder of a 档号 can be this row's entry: reserved by this accession, or a volume that is open."""
    state = streams.load(DESCRIPTION, holder).state
    if session.log.stream(guard)[-1].envelope.correlation_id == stream:
        return state.fields is None or state.fields.level is row.level
    return _is_open_volume(state, row)


def _is_open_volume(state: description.State, row: Row) -> bool:
    is_volume = state.fields is not None and state.fields.level is row.level is Level.VOLUME
    return is_volume and state.stands and not state.closed


def release_entries(session: Session, streams: Streams, stream: UUID, reception: Reception) -> list[New]:
    """Give back, of a delivery that is rejected, the codes of entries that nobody described."""
    events: list[New] = []
    for row in _entries(reception.catalogue):
        guard = reference_code_guard(reception.archive, row.reference_code or "")
        held = streams.load(REFERENCE_CODE, guard).state if row.reference_code else reservation.State()
        if held.holder is None or session.log.stream(guard)[-1].envelope.correlation_id != stream:
            continue
        if streams.load(DESCRIPTION, held.holder).state.fields is None:
            events += [New(guard, made) for made in reservation.release(held, held.holder, "DeliveryRejected")]
    return events


def describe_volumes(session: Session, stream: UUID, reception: Reception) -> dict[str, UUID]:
    """Describe the volumes that are no packages and not described yet; the ids of all of them, by 档号."""
    holders = _holders(session, reception, reception.catalogue.volumes)
    for batch in _batches(reception.catalogue.volumes):

        def decide(streams: Streams, batch: Sequence[Row] = batch) -> list[New]:
            events: list[New] = []
            for row in batch:
                entry = holders[row.reference_code or ""]
                state = streams.load(DESCRIPTION, entry).state
                if state.fields is None:
                    events += [New(entry, made) for made in description.describe(state, _fields(row))]
            return events

        session.perform("describe-volumes", decide, correlation=stream, archive=reception.archive)
    return holders


def describe_items(
    session: Session, stream: UUID, reception: Reception, units: Sequence[UnitPlan], planned: Mapping[str, Unit]
) -> None:
    """Describe the items whose pages lie in their volume's package, below it, as far as it was taken."""
    packages = {unit.row.reference_code: unit for unit in units if unit.row is not None and unit.path in planned}
    rows = [row for row in reception.catalogue.items if row.volume in packages]
    holders = _holders(session, reception, rows)
    for batch in _batches(rows):

        def decide(streams: Streams, batch: Sequence[Row] = batch) -> list[New]:
            events: list[New] = []
            for row in batch:
                entry, unit = holders[row.reference_code or ""], packages[row.volume]
                volume = streams.load(DESCRIPTION, planned[unit.path].description).state
                state = streams.load(DESCRIPTION, entry).state
                if state.fields is None and volume.fields is not None:
                    fields = _inside(row, planned[unit.path], volume.fields, unit)
                    above = msgspec.structs.replace(volume, closed=False)  # it was there before the volume was closed
                    events += [New(entry, made) for made in description.describe(state, fields, above)]
            return events

        session.perform("describe-items", decide, correlation=stream, archive=reception.archive)


def placed(fields: Fields, row: Row | None, volumes: Mapping[str, UUID]) -> Fields:
    """A unit's description at its level, and below its volume where that is an entry."""
    if row is None:
        return fields
    parent = volumes.get(row.volume or "")
    return msgspec.structs.replace(fields, level=row.level, parent=parent)


def described_below(streams: Streams, fields: Fields) -> tuple[Fields, description.State | None]:
    """The description with its parent's fonds, and the parent as it stands."""
    if fields.parent is None:
        return fields, None
    above = streams.load(DESCRIPTION, fields.parent).state
    fonds = above.fields.fonds_code if above.fields else None
    return msgspec.structs.replace(fields, fonds_code=fonds or fields.fonds_code), above


def _holders(session: Session, reception: Reception, rows: Iterable[Row]) -> dict[str, UUID]:
    """Who holds the 档号 of these rows; all of them were reserved with the plan."""
    found: dict[str, UUID] = {}
    for row in rows:
        guard = reference_code_guard(reception.archive, row.reference_code or "")
        holder = session.log.load(REFERENCE_CODE, guard).state.holder
        if holder is not None and row.reference_code is not None:
            found[row.reference_code] = holder
    return found


def _fields(row: Row) -> Fields:
    """An entry as its row describes it, without files."""
    code = row.reference_code
    return Fields(
        level=row.level,
        parent=None,
        package=None,
        reference_code=code,
        fonds_code=code.split("-")[0] if code and "-" in code else None,
        title=row.title,
        responsible_party=row.responsible_party,
        date=row.date,
        year=int(row.date[:4]) if row.date else None,
        retention_period=row.retention_period,
        secrecy_class=row.secrecy_class or SecrecyClass.OPEN,
        page_count=row.page_count,
        record_type=RecordType.TEXT,
        carrier=Carrier.DIGITAL,
    )


def _inside(row: Row, planned: Unit, volume: Fields, unit: UnitPlan) -> Fields:
    """An item of a volume that is a package: its pages are those of its 页号."""
    fields, pages = _fields(row), _pages(row, unit)
    return msgspec.structs.replace(
        fields,
        parent=planned.description,
        fonds_code=volume.fonds_code,
        retention_period=fields.retention_period or volume.retention_period,
        package=planned.package,
        record_type=volume.record_type,
        page_count=row.page_count if row.page_count is not None else _count(row),
        files=pages,
    )


def _count(row: Row) -> int | None:
    return None if row.pages is None else row.pages[1] - row.pages[0] + 1


def _pages(row: Row, unit: UnitPlan) -> tuple[FileRange, ...]:
    """The files of the volume that are an item's: by the serials in their names; one file that holds all is shared."""
    if len(unit.files) == 1:
        return (FileRange(first=unit.files[0].path, last=unit.files[0].path),)
    code = same_code(row.volume or "")
    ranges: list[FileRange] = []
    before = False
    for file in sorted(unit.files, key=lambda file: file.path):
        serial, _ = named_page(code, file.delivered.path) or (0, False)
        own = row.pages is not None and row.pages[0] <= serial <= row.pages[1]
        if own and before:
            ranges[-1] = FileRange(first=ranges[-1].first, last=file.path)
        elif own:
            ranges.append(FileRange(first=file.path, last=file.path))
        before = own
    return tuple(ranges)


def _batches(rows: Sequence[Row]) -> Iterator[list[Row]]:
    rest = iter(rows)
    while batch := list(islice(rest, ENTRIES_AT_ONCE)):
        yield batch
