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
from repository.domain.archival_package import VirusChecked
from repository.domain.values import Outcome
from repository.errors import ArchiveError
from repository.services.attempts import NEXT
from repository.services.checkpoints import attest_after, attested_size
from repository.services.dissemination import clear_outgoing
from repository.services.fixity_age import FixityState, fixity_state
from repository.services.ingest import IngestRequest, ingest
from repository.services.preservation import put_straight
from repository.services.preserving import StoreState, store_states
from repository.services.replication import ReplicationReport, replicate, waiting_counts
from repository.services.schedule import run_due
from repository.services.search import position_of
from repository.services.session import Progress, Session
from repository.services.task_room import clear_tasks

_OF_PEOPLE = frozenset({Stage.REJECTED, Stage.WAITING, Stage.RETURNED})
"""Stages that no machine can take further."""


_GRAVE = frozenset({20, 23, 30})
"""Exits of errors that are not one delivery's: fixity, the log, the storage."""


class Unfinished(msgspec.Struct, frozen=True, kw_only=True):
    """An accession that is not completed, or whose handover is not signed: where it stands, and what comes next.

    `infected` is the stage of one that a virus keeps from going on.
    """

    accession: UUID
    stage: str
    next: str
    source: str
    packages_stored: int
    units: int


class StatusReport(msgspec.Struct, frozen=True, kw_only=True):
    """How the archive stands.

    `attested` events are under the newest checkpoint that was signed. `lagging` packages tell less than the log knows
    of their descriptions.
    """

    schema: str = "jingui.status/1"
    archives: tuple[str, ...]
    position: int
    holdings: Holdings
    unfinished: tuple[Unfinished, ...]
    runs: tuple[Run, ...]
    projections: tuple[Projection, ...]
    lagging: int = 0
    fixity: FixityState
    attested: int = 0
    stores: tuple[StoreState, ...] = ()
    copies_waiting: dict[str, int] = {}


class WorkReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was taken up: packages put straight after a crash, accessions that went on, and jobs that were due.

    Accessions and jobs stand with their outcomes; `jobs` by name, see `schedule`.
    """

    schema: str = "jingui.work/1"
    recovered: int
    accessions: dict[str, str]
    jobs: dict[str, str]
    copies: ReplicationReport


def status(session: Session, *, as_of: str | None = None) -> StatusReport:
    """What the archive holds, and what in it is unfinished; as of a moment, what it held and what was unfinished."""
    session.require("survey")
    last = session.catch_up()
    then = position_of(session, as_of)
    position = last if then is None else min(then, last)
    return StatusReport(
        archives=session.settings.archives,
        position=position,
        holdings=session.catalogue.holdings(as_of=position),
        unfinished=tuple(
            _unfinished(session, one, position)
            for one in (*open_accessions(session, as_of=position), *_unsigned(session, position))
        ),
        runs=session.catalogue.runs(unfinished=True, as_of=position, limit=1_000).entries,
        projections=tuple(session.catalogue.board()),
        lagging=session.catalogue.lagging(as_of=position, limit=1).total,
        fixity=fixity_state(session, as_of=position),
        attested=min(attested_size(session), position),
        stores=store_states(session),
        copies_waiting=waiting_counts(session),
    )


def work(session: Session, progress: Progress) -> WorkReport:
    """Take up what is unfinished, once through: put straight what a crash left, go on with open accessions, do the due.

    An accession that another process works on, or whose source is no longer there, is passed over and named so. A
    fault of the archive itself - its disk, its bytes, its log - ends the work and is raised.
    """
    session.require("work")
    recovered = len(put_straight(session))
    attest_after(session, 0)
    session.catch_up()
    done: dict[str, str] = {}
    for accession in open_accessions(session):
        if accession.stage in _OF_PEOPLE:
            continue
        try:
            done[str(accession.id)] = ingest(session, _as_asked(session, accession), progress).outcome
        except ArchiveError as error:
            if error.row.exit in _GRAVE:
                raise
            done[str(accession.id)] = error.code
    clear_outgoing(session)
    clear_tasks(session)
    copies = replicate(session)
    return WorkReport(recovered=recovered, accessions=done, jobs=run_due(session, progress), copies=copies)


def _as_asked(session: Session, accession: Accession) -> IngestRequest:
    state = session.log.load(ACCESSION, accession.id).state
    wish = state.received or state.opened
    return IngestRequest(
        source=Path(accession.source),
        archive=accession.archive,
        accession=accession.id,
        per_folder=wish is not None and wish.per_folder,
    )


def open_accessions(session: Session, *, as_of: int | None = None) -> list[Accession]:
    """Accessions that are not completed, the rejected ones among them."""
    found: list[Accession] = []
    for stage in NEXT:
        page = session.catalogue.accessions(stage=stage, as_of=as_of, limit=1_000)
        found += page.entries
    return found


def _unsigned(session: Session, as_of: int) -> list[Accession]:
    """Accessions that are complete but for the signature on the form that was printed."""
    completed = session.catalogue.accessions(stage=Stage.COMPLETED, as_of=as_of, limit=1_000).entries
    return [one for one in completed if one.handover == "printed"]


def _unfinished(session: Session, accession: Accession, as_of: int) -> Unfinished:
    stage: str = accession.stage
    step = NEXT.get(accession.stage, "sign")
    if accession.stage is Stage.VALIDATED and _is_infected(session, accession, as_of):
        stage, step = "infected", "return-infected"
    return Unfinished(
        accession=accession.id,
        stage=stage,
        next=step,
        source=accession.source,
        packages_stored=accession.packages_stored,
        units=accession.units,
    )


def _is_infected(session: Session, accession: Accession, as_of: int) -> bool:
    """Whether the last look at one of its units found a virus. The log is asked: a catalogue has no such question."""
    for unit in session.log.load(ACCESSION, accession.id).state.plan:
        history = session.log.stream(unit.package)
        checks = [
            event.payload
            for event in history
            if isinstance(event.payload, VirusChecked) and event.envelope.position <= as_of
        ]
        if checks and checks[-1].outcome is Outcome.FAILED:
            return True
    return False
