"""Upcasting (升级): an event stored at an old schema is read as the newest one. Stored bytes are never rewritten."""

from collections.abc import Callable, Mapping
from typing import Any

from repository.domain.values import Value

Upcast = Callable[[dict[str, Any]], Value]
"""From the stored JSON object of one (type, old schema) to the newest payload of that type."""

UPCASTS: Mapping[tuple[str, int], Upcast] = {}
"""Every (type, schema) older than the registry's. Empty as long as every type stands at its first schema."""
