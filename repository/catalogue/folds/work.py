"""Work: runs (作业) and annulments (更正)."""

from repository.catalogue.cards import Mark, Run, changed, moment, sealed_among, words_of
from repository.domain import run
from repository.domain.corrections import Annulled
from repository.domain.envelope import Envelope


def started(_: Run | None, event: run.Started, envelope: Envelope) -> Run:
    """The run began."""
    now = moment(envelope)
    return Run(
        id=envelope.stream,
        archive=envelope.archive,
        opened=now,
        changed=now,
        sealed=sealed_among(target=event.target),
        kind=event.kind,
        scope=event.scope,
        target=words_of(event.target),
    )


def progressed(card: Run | None, event: run.Progressed, envelope: Envelope) -> Run | None:
    """How far it has come."""
    return changed(card, envelope, done=event.done, total=event.total, cursor=event.cursor)


def verified(card: Run | None, event: run.Verified, envelope: Envelope) -> Run | None:
    """So many packages more were found true."""
    return card and changed(card, envelope, done=card.done + len(event.packages))


def compared(card: Run | None, event: run.VerdictsCompared, envelope: Envelope) -> Run | None:
    """So many packages more were judged again."""
    return card and changed(card, envelope, done=card.done + event.packages)


def finished(card: Run | None, event: run.Finished, envelope: Envelope) -> Run | None:
    """What came of it."""
    return changed(
        card,
        envelope,
        outcome=event.outcome,
        done=event.done,
        findings=event.findings,
        findings_total=event.findings_total,
    )


def annulled(event: Annulled, envelope: Envelope) -> Mark:
    """The mark that an annulment leaves; what it does to the card of its stream is the projector's work."""
    now = moment(envelope)
    return Mark(
        id=event.event,
        archive=envelope.archive,
        opened=now,
        changed=now,
        sealed=sealed_among(reason=event.reason),
        stream=envelope.stream,
        position=event.position,
        reason=words_of(event.reason),
        annulled_by=envelope.actor,
        approver=event.approver,
    )
