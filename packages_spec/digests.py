"""Digests (摘要): hashing streams while they pass, never a whole file in memory."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

CHUNK = 1 << 20
"""Bytes read at a time: large enough that the calls cost nothing beside the hashing, small enough to stay flat."""


class Digested(msgspec.Struct, frozen=True, order=True):
    """A file: its relative path (`/` between parts), its size in bytes and its lower-case hex SHA-256."""

    path: str
    size: int
    sha256: str


def chunks_of(path: Path) -> Iterator[bytes]:
    """Read a file in chunks of at most `CHUNK` bytes."""
    with path.open("rb", buffering=0) as stream:
        while chunk := stream.read(CHUNK):
            yield chunk


def sha256_of(chunks: Iterable[bytes]) -> tuple[int, str]:
    """Size in bytes and lower-case hex SHA-256 of what the chunks hold together."""
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
    return size, digest.hexdigest()


def digest_file(path: Path) -> tuple[int, str]:
    """Size in bytes and lower-case hex SHA-256 of a file, read once."""
    return sha256_of(chunks_of(path))
