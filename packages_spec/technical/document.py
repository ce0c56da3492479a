"""`technical`: one element that holds a file's technical metadata, in a schema of our own (`technical.xsd`).

It stands in PREMIS 1.5.7 `objectCharacteristicsExtension` rather than in `significantProperties`, because these values
are read from the file and can be read from it again; nobody has judged which of them are significant. The creating
application has a place of its own in PREMIS (1.5.5) and stands there.
"""

from functools import cache
from importlib.resources import files

from lxml import etree

from packages_spec.safe_xml import Element
from packages_spec.technical.values import Part, Property, Technical
from packages_spec.xml_text import attribute, text

NAMESPACE = "urn:jingui:technical:1"
VERSION = "1.0"

_NS = f"{{{NAMESPACE}}}"


@cache
def schema() -> bytes:
    """The schema's bytes, as they stand in every package with such metadata."""
    return files(__package__).joinpath("technical.xsd").read_bytes()


def technical_xml(technical: Technical) -> str:
    """The element. ValueError for text that XML cannot carry."""
    head = f'<technical xmlns="{NAMESPACE}" version="{VERSION}" kind="{attribute(technical.kind)}"'
    body = "".join(map(_property, technical.properties)) + "".join(map(_part, technical.parts))
    failure = "" if technical.failure is None else f"<failure>{text(technical.failure)}</failure>"
    return f'{head} tool="{attribute(technical.tool)}">{failure}{body}</technical>'


def read_technical(element: Element, creating_application: str | None = None) -> Technical:
    """The inverse. KeyError for an element that lacks what ours always have."""
    return Technical(
        kind=str(element.attrib["kind"]),
        tool=str(element.attrib["tool"]),
        properties=_properties(element),
        parts=tuple(
            Part(str(part.attrib["kind"]), str(part.attrib["name"]), _properties(part))
            for part in element.iterfind(f"{_NS}part")
        ),
        failure=None if element.find(f"{_NS}failure") is None else element.findtext(f"{_NS}failure") or "",
        creating_application=creating_application,
    )


def _properties(element: Element) -> tuple[Property, ...]:
    found = element.iterfind(f"{_NS}property")
    return tuple(Property(str(each.attrib["name"]), each.text or "", each.get("unit")) for each in found)


def _property(value: Property) -> str:
    unit = "" if value.unit is None else f' unit="{attribute(value.unit)}"'
    return f'<property name="{attribute(value.name)}"{unit}>{text(value.value)}</property>'


def _part(value: Part) -> str:
    inner = "".join(map(_property, value.properties))
    return f'<part kind="{attribute(value.kind)}" name="{attribute(value.name)}">{inner}</part>'


@cache
def validator() -> etree.XMLSchema:
    """The schema, ready to judge."""
    return etree.XMLSchema(etree.fromstring(schema()))
