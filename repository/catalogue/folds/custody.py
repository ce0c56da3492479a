"""Custody: accessions (接收登记), from opening to completion."""

from repository.catalogue.cards import Accession, changed, moment, sealed_among, words_of
from repository.domain import accession, sampling
from repository.domain.accession import Stage
from repository.domain.envelope import Envelope
from repository.domain.values import Outcome


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
        card,
        envelope,
        stage=Stage.RECEIVED,
        source=event.source,
        deliveries=event.delivery,
        files=event.files,
        bytes=event.bytes,
        sample="none",
        sampled=0,
        sample_judged=(),
    )


def planned(card: Accession | None, event: accession.Planned, envelope: Envelope) -> Accession | None:
    """Units of one delivery add up over its parts; another delivery counts anew."""
    before = card.units if card is not None and card.planned_delivery == event.delivery else 0
    again = {unit.path for unit in event.units}
    returned = tuple(path for path in card.returned if path not in again) if card is not None else ()
    return changed(card, envelope, planned_delivery=event.delivery, units=before + len(event.units), returned=returned)


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


def agreed(card: Accession | None, event: accession.TermsAgreed, envelope: Envelope) -> Accession | None:
    """The terms on which custody passes."""
    sealed = tuple(name for name in (card.sealed if card else ()) if name != "opening_opinion")
    return changed(
        card,
        envelope,
        sealed=sealed + sealed_among(opening_opinion=event.opening_opinion),
        agreement=event.agreement,
        medium=event.medium,
        opening_opinion=words_of(event.opening_opinion),
    )


def worked(card: Accession | None, event: accession.WorkSheetRecorded, envelope: Envelope) -> Accession | None:
    """Who digitised what was delivered: the contractors, each once."""
    known = card.contractors if card is not None else ()
    names = dict.fromkeys([*known, *(entry.contractor for entry in event.entries)])
    return changed(card, envelope, contractors=tuple(names))


def to_review(card: Accession | None, _: accession.ReviewRequired, envelope: Envelope) -> Accession | None:
    """A person has to decide."""
    return changed(card, envelope, stage=Stage.WAITING)


def chosen(card: Accession | None, _: accession.UnitsAccepted, envelope: Envelope) -> Accession | None:
    """Some units are accepted; on others a decision is due."""
    return changed(card, envelope)


def returned(card: Accession | None, event: accession.Returned, envelope: Envelope) -> Accession | None:
    """Units went back. The rest goes on; with nothing left another delivery is awaited."""
    if card is None:
        return None
    stage = Stage.RETURNED if event.whole else card.stage
    return changed(card, envelope, stage=stage, returned=(*card.returned, *event.units))


def part_completed(card: Accession | None, _: accession.PartCompleted, envelope: Envelope) -> Accession | None:
    """What was accepted is stored; the rest is to come again."""
    return changed(card, envelope, stage=Stage.RETURNED)


def sample_drawn(card: Accession | None, event: sampling.SampleDrawn, envelope: Envelope) -> Accession | None:
    """People are to judge some units."""
    before = card.sampled if card is not None and event.part > 1 else 0
    return changed(card, envelope, sample="open", sampled=before + len(event.units), sample_judged=())


def sample_judged(card: Accession | None, event: sampling.SampleJudged, envelope: Envelope) -> Accession | None:
    """A sampled unit was judged."""
    if card is None:
        return None
    judged = (*(unit for unit in card.sample_judged if unit != event.unit), event.unit)
    return changed(card, envelope, sample="open", sample_judged=judged)


def sample_concluded(card: Accession | None, event: sampling.SampleConcluded, envelope: Envelope) -> Accession | None:
    """What came of the sample."""
    return changed(card, envelope, sample="passed" if event.outcome is Outcome.PASSED else "failed")


def printed(card: Accession | None, _: accession.HandoverPrinted, envelope: Envelope) -> Accession | None:
    """A form lies ready for signature."""
    return changed(card, envelope, handover="printed")


def signed(card: Accession | None, _: accession.HandoverSigned, envelope: Envelope) -> Accession | None:
    """The signed form is kept."""
    return changed(card, envelope, handover="signed")
