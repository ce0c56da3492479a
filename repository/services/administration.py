"""Administration (系统管理): making an archive, knowing its people, and putting right what went wrong."""

import hashlib
import os
import secrets
from pathlib import Path
from uuid import UUID

import msgspec

from repository.catalogue import Agent
from repository.domain import agent, corrections
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
from repository.settings import Settings


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
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return home / "jingui" / f"{settings.id}.credential"


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
    """Register a person with their roles and a credential of their own, which is returned once and kept nowhere."""
    session.require("administer")
    credential = Credential(session.new_id(), secrets.token_hex(32))
    person = session.new_id()

    def decide(streams: Streams) -> list[New]:
        state = streams.load(AGENT, person).state
        registered = agent.register(state, name=name, kind=AgentKind.PERSON)
        granted = [payload for role in roles for payload in agent.grant(state, role)]
        issued = agent.CredentialIssued(credential=credential.credential, secret_sha256=credential.digest)
        return [New(person, payload) for payload in (*registered, *granted, issued)]

    session.perform("add-person", decide, correlation=person, archive=None)
    return person, credential


def list_people(session: Session, *, as_of: str | None = None) -> tuple[Agent, ...]:
    """Everybody who can act here, with roles and credentials in force, now or as of a moment. An auditor may know."""
    session.require("audit")
    session.catch_up()
    position = position_of(session, as_of)
    return session.catalogue.agents(producers=False, as_of=position, limit=1_000).entries


def change_roles(session: Session, person: UUID, *, grant: list[Role], revoke: list[Role], reason: str) -> None:
    """Give and take roles. Nothing is appended for what is so already."""
    session.require("administer")

    def decide(streams: Streams) -> list[New]:
        state = streams.load(AGENT, person).state
        if state.registered is None:
            raise ArchiveError("agent-unknown", person)
        given = [payload for role in grant for payload in agent.grant(state, role)]
        taken = [payload for role in revoke for payload in agent.revoke(state, role, reason)]
        return [New(person, payload) for payload in (*given, *taken)]

    session.perform("change-roles", decide, correlation=person, archive=None)


def revoke_credential(session: Session, person: UUID, credential: UUID, reason: str) -> None:
    """Take a credential out of force, for somebody who leaves or has lost it."""
    session.require("administer")

    def decide(streams: Streams) -> list[New]:
        state = streams.load(AGENT, person).state
        return [New(person, payload) for payload in agent.withdraw(state, credential, reason)]

    session.perform("revoke-credential", decide, correlation=person, archive=None)


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

    Refused for a type whose correction is another event (`not-annullable`), and for an approver who may not.
    """
    session.require("annul")
    if not may(session.log.load(AGENT, approver.agent).state, "annul"):
        raise ArchiveError("not-allowed", "annul")
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
        return [New(subject.stream, payload)]

    session.perform(
        "annul", decide, correlation=subject.correlation_id, archive=subject.archive, causation=subject.event_id
    )
