"""People: agents (人员) and producers (移交单位), their roles and credentials."""

from uuid import UUID

import msgspec

from repository.catalogue.cards import Agent, Deputy, Reader, changed, moment, sealed_among, words_of
from repository.domain import agent, reader
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


def appointed(card: Agent | None, event: agent.DeputyAppointed, envelope: Envelope) -> Agent | None:
    """A deputy, up to and with a day."""
    others = _other_deputies(card, event.deputy)
    return card and changed(card, envelope, deputies=(*others, Deputy(event.deputy, event.until)))


def dismissed(card: Agent | None, event: agent.DeputyEnded, envelope: Envelope) -> Agent | None:
    """A deputy less."""
    return changed(card, envelope, deputies=_other_deputies(card, event.deputy))


def introduced(card: Reader | None, event: reader.Introduced, envelope: Envelope) -> Reader:
    """A reader is known, or a word about them was put right."""
    now = moment(envelope)
    sealed = sealed_among(name=event.name, number=event.number, contact=event.contact)
    if card is not None:
        return msgspec.structs.replace(card, changed=now, document=event.document, sealed=sealed)
    return Reader(
        id=envelope.stream, archive=envelope.archive, opened=now, changed=now, sealed=sealed, document=event.document
    )


def key_destroyed(card: Reader | None, _: reader.SubjectKeyDestroyed, envelope: Envelope) -> Reader | None:
    """The words are gone for good."""
    return changed(card, envelope, destroyed=True)


def _other_deputies(card: Agent | None, deputy: UUID) -> tuple[Deputy, ...]:
    return () if card is None else tuple(one for one in card.deputies if one.agent != deputy)


def _without(card: Agent, credential: UUID) -> tuple[UUID, ...]:
    return tuple(one for one in card.credentials if one != credential)
