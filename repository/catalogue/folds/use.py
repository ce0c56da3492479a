"""Use: access requests (利用申请), from the registration to the rating, and opening reviews (开放审核)."""

from uuid import UUID

from msgspec.structs import replace

from repository.catalogue.cards import AccessRequest, Grant, OpeningReview, changed, moment, sealed_among, words_of
from repository.domain import access_request, opening_review
from repository.domain.envelope import Envelope


def use_registered(
    card: AccessRequest | None, event: access_request.UseRegistered, envelope: Envelope
) -> AccessRequest:
    """Who comes, in which capacity and for what."""
    opened = card or _opened(envelope)
    return replace(
        opened,
        changed=moment(envelope),
        sealed=_sealed(opened, sealed_among(represented=event.represented, detail=event.detail)),
        state="registered" if card is None else card.state,
        requesters=event.requesters,
        reader=event.reader,
        capacity=event.capacity,
        channel=event.channel,
        purpose_kind=event.purpose,
        reply_by=event.reply_by,
    )


def requested(card: AccessRequest | None, event: access_request.Requested, envelope: Envelope) -> AccessRequest:
    """Somebody asks for records; the one on whose behalf it is asked is the requester."""
    opened = card or _opened(envelope)
    return replace(
        opened,
        changed=moment(envelope),
        sealed=_sealed(opened, sealed_among(purpose=event.purpose)),
        state="requested",
        packages=event.packages,
        paths=event.paths,
        purpose=words_of(event.purpose),
    )


def assigned(card: AccessRequest | None, event: access_request.Assigned, envelope: Envelope) -> AccessRequest | None:
    """Who is to decide."""
    return changed(card, envelope, assigned=event.to)


def granted(card: AccessRequest | None, event: access_request.Granted, envelope: Envelope) -> AccessRequest | None:
    """It may be used."""
    grant = Grant(
        packages=event.packages,
        paths=event.paths,
        until=event.until,
        copies=event.copies,
        conditions=words_of(event.conditions),
        decided_by=event.decided_by,
    )
    return card and changed(
        card,
        envelope,
        state="granted",
        grant=grant,
        refused_on=None,
        sealed=_sealed(card, sealed_among(conditions=event.conditions)),
    )


def grant_revoked(
    card: AccessRequest | None, _: access_request.GrantRevoked, envelope: Envelope
) -> AccessRequest | None:
    """It may be used no longer; somebody has to decide again."""
    return changed(card, envelope, state="revoked", grant=None)


def refused(card: AccessRequest | None, event: access_request.Refused, envelope: Envelope) -> AccessRequest | None:
    """It is not given. Where the rules alone refused, what people decided on a registered use stands."""
    if card is None:
        return None
    denials = card.denials + (0 if event.decided_by else 1)
    if not event.decided_by and card.reader is not None:
        return changed(card, envelope, denials=denials)
    return changed(card, envelope, state="refused", grant=None, refused_on=event.ground, denials=denials)


def viewed(card: AccessRequest | None, event: access_request.ContentViewed, envelope: Envelope) -> AccessRequest | None:
    """So many files were shown."""
    return card and changed(card, envelope, views=card.views + len(event.paths))


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


def certified(
    card: AccessRequest | None, event: access_request.CertificateIssued, envelope: Envelope
) -> AccessRequest | None:
    """A certificate more."""
    return card and changed(card, envelope, certificates=(*card.certificates, str(event.certificate)))


def certificate_annulled(
    card: AccessRequest | None, event: access_request.CertificateAnnulled, envelope: Envelope
) -> AccessRequest | None:
    """A certificate less."""
    left = () if card is None else tuple(one for one in card.certificates if one != str(event.certificate))
    return changed(card, envelope, certificates=left)


def rated(card: AccessRequest | None, event: access_request.Rated, envelope: Envelope) -> AccessRequest | None:
    """How satisfied the reader was."""
    return changed(card, envelope, rating=event.score)


def closed(card: AccessRequest | None, event: access_request.Closed, envelope: Envelope) -> AccessRequest | None:
    """The request is at its end."""
    return changed(card, envelope, state="closed", outcome=event.outcome)


def proposed(_: OpeningReview | None, event: opening_review.Proposed, envelope: Envelope) -> OpeningReview:
    """Records are to be judged."""
    now = moment(envelope)
    return OpeningReview(
        id=envelope.stream,
        archive=envelope.archive,
        opened=now,
        changed=now,
        rule=event.rule,
        packages=tuple(one.package for one in event.candidates),
    )


def opinion_given(
    card: OpeningReview | None, event: opening_review.OpinionGiven, envelope: Envelope
) -> OpeningReview | None:
    """An opinion more, or another one of the same reviewer."""
    if card is None:
        return None
    reviewers = (*(one for one in card.reviewers if one != event.reviewer), event.reviewer)
    state = card.state
    if state == "proposed" and len(reviewers) >= opening_review.REVIEWERS:
        state = "reviewed"
    return changed(card, envelope, reviewers=reviewers, state=state)


def unit_answered(
    card: OpeningReview | None, event: opening_review.UnitAnswered, envelope: Envelope
) -> OpeningReview | None:
    """The unit was heard."""
    return changed(card, envelope, unit=event.answer, state="heard")


def decided(card: OpeningReview | None, event: opening_review.Decided, envelope: Envelope) -> OpeningReview | None:
    """What came of it."""
    return changed(card, envelope, state="decided", controlled=len(event.control), passed_over=len(event.passed_over))


def withdrawn(card: OpeningReview | None, _: opening_review.Withdrawn, envelope: Envelope) -> OpeningReview | None:
    """It ended without a decision."""
    return changed(card, envelope, state="withdrawn")


def _opened(envelope: Envelope) -> AccessRequest:
    now = moment(envelope)
    requester: UUID = envelope.on_behalf_of or envelope.actor
    return AccessRequest(id=envelope.stream, archive=envelope.archive, opened=now, changed=now, requester=requester)


def _sealed(card: AccessRequest, names: tuple[str, ...]) -> tuple[str, ...]:
    return (*(name for name in card.sealed if name not in names), *names)
