"""Folds (投影规则): how each type of event changes the card of its stream. Pure, one small function per type.

A fold takes the card as it stands (null: none yet), the payload and the envelope, and answers the card after it. An
event that finds no card leaves none; only those in `OPENING`, and a description's own two, make one.

`PayloadExpunged` changes no card: rows of the past still hold the words that were removed from the log. Expunging is
therefore complete only when the catalogue was made anew from what the log now says.
"""

from collections.abc import Callable
from typing import Any

from repository.catalogue.cards import Card
from repository.catalogue.folds import custody, people, quality, records, use, work

Fold = Callable[[Any, Any, Any], Card | None]
"""(card so far, payload, envelope) -> card. Which cards and payloads belong together, the type's name says."""

FOLDS: dict[str, Fold] = {
    "Accession.Opened": custody.opened,
    "Accession.DeliveryReceived": custody.received,
    "Accession.Planned": custody.planned,
    "Accession.DeliveryValidated": custody.judged,
    "Accession.DeliveryRejected": custody.judged,
    "Accession.Accepted": custody.accepted,
    "Accession.Completed": custody.completed,
    "Accession.TermsAgreed": custody.agreed,
    "Accession.WorkSheetRecorded": custody.worked,
    "Accession.ReviewRequired": custody.to_review,
    "Accession.UnitsAccepted": custody.chosen,
    "Accession.Returned": custody.returned,
    "Accession.PartCompleted": custody.part_completed,
    "Accession.SampleDrawn": custody.sample_drawn,
    "Accession.SampleJudged": custody.sample_judged,
    "Accession.SampleConcluded": custody.sample_concluded,
    "Accession.HandoverPrinted": custody.printed,
    "Accession.HandoverSigned": custody.signed,
    "ArchivalPackage.Created": records.created,
    "ArchivalPackage.FormatsIdentified": records.identified,
    "ArchivalPackage.VirusChecked": records.virus_checked,
    "ArchivalPackage.IdentifiersRecorded": records.named,
    "ArchivalPackage.Stored": records.stored,
    "ArchivalPackage.Redelivered": records.redelivered,
    "ArchivalPackage.PagesDeclared": records.declared,
    "ArchivalPackage.Digitised": records.digitised,
    "ArchivalPackage.MetadataRevised": records.metadata_revised,
    "ArchivalPackage.ContentRevised": records.content_revised,
    "ArchivalPackage.FixityFailed": records.fixity_failed,
    "ArchivalPackage.QualityAssessed": quality.assessed,
    "ArchivalPackage.QualityReviewed": quality.reviewed,
    "Description.Described": records.described,
    "Description.Revised": records.described,
    "Description.Moved": records.moved,
    "Description.Merged": records.merged,
    "Description.Divided": records.divided,
    "Description.Closed": records.closed,
    "ArchivalPackage.AccessStatusChanged": records.access_changed,
    "ArchivalPackage.HoldPlaced": records.hold_placed,
    "ArchivalPackage.HoldReleased": records.hold_released,
    "AccessRequest.UseRegistered": use.use_registered,
    "AccessRequest.Assigned": use.assigned,
    "AccessRequest.Granted": use.granted,
    "AccessRequest.GrantRevoked": use.grant_revoked,
    "AccessRequest.Refused": use.refused,
    "AccessRequest.ContentViewed": use.viewed,
    "AccessRequest.CertificateIssued": use.certified,
    "AccessRequest.CertificateAnnulled": use.certificate_annulled,
    "AccessRequest.Rated": use.rated,
    "AccessRequest.Requested": use.requested,
    "AccessRequest.DipAssembled": use.assembled,
    "AccessRequest.DipDelivered": use.delivered,
    "AccessRequest.Closed": use.closed,
    "Agent.Registered": people.registered,
    "Agent.RoleGranted": people.granted,
    "Agent.RoleRevoked": people.revoked,
    "Agent.CredentialIssued": people.issued,
    "Agent.CredentialRevoked": people.withdrawn,
    "Agent.DeputyAppointed": people.appointed,
    "Agent.DeputyEnded": people.dismissed,
    "Producer.Registered": people.registered,
    "Reader.Introduced": people.introduced,
    "Reader.SubjectKeyDestroyed": people.key_destroyed,
    "OpeningReview.Proposed": use.proposed,
    "OpeningReview.OpinionGiven": use.opinion_given,
    "OpeningReview.UnitAnswered": use.unit_answered,
    "OpeningReview.Decided": use.decided,
    "OpeningReview.Withdrawn": use.withdrawn,
    "Run.Started": work.started,
    "Run.Progressed": work.progressed,
    "Run.Verified": work.verified,
    "Run.VerdictsCompared": work.compared,
    "Run.Finished": work.finished,
}
"""Types that leave a trace in a card. Reservations do not: a 档号 is found through the descriptions that bear it."""

OPENING = frozenset(
    {
        "Accession.Opened",
        "ArchivalPackage.Created",
        "AccessRequest.UseRegistered",
        "AccessRequest.Requested",
        "Reader.Introduced",
        "OpeningReview.Proposed",
        "Agent.Registered",
        "Producer.Registered",
        "Run.Started",
    }
)
"""Types that begin a card whatever went before."""
