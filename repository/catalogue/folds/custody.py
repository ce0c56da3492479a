"""Custody: accessions (接收登记), from opening to completion."""

from repository.catalogue.cards import Accession, changed, moment, sealed_among, words_of
from repository.domain import accession
from repository.domain.accession import Stage
from repository.domain.envelope import Envelope


def opened(_: Accession | None, event: accession.Opened, envelope: Envelope) -> Accession:
    """Custody is about to pass."""
    now = moment(envelope)
    return Accession(
        id=envelope.stream,
        archive=envelope.archive,
        opened=now,
        changed=now,
        sealed=sealed_among(title=event.title),
        kind=event.kind,
        producer=event.producer,
        transfer_number=event.transfer_number,
        source=event.source,
        title=words_of(event.title),
    )


def received(card: Accession | None, event: accession.DeliveryReceived, envelope: Envelope) -> Accession | None:
    """A delivery lies in quarantine; files and bytes are its own."""
    return changed(
        card, envelope, stage=Stage.RECEIVED, deliveries=event.delivery, files=event.files, bytes=event.bytes
    )


def planned(card: Accession | None, event: accession.Planned, envelope: Envelope) -> Accession | None:
    """Units of one delivery add up over its parts; another delivery counts anew."""
    before = card.units if card is not None and card.planned_delivery == event.delivery else 0
    return changed(card, envelope, planned_delivery=event.delivery, units=before + len(event.units))


def judged(
    card: Accession | None, event: accession.DeliveryValidated | accession.DeliveryRejected, envelope: Envelope
) -> Accession | None:
    """The verdict on the delivery in hand, with its findings."""
    stage = Stage.REJECTED if isinstance(event, accession.DeliveryRejected) else Stage.VALIDATED
    return changed(card, envelope, stage=stage, findings=event.findings, findings_total=event.findings_total)


def accepted(card: Accession | None, _: accession.Accepted, envelope: Envelope) -> Accession | None:
    """Custody passed."""
    return changed(card, envelope, stage=Stage.ACCEPTED)


def completed(card: Accession | None, _: accession.Completed, envelope: Envelope) -> Accession | None:
    """Every unit is stored and described."""
    return changed(card, envelope, stage=Stage.COMPLETED)
