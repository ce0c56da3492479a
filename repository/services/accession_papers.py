"""Papers of an accession (接收文据): the catalogue that was given back with its faults, and who digitised what."""

from uuid import UUID

import msgspec

from packages_spec.profiles import delivery_path
from repository.domain.accession import ACCESSION, PAPERS, WorkEntry, WorkSheetRecorded
from repository.domain.archival_package import ARCHIVAL_PACKAGE
from repository.domain.envelope import Event
from repository.errors import ArchiveError
from repository.services import stored
from repository.services.reception import KEPT_PAPERS, RETURNED
from repository.services.session import Session


class WorkSheet(msgspec.Struct, frozen=True, kw_only=True):
    """Who digitised which pages of one delivery, on which device, in which shift."""

    delivery: int
    entries: tuple[WorkEntry, ...]


class WorkSheets(msgspec.Struct, frozen=True, kw_only=True):
    """The work sheets of an accession, by delivery."""

    schema: str = "jingui.work-sheets/1"
    accession: UUID
    sheets: tuple[WorkSheet, ...]


def work_sheets(session: Session, stream: UUID) -> WorkSheets:
    """Who digitised what, as the log has it. `accession-unknown`."""
    session.require("survey")
    by_delivery: dict[int, list[WorkEntry]] = {}
    for event in _history(session, stream):
        if isinstance(event.payload, WorkSheetRecorded):
            by_delivery.setdefault(event.payload.delivery, []).extend(event.payload.entries)
    sheets = tuple(WorkSheet(delivery=one, entries=tuple(entries)) for one, entries in sorted(by_delivery.items()))
    return WorkSheets(accession=stream, sheets=sheets)


def returned_catalogue(session: Session, stream: UUID, delivery: int | None = None) -> bytes:
    """The catalogue that was given back with its faults; without a number, of the last that was.

    In quarantine until a delivery is stored, then among the papers of the first package that has them.
    `accession-unknown`, `papers-missing` where none was given back, `fixity-mismatch`.
    """
    session.require("survey")
    _history(session, stream)
    state = session.log.load(ACCESSION, stream).state
    numbers = [delivery] if delivery is not None else range(state.delivery, 0, -1)
    for number in numbers:
        kept = session.quarantine / str(stream) / KEPT_PAPERS / str(number) / RETURNED
        if kept.is_file():
            return kept.read_bytes()
    for path in (one for one in state.kept if one == PAPERS or one.startswith(f"{PAPERS}/") or len(state.kept) == 1):
        package = state.units[path].package
        if not session.log.load(ARCHIVAL_PACKAGE, package).state.stored:
            continue
        version = stored.newest(session, package)
        for number in numbers:
            inside = delivery_path(str(package), f"accounts/{number}/{RETURNED}")
            if {inside, f"{inside}.age"} & version.digests.keys():
                return stored.opened_bytes(session, version, inside)
    raise ArchiveError("papers-missing", stream)


def _history(session: Session, stream: UUID) -> list[Event]:
    events = session.log.stream(stream)
    if not events or not events[0].envelope.type.startswith("Accession."):
        raise ArchiveError("accession-unknown", stream)
    return events
