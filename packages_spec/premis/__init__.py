"""PREMIS 3.0: objects, events, agents and rights of a package."""

from packages_spec.premis.values import (
    Agent,
    AgentLink,
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

__all__ = [
    "Agent",
    "AgentLink",
    "Event",
    "EventType",
    "FileObject",
    "Format",
    "Identifier",
    "PackageEntity",
    "Representation",
    "Rights",
    "Source",
]
