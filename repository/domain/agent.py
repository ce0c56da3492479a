"""Agents (人员) and producers (移交单位): who acts, in which role, and how each proves to be who they are."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from uuid import UUID

import msgspec

from repository.domain.aggregate import Aggregate
from repository.domain.values import Confidential, Role, Sha256, Time, Value
from repository.errors import ArchiveError


class AgentKind(StrEnum):
    """What kind of agent it is (PREMIS agentType)."""

    PERSON = "person"
    ORGANISATION = "organisation"
    SOFTWARE = "software"


class Registered(Value, frozen=True, kw_only=True):
    """An agent, or a producer, is known to the archive."""

    name: Confidential
    kind: AgentKind


class RoleGranted(Value, frozen=True, kw_only=True):
    """The agent has this role from now on."""

    role: Role


class RoleRevoked(Value, frozen=True, kw_only=True):
    """The agent no longer has this role, and why."""

    role: Role
    reason: Confidential


class CredentialIssued(Value, frozen=True, kw_only=True):
    """The agent may act with this credential; only the digest of its secret is known here."""

    credential: UUID
    secret_sha256: Sha256


class ScopesGranted(Value, frozen=True, kw_only=True):
    """The credential is a key for programs: it opens these verbs at most, whatever the roles allow, until it expires.

    A credential without this opens what the agent's roles open.
    """

    credential: UUID
    scopes: tuple[str, ...]
    expires: Time | None


class CredentialRevoked(Value, frozen=True, kw_only=True):
    """The credential opens nothing from now on, and why."""

    credential: UUID
    reason: Confidential


class State(msgspec.Struct, frozen=True):
    """Who the agent is, what they may be, and by which credentials they are known."""

    registered: Registered | None = None
    roles: frozenset[Role] = frozenset()
    credentials: Mapping[UUID, str] = {}
    keys: Mapping[UUID, ScopesGranted] = {}


def evolve(state: State, event: Value) -> State:
    """Fold one event."""
    replace = msgspec.structs.replace
    match event:
        case Registered():
            return replace(state, registered=event)
        case RoleGranted():
            return replace(state, roles=state.roles | {event.role})
        case RoleRevoked():
            return replace(state, roles=state.roles - {event.role})
        case CredentialIssued():
            return replace(state, credentials={**state.credentials, event.credential: event.secret_sha256})
        case ScopesGranted():
            return replace(state, keys={**state.keys, event.credential: event})
        case CredentialRevoked():
            left = {key: digest for key, digest in state.credentials.items() if key != event.credential}
            return replace(state, credentials=left)
        case _:
            return state


AGENT = Aggregate("Agent", State(), evolve)
PRODUCER = Aggregate("Producer", State(), evolve)


def register(state: State, *, name: str, kind: AgentKind) -> list[Value]:
    """Register an agent or a producer. Refused without a name and when it is registered."""
    if not name.strip():
        raise ArchiveError("name-missing")
    if state.registered is not None:
        raise ArchiveError("agent-exists", name)
    return [Registered(name=name, kind=kind)]


def grant(state: State, role: Role) -> list[Value]:
    """Grant a role; nothing is appended when the agent has it."""
    return [] if role in state.roles else [RoleGranted(role=role)]


def revoke(state: State, role: Role, reason: str) -> list[Value]:
    """Take a role away; nothing is appended when the agent does not have it."""
    return [RoleRevoked(role=role, reason=reason)] if role in state.roles else []


def issue(state: State, credential: UUID, secret_sha256: str) -> list[Value]:
    """Issue a credential. Refused for one who is not registered."""
    if state.registered is None:
        raise ArchiveError("agent-unknown", credential)
    return [CredentialIssued(credential=credential, secret_sha256=secret_sha256)]


def limit(credential: UUID, scopes: Sequence[str], expires: str | None) -> list[Value]:
    """Limit a credential that is being issued to some verbs. Refused without any: such a key would open nothing."""
    if not scopes:
        raise ArchiveError("scope-unknown", "-", known="-")
    return [ScopesGranted(credential=credential, scopes=tuple(sorted(set(scopes))), expires=expires)]


def withdraw(state: State, credential: UUID, reason: str) -> list[Value]:
    """Revoke a credential; nothing is appended when it is not in force."""
    return [CredentialRevoked(credential=credential, reason=reason)] if credential in state.credentials else []
