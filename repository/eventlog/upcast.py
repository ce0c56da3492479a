"""Upcasting (升级): an event stored at an old schema is read as the newest one. Stored bytes are never rewritten."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from repository.domain.archival_package import ContentRevised
from repository.domain.description import Described, Revised
from repository.domain.description_fields import upcast_fields
from repository.domain.values import Confidential, Value

Upcast = Callable[[dict[str, Any]], Value]
"""From the stored JSON object of one (type, old schema) to the newest payload of that type."""


def _revised(raw: dict[str, Any]) -> Revised:
    """Schema 1 of a revision: the fields of then, and the reason, plain or sealed."""
    return Revised(fields=upcast_fields(raw["fields"]), reason=msgspec.convert(raw["reason"], Confidential))


UPCASTS: Mapping[tuple[str, int], Upcast] = {
    ("ArchivalPackage.ContentRevised", 1): lambda raw: msgspec.convert(raw, ContentRevised),
    ("Description.Described", 1): lambda raw: Described(fields=upcast_fields(raw["fields"])),
    ("Description.Revised", 1): _revised,
}
"""Every (type, schema) older than the registry's."""
