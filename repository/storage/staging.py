"""Staging (暂存): where one version of one object is made, out of sight, before it is published whole.

    staging/<package>.lock           held from the first step to the last
    staging/<package>/commit.ndjson  once sealed: what the version is, and which files of the quarantine belong in it
    staging/<package>/object/        the version as it will be published (a whole object if it is the first)

Nothing is taken out of the quarantine before that list is durable, so that recovery can put every file back where it
came from, whatever moment a run is killed at.
"""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

import msgspec

from packages_spec.digests import Digested
from packages_spec.ocfl import Inventory, User, Version, first_inventory, inventory_chunks, next_inventory, sidecar
from packages_spec.ocfl.inventory import CONTENT, FILE, SIDECAR
from packages_spec.ocfl.layout import OBJECT_DECLARATION
from repository.errors import ArchiveError
from repository.storage.durable import storage_errors
from repository.storage.locks import Lock

JOURNAL = "commit.ndjson"
OBJECT = "object"
UNSORTED = "unsorted"
BUFFER = 1 << 16
READ_ONLY = 0o444
"""What is stored is never written again."""


class Adopted(msgspec.Struct, frozen=True):
    """A file of the quarantine (`source`, relative to the archive) and where it belongs (`target`, to the object)."""

    source: str
    target: str
    sha256: str


class Published(msgspec.Struct, frozen=True):
    """A version that lies in the store, durable. It counts once its `Stored` is in the log."""

    package: UUID
    version: int
    inventory_sha256: str
    files: int
    bytes: int
    generation: int = 1


def object_id(package: UUID, generation: int = 1) -> str:
    """Id of a package's object; each generation after the first is an object of its own."""
    return f"urn:uuid:{package}" if generation == 1 else f"urn:uuid:{package}:g{generation}"


def is_safe(path: str) -> bool:
    """Whether a path is relative and stays where it starts."""
    return not any(part in {"", ".", ".."} for part in path.split("/"))


