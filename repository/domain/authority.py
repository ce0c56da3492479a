"""Authority (权限): one function that is asked everywhere whether somebody may do something."""

from uuid import UUID

from repository.domain.agent import State as Agent
from repository.domain.values import Role

_KEEPING = frozenset({Role.ADMINISTRATOR, Role.ARCHIVIST})
_TAKING_IN = _KEEPING | {Role.RECEIVER, Role.ACCEPTOR}
_STAFF = _TAKING_IN | {Role.AUDITOR, Role.REVIEWER, Role.DECIDER, Role.DESK, Role.KEEPER, Role.SECURITY_OFFICER}
_AT_THE_DESK = frozenset({Role.ARCHIVIST, Role.DESK})

VERBS: dict[str, frozenset[Role]] = {
    "accept": _KEEPING | {Role.ACCEPTOR},
    "return": _KEEPING | {Role.ACCEPTOR},
    "review-quality": _KEEPING | {Role.ACCEPTOR, Role.REVIEWER},
    "account": _KEEPING | {Role.AUDITOR, Role.ACCEPTOR},
    "ingest": _KEEPING | {Role.RECEIVER},
    "describe": _KEEPING,
    "disseminate": _KEEPING | {Role.READER, Role.DESK, Role.PARTNER},
    "materialise": _KEEPING | {Role.KEEPER},
    "search": _STAFF | {Role.READER, Role.PARTNER},
    "survey": _STAFF,
    "inspect": _KEEPING | {Role.AUDITOR, Role.KEEPER, Role.DECIDER, Role.DESK, Role.SECURITY_OFFICER},
    "audit": frozenset({Role.ADMINISTRATOR, Role.AUDITOR}),
    "work": _KEEPING | {Role.KEEPER},
    "annul": frozenset({Role.ADMINISTRATOR}),
    "administer": frozenset({Role.ADMINISTRATOR}),
    "register-use": _AT_THE_DESK | {Role.PARTNER},
    "read-requests": _AT_THE_DESK | {Role.DECIDER, Role.AUDITOR, Role.SECURITY_OFFICER, Role.PARTNER},
    "read-sealed": _AT_THE_DESK | {Role.DECIDER, Role.SECURITY_OFFICER},
    "decide-request": frozenset({Role.DECIDER}),
    "assign-request": _AT_THE_DESK | {Role.DECIDER, Role.ADMINISTRATOR},
    "propose-opening": frozenset({Role.ARCHIVIST, Role.REVIEWER}),
    "review-opening": frozenset({Role.REVIEWER}),
    "decide-opening": frozenset({Role.DECIDER}),
    "take-down": _AT_THE_DESK | {Role.REVIEWER, Role.DECIDER, Role.SECURITY_OFFICER},
    "settle-takedown": frozenset({Role.REVIEWER, Role.DECIDER, Role.SECURITY_OFFICER}),
    "keep-keys": frozenset({Role.ADMINISTRATOR, Role.SECURITY_OFFICER}),
    "approve-key-destruction": frozenset({Role.ADMINISTRATOR, Role.SECURITY_OFFICER, Role.DECIDER}),
    "propose-removal": frozenset({Role.ADMINISTRATOR, Role.ARCHIVIST, Role.SECURITY_OFFICER}),
    "approve-removal": frozenset({Role.ADMINISTRATOR, Role.DECIDER, Role.SECURITY_OFFICER}),
    "hold": frozenset({Role.ARCHIVIST, Role.KEEPER, Role.SECURITY_OFFICER}),
}
"""Which roles may do what. A verb that is not here is nobody's.

The two deciding verbs belong to no older role: whoever asks, proposes or administers must not decide as well.
"""


def may(agent: Agent, verb: str) -> bool:
    """Whether the agent's roles allow the verb. An agent who is not registered may do nothing."""
    return agent.registered is not None and bool(agent.roles & VERBS.get(verb, frozenset()))


def stands_in(principal: Agent, deputy: UUID, today: str) -> bool:
    """Whether this agent is the principal's deputy (代理人) today; the last day counts."""
    return principal.deputies.get(deputy, "") >= today
