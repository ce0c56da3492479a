"""Attempts (移交经过): each delivery of an accession, what came of it, who took it, and why it did not pass.

A delivery that was refused or given back, or whose reception broke off, is a state that everybody sees and that has a
next step - and is counted: a producer's third attempt is known for one. All of it is derived from the log.
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from repository.domain.accession import (
    ACCESSION,
    Accepted,
    DeliveryReceived,
    DeliveryRejected,
    Opened,
    PartCompleted,
    Returned,
    Stage,
)
from repository.domain.aggregate import fold
from repository.domain.corrections import Annulled, annulled_among
from repository.domain.envelope import Event
from repository.services.search import position_of
from repository.services.session import Session

NEXT = {
    Stage.OPEN: "receive",
    Stage.RECEIVED: "validate",
    Stage.VALIDATED: "accept",
    Stage.WAITING: "decide",
    Stage.ACCEPTED: "store",
    Stage.REJECTED: "deliver-again",
    Stage.RETURNED: "deliver-rework",
}
"""What comes next, by stage; nothing after completion."""
BROKEN_OFF = (Stage.OPEN, Stage.RECEIVED, Stage.VALIDATED)
"""Stages that last only while a process is at it: one that nobody works on was broken off there."""
CODES_TOLD = 5


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One delivery. `outcome` is refused, returned, accepted, waiting, or broken-off (unless somebody is at it now).

    `began` and `ended` are times; `reasons` are the codes of the commonest findings, or the words of the return.
    """

    delivery: int
    began: str
    by: UUID
    by_name: str | None
    outcome: str
    ended: str | None
    ended_by: UUID | None
    findings: int
    reasons: tuple[str, ...]

    @property
    def failed(self) -> bool:
        """Whether it did not pass."""
        return self.outcome in ("refused", "returned", "broken-off")


class AccessionLine(msgspec.Struct, frozen=True, kw_only=True):
    """An accession in a list: its stage, what comes next, how often it was tried, and how often that failed."""

    accession: UUID
    opened: str
    transfer_number: str | None
    source: str
    stage: Stage
    next: str | None
    attempts: int
    failed: int
    last: Attempt


class AccessionPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of accessions in the order of their opening."""

    schema: str = "jingui.accessions/1"
    entries: tuple[AccessionLine, ...]
    total: int
    after: str | None


def list_attempts(
    session: Session, *, as_of: str | None, limit: int, after: str | None, failed: bool = False
) -> AccessionPage:
    """Accessions with what became of their deliveries; only those whose last attempt `failed`, if that is wanted."""
    session.require("survey")
    session.catch_up()
    position = position_of(session, as_of)
    page = session.catalogue.accessions(as_of=position, limit=limit, after=after)
    lines = tuple(_line(session, one.id, position) for one in page.entries)
    return AccessionPage(
        entries=tuple(line for line in lines if line.last.failed or not failed),
        total=page.total,
        after=page.after,
    )


def _line(session: Session, stream: UUID, position: int | None) -> AccessionLine:
    history = [one for one in session.log.stream(stream) if position is None or one.envelope.position <= position]
    state = fold(ACCESSION, history)
    attempts = attempts_of(session, history)
    wish = state.received or state.opened
    return AccessionLine(
        accession=stream,
        opened=history[0].envelope.recorded_at,
        transfer_number=state.opened.transfer_number if state.opened else None,
        source=wish.source if wish else "",
        stage=state.stage,
        next=NEXT.get(state.stage),
        attempts=len(attempts),
        failed=sum(one.failed for one in attempts),
        last=attempts[-1],
    )


def attempts_of(session: Session, history: Sequence[Event]) -> tuple[Attempt, ...]:
    """The deliveries of an accession, from its events; what was annulled never was."""
    annulments = [(one.envelope.event_id, one.payload.event) for one in history if isinstance(one.payload, Annulled)]
    gone = annulled_among(annulments)
    attempts: list[Attempt] = []
    for event in history:
        if event.envelope.event_id in gone:
            continue
        if isinstance(event.payload, Opened):
            attempts.append(_begun(session, event, 1))
        elif isinstance(event.payload, DeliveryReceived) and event.payload.delivery > 1:
            attempts.append(_begun(session, event, event.payload.delivery))
        elif attempts and (ended := _ended(attempts[-1], event)) is not None:
            attempts[-1] = ended
    stage = fold(ACCESSION, history).stage
    if attempts and attempts[-1].outcome == "" and stage not in BROKEN_OFF:
        attempts[-1] = msgspec.structs.replace(attempts[-1], outcome="waiting")
    return tuple(one if one.outcome else msgspec.structs.replace(one, outcome="broken-off") for one in attempts)


def _begun(session: Session, event: Event, delivery: int) -> Attempt:
    actor = session.catalogue.agent(event.envelope.actor)
    return Attempt(
        delivery=delivery,
        began=event.envelope.recorded_at,
        by=event.envelope.actor,
        by_name=actor.name if actor else None,
        outcome="",
        ended=None,
        ended_by=None,
        findings=0,
        reasons=(),
    )


def _ended(attempt: Attempt, event: Event) -> Attempt | None:
    """The attempt with what ended it; null for an event that ends none."""
    when = {"ended": event.envelope.recorded_at, "ended_by": event.envelope.actor}
    match event.payload:
        case DeliveryRejected() as verdict:
            codes = tuple(dict.fromkeys(one.code for one in verdict.findings))[:CODES_TOLD]
            return msgspec.structs.replace(
                attempt, outcome="refused", findings=verdict.findings_total, reasons=codes, **when
            )
        case Returned() as back:
            said = back.reason if isinstance(back.reason, str) else ""
            reasons = (*attempt.reasons, said) if said else attempt.reasons
            outcome = "returned" if back.whole and attempt.outcome != "refused" else attempt.outcome
            return msgspec.structs.replace(attempt, outcome=outcome, reasons=reasons, **when)
        case Accepted():
            return msgspec.structs.replace(attempt, outcome="accepted", **when)
        case PartCompleted() if attempt.outcome == "":
            return msgspec.structs.replace(attempt, outcome="accepted", **when)
        case _:
            return None
