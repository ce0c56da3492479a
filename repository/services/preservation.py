"""Preservation (保管): putting things straight after a crash, and laying out stored versions exactly as they are."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import msgspec

from repository.domain import run
from repository.domain.aggregate import New
from repository.domain.archival_package import ARCHIVAL_PACKAGE, Expunged
from repository.domain.run import RUN, RunKind
from repository.domain.values import Outcome, Value
from repository.errors import ArchiveError
from repository.eventlog import Streams
from repository.services import stored
from repository.services.replication import expunge_everywhere
from repository.services.sealing import forget_cipher
from repository.services.search import find_record, position_of
from repository.services.session import Session
from repository.storage import Recovered, RecoveryAction, StoredClaim, outgoing, recover, sweep_outgoing

AWAY = frozenset({"locked", "store-unreached"})
"""Codes that keep an old generation from going now: they pass."""


class MaterialiseReport(msgspec.Struct, frozen=True, kw_only=True):
    """A stored version laid out as a bag of its own, every byte checked on the way."""

    schema: str = "jingui.materialise/1"
    run: UUID
    package: UUID
    version: int
    path: str
    files: int
    bytes: int


def materialise(session: Session, record: str, target: Path, *, as_of: str | None = None) -> MaterialiseReport:
    """Copy the newest stored version of a record, as the bag `target/uuid-<u>`; recorded as a run of kind export.

    With `as_of` it is the newest that was stored at that moment.

    Raises `record-unknown`, `folder-exists`, and `fixity-mismatch` for the first file that is not true; the run then
    ends as failed, and nothing is left at the target.
    """
    session.require("materialise")
    package = find_record(session, record)
    identifier = session.new_id()
    started = run.Started(kind=RunKind.EXPORT, scope=f"urn:uuid:{package}", target=str(target))
    _append(session, identifier, lambda state: run.start(state, started))
    out = target / f"uuid-{package}"
    outcome, copied = Outcome.FAILED, []
    try:
        version = stored.newest(session, package, as_of=position_of(session, as_of))
        with outgoing(session.folder, identifier) as folder:
            for path, digest in sorted(version.digests.items()):
                copied.append(folder.copy(stored.place_of(session, version, path), path, digest))
            folder.hand_out(out)
        outcome = Outcome.PASSED
    finally:
        finished = run.Finished(outcome=outcome, done=len(copied), findings=(), findings_total=0)
        _append(session, identifier, lambda state: run.finish(state, finished))
    return MaterialiseReport(
        run=identifier,
        package=package,
        version=version.event.version,
        path=str(out),
        files=len(copied),
        bytes=sum(file.size for file in copied),
    )


def put_straight(session: Session) -> list[RecoveryAction]:
    """After a crash: what the log says was stored is finished, what it does not know of goes back into quarantine.

    Deletes no content but what a committed `Expunged` names. Raises `recovery-alarm` when a version that the log says
    is stored is not there, whole.
    """
    sweep_outgoing(session.folder)
    actions = recover(session.store, lambda *sealed: _claim(session, *sealed))
    for action in actions:
        if action.outcome is Recovered.ALARM:
            raise ArchiveError("recovery-alarm", action.package, paths=", ".join(action.paths))
    sweep_expunged(session)
    return [action for action in actions if action.outcome is not Recovered.HELD]


def sweep_expunged(session: Session, *, passing: frozenset[str] = AWAY) -> None:
    """Finish removing the generations whose `Expunged` is committed, from every store, and what opened them.

    One that another process holds is left to it, and one in a store that is away to the next time.
    """
    for event in session.log.events(types=["ArchivalPackage.Expunged"]):
        package, gone = event.envelope.stream, event.payload
        if isinstance(gone, Expunged):
            with _unless_away(passing):
                expunge_everywhere(session, package, gone.generation)
                forget_cipher(session, package, gone.generation)


@contextmanager
def _unless_away(passing: frozenset[str]) -> Iterator[None]:
    """Let what cannot be had at this moment be."""
    try:
        yield
    except ArchiveError as error:
        if error.code not in passing:
            raise


def _claim(session: Session, package: UUID, version: int, generation: int) -> StoredClaim | None:
    """What the log, read now, says of a version."""
    for known in session.log.load(ARCHIVAL_PACKAGE, package).state.stored:
        if (known.generation, known.version) == (generation, version):
            return StoredClaim(known.inventory_sha256)
    return None


def _append(session: Session, identifier: UUID, decide: Callable[[run.State], list[Value]]) -> None:
    def decided(streams: Streams) -> list[New]:
        return [New(identifier, payload) for payload in decide(streams.load(RUN, identifier).state)]

    session.perform("run", decided, correlation=identifier, archive=None)
