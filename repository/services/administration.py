"""Administration (系统管理): making an archive, knowing its people, and putting right what went wrong."""

import hashlib
import os
import secrets
from functools import reduce
from pathlib import Path
from uuid import UUID

import msgspec

from repository.catalogue import Agent
from repository.domain import access_request, agent, corrections
from repository.domain.access_request import ACCESS_REQUEST
from repository.domain.agent import AGENT, PRODUCER, AgentKind
from repository.domain.aggregate import New
from repository.domain.authority import may
from repository.domain.envelope import Actor, Authentication
from repository.domain.values import Role as Role
from repository.errors import ArchiveError
from repository.eventlog import EventLog, Streams
from repository.eventlog.registry import AGGREGATES, event_types
from repository.services.search import position_of
from repository.services.session import Session
from repository.services.undoing import carried_back
from repository.settings import Settings, personal_folder


class Credential(msgspec.Struct, frozen=True):
    """What a person holds in a file of mode 0600: `id.secret`, the secret 32 random bytes in hex."""

    credential: UUID
    secret: str

    @property
    def digest(self) -> str:
        """What the log knows of it."""
        return hashlib.sha256(bytes.fromhex(self.secret)).hexdigest()


def credential_file(settings: Settings) -> Path:
    """Where a person's credential lies: `JINGUI_CREDENTIAL`, else a file of this archive in the person's folder."""
    if named := os.environ.get("JINGUI_CREDENTIAL"):
        return Path(named)
    return personal_folder() / f"{settings.id}.credential"


def write_credential(path: Path, credential: Credential) -> None:
    """Write a new credential where only its holder can read it. Refused when the file is there."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise ArchiveError("credential-exists", path) from error
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{credential.credential}.{credential.secret}\n")


def read_credential(path: Path) -> Credential:
    """Read a credential. `credential-missing`, `credential-open` (others may read it) or `credential-invalid`."""
    try:
        mode = path.stat().st_mode
        text = path.read_text("ascii").strip()
    except FileNotFoundError as error:
        raise ArchiveError("credential-missing", path) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ArchiveError("credential-invalid", path) from error
    if mode & 0o077:
        raise ArchiveError("credential-open", path)
    identifier, _, secret = text.partition(".")
    try:
        credential = Credential(UUID(identifier), secret)
        is_whole = len(bytes.fromhex(secret)) == 32
    except ValueError as error:
        raise ArchiveError("credential-invalid", path) from error
    if not is_whole:
        raise ArchiveError("credential-invalid", path)
    return credential


def authenticate(log: EventLog, path: Path, *, session: UUID, workplace: str | None) -> Actor:
    """Say who holds the credential in the file. `credential-unknown` when it is nobody's, or no longer in force."""
    credential = read_credential(path)
    for event in log.events(types=["Agent.CredentialIssued"]):
        if isinstance(event.payload, agent.CredentialIssued) and event.payload.credential == credential.credential:
            known = log.load(AGENT, event.envelope.stream).state.credentials.get(credential.credential, "")
            if secrets.compare_digest(known, credential.digest):
                how = Authentication(method="credential", session=session, workplace=workplace)
                return Actor(agent=event.envelope.stream, authenticated_by=how)
    raise ArchiveError("credential-unknown", path)


def found_archive(session: Session, *, administrator: str, archive_name: str) -> Credential:
    """Write the first events of a new archive: its first administrator, who acts, and the archive as a producer."""
    credential = Credential(session.new_id(), secrets.token_hex(32))
    person, producer = session.actor.agent, session.new_id()

    def decide(streams: Streams) -> list[New]:
        state = streams.load(AGENT, person).state
        archive = streams.load(PRODUCER, producer).state
        registered = agent.register(state, name=administrator, kind=AgentKind.PERSON)
        issued = agent.CredentialIssued(credential=credential.credential, secret_sha256=credential.digest)
        own = agent.register(archive, name=archive_name, kind=AgentKind.ORGANISATION)
        first = [*registered, *agent.grant(state, Role.ADMINISTRATOR), issued]
        return [*(New(person, payload) for payload in first), *(New(producer, payload) for payload in own)]

    session.perform("found", decide, correlation=person, archive=None)
    return credential


