"""Recovery (恢复): what a killed run left in staging is finished or put back. No content is ever deleted.

The log decides. For each staging folder whose object nobody holds:

* its `Stored` is in the log and the version lies in the store, whole: only the staging is left over, and goes;
* its `Stored` is in the log and the version is missing or altered: an alarm, and everything is left as it is;
* no `Stored`: the version comes back out of the store, each file goes back to its place in the quarantine, and what the
  run wrote by itself is set aside under `quarantine/suspect`. The run, resumed, makes the version anew. A file whose
  bytes are no longer those that were received is not put back but set aside, with an alarm.

Every step can be repeated: a recovery that is killed is finished by the next one.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from uuid import UUID, uuid4

import msgspec

from packages_spec.digests import digest_file
from packages_spec.findings import Severity
from packages_spec.ocfl import validate_object
from packages_spec.ocfl.inventory import FILE, SIDECAR
from repository.errors import ArchiveError
from repository.storage.durable import storage_errors, write_atomic
from repository.storage.export import OUTGOING
from repository.storage.locks import take
from repository.storage.staging import JOURNAL, OBJECT, Adopted, Published, read_journal
from repository.storage.store import Store


class StoredClaim(msgspec.Struct, frozen=True):
    """What the log says of a stored version: the digest of its inventory."""

    inventory_sha256: str


class Recovered(StrEnum):
    """What became of an interrupted commit."""

    FINISHED = "finished"
    UNDONE = "undone"
    HELD = "held"
    ALARM = "alarm"


class RecoveryAction(msgspec.Struct, frozen=True):
    """What was done about one package.

    `version` is the one that was under way (None: it was not sealed yet), `aside` the folder, relative to the archive,
    in which the run's own files were set aside, `paths` the files that gave alarm.
    """

    package: UUID
    outcome: Recovered
    version: int | None = None
    aside: str | None = None
    paths: tuple[str, ...] = ()


IsStored = Callable[[UUID, int, int], StoredClaim | None]
"""Asks the log, afresh, whether this version of this generation of a package was stored, under the object's lock."""


def recover(store: Store, is_stored: IsStored) -> list[RecoveryAction]:
    """Clear the staging of everything that no living process is working on; durable when this returns."""
    with storage_errors(store.staging):
        folders = (folder for folder in store.staging.iterdir() if folder.is_dir() and folder.name != OUTGOING)
        packages = sorted(UUID(folder.name) for folder in folders)
        actions = [_recover(store, package, is_stored) for package in packages]
        _sweep_locks(store.staging)
        store.sync()
    return actions


def _recover(store: Store, package: UUID, is_stored: IsStored) -> RecoveryAction:
    try:
        lock = take(store.staging / f"{package}.lock")
    except ArchiveError:
        return RecoveryAction(package, Recovered.HELD)
    try:
        sealed, adopted = read_journal(store.staging / str(package))
        claim = is_stored(package, sealed.version, sealed.generation) if sealed else None
        if sealed and claim:
            return _finish(store, sealed, claim)
        return _undo(store, package, sealed, adopted)
    finally:
        lock.release()


def _finish(store: Store, sealed: Published, claim: StoredClaim) -> RecoveryAction:
    """The event is in the log: the version has to be in the store, whole."""
    place = store.object_folder(sealed.package, sealed.generation)
    damaged = tuple(_damaged(place, sealed.version, claim))
    if damaged:
        return RecoveryAction(sealed.package, Recovered.ALARM, sealed.version, paths=damaged)
    folder = store.staging / str(sealed.package)
    (folder / JOURNAL).unlink()
    return RecoveryAction(sealed.package, Recovered.FINISHED, sealed.version, _set_aside(store, folder))


def _damaged(place: Path, version: int, claim: StoredClaim) -> Iterator[str]:
    inventory = place / f"v{version}" / FILE
    if not inventory.is_file() or digest_file(inventory)[1] != claim.inventory_sha256:
        yield f"v{version}/{FILE}"
    elif place.is_dir():
        yield from (finding.path for finding in validate_object(place) if finding.severity is Severity.ERROR)


def _undo(store: Store, package: UUID, sealed: Published | None, adopted: list[Adopted]) -> RecoveryAction:
    """The event is not in the log: everything goes back where it came from."""
    folder = store.staging / str(package)
    place = store.object_folder(package, sealed.generation if sealed else 1)
    if sealed:
        _withdraw(place, folder / OBJECT, sealed.version)
    with suppress(OSError):
        place.parent.rmdir()
    lost = tuple(file.source for file in adopted if not _put_back(store.archive, folder / OBJECT, file))
    aside = _set_aside(store, folder)
    version = sealed.version if sealed else None
    return RecoveryAction(package, Recovered.ALARM if lost else Recovered.UNDONE, version, aside, lost)


def _withdraw(place: Path, staged: Path, version: int) -> None:
    """Take a version out of the store again; the object is then what it was before."""
    if version == 1:
        if place.is_dir():
            place.rename(staged)
        return
    before = place / f"v{version - 1}"
    for name in (FILE, SIDECAR):
        data = (before / name).read_bytes()
        if (place / name).read_bytes() != data:
            write_atomic(place / name, data)
    if (place / f"v{version}").is_dir():
        (place / f"v{version}").rename(staged / f"v{version}")


def _put_back(archive: Path, staged: Path, file: Adopted) -> bool:
    """Whether the file lies in the quarantine, as it was received."""
    here, there = staged / file.target, archive / file.source
    if here.is_file() and not there.exists() and digest_file(here)[1] == file.sha256:
        there.parent.mkdir(parents=True, exist_ok=True)
        here.rename(there)
    return there.is_file() and not here.exists()


def _set_aside(store: Store, folder: Path) -> str | None:
    """Move what is left of a staging folder out of the way; one in which no file is left is removed."""
    for inner in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
        with suppress(OSError):
            inner.rmdir()
    with suppress(OSError):
        folder.rmdir()
        return None
    aside = store.quarantine / "suspect" / f"{folder.name}-{uuid4().hex[:8]}"
    aside.parent.mkdir(parents=True, exist_ok=True)
    folder.rename(aside)
    return aside.relative_to(store.archive).as_posix()


def _sweep_locks(staging: Path) -> None:
    """Remove the lock files of processes that died."""
    for path in staging.glob("*.lock"):
        with suppress(ArchiveError):
            take(path).release()
