"""dc.xml: simple Dublin Core (ISO 15836), the part of a description that everybody's software reads."""

from typing import BinaryIO

from lxml import etree

from packages_spec.descriptive.description import Description
from packages_spec.safe_xml import parse
from packages_spec.xml_text import DECLARATION, text

Statements = tuple[tuple[str, str], ...]
"""Dublin Core element names with their values, in order."""

_DC = "http://purl.org/dc/elements/1.1/"
_HEAD = f'{DECLARATION}<oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" xmlns:dc="{_DC}">\n'
_TYPES = {"text": "Text", "image": "StillImage", "audio": "Sound", "video": "MovingImage", "database": "Dataset"}


def dublin_core(description: Description) -> Statements:
    """The description in Dublin Core; `type` is a term of the DCMI Type Vocabulary."""
    date = description.date or (None if description.year is None else str(description.year))
    statements: tuple[tuple[str, str | None], ...] = (
        ("title", description.title),
        ("creator", description.responsible_party),
        ("date", date),
        ("type", _TYPES[description.record_type]),
        ("identifier", description.reference_code),
        ("identifier", None if description.package is None else f"urn:uuid:{description.package}"),
        ("rights", description.access_status),
    )
    about = description.subject
    if about is not None:
        statements += (
            *(("subject", word) for word in about.keywords),
            ("description", about.abstract),
            ("language", about.language),
        )
    return tuple((name, value) for name, value in statements if value is not None)


def write_dc(statements: Statements) -> bytes:
    """Dublin Core statements as dc.xml."""
    lines = "".join(f"<dc:{name}>{text(value)}</dc:{name}>\n" for name, value in statements)
    return f"{_HEAD}{lines}</oai_dc:dc>\n".encode()


def read_dc(source: bytes | BinaryIO, path: str = ".") -> Statements:
    """The statements of dc.xml, whatever its root element is called. Raises UnsafeXml."""
    nodes = parse(source, path).iter(f"{{{_DC}}}*")
    return tuple((etree.QName(node).localname, node.text or "") for node in nodes)
