"""Records: descriptions (著录) and archival packages (存档信息包)."""

from typing import Any
from uuid import UUID

from msgspec.structs import replace

from repository.catalogue.cards import (
    Declared,
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
from repository.domain.description_fields import Fields
from repository.domain.envelope import Envelope
from repository.domain.values import Sealed


def described(
    card: Description | None, event: description.Described | description.Revised, envelope: Envelope
) -> Description:
    """First description and revision alike bring every field."""
    now = moment(envelope)
    fields = event.fields
    title, party, abstract, note = fields.title, fields.responsible_party, fields.abstract, fields.note
    section, hidden = _readable(fields)
    return Description(
        id=envelope.stream,
        archive=envelope.archive,
        opened=now if card is None else card.opened,
        changed=now,
        annulled=() if card is None else card.annulled,
        sealed=sealed_among(title=title, responsible_party=party, abstract=abstract, note=note) + hidden,
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
        pages_scanned=fields.pages_scanned,
        location=fields.location,
        language=fields.language,
        keywords=fields.keywords,
        abstract=words_of(abstract),
        note=words_of(note),
        files=fields.files,
        into=None if card is None else card.into,
        parts=() if card is None else card.parts,
        closed=card is not None and card.closed,
        **section,
    )


def _readable(fields: Fields) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The section of the record's type by its name, without words that cannot be read here, and the names of these."""
    section = fields.section
    if section is None:
        return {}, ()
    name = fields.record_type.value
    hidden = [field for field in section.__struct_fields__ if isinstance(getattr(section, field), Sealed)]
    plain = replace(section, **dict.fromkeys(hidden)) if hidden else section
    return {name: plain}, tuple(f"{name}.{field}" for field in hidden)


def moved(card: Description | None, event: description.Moved, envelope: Envelope) -> Description | None:
    """Another place, another 档号."""
    return changed(
        card, envelope, parent=event.parent, reference_code=event.reference_code, fonds_code=event.fonds_code
    )


def merged(card: Description | None, event: description.Merged, envelope: Envelope) -> Description | None:
    """It leads to the survivor."""
    return changed(card, envelope, into=event.into)


def divided(card: Description | None, event: description.Divided, envelope: Envelope) -> Description | None:
    """It leads to its parts."""
    return changed(card, envelope, parts=event.parts)


def closed(card: Description | None, _: description.Closed, envelope: Envelope) -> Description | None:
    """Nothing more is placed below it."""
    return changed(card, envelope, closed=True)


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
    """The newest version in the store; it has taken up the revisions that waited."""
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
    tells = card and (card.tells if card.revising is None else card.revising)
    return changed(card, envelope, stored=stored, tells=tells, revising=None, damaged=None)


def metadata_revised(
    card: Package | None, event: archival_package.MetadataRevised, envelope: Envelope
) -> Package | None:
    """The next version will tell of the description as it stood at that position."""
    return changed(card, envelope, revising=event.position)


def content_revised(card: Package | None, _: archival_package.ContentRevised, envelope: Envelope) -> Package | None:
    """The next version will hold other bytes; what it holds, its files say."""
    return changed(card, envelope)


def fixity_failed(card: Package | None, _: archival_package.FixityFailed, envelope: Envelope) -> Package | None:
    """The newest version is damaged, and has been since this event at the latest."""
    return card and changed(card, envelope, damaged=card.damaged or moment(envelope))


def redelivered(card: Package | None, event: archival_package.Redelivered, envelope: Envelope) -> Package | None:
    """The unit came again: what is known of it is of this delivery."""
    return changed(
        card,
        envelope,
        delivery=event.delivery,
        record_type=event.record_type,
        secrecy_class=event.secrecy_class,
        files=event.files,
        bytes=event.bytes,
        declared=(),
        contractors=(),
        quality="not-tested",
        judged=(),
        judged_parts=0,
        judged_by=None,
        odd_pages=(),
    )


def declared(card: Package | None, event: archival_package.PagesDeclared, envelope: Envelope) -> Package | None:
    """What the producer says of single pages."""
    said = tuple(
        Declared(pages=one.pages, condition=one.condition, reason=words_of(one.reason)) for one in event.declared
    )
    return card and changed(card, envelope, declared=(*card.declared, *said))


def digitised(card: Package | None, event: archival_package.Digitised, envelope: Envelope) -> Package | None:
    """Who digitised it, each once."""
    named = dict.fromkeys(one.contractor for one in event.work)
    return card and changed(card, envelope, contractors=tuple(dict.fromkeys((*card.contractors, *named))))


def access_changed(
    card: Package | None, event: archival_package.AccessStatusChanged, envelope: Envelope
) -> Package | None:
    """Open or controlled, and the class as it is now."""
    return card and changed(
        card,
        envelope,
        secrecy_class=event.secrecy_class,
        access=event.status,
        access_way=event.way,
        ground=event.ground,
        opening_date=event.opening_date,
        controlled_until=event.controlled_until,
        decided_by=event.decided_by,
        revision=card.revision + 1,
    )


def hold_placed(card: Package | None, event: archival_package.HoldPlaced, envelope: Envelope) -> Package | None:
    """A hold more."""
    return card and changed(card, envelope, holds=(*_other_holds(card, event.hold), event.hold))


def hold_released(card: Package | None, event: archival_package.HoldReleased, envelope: Envelope) -> Package | None:
    """A hold less."""
    return card and changed(card, envelope, holds=_other_holds(card, event.hold))


def _other_holds(card: Package, hold: UUID) -> tuple[UUID, ...]:
    return tuple(one for one in card.holds if one != hold)
