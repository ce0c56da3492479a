"""Reservations (占号): streams whose only purpose is that one 档号 or one transfer number has one holder.

`ReferenceCode` is held by a description, `TransferNumber` by an accession. The streams' ids are the guards of `ids`.
"""

from uuid import UUID

import msgspec

from repository.domain.aggregate import Aggregate
from repository.domain.values import Confidential, Value
from repository.errors import ArchiveError


class Reserved(Value, frozen=True, kw_only=True):
    """The code belongs to this holder."""

    code: str
    holder: UUID


class Released(Value, frozen=True, kw_only=True):
    """The code is free again, and why."""

    holder: UUID
    reason: Confidential


class State(msgspec.Struct, frozen=True):
    """Who holds the code now."""

    code: str | None = None
    holder: UUID | None = None


def evolve(state: State, event: Value) -> State:
    """Fold one event."""
    match event:
        case Reserved():
            return State(event.code, event.holder)
        case Released():
            return State(state.code, None)
        case _:
            return state


REFERENCE_CODE = Aggregate("ReferenceCode", State(), evolve)
TRANSFER_NUMBER = Aggregate("TransferNumber", State(), evolve)


def reserve(state: State, code: str, holder: UUID) -> list[Value]:
    """Reserve the code. Refused when somebody else holds it; the same holder again changes nothing."""
    if state.holder == holder:
        return []
    if state.holder is not None:
        raise ArchiveError("code-taken", code)
    return [Reserved(code=code, holder=holder)]


def release(state: State, holder: UUID, reason: str) -> list[Value]:
    """Release the code. Nothing is appended when this holder does not hold it."""
    return [Released(holder=holder, reason=reason)] if state.holder == holder else []
