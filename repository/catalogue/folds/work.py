"""Work: access requests (利用申请), runs (作业), and annulments (更正)."""

from repository.catalogue.cards import AccessRequest, Mark, Run, changed, moment, sealed_among, words_of
from repository.domain import access_request, run
from repository.domain.corrections import Annulled
from repository.domain.envelope import Envelope


def requested(_: AccessRequest | None, event: access_request.Requested, envelope: Envelope) -> AccessRequest:
    """Somebody asks for records; the one on whose behalf it is asked is the requester."""
    now = moment(envelope)
    return AccessRequest(
        id=envelope.stream,
        archive=envelope.archive,
        opened=now,
        changed=now,
        sealed=sealed_among(purpose=event.purpose),
        requester=envelope.on_behalf_of or envelope.actor,
        packages=event.packages,
        paths=event.paths,
        purpose=words_of(event.purpose),
    )


def assembled(
    card: AccessRequest | None, event: access_request.DipAssembled, envelope: Envelope
) -> AccessRequest | None:
    """The dissemination package is ready."""
    return changed(card, envelope, state="assembled", dip=event.dip, files=event.files, bytes=event.bytes)


def delivered(
    card: AccessRequest | None, event: access_request.DipDelivered, envelope: Envelope
) -> AccessRequest | None:
    """It is handed out."""
    return changed(card, envelope, state="delivered", dip=event.dip)


def closed(card: AccessRequest | None, event: access_request.Closed, envelope: Envelope) -> AccessRequest | None:
    """The request is at its end."""
    return changed(card, envelope, state="closed", outcome=event.outcome)


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
