"""A session (会话): one authenticated person at work on one archive, with the parts that the composition root chose."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from uuid import UUID

import msgspec

from repository.catalogue import Catalogue
from repository.characterisation import Characteriser
from repository.crypto import KeyStore, PackageKeys, Vault
from repository.domain.agent import AGENT, combined
from repository.domain.agent import State as Agent
from repository.domain.aggregate import New
from repository.domain.authority import may, stands_in
from repository.domain.envelope import Actor as Actor
from repository.domain.envelope import Command, OccurredAt
from repository.domain.values import time_of
from repository.errors import ArchiveError
from repository.eventlog import Answer, EventLog, Streams
from repository.services.identification import FormatIdentifier
from repository.services.policy import Policy, read_policy
from repository.services.quality_pools import Assessors
from repository.services.trail import Trail
from repository.services.true_files import TrueFiles
from repository.services.virus import VirusScanner
from repository.settings import Settings
from repository.storage import Store

SOFTWARE, SOFTWARE_VERSION = "jingui", "0.1.0"

Clock = Callable[[], datetime]
"""Answers with the time."""

PROCESSES = frozenset({"Accession", "AccessRequest", "Run"})
"""Streams that are a course of work: there, what came last led to what comes next. A person's life is none."""

Progress = Callable[[str, int, int], None]
"""Called with the step's name, what is done and what there is to do (bytes, packages, positions; 0 if unknown)."""


@dataclass(frozen=True, slots=True)
class Session:
    """Everything that a use case needs. Nothing here is found out by a use case itself: not the time, not an id."""

    folder: Path
    settings: Settings
    log: EventLog
    store: Store
    catalogue: Catalogue
    actor: Actor
    clock: Clock
    new_id: Callable[[], UUID]
    identifier: FormatIdentifier | None
    scanner: VirusScanner | None
    characteriser: Characteriser | None
    assessors: Assessors | None
    vault: Vault
    key_store: KeyStore
    package_keys: PackageKeys
    scopes: frozenset[str] | None = None
    """Verbs that the credential is limited to; None: whatever the roles allow."""
    asked: str = ""
    """Digest of the request that a program may send again; one id must not stand for two wishes."""
    expected: tuple[UUID, int] | None = None
    """A stream that must still be at this version for any command that changes it."""
    true_files: TrueFiles = field(default_factory=TrueFiles)
    """Stored files that were read whole and found true, shared by all sessions made from this one."""
    trail: Trail = field(default_factory=Trail)
    """Who came in and what was refused, shared in the same way, until it is written."""

    @property
    def quarantine(self) -> Path:
        """Where deliveries lie that are not yet accepted."""
        return self.folder / "quarantine"

    def now(self) -> str:
        """The time, as events and packages write it."""
        return time_of(self.clock())

    def today(self) -> str:
        """The day, as the people at this place count it."""
        return self.clock().astimezone().date().isoformat()

    @property
    def principal(self) -> UUID:
        """In whose name it is done: the actor, or the one for whom the actor stands in."""
        return self.actor.on_behalf_of or self.actor.agent

    @property
    def agents(self) -> tuple[UUID, ...]:
        """Everybody whose deed it is: a deputy and the principal both. Rules that need two people compare these."""
        return tuple(sorted({self.actor.agent, self.principal}))

    @property
    def policy(self) -> Policy:
        """What the site decided about rights."""
        return read_policy(self.folder)

    def standing(self) -> Agent:
        """What the one may in whose name it is done.

        `not-deputy` where the actor does not stand in for them today, `roles-forbidden` where the two together would
        have roles that one person may never combine.
        """
        state = self.log.load(AGENT, self.principal).state
        if self.principal != self.actor.agent:
            if not stands_in(state, self.actor.agent, self.today()):
                raise ArchiveError("not-deputy", self.principal)
            combined(state.roles | self.log.load(AGENT, self.actor.agent).state.roles, self.policy.never)
        return state

    def in_the_name_of(self, principal: UUID) -> "Session":
        """The same person at work as somebody's deputy (代理). Whether they are, `require` asks."""
        return replace(self, actor=msgspec.structs.replace(self.actor, on_behalf_of=principal))

    def version_of(self, stream: UUID) -> int:
        """The version of a stream that a change made at a distance must have seen; 0 where there is none."""
        newest = self.log.newest(stream)
        return 0 if newest is None else newest.version

    def opens(self, verb: str) -> bool:
        """Whether the roles allow it and the actor's key opens it; for what may be left out where they do not."""
        return (self.scopes is None or verb in self.scopes) and may(self.standing(), verb)

    def require(self, verb: str) -> None:
        """Refuse what the roles do not allow (`not-allowed`), or the actor's key does not open (`scope-missing`).

        A refusal leaves its trace in the log, with others of the same minute.
        """
        try:
            self._expect_right(verb)
        except ArchiveError as error:
            self.trail.denied(self.actor.agent, self.actor.on_behalf_of, verb, error.code, self.clock())
            raise

    def _expect_right(self, verb: str) -> None:
        if self.scopes is not None and verb not in self.scopes:
            raise ArchiveError("scope-missing", verb)
        if not may(self.standing(), verb):
            raise ArchiveError("not-allowed", verb)

    def perform(
        self,
        what: str,
        decide: Callable[[Streams], Iterable[New]],
        *,
        correlation: UUID,
        archive: str | None,
        causation: UUID | None = None,
    ) -> Answer:
        """Perform one command now, in the actor's name: load, decide, append - all of it or nothing.

        `causation` is the event that led to this. Where none is named, it is the newest event of the process that the
        command belongs to - its accession, its access request, its run -, so that the whole way from a delivery to a
        reader can be walked by envelopes alone.

        Work that may be interrupted and run again is kept from happening twice by the decisions themselves. Raises
        `version-differs` when somebody else changed the stream that the caller had seen.
        """
        command_id = self.new_id()
        command = Command(
            command_id=command_id,
            request=hashlib.sha256(f"{what}\0{command_id}\0{self.asked}".encode()).hexdigest(),
            actor=self.actor,
            archive=archive,
            occurred_at=OccurredAt(time=self.now(), precision="microsecond", source="clock"),
            correlation_id=correlation,
            causation_id=causation or self._last_of_process(correlation),
        )
        return self.log.perform(command, self._as_seen(decide) if self.expected else decide)

    def _as_seen(self, decide: Callable[[Streams], Iterable[New]]) -> Callable[[Streams], Iterable[New]]:
        def decided(streams: Streams) -> list[New]:
            events = list(decide(streams))
            stream, version = self.expected or (None, 0)
            found = streams.versions.get(stream, version) if stream else version
            if found != version:
                raise ArchiveError("version-differs", stream, expected=version, found=found)
            return events

        return decided

    def _last_of_process(self, correlation: UUID) -> UUID | None:
        newest = self.log.newest(correlation)
        if newest is None or newest.type.partition(".")[0] not in PROCESSES:
            return None
        return newest.event_id

    def catch_up(self) -> int:
        """Bring the catalogue to the end of the log, so that the caller reads what it wrote. Its position."""
        return self.catalogue.catch_up(self.log)

    def archive_code(self, named: str | None) -> str:
        """The archive meant: the one named, else the first of the settings. `archive-unknown` for another."""
        code = named or self.settings.archives[0]
        if code not in self.settings.archives:
            raise ArchiveError("archive-unknown", code, known=", ".join(self.settings.archives))
        return code
