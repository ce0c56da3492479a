"""Records: descriptions (著录) and archival packages (存档信息包)."""

from repository.catalogue.cards import (
    Description,
    OldIdentifier,
    Package,
    StoredVersion,
    changed,
    moment,
    sealed_among,
    words_of,
)
from repository.domain import archival_package, description
from repository.domain.envelope import Envelope


def described(
    card: Description | None, event: description.Described | description.Revised, envelope: Envelope
) -> Description:
    """First description and revision alike bring every field."""
    now = moment(envelope)
    fields = event.fields
    title, party = fields.title, fields.responsible_party
    return Description(
        id=envelope.stream,
        archive=envelope.archive,
        opened=now if card is None else card.opened,
        changed=now,
        annulled=() if card is None else card.annulled,
        sealed=sealed_among(title=title, responsible_party=party),
        level=fields.level,
        parent=fields.parent,
        package=fields.package,
        reference_code=fields.reference_code,
        fonds_code=fields.fonds_code,
        title=words_of(title),
        responsible_party=words_of(party),
        date=fields.date,
        year=fields.year,
        retention_period=fields.retention_period,
        secrecy_class=fields.secrecy_class,
        page_count=fields.page_count,
        record_type=fields.record_type,
        carrier=fields.carrier,
    )


def created(_: Package | None, event: archival_package.Created, envelope: Envelope) -> Package:
    """The package exists."""
    now = moment(envelope)
    return Package(
        id=envelope.stream,
        archive=envelope.archive,
        opened=now,
        changed=now,
        accession=event.accession,
        delivery=event.delivery,
        unit=event.unit,
        description=event.description,
        record_type=event.record_type,
        secrecy_class=event.secrecy_class,
        files=event.files,
        bytes=event.bytes,
    )


def identified(card: Package | None, event: archival_package.FormatsIdentified, envelope: Envelope) -> Package | None:
    """How many files have which PRONOM id."""
    return changed(card, envelope, formats=event.formats)


def virus_checked(card: Package | None, event: archival_package.VirusChecked, envelope: Envelope) -> Package | None:
    """What came of the virus check; not checked is no pass."""
    return changed(card, envelope, virus=event.outcome)


def named(card: Package | None, event: archival_package.IdentifiersRecorded, envelope: Envelope) -> Package | None:
    """What the content was called elsewhere."""
    names = tuple(OldIdentifier(one.kind, one.value) for one in event.identifiers)
    return changed(card, envelope, system=event.system, identifiers=names)


def stored(card: Package | None, event: archival_package.Stored, envelope: Envelope) -> Package | None:
    """The newest version in the store."""
    stored = StoredVersion(
        position=envelope.position,
        generation=event.generation,
        version=event.version,
        profile=event.profile,
        files=event.files,
        bytes=event.bytes,
        manifest_sha256=event.manifest_sha256,
        tagmanifest_sha256=event.tagmanifest_sha256,
        inventory_sha256=event.inventory_sha256,
    )
    return changed(card, envelope, stored=stored, damaged=None)


def fixity_failed(card: Package | None, _: archival_package.FixityFailed, envelope: Envelope) -> Package | None:
    """The newest version is damaged, and has been since this event at the latest."""
    return card and changed(card, envelope, damaged=card.damaged or moment(envelope))
