"""Folds (投影规则): how each type of event changes the card of its stream. Pure, one small function per type.

A fold takes the card as it stands (null: none yet), the payload and the envelope, and answers the card after it. An
event that finds no card leaves none; only those in `OPENING`, and a description's own two, make one.

`PayloadExpunged` changes no card: rows of the past still hold the words that were removed from the log. Expunging is
therefore complete only when the catalogue was made anew from what the log now says.
"""

from collections.abc import Callable
from typing import Any

from repository.catalogue.cards import Card
from repository.catalogue.folds import custody, people, records, work

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
    "Accession.HandoverPrinted": custody.printed,
    "Accession.HandoverSigned": custody.signed,
    "ArchivalPackage.Created": records.created,
    "ArchivalPackage.FormatsIdentified": records.identified,
    "ArchivalPackage.VirusChecked": records.virus_checked,
    "ArchivalPackage.Stored": records.stored,
    "ArchivalPackage.Redelivered": records.redelivered,
    "ArchivalPackage.PagesDeclared": records.declared,
    "ArchivalPackage.Digitised": records.digitised,
    "ArchivalPackage.MetadataRevised": records.metadata_revised,
    "ArchivalPackage.ContentRevised": records.content_revised,
    "ArchivalPackage.FixityFailed": records.fixity_failed,
    "Description.Described": records.described,
    "Description.Revised": records.described,
    "Description.Moved": records.moved,
    "Description.Merged": records.merged,
    "Description.Divided": records.divided,
    "Description.Closed": records.closed,
    "AccessRequest.Requested": work.requested,
    "AccessRequest.DipAssembled": work.assembled,
    "AccessRequest.DipDelivered": work.delivered,
    "AccessRequest.Closed": work.closed,
    "Agent.Registered": people.registered,
    "Agent.RoleGranted": people.granted,
    "Agent.RoleRevoked": people.revoked,
    "Agent.CredentialIssued": people.issued,
    "Agent.CredentialRevoked": people.withdrawn,
    "Producer.Registered": people.registered,
    "Run.Started": work.started,
    "Run.Progressed": work.progressed,
    "Run.Verified": work.verified,
    "Run.Finished": work.finished,
}
"""Types that leave a trace in a card. Reservations do not: a 档号 is found through the descriptions that bear it."""

OPENING = frozenset(
    {
        "Accession.Opened",
        "ArchivalPackage.Created",
        "AccessRequest.Requested",
        "Agent.Registered",
        "Producer.Registered",
        "Run.Started",
    }
)
"""Types that begin a card whatever went before."""
