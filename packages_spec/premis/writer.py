"""PREMIS 3.0 as a stream of escaped templates, sharded so that no document grows without bound.

Order in every document is the schema's: object+, event*, agent*, rights*.
"""

from collections.abc import Iterable, Iterator
from itertools import chain, islice

from packages_spec.premis.values import (
    LOC_EVENT_TYPES,
    LOCAL_EVENT_TYPES,
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
from packages_spec.technical import Technical, technical_xml
from packages_spec.xml_text import DECLARATION, carried_name, href, in_chunks, text

OBJECTS_PER_SHARD = 10_000
UNKNOWN_FORMAT = "unknown"

Object = PackageEntity | Representation | FileObject

_HEAD = (
    f'{DECLARATION}<premis xmlns="http://www.loc.gov/premis/v3" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xsi:schemaLocation="http://www.loc.gov/premis/v3 http://www.loc.gov/standards/premis/premis.xsd" '
    'version="3.0">\n'
)
_TAIL = "</premis>\n"


def premis_documents(
    objects: Iterable[Object],
    events: Iterable[Event] = (),
    agents: Iterable[Agent] = (),
    rights: Iterable[Rights] = (),
) -> Iterator[tuple[str, Iterator[bytes]]]:
    """(`premis.xml`, chunks), then `premis-0002.xml` and on: at most `OBJECTS_PER_SHARD` objects in each.

    Each is valid by itself; events, agents and rights stand in the first. Memory holds the objects of one document.
    Raises ValueError for no object at all, which PREMIS does not allow.
    """
    remaining = iter(objects)
    rest = chain(map(_event, events), map(_agent, agents), map(_rights, rights))
    number = 0
    while shard := list(islice(remaining, OBJECTS_PER_SHARD)):
        number += 1
        yield _shard_name(number), in_chunks(chain([_HEAD], map(_object, shard), rest, [_TAIL]))
        rest = chain()
    if number == 0:
        raise ValueError("PREMIS needs at least one object")


def _shard_name(number: int) -> str:
    return "premis.xml" if number == 1 else f"premis-{number:04}.xml"


def _object(value: Object) -> str:
    if isinstance(value, FileObject):
        return _file(value)
    if isinstance(value, Representation):
        part = _relationship("structural", "is part of", value.package)
        return f'<object xsi:type="representation">{_identifier("object", value.identifier)}{part}</object>\n'
    return _entity(value)


def _file(value: FileObject) -> str:
    original = ""
    if value.original_name is not None:
        original = f"<originalName>{text(carried_name(value.original_name))}</originalName>"
    level, inside, inhibitors = 0, "", ""
    if value.enclosed is not None:
        level, inside, inhibitors = 1, _enclosed(value.enclosed), _inhibitors(value.enclosed)
    return (
        f'<object xsi:type="file">{_identifier("object", value.identifier)}{inside}'
        f"<objectCharacteristics><compositionLevel>{level}</compositionLevel>"
        "<fixity><messageDigestAlgorithm>SHA-256</messageDigestAlgorithm>"
        f"<messageDigest>{value.sha256}</messageDigest></fixity>"
        f"<size>{value.size}</size>{_format(value.format)}{inhibitors}{_technical(value.technical)}"
        f"</objectCharacteristics>{original}"
        "<storage><contentLocation><contentLocationType>relative URI</contentLocationType>"
        f"<contentLocationValue>{href(value.location)}</contentLocationValue></contentLocation></storage></object>\n"
    )


def _enclosed(value: Enclosed) -> str:
    """What is inside: no size and no digest, which would tell of it."""
    level = "<compositionLevel>0</compositionLevel>"
    return f"<objectCharacteristics>{level}{_format(value.format)}</objectCharacteristics>"


def _inhibitors(value: Enclosed) -> str:
    return (
        f"<inhibitors><inhibitorType>{text(value.suite)}</inhibitorType>"
        f"<inhibitorTarget>all content</inhibitorTarget><inhibitorKey>{text(value.key)}</inhibitorKey></inhibitors>"
    )


def _technical(value: Technical | None) -> str:
    if value is None:
        return ""
    made = ""
    if value.creating_application is not None:
        name = text(value.creating_application)
        made = f"<creatingApplication><creatingApplicationName>{name}</creatingApplicationName></creatingApplication>"
    return f"{made}<objectCharacteristicsExtension>{technical_xml(value)}</objectCharacteristicsExtension>"


def _format(value: Format) -> str:
    parts = ["<format>"]
    if value.name is not None or value.puid is None:
        version = "" if value.version is None else f"<formatVersion>{text(value.version)}</formatVersion>"
        name = text(value.name or UNKNOWN_FORMAT)
        parts.append(f"<formatDesignation><formatName>{name}</formatName>{version}</formatDesignation>")
    if value.puid is not None:
        parts.append("<formatRegistry><formatRegistryName>PRONOM</formatRegistryName>")
        parts.append(f"<formatRegistryKey>{text(value.puid)}</formatRegistryKey></formatRegistry>")
    if value.basis is not None:
        parts.append(f"<formatNote>{text(value.basis)}</formatNote>")
    return "".join((*parts, "</format>"))


def _entity(value: PackageEntity) -> str:
    identifiers = (value.identifier, *value.other_identifiers)
    named = "".join(_identifier("object", identifier) for identifier in identifiers)
    return f'<object xsi:type="intellectualEntity">{named}{"".join(map(_source, value.sources))}</object>\n'


def _source(value: Source) -> str:
    event = ""
    if value.event is not None:
        event = _identifier("relatedEvent", Identifier("UUID", value.event))
    return _relationship("derivation", "has source", Identifier("URI", value.uri), event)


def _relationship(kind: str, subtype: str, target: Identifier, event: str = "") -> str:
    return (
        f"<relationship><relationshipType>{kind}</relationshipType>"
        f"<relationshipSubType>{subtype}</relationshipSubType>{_identifier('relatedObject', target)}{event}"
        "</relationship>"
    )


def _event(value: Event) -> str:
    note = ""
    if value.outcome_note is not None:
        note = (
            f"<eventOutcomeDetail><eventOutcomeDetailNote>{text(value.outcome_note)}</eventOutcomeDetailNote>"
            "</eventOutcomeDetail>"
        )
    return (
        f"<event>{_identifier('event', Identifier('UUID', value.identifier))}{_event_type(value.type)}"
        f"<eventDateTime>{text(value.time)}</eventDateTime>"
        f"<eventDetailInformation><eventDetail>{text(value.detail)}</eventDetail></eventDetailInformation>"
        f"<eventOutcomeInformation><eventOutcome>{text(value.outcome)}</eventOutcome>{note}</eventOutcomeInformation>"
        f"{''.join(map(_agent_link, value.agents))}{''.join(map(_object_link, value.objects))}</event>\n"
    )


def _event_type(value: EventType) -> str:
    authority = LOCAL_EVENT_TYPES if value is EventType.QUALITY_CONTROL else LOC_EVENT_TYPES
    separator = ":" if value is EventType.QUALITY_CONTROL else "/"
    return (
        f'<eventType authority="eventType" authorityURI="{authority}" valueURI="{authority}{separator}{value.code}">'
        f"{value}</eventType>"
    )


def _agent_link(value: AgentLink) -> str:
    role = f"<linkingAgentRole>{text(value.role)}</linkingAgentRole>"
    return _identifier("linkingAgent", value.agent, role)


def _object_link(value: Identifier) -> str:
    return _identifier("linkingObject", value)


def _agent(value: Agent) -> str:
    name = "" if value.name is None else f"<agentName>{text(value.name)}</agentName>"
    version = "" if value.version is None else f"<agentVersion>{text(value.version)}</agentVersion>"
    kind = f"<agentType>{text(value.type)}</agentType>"
    return f"<agent>{_identifier('agent', value.identifier)}{name}{kind}{version}</agent>\n"


def _rights(value: Rights) -> str:
    restriction = "" if value.restriction is None else f"<restriction>{text(value.restriction)}</restriction>"
    return (
        f"<rights><rightsStatement>{_identifier('rightsStatement', value.identifier)}"
        f"<rightsBasis>{text(value.basis)}</rightsBasis>"
        f"<rightsGranted><act>{text(value.act)}</act>{restriction}</rightsGranted>"
        f"{''.join(map(_object_link, value.objects))}</rightsStatement></rights>\n"
    )


def _identifier(of: str, value: Identifier, further: str = "") -> str:
    return (
        f"<{of}Identifier><{of}IdentifierType>{text(value.type)}</{of}IdentifierType>"
        f"<{of}IdentifierValue>{text(value.value)}</{of}IdentifierValue>{further}</{of}Identifier>"
    )
