"""archive.xml: the whole description in our own schema, `archive.xsd`, which every package carries.

Version 1.0: a common part, and the section `document`. Version 1.1 adds the sections of `archive-sections.xsd`, in a
namespace of their own; a description that needs none of them is still written as 1.0, byte for byte. What stands in any
other namespace this reader passes over, so that every version 1 reader reads every version 1 document.
"""

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import BinaryIO

import msgspec
from lxml import etree

from packages_spec.descriptive.description import Description
from packages_spec.descriptive.sections import SECTIONS, Section
from packages_spec.findings import Finding
from packages_spec.safe_xml import Element, UnsafeXml, parse
from packages_spec.xml_text import DECLARATION, text

VERSIONS = {"1.0": ("archive.xsd",), "1.1": ("archive.xsd", "archive-sections.xsd")}
"""Each version, and the files that are its schema."""

_NAMESPACE = "urn:jingui:archive:1"
_SECTIONS = "urn:jingui:archive:1:sections"
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
_REPEATED = {"keywords", "file"}


def version_of(description: Description) -> str:
    """The least version that can say all of it."""
    return "1.1" if any(getattr(description, name) is not None for name in SECTIONS) else "1.0"


@cache
def schema(name: str = "archive.xsd") -> bytes:
    """The bytes of a file of the schema, as they stand in every package."""
    return files(__package__).joinpath(name).read_bytes()


@cache
def _validator(name: str) -> etree.XMLSchema:
    return etree.XMLSchema(parse(schema(name), name))


def write_archive_xml(description: Description) -> bytes:
    """The description as archive.xml."""
    common = "".join(_elements(description, _COMMON))
    document = "".join(_elements(description, _DOCUMENT))
    section = f"<document>\n{document}</document>\n" if document else ""
    section += "".join(_section(name, getattr(description, name)) for name in SECTIONS)
    head = f'{DECLARATION}<archive xmlns="{_NAMESPACE}" version="{version_of(description)}">\n'
    return f"{head}<common>\n{common}</common>\n{section}</archive>\n".encode()


def read_archive_xml(source: bytes | BinaryIO, path: str = ".") -> Description:
    """The description that archive.xml holds. Raises UnsafeXml, also when it does not follow the schema."""
    root = parse(source, path)
    try:
        _validator("archive.xsd").assertValid(root)
        for element in root.iterfind(f"{{{_SECTIONS}}}*"):
            _validator("archive-sections.xsd").assertValid(element)
    except etree.DocumentInvalid as error:
        raise UnsafeXml(Finding("descriptive.archive-invalid", path, found=str(error))) from error
    said = {**_said(root.find(f"{{{_NAMESPACE}}}common")), **_said(root.find(f"{{{_NAMESPACE}}}document"))}
    fields: dict[str, str | int | None] = {field: said.get(name) for field, name in (_COMMON | _DOCUMENT).items()}
    for field in _NUMBERS & fields.keys():
        value = fields[field]
        fields[field] = None if value is None else int(value)
    return msgspec.convert(fields | dict(_sections_said(root)), Description)


def _section(name: str, section: Section | None) -> str:
    """A section as an element, its fields as elements in it; keywords and files are one element each."""
    if section is None:
        return ""
    lines = []
    for field in msgspec.structs.fields(section):
        value = getattr(section, field.name)
        several = value if isinstance(value, tuple) else () if value is None else (value,)
        lines += [f"<{field.encode_name}>{text(str(words))}</{field.encode_name}>\n" for words in several]
    return f'<{name} xmlns="{_SECTIONS}">\n{"".join(lines)}</{name}>\n'


def _sections_said(root: Element) -> Iterator[tuple[str, Section]]:
    for name, kind in SECTIONS.items():
        element = root.find(f"{{{_SECTIONS}}}{name}")
        if element is not None:
            said: dict[str, str | list[str]] = {}
            for node in element:
                field, words = etree.QName(node).localname, node.text or ""
                said[field] = [*said.get(field, ()), words] if field in _REPEATED else words
            yield name, msgspec.convert(said, kind, strict=False)


def _elements(description: Description, names: dict[str, str]) -> Iterator[str]:
    for field, name in names.items():
        value = getattr(description, field)
        if value is not None:
            yield f"<{name}>{text(str(value))}</{name}>\n"


def _said(section: Element | None) -> dict[str, str]:
    return {} if section is None else {etree.QName(node).localname: node.text or "" for node in section}
