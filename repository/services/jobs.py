"""Jobs (作业): what is unfinished is derived from the log, so a lost queue loses nothing.

A claim is a lock that the system takes back when its holder dies: no lease can outlive its process, and whoever takes
the work over goes on where the log says that the last one stopped. The expected version of every append keeps each
effect from happening twice.
"""

from pathlib import Path
from uuid import UUID

import msgspec

from repository.catalogue import Accession, Holdings, Projection, Run
from repository.domain.accession import ACCESSION, Stage
from repository.errors import ArchiveError
from repository.services.ingest import IngestRequest, ingest
from repository.services.preservation import put_straight
from repository.services.search import position_of
from repository.services.session import Progress, Session

_NEXT = {
    Stage.OPEN: "receive",
    Stage.RECEIVED: "validate",
    Stage.VALIDATED: "accept",
    Stage.ACCEPTED: "store",
    Stage.REJECTED: "deliver-again",
}


_GRAVE = frozenset({20, 23, 30})
"""Exits of errors that are not one delivery's: fixity, the log, the storage."""


class Unfinished(msgspec.Struct, frozen=True, kw_only=True):
    """An accession that is not completed: where it stands, what comes next, and how many of its packages are stored."""

    accession: UUID
    stage: Stage
    next: str
    source: str
    packages_stored: int
    units: int


class StatusReport(msgspec.Struct, frozen=True, kw_only=True):
    """How the archive stands. `lagging` packages tell less than the log knows of their descriptions."""

    schema: str = "jingui.status/1"
    archives: tuple[str, ...]
    position: int
    holdings: Holdings
    unfinished: tuple[Unfinished, ...]
    runs: tuple[Run, ...]
    projections: tuple[Projection, ...]
    lagging: int = 0


class WorkReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was taken up: packages put straight after a crash, and accessions that went on, each with its outcome."""

    schema: str = "jingui.work/1"
    recovered: int
    accessions: dict[str, str]


def status(session: Session, *, as_of: str | None = None) -> StatusReport:
    """What the archive holds, and what in it is unfinished; as of a moment, what it held and what was unfinished."""
    session.require("search")
    last = session.catch_up()
    then = position_of(session, as_of)
    position = last if then is None else min(then, last)
    return StatusReport(
        archives=session.settings.archives,
        position=position,
        holdings=session.catalogue.holdings(as_of=position),
        unfinished=tuple(map(_unfinished, _open_accessions(session, position))),
        runs=session.catalogue.runs(unfinished=True, as_of=position, limit=1_000).entries,
        projections=tuple(session.catalogue.board()),
        lagging=session.catalogue.lagging(limit=1).total,
    )


def work(session: Session, progress: Progress) -> WorkReport:
    """Take up what is unfinished, once through: put straight what a crash left, and go on with open accessions.

    An accession that another process works on, or whose source is no longer there, is passed over and named so. A
    fault of the archive itself - its disk, its bytes, its log - ends the work and is raised.
    """
    session.require("work")
    recovered = len(put_straight(session))
    session.catch_up()
    done: dict[str, str] = {}
    for accession in _open_accessions(session, None):
        if accession.stage is Stage.REJECTED:
            continue
        try:
            done[str(accession.id)] = ingest(session, _as_asked(session, accession), progress).outcome
        except ArchiveError as error:
            if error.row.exit in _GRAVE:
                raise
            done[str(accession.id)] = error.code
    return WorkReport(recovered=recovered, accessions=done)


def _as_asked(session: Session, accession: Accession) -> IngestRequest:
    producer = session.catalogue.agent(accession.producer)
    state = session.log.load(ACCESSION, accession.id).state
    wish = state.received or state.opened
    return IngestRequest(
        source=Path(accession.source),
        archive=accession.archive,
        producer=producer.name if producer else None,
        transfer_number=accession.transfer_number,
        kind=accession.kind,
        per_folder=wish is not None and wish.per_folder,
    )


def _open_accessions(session: Session, as_of: int | None) -> list[Accession]:
    found: list[Accession] = []
    for stage in _NEXT:
        page = session.catalogue.accessions(stage=stage, as_of=as_of, limit=1_000)
        found += page.entries
    return found


def _unfinished(accession: Accession) -> Unfinished:
    return Unfinished(
        accession=accession.id,
        stage=accession.stage,
        next=_NEXT[accession.stage],
        source=accession.source,
        packages_stored=accession.packages_stored,
        units=accession.units,
    )
