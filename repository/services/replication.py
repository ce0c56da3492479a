"""Replication (抄送): every committed version of every package is copied to every further store, and recorded so.

What is still to be copied is derived from the log, so that nothing is forgotten and nothing is asked for twice. A copy
counts once its `Replicated` is in the log; killed before that, the next run reads what lies there and records it.
"""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import msgspec

from packages_spec.ocfl import object_path
from repository.domain import archival_package
from repository.domain.aggregate import New
from repository.domain.archival_package import ARCHIVAL_PACKAGE, Expunged, Replicated, Stored
from repository.errors import ArchiveError, storage_error
from repository.eventlog import Streams
from repository.services.preserving import every_store, further_stores, opened
from repository.services.session import Session
from repository.storage import SecondStore, Tails, object_id

AT_ONCE = 1_000
"""Versions that one run copies into one store at most."""


class Waiting(msgspec.Struct, frozen=True):
    """A version that a store does not have yet."""

    package: UUID
    event: Stored


class ReplicationReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was copied; per store the number of versions that still wait, and what kept it from being reached."""

    copied: int
    waiting: dict[str, int]
    problems: dict[str, str]


def waiting(session: Session, store: UUID | None) -> Iterator[Waiting]:
    """Versions that this store does not have, in the order of the log; of generations that are gone none."""
    types = ["ArchivalPackage.Stored", "ArchivalPackage.Replicated", "ArchivalPackage.Expunged"]
    left: dict[tuple[UUID, int, int], Stored] = {}
    for event in session.log.events(types=types):
        package, said = event.envelope.stream, event.payload
        if isinstance(said, Stored):
            left[package, said.generation, said.version] = said
        elif isinstance(said, Replicated) and said.store == store:
            left.pop((package, said.generation, said.version), None)
        elif isinstance(said, Expunged):
            for version in range(1, said.version + 1):
                left.pop((package, said.generation, version), None)
    yield from (Waiting(package, said) for (package, _, _), said in left.items())


def waiting_counts(session: Session) -> dict[str, int]:
    """How many versions wait for each store, by its place; one that is away is left out, for nobody knows its figure.

    Nothing is written.
    """
    return {str(place): _count(session, place) for place in further_stores(session) if place.is_dir()}


def _count(session: Session, place: Path) -> int:
    mark = Tails(place).mark()
    return sum(1 for _ in waiting(session, None if mark is None else mark.store))


def replicate(session: Session, *, budget: int = AT_ONCE) -> ReplicationReport:
    """Copy what waits. A store that cannot be reached is named and passed over; a package in other hands waits.

    `fixity-mismatch` where a version of the archive's own store is not what the log says: that is raised.
    """
    session.require("work")
    copied, left, problems = 0, {}, {}
    for place in further_stores(session):
        try:
            store = opened(session, place)
            with store.copying():
                copied += _copy_some(session, store, budget)
        except ArchiveError as error:
            if error.code == "fixity-mismatch":
                raise
            problems[str(place)] = error.code
        except OSError as error:
            problems[str(place)] = storage_error(error, place).code
        left[str(place)] = _count(session, place)
    return ReplicationReport(copied=copied, waiting=left, problems=problems)


def _copy_some(session: Session, store: SecondStore, budget: int) -> int:
    mark = store.tails.prepare(session.settings.id, session.new_id())
    copied = 0
    for one in list(waiting(session, mark.store))[:budget]:
        try:
            with session.store.held_package(one.package):
                if _copy(session, store, mark.store, one):
                    copied += 1
        except ArchiveError as error:
            if error.code != "locked":
                raise
    return copied


def _copy(session: Session, store: SecondStore, identity: UUID, one: Waiting) -> bool:
    """One version: its bytes first, then the event. Whether it still had to be copied."""
    event = one.event
    if event.generation in session.log.load(ARCHIVAL_PACKAGE, one.package).state.expunged:
        return False
    place = object_path(object_id(one.package, event.generation))
    source: Path = session.store.object_folder(one.package, event.generation)
    store.copy(source, place, event.version, event.inventory_sha256)
    said = Replicated(
        store=identity,
        generation=event.generation,
        version=event.version,
        files=event.files,
        bytes=event.bytes,
        inventory_sha256=event.inventory_sha256,
    )

    def decide(streams: Streams) -> list[New]:
        state = streams.load(ARCHIVAL_PACKAGE, one.package).state
        return [New(one.package, payload) for payload in archival_package.replicate(state, said)]

    session.perform("replicate", decide, correlation=one.package, archive=_archive_of(session, one.package))
    return True


def expunge_everywhere(session: Session, package: UUID, generation: int) -> None:
    """Remove the object of a generation that a committed `Expunged` names from every store, the archive's own first.

    Raises for a store that cannot be reached; the next call finishes it.
    """
    session.store.expunge(package, generation)
    for store in every_store(session):
        store.expunge(object_path(object_id(package, generation)))


def copies_of(session: Session, package: UUID, generation: int) -> list[Path]:
    """Where copies of a generation lie in further stores."""
    place = object_path(object_id(package, generation))
    return [store.root / place for store in every_store(session) if (store.root / place).exists()]


def _archive_of(session: Session, package: UUID) -> str | None:
    newest = session.log.newest(package)
    return None if newest is None else newest.archive
