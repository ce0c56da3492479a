"""Every event type that the log can hold: its stable name, its schema number, its payload, and its correction.

A type's name never changes and never names a module. `correction` is the event by which a person's mistake of this
type is put right; a test fails for a type without one.
"""

from functools import cache
from typing import Any

import msgspec

from repository.domain import (
    access_request,
    accession,
    agent,
    archival_package,
    assessment,
    corrections,
    description,
    door,
    key_ring,
    opening_review,
    reader,
    removal,
    reservation,
    run,
    sampling,
)
from repository.domain.aggregate import Aggregate
from repository.domain.values import Value


class EventType(msgspec.Struct, frozen=True):
    """One type of event."""

    name: str
    schema: int
    payload: type[Value]
    correction: str


AGGREGATES: dict[str, Aggregate[Any]] = {
    aggregate.name: aggregate
    for aggregate in (
        accession.ACCESSION,
        archival_package.ARCHIVAL_PACKAGE,
        description.DESCRIPTION,
        reservation.REFERENCE_CODE,
        reservation.TRANSFER_NUMBER,
        access_request.ACCESS_REQUEST,
        agent.AGENT,
        agent.PRODUCER,
        run.RUN,
        reader.READER,
        opening_review.OPENING_REVIEW,
        key_ring.KEY_RING,
        removal.REMOVAL,
        door.DOOR,
    )
}
"""Every kind of stream by its name."""

_OWN: dict[str, dict[type[Value], str]] = {
    "Accession": {
        accession.Opened: "Annulled",
        accession.DeliveryReceived: "DeliveryRejected",
        accession.Planned: "DeliveryRejected",
        accession.DeliveryValidated: "Annulled",
        accession.DeliveryRejected: "DeliveryReceived",
        accession.Accepted: "Annulled",
        accession.Completed: "Annulled",
        accession.TermsAgreed: "TermsAgreed",
        accession.WorkSheetRecorded: "Annulled",
        accession.ReviewRequired: "Returned",
        accession.UnitsAccepted: "Annulled",
        accession.Returned: "Annulled",
        accession.PartCompleted: "Annulled",
        accession.HandoverPrinted: "HandoverPrinted",
        accession.HandoverSigned: "Annulled",
        sampling.SampleDrawn: "Annulled",
        sampling.SampleJudged: "SampleJudged",
        sampling.SampleConcluded: "SampleConcluded",
    },
    "ArchivalPackage": {
        archival_package.Created: "Annulled",
        archival_package.FormatsIdentified: "FormatsIdentified",
        archival_package.VirusChecked: "VirusChecked",
        archival_package.IdentifiersRecorded: "IdentifiersRecorded",
        archival_package.Stored: "Stored",
        archival_package.Redelivered: "Redelivered",
        archival_package.Replicated: "Replicated",
        archival_package.PagesDeclared: "Annulled",
        archival_package.Digitised: "Annulled",
        archival_package.MetadataRevised: "MetadataRevised",
        archival_package.ContentRevised: "ContentRevised",
        archival_package.FixityFailed: "Annulled",
        archival_package.AccessStatusChanged: "AccessStatusChanged",
        archival_package.HoldPlaced: "HoldReleased",
        archival_package.HoldReleased: "HoldPlaced",
        archival_package.Encrypted: "Decrypted",
        archival_package.Decrypted: "Encrypted",
        archival_package.Expunged: "Annulled",
        assessment.QualityAssessed: "QualityAssessed",
        assessment.QualityReviewed: "QualityReviewed",
    },
    "Description": {
        description.Described: "Revised",
        description.Revised: "Revised",
        description.Moved: "Moved",
        description.Merged: "Annulled",
        description.Divided: "Annulled",
        description.Closed: "Annulled",
    },
    "ReferenceCode": {reservation.Reserved: "Released", reservation.Released: "Reserved"},
    "TransferNumber": {reservation.Reserved: "Released", reservation.Released: "Reserved"},
    "AccessRequest": {
        access_request.Requested: "Closed",
        access_request.DipAssembled: "Annulled",
        access_request.DipDelivered: "Annulled",
        access_request.Closed: "Annulled",
        access_request.FormChosen: "FormChosen",
        access_request.DipRendered: "DipRendered",
        access_request.UseRegistered: "Annulled",
        access_request.Assigned: "Assigned",
        access_request.Granted: "GrantRevoked",
        access_request.GrantRevoked: "Granted",
        access_request.Refused: "Granted",
        access_request.ContentViewed: "Annulled",
        access_request.CertificateIssued: "CertificateAnnulled",
        access_request.CertificateAnnulled: "CertificateIssued",
        access_request.Rated: "Rated",
    },
    "Agent": {
        agent.Registered: "Annulled",
        agent.RoleGranted: "RoleRevoked",
        agent.RoleRevoked: "RoleGranted",
        agent.CredentialIssued: "CredentialRevoked",
        agent.CredentialRevoked: "CredentialIssued",
        agent.ScopesGranted: "CredentialRevoked",
        agent.DeputyAppointed: "DeputyEnded",
        agent.DeputyEnded: "DeputyAppointed",
    },
    "Producer": {agent.Registered: "Annulled"},
    "Run": {
        run.Started: "Finished",
        run.Progressed: "Finished",
        run.Verified: "Annulled",
        run.Rekeyed: "Annulled",
        run.Shredded: "Annulled",
        run.VerdictsCompared: "Annulled",
        run.Finished: "Annulled",
    },
    "Reader": {reader.Introduced: "Introduced", reader.SubjectKeyDestroyed: "Annulled"},
    "KeyRing": {
        key_ring.KeyCreated: "KeyRetired",
        key_ring.KeyRotated: "KeyRotated",
        key_ring.KeyRetired: "KeyReinstated",
        key_ring.KeyReinstated: "KeyRetired",
        key_ring.DestructionRequested: "DestructionWithdrawn",
        key_ring.DestructionWithdrawn: "DestructionRequested",
        key_ring.DestructionApproved: "Annulled",
        key_ring.KeyDestroyed: "Annulled",
        key_ring.KeeperChanged: "KeeperChanged",
        key_ring.BackedUp: "BackupRemoved",
        key_ring.BackupRemoved: "BackedUp",
        key_ring.RecoveryProven: "Annulled",
    },
    "OpeningReview": {
        opening_review.Proposed: "Withdrawn",
        opening_review.OpinionGiven: "OpinionGiven",
        opening_review.UnitAnswered: "UnitAnswered",
        opening_review.Decided: "Annulled",
        opening_review.Withdrawn: "Annulled",
    },
    "Removal": {
        removal.Proposed: "Withdrawn",
        removal.Approved: "Annulled",
        removal.Withdrawn: "Annulled",
        removal.Finished: "Annulled",
    },
    "Door": {door.SignedIn: "Annulled", door.SignInFailed: "Annulled", door.Denied: "Annulled"},
}

_SCHEMAS = {"ArchivalPackage.ContentRevised": 2, "Description.Described": 2, "Description.Revised": 2}
"""Types that no longer stand at their first schema; how the older ones are read is said in `upcast`."""

_ANY: dict[type[Value], str] = {corrections.Annulled: "Annulled", corrections.PayloadExpunged: "Annulled"}


@cache
def event_types() -> dict[str, EventType]:
    """Every type by its name, at its newest schema."""
    return {
        (name := f"{aggregate}.{payload.__name__}"): EventType(
            name, _SCHEMAS.get(name, 1), payload, f"{aggregate}.{correction}"
        )
        for aggregate in AGGREGATES
        for payload, correction in (_OWN[aggregate] | _ANY).items()
    }
