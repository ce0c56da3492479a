"""Small files that survive a power cut before anything is said about them: written aside, synced, named, synced.

A room of its own does not reach into another's: storage writes packages, this writes keys, with their own mode.
"""

import fcntl
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path


def create_durably(path: Path, data: bytes) -> None:
    """Make a file of mode 0600. `FileExistsError` when one of that name is there: of two writers one wins."""
    temporary = _aside(path)
    try:
        _write_aside(temporary, data)
        os.link(temporary, path)  # unlike a rename, it never takes the place of what is there
    finally:
        temporary.unlink(missing_ok=True)
    sync_names(path.parent)


def replace_all_durably(files: Sequence[tuple[Path, bytes]]) -> None:
    """Put each file in the place of the old one: all are synced before the first takes its place.

    Dying anywhere, each path holds its old bytes or its new ones.
    """
    aside = [(_aside(path), path) for path, _ in files]
    try:
        for (temporary, _), (_, data) in zip(aside, files, strict=True):
            _write_aside(temporary, data)
        for temporary, path in aside:
            os.rename(temporary, path)  # noqa: PTH104 - one call of the system, as the tests count them
    finally:
        for temporary, _ in aside:
            temporary.unlink(missing_ok=True)
    for folder in sorted({path.parent for path, _ in files}):
        sync_names(folder)


@contextmanager
def guarded(folder: Path, *, alone: bool) -> Iterator[None]:
    """Hold a folder to the end of the block, beside others who add to it, or alone to replace and remove.

    Between processes and threads: so nothing that is destroyed comes back from somebody who had read it before.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def sweep(folder: Path) -> None:
    """Destroy what writers that died left aside in a folder, which is held alone: it holds what they had to write."""
    for path in folder.iterdir():
        if path.name.startswith(".") and path.is_file():
            destroy_durably(path)


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}")


def _write_aside(temporary: Path, data: bytes) -> None:
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        written = 0
        while written < len(data):
            written += os.write(descriptor, data[written:])
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_names(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def destroy_durably(path: Path) -> None:
    """Take a file's name away, overwrite it, and remove it. One that is not there is passed over.

    The name goes first: nobody ever reads a file that was half overwritten. Dying after that leaves it aside, where the
    same call, or `sweep`, finds it.
    """
    aside = path.with_name(f".{path.name}.gone")
    with suppress(FileNotFoundError):
        os.rename(path, aside)  # noqa: PTH104 - one call of the system, as the tests count them
    try:
        descriptor = os.open(aside, os.O_WRONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    try:
        os.pwrite(descriptor, bytes(os.fstat(descriptor).st_size), 0)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.unlink(aside)  # noqa: PTH108 - likewise
    sync_names(path.parent)