class Stage:
    """One version being made, under the lock of its object; from `Store.stage`.

    The order of a life: `write` and `adopt` in any order, `seal`, then `Store.commit`; after the `Stored` event is in
    the log, `release`. As a context it lets go of the lock on the way out; what was not released then stays where it
    is for recovery, which alone may decide, after reading the log again.
    """

    def __init__(
        self, archive: Path, folder: Path, lock: Lock, package: UUID, last: Inventory | None, generation: int = 1
    ) -> None:
        self.package = package
        self.generation = generation
        self.version = last.number + 1 if last else 1
        self.folder = folder
        self.object = folder / OBJECT
        self._archive = f"{archive}/"
        self._lock = lock
        self._last = last
        self._head = last.version_name(self.version) if last else "v1"
        self._content = f"{self._head}/{last.content_directory if last else CONTENT}/"
        self._stored: dict[str, Digested] = {}
        self._adopted: dict[str, str] = {}
        self._known = {digest.lower() for digest in last.manifest} if last else set()
        self._made: set[str] = set()
        self._published: Published | None = None

    def write(self, path: str, chunks: Iterable[bytes]) -> Digested:
        """Write a new file of the version, hashing while writing. A path is written or adopted once.

        In a later version, bytes that the object holds already are not stored a second time.
        """
        place = self._place(path) if self._last is None else f"{self.folder}/{UNSORTED}"
        with storage_errors(path):
            size, sha256 = _write_new(place, chunks)
        digested = Digested(path, size, sha256)
        if self._last is not None:
            self._sort(place, digested)
        else:
            self._stored[path] = digested
        return digested

    def adopt(self, source: Path, path: str, digested: Digested) -> None:
        """Take a file of the quarantine, known by its digest, into the version as `path`, without reading it.

        The file moves when the version is committed, not before. One that is not the regular file that was received,
        or that has a second name somewhere, raises `stage-mismatch`.
        """
        name, kept = os.fspath(source), _at(path, digested)
        try:
            found = os.lstat(name)
        except FileNotFoundError as error:
            raise ArchiveError("stage-mismatch", self.package, path=path) from error
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1 or found.st_size != digested.size:
            raise ArchiveError("stage-mismatch", self.package, path=path)
        if not name.startswith(self._archive):
            raise ArchiveError("stage-mismatch", self.package, path=name)
        if digested.sha256 not in self._known:
            self._place(path)
            self._stored[kept.path] = kept
            self._adopted[kept.path] = name.removeprefix(self._archive)

    def seal(self, files: Iterable[Digested], created: str, message: str, user: User) -> Inventory:
        """Finish the version: `files` is its whole logical state. Writes inventory, sidecar and declaration.

        A file that was neither staged nor stored before, or one staged but not listed, raises `stage-mismatch`.
        """
        listed = {file.path: _at(file.path, file) for file in files}
        self._agree(listed)
        version = Version(created, {}, message, user)
        inventory = (
            next_inventory(self._last, listed.values(), self._stored.values(), version)
            if self._last
            else first_inventory(object_id(self.package, self.generation), listed.values(), version)
        )
        with storage_errors(self.package):
            sha256 = self._write_inventories(inventory)
            size = sum(file.size for file in listed.values())
            self._published = Published(self.package, self.version, sha256, len(listed), size, self.generation)
            _write_new(f"{self.folder}/{JOURNAL}", _journal_lines(self._published, self._adoptions()))
        return inventory

    @property
    def sealed(self) -> Published:
        """What the version will be once it is published. Raises `stage-mismatch` before `seal`."""
        if self._published is None:
            raise ArchiveError("stage-mismatch", self.package, path=FILE)
        return self._published

    def gather(self) -> None:
        """Move what was adopted out of the quarantine into the version."""
        for path, source in self._adopted.items():
            Path(self._archive + source).rename(f"{self.object}/{self._content}{path}")

    def publish(self, place: Path) -> None:
        """Make the version visible at the object's place, by renaming: never half of it."""
        if self._last is None:
            _rename_under(self.object, place)
            return
        for name in (self._head, FILE, SIDECAR):
            (self.object / name).rename(place / name)

    def release(self) -> None:
        """After the `Stored` event: forget the staging, let go of the lock."""
        (self.folder / JOURNAL).unlink()
        if self._last is not None:
            self.object.rmdir()
        self.folder.rmdir()
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._lock.release()

    def _adoptions(self) -> Iterator[Adopted]:
        for path, source in self._adopted.items():
            yield Adopted(source, self._content + path, self._stored[path].sha256)

    def _sort(self, unsorted: str, digested: Digested) -> None:
        """Keep what a later version wrote if the object does not hold the same bytes already."""
        with storage_errors(digested.path):
            if digested.sha256 in self._known:
                Path(unsorted).unlink()
            else:
                Path(unsorted).rename(self._place(digested.path))
                self._stored[digested.path] = digested

    def _place(self, path: str) -> str:
        """Where the version's file stands while staged, its folder made."""
        if path in self._stored or not is_safe(path):
            raise ArchiveError("stage-mismatch", self.package, path=path)
        place = f"{self.object}/{self._content}{path}"
        parent = place.rpartition("/")[0]
        if parent not in self._made:
            with storage_errors(path):
                Path(parent).mkdir(parents=True, exist_ok=True)
            self._made.add(parent)
        return place

    def _agree(self, listed: Mapping[str, Digested]) -> None:
        missing = (path for path, file in listed.items() if file.sha256 not in self._known and path not in self._stored)
        stray = (path for path, file in self._stored.items() if listed.get(path) != file)
        for path in (*missing, *stray):
            raise ArchiveError("stage-mismatch", self.package, path=path)

    def _write_inventories(self, inventory: Inventory) -> str:
        """The version's inventory, the object's equal to it, and the sidecar of each; returns the digest."""
        folders = (self.object / self._head, self.object)
        folders[0].mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with (folders[0] / FILE).open("xb") as inner, (folders[1] / FILE).open("xb") as outer:
            for chunk in inventory_chunks(inventory):
                digest.update(chunk)
                inner.write(chunk)
                outer.write(chunk)
        for folder in folders:
            _write_new(f"{folder}/{SIDECAR}", [sidecar(digest.hexdigest())])
        if self._last is None:
            _write_new(f"{self.object}/{OBJECT_DECLARATION}", [b"ocfl_object_1.1\n"])
        return digest.hexdigest()


def _at(path: str, file: Digested) -> Digested:
    """The file as one of the version: the same value where it is one already, for there may be 100,000 of them."""
    if type(file) is Digested and file.path == path:
        return file
    return Digested(path, file.size, file.sha256)


def read_journal(folder: Path) -> tuple[Published | None, list[Adopted]]:
    """What a staging folder was to become, and what it has adopted.

    A journal that is missing or breaks off was never made durable, and nothing moves before it is: what can be read of
    such a one is given all the same, for putting back what has not moved does nothing.
    """
    try:
        lines = (folder / JOURNAL).read_bytes().split(b"\n")
        sealed = msgspec.json.decode(lines[0], type=Published)
    except (FileNotFoundError, msgspec.DecodeError):
        return None, []
    adopted: list[Adopted] = []
    with suppress(msgspec.DecodeError):
        adopted.extend(msgspec.json.decode(line, type=Adopted) for line in lines[1:] if line)
    return sealed, adopted


def _journal_lines(sealed: Published, adopted: Iterable[Adopted]) -> Iterator[bytes]:
    yield msgspec.json.encode(sealed) + b"\n"
    for file in adopted:
        yield msgspec.json.encode(file) + b"\n"


def _write_new(path: str, chunks: Iterable[bytes]) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, READ_ONLY)
    with os.fdopen(descriptor, "wb", BUFFER) as stream:
        for chunk in chunks:
            digest.update(chunk)
            size += len(chunk)
            stream.write(chunk)
    return size, digest.hexdigest()


def _rename_under(source: Path, target: Path) -> None:
    """Rename, making the folder above; again when recovery removed that folder, empty, in between."""
    while True:
        target.parent.mkdir(exist_ok=True)
        try:
            source.rename(target)
        except FileNotFoundError:
            if not source.exists():
                raise
        else:
            return
