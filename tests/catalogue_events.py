"""Payloads for the catalogue's tests: ordinary ones, of which a test changes what it is about."""

import msgspec

from repository.domain import access_request, accession, archival_package
from repository.domain.description import Fields
from repository.domain.values import (
    AccessionKind,
    Carrier,
    DeliveryForm,
    Finding,
    Level,
    Outcome,
    RecordType,
    SecrecyClass,
)
from tests.histories import NOTHING, identity

FIELDS = Fields(
    level=Level.ITEM,
    parent=None,
    package=None,
    reference_code=None,
    fonds_code="0001",
    title="民国二十年地契",
    responsible_party="县政府",
    date="1931",
    year=1931,
    retention_period="永久",
    secrecy_class=SecrecyClass.OPEN,
    page_count=3,
    record_type=RecordType.TEXT,
    carrier=Carrier.PAPER,
)


def fields(**changes: object) -> Fields:
    """A description's fields."""
    return msgspec.structs.replace(FIELDS, **changes)


def opened(**changes: object) -> accession.Opened:
    """An accession's beginning."""
    plain = accession.Opened(
        kind=AccessionKind.TRANSFER,
        producer=identity("producer 0"),
        transfer_number=None,
        source="/deliveries/1",
        per_folder=False,
        title="1931年移交",
    )
    return msgspec.structs.replace(plain, **changes)


def received(number: int) -> accession.DeliveryReceived:
    """A delivery."""
    return accession.DeliveryReceived(
        delivery=number,
        form=DeliveryForm.FOLDER,
        source="/deliveries/1",
        per_folder=False,
        files=6,
        bytes=600 + number,
        listing_sha256=NOTHING,
    )


def unit(number: int) -> accession.Unit:
    """A unit of a delivery."""
    package, described = identity(f"package {number}"), identity(f"description {number}")
    return accession.Unit(path=str(number), package=package, description=described, reference_code=None)


def finding() -> Finding:
    """What a delivery was rejected for."""
    return Finding(code="bag.payload-missing", path="data/1.tif", expected="1", found="")


def created(number: int, accession_number: int = 0) -> archival_package.Created:
    """A package's beginning."""
    return archival_package.Created(
        accession=identity(f"accession {accession_number}"),
        delivery=1,
        unit=str(number),
        description=identity(f"description {number}"),
        record_type=RecordType.TEXT,
        secrecy_class=SecrecyClass.OPEN,
        files=3,
        bytes=300,
    )


def formats() -> archival_package.FormatsIdentified:
    """Three TIFF files."""
    return archival_package.FormatsIdentified(
        tool="siegfried",
        signatures="V125",
        files=3,
        formats=(archival_package.FormatCount(puid="fmt/353", files=3),),
        formats_sha256=NOTHING,
    )


def virus_checked(outcome: Outcome) -> archival_package.VirusChecked:
    """A virus check with that outcome."""
    infected = ("1.tif",) if outcome is Outcome.FAILED else ()
    return archival_package.VirusChecked(outcome=outcome, tool=None, signatures=None, files=3, infected=infected)


def stored(version: int) -> archival_package.Stored:
    """A version in the store."""
    return archival_package.Stored(
        generation=1,
        version=version,
        profile="aip-plain/1",
        files=24,
        bytes=2_400,
        manifest_sha256=NOTHING,
        tagmanifest_sha256=NOTHING,
        inventory_sha256=NOTHING,
    )


def requested(number: int) -> access_request.Requested:
    """A request for one package."""
    return access_request.Requested(packages=(identity(f"package {number}"),), paths=(), purpose="编史修志")