def add_person(session: Session, *, name: str, roles: list[Role]) -> tuple[UUID, Credential]:
    """Register a person with their roles and a credential of their own, which is returned once and kept nowhere.

    `roles-forbidden` for roles that the policy never lets one person combine, `told-once` when it was done already.
    """
    session.require("administer")
    never = session.policy.never
    credential = Credential(session.new_id(), secrets.token_hex(32))
    person = session.new_id()

    def decide(streams: Streams) -> list[New]:
        state = streams.load(AGENT, person).state
        registered = agent.register(state, name=name, kind=AgentKind.PERSON)
        granted = agent.change_roles(state, grant=roles, revoke=(), reason="", never=never)
        issued = agent.CredentialIssued(credential=credential.credential, secret_sha256=credential.digest)
        return [New(person, payload) for payload in (*registered, *granted, issued)]

    if session.perform("add-person", decide, correlation=person, archive=None).already:
        raise ArchiveError("told-once", credential.credential)
    return person, credential


def list_people(session: Session, *, as_of: str | None = None) -> tuple[Agent, ...]:
    """Everybody who can act here, with roles and credentials in force, now or as of a moment. An auditor may know."""
    session.require("audit")
    session.catch_up()
    position = position_of(session, as_of)
    return session.catalogue.agents(producers=False, as_of=position, limit=1_000).entries


def change_roles(session: Session, person: UUID, *, grant: list[Role], revoke: list[Role], reason: str) -> None:
    """Give and take roles. Nothing is appended for what is so already.

    `roles-forbidden` where the person would have roles that the policy never lets one person combine,
    `last-administrator` where nobody could administer any more.
    """
    session.require("administer")
    session.catch_up()
    never = session.policy.never

    def decide(streams: Streams) -> list[New]:
        state = streams.load(AGENT, person).state
        if state.registered is None:
            raise ArchiveError("agent-unknown", person)
        changed = agent.change_roles(state, grant=grant, revoke=revoke, reason=reason, never=never)
        _expect_an_administrator(session, streams, person, reduce(agent.evolve, changed, state))
        return [New(person, payload) for payload in changed]

    session.perform("change-roles", decide, correlation=person, archive=None)


def revoke_credential(session: Session, person: UUID, credential: UUID, reason: str) -> None:
    """Take a credential out of force, for somebody who leaves or has lost it. `last-administrator` as above."""
    session.require("administer")
    session.catch_up()

    def decide(streams: Streams) -> list[New]:
        state = streams.load(AGENT, person).state
        withdrawn = agent.withdraw(state, credential, reason)
        _expect_an_administrator(session, streams, person, reduce(agent.evolve, withdrawn, state))
        return [New(person, payload) for payload in withdrawn]

    session.perform("revoke-credential", decide, correlation=person, archive=None)


def appoint_deputy(session: Session, person: UUID, deputy: UUID, until: str) -> None:
    """Let one person stand in for another, up to and with a day.

    `roles-forbidden` where the two together would have roles that the policy never lets one person combine.
    """
    session.require("administer")
    never = session.policy.never

    def decide(streams: Streams) -> list[New]:
        state, other = streams.load(AGENT, person).state, streams.load(AGENT, deputy).state
        appointed = agent.appoint(state, person, deputy, other, until=until, today=session.today(), never=never)
        return [New(person, payload) for payload in appointed]

    session.perform("appoint-deputy", decide, correlation=person, archive=None)


def dismiss_deputy(session: Session, person: UUID, deputy: UUID, reason: str) -> None:
    """End a deputy's power before its day."""
    session.require("administer")

    def decide(streams: Streams) -> list[New]:
        state = streams.load(AGENT, person).state
        return [New(person, payload) for payload in agent.dismiss(state, deputy, reason)]

    session.perform("dismiss-deputy", decide, correlation=person, archive=None)


class Departure(msgspec.Struct, frozen=True, kw_only=True):
    """Who left, what was taken from them, and which open decisions their successor has now."""

    schema: str = "jingui.departure/1"
    person: UUID
    credentials: tuple[UUID, ...]
    roles: tuple[Role, ...]
    reassigned: tuple[UUID, ...]


