"""Batches (分批): what belongs together, in as many events as it takes, each below 160 kB."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import msgspec

Part = TypeVar("Part")

UNITS_PER_PART = 1_000
BYTES_PER_PART = 150_000
"""A part stays below 160 kB as an event; this leaves room for its envelope and the names of its fields."""


def parts(values: Sequence[Part]) -> Iterator[tuple[Part, ...]]:
    """The values in their order, in parts; one empty part of none."""
    batch: list[Part] = []
    size = 0
    for value in values:
        weight = len(msgspec.json.encode(value)) + 1
        if batch and (len(batch) == UNITS_PER_PART or size + weight > BYTES_PER_PART):
            yield tuple(batch)
            batch, size = [], 0
        batch.append(value)
        size += weight
    yield tuple(batch)
