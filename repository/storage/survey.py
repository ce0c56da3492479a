"""Surveying (查点): what a source holds, hashed where it lies and not copied."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from repository.storage.journal import ReceivedFile
from repository.storage.receive import Received, listing_sha256, source_of


def survey(source: Path, *, progress: Callable[[int, int], None] = lambda _done, _total: None) -> Received:
    """What `receive` would answer, without a copy: every file is read once. Raises what reading a source raises."""
    place = source_of(source)
    listing = place.survey()
    files, done = [], 0
    for entry, chunks in place.contents(listing.entries):
        digest = hashlib.sha256()
        for chunk in chunks:
            digest.update(chunk)
            done += len(chunk)
            progress(done, listing.bytes)
        files.append(ReceivedFile(entry.path, entry.size, digest.hexdigest(), entry.mtime_ns, {}))
    return Received(tuple(files), listing.bytes, listing_sha256(files), listing.findings)
