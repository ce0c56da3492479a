"""API keys (程序密钥): credentials of agents that programs use, each limited to some verbs and, if wished, in time.

A key is a credential like a person's: `id.secret`, of whose secret the log knows the digest only. What sets it apart is
the event `Agent.ScopesGranted`, which limits what it opens to its scopes: verbs of `domain.authority`.
"""

import re
import secrets
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4, uuid5

import msgspec

from repository.catalogue import Agent
from repository.domain import agent
from repository.domain.agent import AGENT
from repository.domain.aggregate import New
from repository.domain.authority import VERBS, may
from repository.domain.envelope import Actor, Authentication
from repository.domain.values import time_of
from repository.errors import ArchiveError
from repository.eventlog import EventLog, Streams
from repository.services.administration import Credential
from repository.services.session import Clock, Session

REPEATED = UUID("5d0a5f7c-7f0e-4b58-9d3c-2f1c8f7f6a31")
"""Namespace of the ids that a repeated request draws."""


_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"


class Admitted(msgspec.Struct, frozen=True):
    """Who holds a key, and the verbs that it is limited to (None: it is a person's credential)."""

    actor: Actor
    scopes: frozenset[str] | None
    credential: UUID


class IssuedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A new key. The secret is told this once and kept nowhere."""

    schema: str = "jingui.key/1"
    agent: UUID
    credential: UUID
    key: str
    scopes: tuple[str, ...]
    expires: str | None


class Doorkeeper:
    """Knows whose each credential is; asks the log at every knock whether it is still in force.

    One for a process, used by all of its threads: events are read once, and those that were added since.
    """

    def __init__(self, log: EventLog, clock: Clock, workplace: str | None) -> None:
        self._log = log
        self._clock = clock
        self._workplace = workplace
        self._session = uuid4()
        self._guard = threading.Lock()
        self._read = 0
        self._holders: dict[UUID, UUID] = {}

    def admit(self, key: str) -> Admitted:
        """Who holds the key. `key-invalid` for what is none, `credential-unknown` for one that opens nothing."""
        credential = parse_key(key)
        holder = self._holder(credential.credential)
        if holder is not None:
            state = self._log.load(AGENT, holder).state
            known = state.credentials.get(credential.credential, "")
            limits = state.keys.get(credential.credential)
            if secrets.compare_digest(known, credential.digest) and not self._expired(limits):
                how = Authentication(method="credential", session=self._session, workplace=self._workplace)
                scopes = None if limits is None else frozenset(limits.scopes)
                return Admitted(Actor(agent=holder, authenticated_by=how), scopes, credential.credential)
        raise ArchiveError("credential-unknown", credential.credential)

    def meant(self, key: str) -> UUID | None:
        """The credential that a refused key names, where there is or was such a one, and nothing else."""
        try:
            credential = parse_key(key).credential
        except ArchiveError:
            return None
        return credential if self._holder(credential) else None

    def _holder(self, credential: UUID) -> UUID | None:
        known = self._holders.get(credential)
        if known is None:
            with self._guard:
                end = self._log.position()
                for event in self._log.events(after=self._read, upto=end, types=["Agent.CredentialIssued"]):
                    if isinstance(event.payload, agent.CredentialIssued):
                        self._holders[event.payload.credential] = event.envelope.stream
                self._read = end
            known = self._holders.get(credential)
        return known

    def _expired(self, limits: agent.ScopesGranted | None) -> bool:
        return limits is not None and limits.expires is not None and time_of(self._clock()) >= limits.expires


def parse_key(text: str) -> Credential:
    """Read `id.secret`. `key-invalid` for anything else; the text itself is never repeated."""
    identifier, _, secret = text.partition(".")
    try:
        credential = Credential(UUID(identifier), secret)
        is_whole = len(bytes.fromhex(secret)) == 32 and secret.isascii()
    except ValueError as error:
        raise ArchiveError("key-invalid") from error
    if not is_whole:
        raise ArchiveError("key-invalid")
    return credential


def issue_key(session: Session, holder: UUID, scopes: Sequence[str], expires: str | None) -> IssuedKey:
    """Issue a key to an agent. `agent-unknown`, `scope-unknown`, `scope-missing`; `told-once` when asked again."""
    session.require("administer")
    if expires is not None and not re.fullmatch(_TIME, expires):
        raise ArchiveError("time-invalid", expires)
    for scope in scopes:
        if scope not in VERBS:
            raise ArchiveError("scope-unknown", scope, known=", ".join(sorted(VERBS)))
    credential = Credential(session.new_id(), secrets.token_hex(32))

    def decide(streams: Streams) -> list[New]:
        state = streams.load(AGENT, holder).state
        issued = agent.issue(state, credential.credential, credential.digest)
        limited = agent.limit(credential.credential, scopes, expires)
        return [New(holder, payload) for payload in (*issued, *limited)]

    if session.perform("issue-key", decide, correlation=holder, archive=None).already:
        raise ArchiveError("told-once", credential.credential)
    return IssuedKey(
        agent=holder,
        credential=credential.credential,
        key=f"{credential.credential}.{credential.secret}",
        scopes=tuple(sorted(set(scopes))),
        expires=expires,
    )


def issue_link_key(session: Session) -> IssuedKey:
    """A key of the session's own agent, with every verb of their roles, for a day: what a one-time link gives."""
    state = session.log.load(AGENT, session.actor.agent).state
    scopes = [verb for verb in VERBS if may(state, verb)]
    return issue_key(session, session.actor.agent, scopes, time_of(session.clock() + timedelta(days=1)))


def may_administer(session: Session) -> bool:
    """Whether whoever holds the session may issue keys."""
    return may(session.log.load(AGENT, session.actor.agent).state, "administer")


def agent_version(session: Session, person: UUID) -> tuple[Agent, int]:
    """A person as the catalogue shows them, and the version of their stream that a change must have seen."""
    session.require("administer")
    version = session.log.load(AGENT, person).version
    session.catch_up()
    card = session.catalogue.agent(person)
    if card is None or card.is_producer:
        raise ArchiveError("agent-unknown", person)
    return card, version


def repeatable(session: Session, key: str, asked: str) -> Session:
    """A session in which the same request, sent again under the same key, does nothing twice.

    Every id that the request draws - of its commands, and of what it makes - follows from the agent and the key, so the
    log itself answers that the commands were performed. `asked` is the digest of the request: another one under the
    same key is `command-reused`.
    """
    drawn = 0

    def next_id() -> UUID:
        nonlocal drawn
        drawn += 1
        return uuid5(REPEATED, f"{session.actor.agent}\0{key}\0{drawn}")

    return replace(session, new_id=next_id, asked=asked)
