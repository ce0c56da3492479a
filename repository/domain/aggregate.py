"""Aggregates (聚合): a state is the fold of a pure `evolve` over a stream's events, and nothing else.

A decision is a function of that state: it answers with the events to append, or raises `ArchiveError`. Decisions and
`evolve` live together in one module per aggregate; nothing in them reads a clock, a disk or a random number.
"""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar
from uuid import UUID

import msgspec

from repository.domain.corrections import Annulled, PayloadExpunged, annulled_among
from repository.domain.envelope import Event
from repository.domain.values import Value

State = TypeVar("State")


class Aggregate(msgspec.Struct, Generic[State], frozen=True):
    """A kind of stream: its name (first part of its events' types), its state before any event, and its fold."""

    name: str
    initial: State
    evolve: Callable[[State, Value], State]


class Loaded(msgspec.Struct, Generic[State], frozen=True):
    """A stream as it stands: its state, and the version that the next event must follow (0 for a stream not begun)."""

    stream: UUID
    version: int
    state: State


class New(msgspec.Struct, frozen=True):
    """An event that a decision asks to append to a stream."""

    stream: UUID
    payload: Value


def fold(aggregate: Aggregate[State], events: Sequence[Event]) -> State:
    """The state after the events, in order. Events that a later one annulled count as never having happened."""
    annulled = annulled_among(
        [(event.envelope.event_id, event.payload.event) for event in events if isinstance(event.payload, Annulled)]
    )
    state = aggregate.initial
    for event in events:
        if event.envelope.event_id not in annulled and not isinstance(event.payload, Annulled | PayloadExpunged):
            state = aggregate.evolve(state, event.payload)
    return state
