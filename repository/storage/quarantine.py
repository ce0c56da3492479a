"""Quarantine (隔离区): one taker for a source at a time, and an end when all that lay there is stored."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from repository.storage.durable import storage_errors
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
