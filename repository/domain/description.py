"""Description (著录): what a record is, before and without files, and the package that holds it."""

from uuid import UUID

import msgspec

from repository.domain.aggregate import Aggregate
from repository.domain.values import Carrier, Confidential, Level, RecordType, SecrecyClass, Value
from repository.errors import ArchiveError


class Fields(Value, frozen=True, kw_only=True):
    """The fields of a description (DA/T 18, ISAD(G)). `date` is ISO 8601 as exact as it is known."""

    level: Level
    parent: UUID | None
    package: UUID | None
    reference_code: str | None
    fonds_code: str | None
    title: Confidential
    responsible_party: Confidential | None
    date: str | None
    year: int | None
    retention_period: str | None
    secrecy_class: SecrecyClass
    page_count: int | None
    record_type: RecordType
    carrier: Carrier


class Described(Value, frozen=True, kw_only=True):
    """The record is described for the first time."""

    fields: Fields


class Revised(Value, frozen=True, kw_only=True):
    """The description reads as follows from now on, and why."""

    fields: Fields
    reason: Confidential


class State(msgspec.Struct, frozen=True):
    """The description as it reads now."""

    fields: Fields | None = None


def evolve(state: State, event: Value) -> State:
    """Fold one event."""
    if isinstance(event, Described | Revised):
        return State(event.fields)
    return state


DESCRIPTION = Aggregate("Description", State(), evolve)


def describe(state: State, fields: Fields) -> list[Value]:
    """Describe it. Refused when it is described already."""
    if state.fields is not None:
        raise ArchiveError("description-exists", fields.reference_code or fields.package or "")
    return [Described(fields=fields)]


def revise(state: State, fields: Fields, reason: str) -> list[Value]:
    """Revise it. Refused before it is described, and without a reason; nothing is appended when nothing changes."""
    if state.fields is None:
        raise ArchiveError("description-unknown", fields.reference_code or "")
    if not reason.strip():
        raise ArchiveError("reason-missing", fields.reference_code or "")
    return [] if fields == state.fields else [Revised(fields=fields, reason=reason)]
