"""Uploads (上传): a file that comes over a wire in parts, kept in quarantine until it is whole and true.

    quarantine/<room>/<id>/<facts>   what was declared of it, and what became of it
    quarantine/<room>/<id>/<name>    its bytes so far; as many as there are, are durable

The rooms are `uploads` for deliveries, with `deposit.json`, and `tasks` for whatever else comes, `.task.json`.

The size of the file is the place where it goes on: nothing else is remembered of it, so nothing can disagree with it.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from packages_spec.digests import digest_file
from repository.errors import ArchiveError
from repository.storage.durable import storage_errors, sync_folder, write_all, write_atomic
from repository.storage.locks import take


@dataclass(frozen=True, slots=True)
class Room:
    """A folder in quarantine for uploads of one kind, and the name of the file in which each tells of itself."""

    name: str
    facts: str


DEPOSITS, TASKS = Room("uploads", "deposit.json"), Room("tasks", ".task.json")


class Upload:
    """One upload. One writer at a time: `locked` for a second one."""

    def __init__(self, archive: Path, identifier: UUID, name: str, room: Room = DEPOSITS) -> None:
        self.folder = archive / "quarantine" / room.name / str(identifier)
        self._facts = self.folder / room.facts
        self.path = self.folder / name
        self._lock = self.folder.with_suffix(".lock")

    def create(self, facts: bytes) -> bool:
        """Make the place for it, durably; False where it was made before."""
        with storage_errors(self.folder):
            self.folder.parent.mkdir(exist_ok=True)
            if self._facts.exists():
                return False
            self.folder.mkdir(exist_ok=True)
            self.path.touch()
            write_atomic(self._facts, facts)
            sync_folder(self.folder.parent)
        return True

    def note(self, facts: bytes) -> None:
        """Write down what became of it, durably."""
        with storage_errors(self.folder):
            write_atomic(self._facts, facts)

    def beside(self, name: str, content: bytes) -> Path:
        """Keep a small file beside it, durably; its place."""
        with storage_errors(self.folder):
            write_atomic(self.folder / name, content)
        return self.folder / name

    @property
    def size(self) -> int:
        """Bytes that are there; 0 once they were taken in and let go."""
        return self.path.stat().st_size if self.path.exists() else 0

    @contextmanager
    def writing(self, offset: int) -> Iterator["Part"]:
        """Go on at this byte. `upload-offset` where it goes on elsewhere. What was written is durable at the end.

        That holds also when the block is left by an error: a broken connection loses no byte that came.
        """
        lock = take(self._lock)
        try:
            if self.size != offset:
                raise ArchiveError("upload-offset", self.folder.name, expected=self.size)
            with storage_errors(self.path):
                descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
                try:
                    yield Part(descriptor)
                finally:
                    os.fsync(descriptor)
                    os.close(descriptor)
        finally:
            lock.release()

    def sha256(self) -> str:
        """Digest of what is there."""
        return digest_file(self.path)[1]

    def empty(self) -> None:
        """Begin anew: what was there was not what had been declared."""
        lock = take(self._lock)
        try:
            with storage_errors(self.path):
                os.truncate(self.path, 0)
        finally:
            lock.release()

    def forget(self) -> None:
        """Remove all of it: nobody asks for it any more."""
        with storage_errors(self.folder):
            if self.folder.is_dir():
                shutil.rmtree(self.folder)

    def let_go(self) -> None:
        """Remove the bytes: what of them is kept has its own place by now."""
        with storage_errors(self.path):
            self.path.unlink(missing_ok=True)


class Part:
    """A stretch of an upload while it comes in."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, data: bytes) -> None:
        """Add bytes."""
        write_all(self._descriptor, data)


def facts_of(archive: Path, identifier: UUID, room: Room = DEPOSITS) -> bytes | None:
    """What was declared of an upload; null where there is none."""
    try:
        return (archive / "quarantine" / room.name / str(identifier) / room.facts).read_bytes()
    except FileNotFoundError:
        return None


def uploads(archive: Path, room: Room = DEPOSITS) -> Iterator[UUID]:
    """Every upload that there is in a room, in the order of their ids."""
    place = archive / "quarantine" / room.name
    for folder in sorted(place.iterdir()) if place.is_dir() else ():
        if (folder / room.facts).is_file():
            yield UUID(folder.name)
