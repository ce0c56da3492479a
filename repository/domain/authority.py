"""Authority (权限): one function that is asked everywhere whether somebody may do something."""

from repository.domain.agent import State as Agent
from repository.domain.values import Role

VERBS: dict[str, frozenset[Role]] = {
    "ingest": frozenset({Role.ADMINISTRATOR, Role.ARCHIVIST}),
    "accept": frozenset({Role.ADMINISTRATOR, Role.ARCHIVIST}),
    "return": frozenset({Role.ADMINISTRATOR, Role.ARCHIVIST}),
    "account": frozenset({Role.ADMINISTRATOR, Role.ARCHIVIST, Role.AUDITOR}),
    "describe": frozenset({Role.ADMINISTRATOR, Role.ARCHIVIST}),
    "disseminate": frozenset({Role.ADMINISTRATOR, Role.ARCHIVIST, Role.READER}),
    "materialise": frozenset({Role.ADMINISTRATOR, Role.ARCHIVIST}),
    "search": frozenset({Role.ADMINISTRATOR, Role.ARCHIVIST, Role.AUDITOR, Role.READER}),
    "inspect": frozenset({Role.ADMINISTRATOR, Role.ARCHIVIST, Role.AUDITOR}),
    "audit": frozenset({Role.ADMINISTRATOR, Role.AUDITOR}),
    "work": frozenset({Role.ADMINISTRATOR, Role.ARCHIVIST}),
    "annul": frozenset({Role.ADMINISTRATOR}),
    "administer": frozenset({Role.ADMINISTRATOR}),
}
"""Which roles may do what. A verb that is not here is nobody's."""


def may(agent: Agent, verb: str) -> bool:
    """Whether the agent's roles allow the verb. An agent who is not registered may do nothing."""
    return agent.registered is not None and bool(agent.roles & VERBS.get(verb, frozenset()))
