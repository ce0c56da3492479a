"""Corrections (更正): no decision is a dead end, and none is erased.

Any stream may carry these two. What a person caused is reversed by an event of its own (a role is revoked, a reference
code released, a description revised) or, where the domain has no reverse, annulled in the stream that it stands in.
"""

from collections.abc import Sequence
from uuid import UUID

from repository.domain.values import Confidential, Value
from repository.errors import ArchiveError


class Annulled(Value, frozen=True, kw_only=True):
    """An event of this stream counts as never having happened; why, and who else agreed."""

    event: UUID
    position: int
    reason: Confidential
    approver: UUID


class PayloadExpunged(Value, frozen=True, kw_only=True):
    """The payload at `position` was removed on a legal basis; `replacement` is its JSON with the free text blanked."""

    event: UUID
    position: int
    approvers: tuple[UUID, UUID]
    legal_basis: Confidential
    replacement: str


def annulled_among(annulments: Sequence[tuple[UUID, UUID]]) -> frozenset[UUID]:
    """The events that count as never having happened, from annulments in their order, each as (its own id, its event).

    An annulment that was annulled itself annuls nothing: a mistaken correction is put right in the same way.
    """
    gone: set[UUID] = set()
    for annulment, event in reversed(annulments):
        if annulment not in gone:
            gone.add(event)
    return frozenset(gone)


def annul(event: UUID, position: int, *, actor: UUID, approver: UUID, reason: str) -> Annulled:
    """Annul an event. Refused without a reason and without a second person."""
    if not reason.strip():
        raise ArchiveError("reason-missing", event)
    if actor == approver:
        raise ArchiveError("second-person-needed", event)
    return Annulled(event=event, position=position, reason=reason, approver=approver)
