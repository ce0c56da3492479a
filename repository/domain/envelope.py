"""The envelope (事件信封) of an event: who did what to which stream, when, and under whose authority.

An event is two byte strings. The envelope holds no free text and no personal data, so it can be published whole; the
payload carries the rest and is bound to it by a salted digest. Field order is the order of the bytes, for ever.
"""

from typing import Literal
from uuid import UUID

from repository.domain.values import Sha256, Time, Value


class OccurredAt(Value, frozen=True, kw_only=True):
    """When it happened, how exactly that is known, and from where (a clock, a slip of paper, an older system)."""

    time: Time
    precision: Literal["microsecond", "second", "minute", "day", "month", "year"]
    source: Literal["clock", "paper form", "legacy system"]


class Authentication(Value, frozen=True, kw_only=True):
    """How the actor was known: by which method, in which session, at which workplace (a code, not a name)."""

    method: Literal["initialisation", "credential"]
    session: UUID | None
    workplace: str | None


class Envelope(Value, frozen=True, kw_only=True):
    """One event's envelope, schema 1."""

    event_id: UUID
    archive: str | None
    position: int
    stream: UUID
    version: int
    type: str
    schema: int
    recorded_at: Time
    occurred_at: OccurredAt
    actor: UUID
    authenticated_by: Authentication
    on_behalf_of: UUID | None
    command_id: UUID
    correlation_id: UUID
    causation_id: UUID | None
    software: str
    payload_sha256: Sha256


class Event(Value, frozen=True, kw_only=True):
    """A recorded event: its envelope and its payload, brought to the newest schema of its type."""

    envelope: Envelope
    payload: Value


class Actor(Value, frozen=True, kw_only=True):
    """Who acts, and how that was established. Nobody can name another as the actor."""

    agent: UUID
    authenticated_by: Authentication
    on_behalf_of: UUID | None = None


class Command(Value, frozen=True, kw_only=True):
    """One thing that somebody asks for, once: the same `command_id` again answers what it answered the first time.

    `request` is the digest of what was asked, so that one id cannot stand for two different wishes.
    """

    command_id: UUID
    request: Sha256
    actor: Actor
    archive: str | None
    occurred_at: OccurredAt
    correlation_id: UUID
    causation_id: UUID | None = None
