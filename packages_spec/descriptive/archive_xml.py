"""archive.xml: the whole description in our own schema, `archive.xsd`, which every package carries.

Version 1.0: a common part, and the section `document`. Later minor versions add sections in namespaces of their own,
which this reader passes over, so that every version 1 reader reads every version 1 document.
"""

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import BinaryIO

import msgspec
from lxml import etree

from packages_spec.descriptive.description import Description
from packages_spec.findings import Finding
from packages_spec.safe_xml import Element, UnsafeXml, parse
from packages_spec.xml_text import DECLARATION, text

VERSION = "1.0"

_NAMESPACE = "urn:jingui:archive:1"
_COMMON = {
    "package": "package",
    "level": "level",
    "reference_code": "referenceCode",
    "fonds_code": "fondsCode",
    "title": "title",
    "responsible_party": "responsibleParty",
    "date": "date",
    "year": "year",
    "retention_period": "retentionPeriod",
    "secrecy_class": "secrecyClass",
    "access_status": "accessStatus",
    "record_type": "recordType",
    "carrier": "carrier",
}
_DOCUMENT = {"page_count": "pageCount"}
_NUMBERS = {"year", "page_count"}


@cache
def schema() -> bytes:
    """The schema's bytes, as they stand in every package."""
    return files(__package__).joinpath("archive.xsd").read_bytes()


@cache
def _validator() -> etree.XMLSchema:
    return etree.XMLSchema(parse(schema(), "archive.xsd"))


def write_archive_xml(description: Description) -> bytes:
    """The description as archive.xml."""
    common = "".join(_elements(description, _COMMON))
    document = "".join(_elements(description, _DOCUMENT))
    section = f"<document>\n{document}</document>\n" if document else ""
    head = f'{DECLARATION}<archive xmlns="{_NAMESPACE}" version="{VERSION}">\n'
    return f"{head}<common>\n{common}</common>\n{section}</archive>\n".encode()


def read_archive_xml(source: bytes | BinaryIO, path: str = ".") -> Description:
    """The description that archive.xml holds. Raises UnsafeXml, also when it does not follow the schema."""
    root = parse(source, path)
    try:
        _validator().assertValid(root)
    except etree.DocumentInvalid as error:
        raise UnsafeXml(Finding("descriptive.archive-invalid", path, found=str(error))) from error
    said = {**_said(root.find(f"{{{_NAMESPACE}}}common")), **_said(root.find(f"{{{_NAMESPACE}}}document"))}
    fields: dict[str, str | int | None] = {field: said.get(name) for field, name in (_COMMON | _DOCUMENT).items()}
    for field in _NUMBERS & fields.keys():
        value = fields[field]
        fields[field] = None if value is None else int(value)
    return msgspec.convert(fields, Description)


def _elements(description: Description, names: dict[str, str]) -> Iterator[str]:
    for field, name in names.items():
        value = getattr(description, field)
        if value is not None:
            yield f"<{name}>{text(str(value))}</{name}>\n"


def _said(section: Element | None) -> dict[str, str]:
    return {} if section is None else {etree.QName(node).localname: node.text or "" for node in section}