def depart(session: Session, person: UUID, *, successor: UUID | None, reason: str) -> Departure:
    """Let somebody go in one command: credentials and roles end, deputies on both sides too, open decisions pass on.

    `last-administrator` when nobody could administer any more, `successor-needed` where decisions are open and nobody
    is named for them, `own-request` where the successor asked for one of them.
    """
    session.require("administer")
    session.catch_up()
    waiting = session.catalogue.requests(waiting=True, assigned=person, limit=1_000).entries
    people = session.catalogue.agents(producers=False, limit=1_000).entries
    if waiting and successor is None:
        raise ArchiveError("successor-needed", person, count=len(waiting))
    left = Departure(person=person, credentials=(), roles=(), reassigned=())

    def decide(streams: Streams) -> list[New]:
        nonlocal left
        state = streams.load(AGENT, person).state
        gone = agent.depart(state, reason)
        _expect_an_administrator(session, streams, person, reduce(agent.evolve, gone, state))
        others = {one.id: streams.load(AGENT, one.id).state for one in people if one.id != person}
        new = [New(person, payload) for payload in gone]
        for principal, other in others.items():
            new += [New(principal, payload) for payload in agent.dismiss(other, person, reason)]
        for one in waiting if successor is not None else ():
            request = streams.load(ACCESS_REQUEST, one.id).state
            if request.assigned == person and successor is not None:
                _expect_decider(others.get(successor))
                new += [New(one.id, payload) for payload in access_request.assign(request, successor)]
        left = Departure(
            person=person,
            credentials=tuple(state.credentials),
            roles=tuple(sorted(state.roles)),
            reassigned=tuple(one.stream for one in new if isinstance(one.payload, access_request.Assigned)),
        )
        return new

    session.perform("depart", decide, correlation=person, archive=None)
    return left


def _expect_an_administrator(session: Session, streams: Streams, person: UUID, after: agent.State) -> None:
    """`last-administrator` where this person can administer, could not afterwards, and nobody else can."""
    if not _administers(streams.load(AGENT, person).state) or _administers(after):
        return
    people = session.catalogue.agents(producers=False, limit=1_000).entries
    if not any(_administers(streams.load(AGENT, one.id).state) for one in people if one.id != person):
        raise ArchiveError("last-administrator", person)


def _administers(state: agent.State) -> bool:
    """Whether somebody has the role, and a credential that opens it."""
    opens = (key not in state.keys or "administer" in state.keys[key].scopes for key in state.credentials)
    return may(state, "administer") and any(opens)


def _expect_decider(successor: agent.State | None) -> None:
    if successor is None or not may(successor, "decide-request"):
        raise ArchiveError("not-allowed", "decide-request")


def find_or_register_producer(session: Session, name: str | None) -> UUID:
    """The producer (移交单位) of that name, registered when it is new; without a name, the archive itself."""
    for event in session.log.events(types=["Producer.Registered"]):
        if isinstance(event.payload, agent.Registered) and (name is None or event.payload.name == name):
            return event.envelope.stream
    producer = session.new_id()

    def decide(streams: Streams) -> list[New]:
        state = streams.load(PRODUCER, producer).state
        registered = agent.register(state, name=name or "", kind=AgentKind.ORGANISATION)
        return [New(producer, payload) for payload in registered]

    session.perform("register-producer", decide, correlation=producer, archive=None)
    return producer


def annul(session: Session, position: int, *, reason: str, approver: Actor) -> None:
    """Annul the event at a position, with a second person's agreement, in the stream that it stands in.

    Refused for a type whose correction is another event (`not-annullable`), and for an approver who may not. What a
    merger or a division carried along is carried back by the same command. Two administrators agree, so that of a
    registration that is annulled one of them is left.
    """
    session.require("annul")
    session.catch_up()
    if not may(session.log.load(AGENT, approver.agent).state, "annul"):
        raise ArchiveError("not-allowed", "annul")
    if approver.agent in session.agents:
        raise ArchiveError("second-person-needed", position)
    event = next(session.log.events(after=position - 1, upto=position), None)
    if event is None:
        raise ArchiveError("position-unknown", position)
    kind = event_types()[event.envelope.type]
    if not kind.correction.endswith(".Annulled"):
        raise ArchiveError("not-annullable", event.envelope.type, correction=kind.correction)
    subject = event.envelope
    payload = corrections.annul(
        subject.event_id, position, actor=session.actor.agent, approver=approver.agent, reason=reason
    )

    def decide(streams: Streams) -> list[New]:
        streams.load(AGGREGATES[subject.type.partition(".")[0]], subject.stream)
        return [New(subject.stream, payload), *carried_back(session, streams, event, reason)]

    session.perform(
        "annul", decide, correlation=subject.correlation_id, archive=subject.archive, causation=subject.event_id
    )
