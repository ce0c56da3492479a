"""The store (存储库): an OCFL storage root, and the one way by which a version gets into it.

A version is published by renaming, between two syncs that serve a whole batch: the first makes what was staged
durable, the second the renames. Only then may the caller append its `Stored`, which is the commit point.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from importlib.resources import files as resources
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

from packages_spec.digests import digest_file
from packages_spec.findings import Finding
from packages_spec.ocfl import Inventory, object_path, read_inventory, root_files, validate_root
from packages_spec.ocfl.inventory import CONTENT, FILE
from packages_spec.ocfl.layout import ROOT_DECLARATION
from repository.errors import ArchiveError
from repository.storage.durable import FileSystem, probe, storage_errors, sync_folder, write_atomic
from repository.storage.locks import is_held, take
from repository.storage.staging import Published, Stage, is_safe, object_id
from repository.storage.wiping import wipe

_NAME, _GENERATION = "urn%3auuid%3a", "%3ag"
SELF_HELP = {
    "README.txt": frozenset({"a5d711608d6998ccab26a842a7488013b6f6fb496319417b4034eb47c5f1384b"}),
    "verify.py": frozenset({"03bec473aadb119a922fdaeb5a137fd96667916c1b8b7c0c9029d20aba14f7fe"}),
}
"""Plain files of the store's root that serve whoever has the store and nothing else.

