"""Door (门): who came in, who was not let in, and what was refused to those inside.

A stream is one process's watch at the door, and its id is that process's session. An agent's own stream is read at
every request, so what strangers can cause does not stand there: no flood of false keys makes an agent slow, or changes
the version that somebody at a distance has seen. Nothing here ever holds a secret that was tried.
"""

from uuid import UUID

import msgspec

from repository.domain.aggregate import Aggregate
from repository.domain.values import Confidential, Time, Value


class Entry(Value, frozen=True, kw_only=True):
    """A credential was used from a place for the first time in a while: which agent's, and when."""

    agent: UUID
    credential: UUID
    place: Confidential | None
    time: Time


class Failure(Value, frozen=True, kw_only=True):
    """So many keys were refused, for one reason and from one place. `credential`: the one meant, where it exists."""

    code: str
    place: Confidential | None
    credential: UUID | None
    count: int


class Denial(Value, frozen=True, kw_only=True):
    """So often one agent was refused one verb, for one reason."""

    agent: UUID
    on_behalf_of: UUID | None
    verb: str
    code: str
    count: int


class SignedIn(Value, frozen=True, kw_only=True):
    """These came in; `others` more did whom there was no room to name."""

    entries: tuple[Entry, ...]
    others: int


class SignInFailed(Value, frozen=True, kw_only=True):
    """These tried keys that open nothing, between two moments; `others` more tries had no room to be told apart."""

    since: Time
    until: Time
    failures: tuple[Failure, ...]
    others: int


class Denied(Value, frozen=True, kw_only=True):
    """This was refused to people who were known, between two moments; `others` more refusals had no room."""

    since: Time
    until: Time
    denials: tuple[Denial, ...]
    others: int


class State(msgspec.Struct, frozen=True):
    """Nothing is decided by what happened at the door."""


def evolve(state: State, _event: Value) -> State:
    """Fold one event."""
    return state


DOOR = Aggregate("Door", State(), evolve)
