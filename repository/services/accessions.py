"""Accessions (接收登记): a person's decisions on a delivery - accept it, or give it back, whole or by volume.

What was decided is an event before anything follows from it: bytes leave the quarantine only after `Returned`, and
reach the store only after `Accepted`. Each of these may die anywhere and be run again.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from uuid import UUID

import msgspec

from packages_spec.findings import Finding
from repository.domain import accession
from repository.domain.accession import ACCESSION, Returned, Stage, State, TermsAgreed
from repository.domain.aggregate import New, fold
from repository.domain.assessment import expect_settled, outcome_of
from repository.domain.values import Value
from repository.errors import ArchiveError
from repository.eventlog import Streams
from repository.services.attempts import NEXT, Attempt, attempts_of
from repository.services.ingest import IngestReport, IngestRequest, take_in
from repository.services.reception import KEPT_PAPERS, RETURNED, Reception, reception_of
from repository.services.returning import returned_workbook
from repository.services.review_rules import Loads, verdicts_of
from repository.services.search import position_of
from repository.services.session import Progress, Session
from repository.storage import discard_delivery, source_lock

Decide = Callable[[State, Loads], list[Value]]


class UnitStanding(msgspec.Struct, frozen=True, kw_only=True):
    """A unit of an accession: `waiting`, `accepted`, `returned`, `kept` (in custody), else the accession's stage."""

    unit: str
    reference_code: str | None
    package: UUID
    standing: str


class AccessionReport(msgspec.Struct, frozen=True, kw_only=True):
    """An accession as it stands, unit by unit, with the reasons for which units were given back."""

    schema: str = "jingui.accession/1"
    accession: UUID
    archive: str | None
    kind: str
    stage: Stage
    delivery: int
    transfer_number: str | None
    source: str
    terms: TermsAgreed | None
    handover: str
    units: tuple[UnitStanding, ...]
    reasons: tuple[str, ...]
    next: str | None = None
    attempts: tuple[Attempt, ...] = ()


def accept_delivery(session: Session, stream: UUID, volumes: Sequence[str], progress: Progress) -> IngestReport:
    """Accept the delivery that waits for it, or volumes of it named by 档号 or path; with the last decision go on.

    `accession-order` where nothing waits, `unit-unknown`, `acceptor-received`.
    """
    decide_to_accept(session, stream, volumes)
    return go_on(session, stream, progress)


def decide_to_accept(session: Session, stream: UUID, volumes: Sequence[str]) -> AccessionReport:
    """Record the acceptance alone: what follows from it is done by `go_on`, where nobody has to wait for it."""
    session.require("accept")

    needs_sample = session.settings.quality_sample > 0

    def decide(state: State, streams: Loads) -> list[Value]:
        if state.stage is Stage.ACCEPTED and not volumes:  # run again after it died between the decision and the work
            return []
        units = _named(state, volumes)
        quality = outcome_of(verdicts_of(streams, state, state.taken))
        accepted = accession.accept_units(
            state, units, actor=session.actor.agent, quality=quality, needs_sample=needs_sample
        )
        expect_settled(verdicts_of(streams, state, state.undecided if units is None else units), stream)
        return accepted

    _decided(session, stream, "accept-delivery", decide)
    return _report(session, stream, None)


def return_delivery(
    session: Session, stream: UUID, volumes: Sequence[str], reason: str, progress: Progress
) -> IngestReport:
    """Give the delivery back, or volumes of it, for the reason; one that was rejected leaves the quarantine so.

    `accession-order` where there is nothing to give back, `reason-missing`, `unit-unknown`.
    """
    decide_to_return(session, stream, volumes, reason)
    return go_on(session, stream, progress)


def decide_to_return(session: Session, stream: UUID, volumes: Sequence[str], reason: str) -> AccessionReport:
    """Record the return alone, lay the papers ready, and let bytes that were given back leave the quarantine."""
    session.require("return")

    def decide(state: State, streams: Loads) -> list[Value]:
        if state.stage is Stage.RETURNED and not volumes:  # its bytes may still lie there
            return []
        units = _named(state, volumes)
        left = [path for path in state.taken if path not in (state.undecided if units is None else units)]
        quality = outcome_of(verdicts_of(streams, state, left))
        return accession.return_units(state, units, reason=reason, quality=quality)

    _decided(session, stream, "return-delivery", decide)
    return _report(session, stream, None)


def go_on(session: Session, stream: UUID, progress: Progress) -> IngestReport:
    """Do what follows from the decisions: with the last of them the accepted units are stored. Run again it goes on."""
    state = _state(session, stream)
    if state.stage is Stage.ACCEPTED and state.received is not None:
        return take_in(session, IngestRequest(source=Path(state.received.source), accession=stream), progress)
    received = state.received
    return IngestReport(
        outcome="returned" if state.stage is Stage.RETURNED else "waiting",
        accession=stream,
        delivery=state.delivery,
        files=received.files if received else 0,
        bytes=received.bytes if received else 0,
    )


