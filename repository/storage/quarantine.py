"""Quarantine (隔离区): one taker for a source at a time, and an end when all that lay there is stored."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from repository.storage.durable import storage_errors, sync_folder, write_all
from repository.storage.journal import journal_path
from repository.storage.locks import take


@contextmanager
def source_lock(archive: Path, key: str) -> Iterator[None]:
    """Hold a source for the length of the block. Raises `locked` while another process takes the same source."""
    lock = take(archive / "quarantine" / f"source-{key[:32]}.lock")
    try:
        yield
    finally:
        lock.release()


def discard_quarantine(folder: Path) -> None:
    """Remove an accession's folder: what was content has moved into the store, what is left are copies of papers."""
    with storage_errors(folder):
        if folder.is_dir():
            shutil.rmtree(folder)


def discard_delivery(folder: Path) -> None:
    """Remove one delivery of an accession and its journal, and leave what stands beside it.

    It is out of the way with one rename: whoever finds its folder finds it whole.
    """
    leaving = folder.with_name(f"{folder.name}.leaving")
    with storage_errors(folder):
        if folder.is_dir():
            folder.rename(leaving)
        if leaving.is_dir():
            shutil.rmtree(leaving)
        journal_path(folder).unlink(missing_ok=True)


def keep_beside(place: Path, content: bytes) -> None:
    """Put a small file beside a delivery, whole and durable or not at all; it takes the place of one of this name."""
    with storage_errors(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        half = place.with_name(f"{place.name}.part")
        descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o444)
        try:
            write_all(descriptor, content)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        half.rename(place)
        sync_folder(place.parent)
