"""People: agents (人员) and producers (移交单位), their roles and credentials."""

from uuid import UUID

from repository.catalogue.cards import Agent, changed, moment, sealed_among, words_of
from repository.domain import agent
from repository.domain.envelope import Envelope


def registered(_: Agent | None, event: agent.Registered, envelope: Envelope) -> Agent:
    """An agent or a producer is known."""
    now = moment(envelope)
    return Agent(
        id=envelope.stream,
        archive=envelope.archive,
        opened=now,
        changed=now,
        sealed=sealed_among(name=event.name),
        is_producer=envelope.type == "Producer.Registered",
        kind=event.kind,
        name=words_of(event.name),
    )


def granted(card: Agent | None, event: agent.RoleGranted, envelope: Envelope) -> Agent | None:
    """A role more."""
    return card and changed(card, envelope, roles=tuple(sorted({*card.roles, event.role})))


def revoked(card: Agent | None, event: agent.RoleRevoked, envelope: Envelope) -> Agent | None:
    """A role less."""
    return card and changed(card, envelope, roles=tuple(role for role in card.roles if role != event.role))


def issued(card: Agent | None, event: agent.CredentialIssued, envelope: Envelope) -> Agent | None:
    """A credential in force."""
    return card and changed(card, envelope, credentials=(*_without(card, event.credential), event.credential))


def withdrawn(card: Agent | None, event: agent.CredentialRevoked, envelope: Envelope) -> Agent | None:
    """A credential less."""
    return card and changed(card, envelope, credentials=_without(card, event.credential))


def _without(card: Agent, credential: UUID) -> tuple[UUID, ...]:
    return tuple(one for one in card.credentials if one != credential)
