"""Agents (人员) and producers (移交单位): who acts, in which role, and how each proves to be who they are."""

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from uuid import UUID

import msgspec

from repository.domain.aggregate import Aggregate
from repository.domain.values import Confidential, Day, Role, Sha256, Time, Value
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


class DeputyAppointed(Value, frozen=True, kw_only=True):
    """Another agent may act on this one's behalf (代理), up to and with a day. Appointed again, the last word holds."""

    deputy: UUID
    until: Day


class DeputyEnded(Value, frozen=True, kw_only=True):
    """The other agent acts on this one's behalf no longer, and why."""

    deputy: UUID
    reason: Confidential


Never = frozenset[frozenset[Role]]
"""Pairs of roles that one person may never combine (不相容职责)."""


class State(msgspec.Struct, frozen=True):
    """Who the agent is, what they may be, and by which credentials they are known."""

    registered: Registered | None = None
    roles: frozenset[Role] = frozenset()
    credentials: Mapping[UUID, str] = {}
    keys: Mapping[UUID, ScopesGranted] = {}
    deputies: Mapping[UUID, str] = {}


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
        case DeputyAppointed():
            return replace(state, deputies={**state.deputies, event.deputy: event.until})
        case DeputyEnded():
            return replace(state, deputies={key: day for key, day in state.deputies.items() if key != event.deputy})
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


def combined(roles: Collection[Role], never: Never) -> None:
    """Refuse roles of which two may never be one person's (`roles-forbidden`)."""
    for pair in sorted(never, key=sorted):
        if pair <= set(roles):
            raise ArchiveError("roles-forbidden", " + ".join(sorted(pair)))


def grant(state: State, role: Role, never: Never = frozenset()) -> list[Value]:
    """Grant a role; nothing is appended when the agent has it. Refused beside a role that it never goes with."""
    combined(state.roles | {role}, never)
    return [] if role in state.roles else [RoleGranted(role=role)]


def revoke(state: State, role: Role, reason: str) -> list[Value]:
    """Take a role away; nothing is appended when the agent does not have it."""
    return [RoleRevoked(role=role, reason=reason)] if role in state.roles else []


def change_roles(
    state: State, *, grant: Collection[Role], revoke: Collection[Role], reason: str, never: Never
) -> list[Value]:
    """Take roles away and give others, judged by what the agent is afterwards. What is so already appends nothing."""
    taken = [RoleRevoked(role=role, reason=reason) for role in dict.fromkeys(revoke) if role in state.roles]
    left = state.roles - set(revoke)
    given = [RoleGranted(role=role) for role in dict.fromkeys(grant) if role not in left]
    if given:
        combined(left | set(grant), never)
    return [*taken, *given]


def appoint(
    state: State, principal: UUID, deputy: UUID, other: State, *, until: str, today: str, never: Never
) -> list[Value]:
    """Appoint a deputy up to and with a day. Refused for oneself, for one who is unknown, and for a day that is over.

    A deputy acts with the principal's roles beside their own, so what may never be combined may not be lent either.
    """
    if state.registered is None or other.registered is None:
        raise ArchiveError("agent-unknown", principal if state.registered is None else deputy)
    if deputy == principal:
        raise ArchiveError("second-person-needed", deputy)
    if until < today:
        raise ArchiveError("day-over", until)
    combined(state.roles | other.roles, never)
    return [] if state.deputies.get(deputy) == until else [DeputyAppointed(deputy=deputy, until=until)]


def dismiss(state: State, deputy: UUID, reason: str) -> list[Value]:
    """End a deputy's power; nothing is appended when they have none."""
    return [DeputyEnded(deputy=deputy, reason=reason)] if deputy in state.deputies else []


def depart(state: State, reason: str) -> list[Value]:
    """Take everything from one who leaves: credentials, roles, and the power of their deputies."""
    if state.registered is None:
        raise ArchiveError("agent-unknown", "")
    if not reason.strip():
        raise ArchiveError("reason-missing", "")
    return [
        *(CredentialRevoked(credential=key, reason=reason) for key in state.credentials),
        *(RoleRevoked(role=role, reason=reason) for role in sorted(state.roles)),
        *(DeputyEnded(deputy=deputy, reason=reason) for deputy in state.deputies),
    ]


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