With the SHA-256 of each that was ever laid in a store: an archive keeps the ones that it was made with.
"""


class Store:
    """The store of an archive and its staging and quarantine, all on one file system.

    With `sync=False` nothing is made durable: for measuring what durability costs, never for an archive.
    """

    def __init__(self, archive: Path, *, sync: bool = True) -> None:
        self.archive = archive.resolve()
        self.root = self.archive / "store"
        self.staging = self.archive / "staging"
        self.quarantine = self.archive / "quarantine"
        self._disk = FileSystem(self.archive, sync=sync)

    @classmethod
    def create(cls, archive: Path, *, sync: bool = True) -> Self:
        """Make the store of a new archive. Raises `store-unsafe` on an unfit file system, `store-exists` on a second.

        Killed half-way it can be called again: the file that declares the root is written last.
        """
        root = archive / "store"
        if (root / ROOT_DECLARATION).exists():
            raise ArchiveError("store-exists", root)
        probe(archive)
        with storage_errors(root):
            for folder in (root, archive / "staging", archive / "quarantine" / "suspect"):
                folder.mkdir(parents=True, exist_ok=True)
            write_root(root)
            sync_folder(archive)
        return cls(archive, sync=sync)

    @classmethod
    def open(cls, archive: Path, *, sync: bool = True) -> Self:
        """The store of an archive. Raises `store-missing` where there is none of this layout."""
        root = archive / "store"
        for path in (ROOT_DECLARATION, "ocfl_layout.json"):
            if not (root / path).is_file() or (root / path).read_bytes() != root_files()[path]:
                raise ArchiveError("store-missing", root / path)
        return cls(archive, sync=sync)

    def stage(self, package: UUID, generation: int = 1) -> Stage:
        """Begin the next version of a package's generation.

        Raises `locked` while another has it, `recovery-needed` after a crash.
        """
        lock = take(self.staging / f"{package}.lock")
        folder = self.staging / str(package)
        if folder.exists():
            lock.release()
            raise ArchiveError("recovery-needed", package)
        try:
            last = self.inventory(package, generation) if self.versions(package, generation) else None
            with storage_errors(folder):
                folder.mkdir()
        except BaseException:
            lock.release()
            raise
        return Stage(self.archive, folder, lock, package, last, generation)

    def commit(self, stages: Sequence[Stage]) -> list[Published]:
        """Publish sealed versions (steps 3 and 4): two syncs for all of them. Durable when this returns.

        The caller then appends each `Stored` and releases each stage. When this raises, nothing is to be appended:
        recovery puts everything back.
        """
        published = [stage.sealed for stage in stages]
        with storage_errors(self.root):
            self._disk.sync()
            for stage in stages:
                stage.gather()
            for stage in stages:
                stage.publish(self.object_folder(stage.package, stage.generation))
            self._disk.sync()
        return published

    def sync(self) -> None:
        """Make everything written so far durable. Raises `storage-failed` when anything was lost."""
        self._disk.sync()

    def object_folder(self, package: UUID, generation: int = 1) -> Path:
        """Where the object of a package's generation stands, or would."""
        return self.root / object_path(object_id(package, generation))

    def objects(self) -> Iterator[UUID]:
        """Every package that the store holds, in the order of their folders."""
        return (package for package, _ in self.held())

    def held(self) -> Iterator[tuple[UUID, int]]:
        """Every object that the store holds, as package and generation, in the order of their folders."""
        for tuple_folder in sorted(self.root.iterdir()):
            if tuple_folder.is_dir() and tuple_folder.name != "extensions":
                for folder in sorted(tuple_folder.iterdir()):
                    with suppress(ValueError):  # what is not an object, `judge_root` names
                        name, _, generation = folder.name.removeprefix(_NAME).partition(_GENERATION)
                        yield UUID(name), int(generation or 1)

    @contextmanager
    def held_package(self, package: UUID) -> Iterator[None]:
        """Keep everybody else from committing a version of this package. `locked`."""
        lock = take(self.staging / f"{package}.lock")
        try:
            yield
        finally:
            lock.release()

    def is_being_committed(self, package: UUID) -> bool:
        """Whether a living process holds the package's object."""
        lock = self.staging / f"{package}.lock"
        return lock.exists() and is_held(lock)

    def judge_root(self) -> list[Finding]:
        """Everything that is wrong with the store beside its objects: its own files, and what has no place in it."""
        allowed = {path: {hashlib.sha256(data).hexdigest()} for path, data in root_files().items()} | SELF_HELP
        findings = validate_root(self.root)
        for path, digests in allowed.items():
            found = digest_file(self.root / path)[1] if (self.root / path).is_file() else "-"
            if found not in digests:
                findings.append(Finding("archive.store-file", path, " / ".join(sorted(digests)), found))
        return findings

    def versions(self, package: UUID, generation: int = 1) -> tuple[int, ...]:
        """Numbers of the versions that a package has; none if the store does not hold it."""
        try:
            names = [path.name for path in self.object_folder(package, generation).iterdir()]
        except FileNotFoundError:
            return ()
        return tuple(sorted(int(name[1:]) for name in names if name.startswith("v") and name[1:].isdigit()))

    def inventory(self, package: UUID, generation: int = 1) -> Inventory:
        """The newest inventory of a package. Raises `content-unknown` if the store does not hold it."""
        return _read_inventory(self.object_folder(package, generation) / FILE, package)

    def content_path(self, package: UUID, version: int, path: str, generation: int = 1) -> Path:
        """The file that holds the bytes of a version's path. Raises `content-unknown` if there is none."""
        folder = self.object_folder(package, generation)
        if not is_safe(path):
            raise ArchiveError("content-unknown", package, path=path)
        place = f"v1/{CONTENT}/{path}"
        if version > 1:
            place = _places_of(folder / f"v{version}" / FILE, package, version).get(path, "")
        if not place or not (folder / place).is_file():
            raise ArchiveError("content-unknown", package, path=path)
        return folder / place

    def expunge(self, package: UUID, generation: int) -> bool:
        """Remove the object of a generation that a committed `Expunged` names. Whether anything of it was there.

        The one thing that is ever removed from the store. Its bytes are overwritten before their names go. Killed in
        between, it goes on when it is called again: the object's declaration goes last.
        """
        place = self.object_folder(package, generation)
        if not place.exists():
            return False
        lock = take(self.staging / f"{package}.lock")
        try:
            with storage_errors(place):
                wipe(place)
                with suppress(OSError):  # another object stands beside it
                    place.parent.rmdir()
            self._disk.sync()
        finally:
            lock.release()
        return True

    def close(self) -> None:
        """Let go of the file system."""
        self._disk.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


@lru_cache(maxsize=8)
def _places_of(path: Path, package: UUID, version: int) -> dict[str, str]:
    """Where each file of a version lies. Its own inventory never changes: worth keeping while its files are read."""
    return _read_inventory(path, package).content_paths(version)


def _read_inventory(path: Path, package: UUID) -> Inventory:
    try:
        return read_inventory(path.read_bytes())
    except FileNotFoundError as error:
        raise ArchiveError("content-unknown", package, path=path.name) from error


def write_root(root: Path) -> None:
    """Write what makes a folder a storage root; the file that declares it last."""
    own = {name: resources("repository.storage").joinpath(name).read_bytes() for name in SELF_HELP}
    declared = root_files()
    declaration = declared.pop(ROOT_DECLARATION)
    for path, data in {**declared, **own, ROOT_DECLARATION: declaration}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        write_atomic(root / path, data)