def undone(session: Session) -> Iterator[UUID]:
    """Accessions of which everything was decided and not everything was done: a process died over them.

    The catalogue helps to find them, the log decides.
    """
    session.catch_up()
    for stage in (Stage.ACCEPTED, Stage.RETURNED):
        for card in session.catalogue.accessions(stage=stage, limit=1_000).entries:
            state = session.log.load(ACCESSION, card.id).state
            if state.stage is Stage.ACCEPTED or _in_quarantine(session, card.id, state).exists():
                yield card.id


def take_up(session: Session, stream: UUID, progress: Progress) -> None:
    """Do what a decision asked for and a process that died did not do: store what was accepted, clear what went back.

    In the name of whoever started the process; it was decided by those who may.
    """
    state = _state(session, stream)
    if state.stage is Stage.RETURNED:
        papers = session.quarantine / str(stream) / KEPT_PAPERS / str(state.delivery) / RETURNED
        _return(session, stream, state, None if papers.exists() else reception_of(session, stream))
        return
    go_on(session, stream, progress)


def show_accession(session: Session, stream: UUID, *, as_of: str | None = None) -> AccessionReport:
    """How an accession stands, or stood as of a moment."""
    session.require("survey")
    session.catch_up()
    return _report(session, stream, position_of(session, as_of))


def _report(session: Session, stream: UUID, position: int | None) -> AccessionReport:
    _state(session, stream)
    history = [one for one in session.log.stream(stream) if position is None or one.envelope.position <= position]
    state = fold(ACCESSION, history)
    opened, received = state.opened, state.received
    if opened is None:
        raise ArchiveError("accession-unknown", stream)
    reasons = [event.payload.reason for event in history if isinstance(event.payload, Returned)]
    return AccessionReport(
        accession=stream,
        archive=history[0].envelope.archive,
        kind=opened.kind,
        stage=state.stage,
        delivery=state.delivery,
        transfer_number=opened.transfer_number,
        source=received.source if received else opened.source,
        terms=state.terms,
        handover="signed" if state.signed else "printed" if state.printed else "none",
        units=tuple(
            UnitStanding(unit=path, reference_code=unit.reference_code, package=unit.package, standing=_at(state, path))
            for path, unit in state.units.items()
        ),
        reasons=tuple(reason for reason in reasons if isinstance(reason, str)),
        next=NEXT.get(state.stage),
        attempts=attempts_of(session, history),
    )


def _at(state: State, path: str) -> str:
    if path in state.kept:
        return "kept"
    if path in state.returned:
        return "returned"
    return "accepted" if path in state.chosen else state.stage


def _state(session: Session, stream: UUID) -> State:
    state = session.log.load(ACCESSION, stream).state
    if state.stage is Stage.NEW:
        raise ArchiveError("accession-unknown", stream)
    return state


def _named(state: State, volumes: Sequence[str]) -> list[str] | None:
    """The units that are meant: by path, or by 档号; null for all of them."""
    by_code = {unit.reference_code: path for path, unit in state.units.items() if unit.reference_code}
    return [volume if volume in state.units else by_code.get(volume, volume) for volume in volumes] or None


def _decided(session: Session, stream: UUID, what: str, decide: Decide) -> None:
    """Record the decision; papers and quarantine follow it at once."""
    # What is refused is refused before the quarantine is read: it may be clearing now.
    decide(_state(session, stream), session.log)
    archive = session.log.stream(stream)[0].envelope.archive
    reception = reception_of(session, stream)
    with source_lock(session.folder, f"decision-{stream}"):

        def events(streams: Streams) -> list[New]:
            return [New(stream, payload) for payload in decide(streams.load(ACCESSION, stream).state, streams)]

        session.perform(what, events, correlation=stream, archive=archive)
        if what == "return-delivery":
            _return(session, stream, _state(session, stream), reception)


def _return(session: Session, stream: UUID, state: State, reception: Reception | None) -> None:
    """Lay the papers ready; of a delivery of which nothing was kept, nothing stays in quarantine."""
    if reception is not None and reception.stage is not Stage.REJECTED:
        reception.keep_papers(returned_workbook(reception, reception.plan(), _reasons(session, stream, state)))
    if state.stage is Stage.RETURNED:
        discard_delivery(_in_quarantine(session, stream, state))


def _in_quarantine(session: Session, stream: UUID, state: State) -> Path:
    return session.quarantine / str(stream) / str(state.delivery)


def _reasons(session: Session, stream: UUID, state: State) -> list[Finding]:
    """What was given back of the delivery in hand and why, as findings beside the rows."""
    told = [
        event.payload
        for event in session.log.stream(stream)
        if isinstance(event.payload, Returned) and event.payload.delivery == state.delivery
    ]
    return [
        Finding("delivery.returned", unit, found=one.reason if isinstance(one.reason, str) else "")
        for one in told
        for unit in one.units or (".",)
    ]
