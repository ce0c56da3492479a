"""Reading PREMIS 3.0 as a stream of values: the inverse of the writer, in memory that does not grow."""

import re
from collections.abc import Callable, Iterator
from typing import BinaryIO

from packages_spec.findings import Finding
from packages_spec.premis.values import (
    Agent,
    AgentLink,
    Enclosed,
    Event,
    EventType,
    FileObject,
    Format,
    Identifier,
    PackageEntity,
    Representation,
    Rights,
    Source,
)
from packages_spec.premis.writer import UNKNOWN_FORMAT
from packages_spec.safe_xml import Element, UnsafeXml, stream
from packages_spec.technical import NAMESPACE, read_technical
from packages_spec.xml_text import original_name, path_of

Statement = PackageEntity | Representation | FileObject | Event | Agent | Rights

_PREMIS = "{http://www.loc.gov/premis/v3}"
_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_EVENT_TYPES = {member.value: member for member in EventType}
_SOURCE = re.compile(r"urn:uuid:([^/]+)/v(\d+)")


def read_premis(source: bytes | BinaryIO, path: str = ".") -> Iterator[Statement]:
    """Objects, events, agents and rights, in document order, as `premis_documents` writes them.

    Raises UnsafeXml for a document that must not be read, and for a statement that lacks what ours always hold (PREMIS
    itself lets others leave out a file's size, digest and place, and an event's detail).
    """
    tags = [_PREMIS + name for name in ("object", "event", "agent", "rights")]
    for event, element in stream(source, tags, path):
        if event == "end":
            try:
                yield _READERS[_kind(element)](element)
            except (KeyError, ValueError) as error:
                raise UnsafeXml(Finding("premis.malformed", path, found=f"{_kind(element)}: {error}")) from error


def _kind(element: Element) -> str:
    name = element.tag.removeprefix(_PREMIS)
    return element.get(_TYPE, "").rpartition(":")[2] if name == "object" else name


def _fields(element: Element) -> dict[str, str]:
    """Every text of PREMIS's own in the element by its tag's name; elements that repeat are read on their own."""
    start = len(_PREMIS)
    return {node.tag[start:]: node.text or "" for node in element.iter(f"{_PREMIS}*")}


def _file(element: Element) -> FileObject:
    said = _fields(element)
    original = said.get("originalName")
    extension = next(element.iter(f"{{{NAMESPACE}}}technical"), None)
    return FileObject(
        identifier=Identifier(said["objectIdentifierType"], said["objectIdentifierValue"]),
        location=path_of(said["contentLocationValue"]),
        size=int(said["size"]),
        sha256=_sha256(element),
        format=_format(said),
        original_name=None if original is None else original_name(original),
        technical=None if extension is None else read_technical(extension, said.get("creatingApplicationName")),
        enclosed=_enclosed(element, said),
    )


def _enclosed(element: Element, said: dict[str, str]) -> Enclosed | None:
    """What stands at the innermost level, where something keeps one from it. The outer level is read last, and wins."""
    inner = element.find(f"{_PREMIS}objectCharacteristics")
    if "inhibitorType" not in said or inner is None:
        return None
    return Enclosed(_format(_fields(inner)), said["inhibitorType"], said.get("inhibitorKey", ""))


def _sha256(element: Element) -> str:
    for fixity in element.iter(f"{_PREMIS}fixity"):
        if fixity.findtext(f"{_PREMIS}messageDigestAlgorithm") == "SHA-256":
            return fixity.findtext(f"{_PREMIS}messageDigest") or ""
    raise KeyError("SHA-256")


def _format(said: dict[str, str]) -> Format:
    name = said.get("formatName")
    return Format(
        name=None if name == UNKNOWN_FORMAT else name,
        version=said.get("formatVersion"),
        puid=said.get("formatRegistryKey"),
        basis=said.get("formatNote"),
    )


def _representation(element: Element) -> Representation:
    return Representation(_identifiers(element, "object")[0], _identifiers(element, "relatedObject")[0])


def _entity(element: Element) -> PackageEntity:
    identifier, *others = _identifiers(element, "object")
    sources = tuple(_source(node) for node in element.iterfind(f"{_PREMIS}relationship"))
    return PackageEntity(identifier, tuple(others), sources)


def _source(element: Element) -> Source:
    target = _SOURCE.fullmatch(_identifiers(element, "relatedObject")[0].value)
    if target is None:
        raise ValueError("relatedObjectIdentifierValue")
    events = _identifiers(element, "relatedEvent")
    return Source(target[1], int(target[2]), events[0].value if events else None)


def _event(element: Element) -> Event:
    said = _fields(element)
    roles = [
        node.findtext(f"{_PREMIS}linkingAgentRole") or "" for node in element.iter(f"{_PREMIS}linkingAgentIdentifier")
    ]
    agents = map(AgentLink, _identifiers(element, "linkingAgent"), roles)
    return Event(
        identifier=said["eventIdentifierValue"],
        type=_EVENT_TYPES[said["eventType"]],
        time=said["eventDateTime"],
        detail=said["eventDetail"],
        outcome=said["eventOutcome"],
        outcome_note=said.get("eventOutcomeDetailNote"),
        agents=tuple(agents),
        objects=tuple(_identifiers(element, "linkingObject")),
    )


def _agent(element: Element) -> Agent:
    said = _fields(element)
    identifier = Identifier(said["agentIdentifierType"], said["agentIdentifierValue"])
    return Agent(identifier, said["agentType"], said.get("agentName"), said.get("agentVersion"))


def _rights(element: Element) -> Rights:
    said = _fields(element)
    return Rights(
        identifier=Identifier(said["rightsStatementIdentifierType"], said["rightsStatementIdentifierValue"]),
        basis=said["rightsBasis"],
        act=said["act"],
        restriction=said.get("restriction"),
        objects=tuple(_identifiers(element, "linkingObject")),
    )


def _identifiers(element: Element, of: str) -> list[Identifier]:
    found = element.iter(f"{_PREMIS}{of}Identifier")
    kind, value = f"{_PREMIS}{of}IdentifierType", f"{_PREMIS}{of}IdentifierValue"
    return [Identifier(node.findtext(kind) or "", node.findtext(value) or "") for node in found]


_READERS: dict[str, Callable[[Element], Statement]] = {
    "file": _file,
    "representation": _representation,
    "intellectualEntity": _entity,
    "event": _event,
    "agent": _agent,
    "rights": _rights,
}
