"""PREMIS 3.0: objects, events, agents and rights of a package."""

from packages_spec.premis.reader import Statement, read_premis
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
from packages_spec.premis.writer import premis_documents

__all__ = [
    "Agent",
    "AgentLink",
    "Enclosed",
    "Event",
    "EventType",
    "FileObject",
    "Format",
    "Identifier",
    "PackageEntity",
    "Representation",
    "Rights",
    "Source",
    "Statement",
    "premis_documents",
    "read_premis",
]
