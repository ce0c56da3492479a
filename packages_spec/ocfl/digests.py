"""The digest algorithms that an inventory may name (OCFL 1.1, section 3.4, and community extension 0009)."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Protocol

from packages_spec.digests import chunks_of


class Hash(Protocol):
    """What `hashlib` makes."""

    def update(self, data: bytes, /) -> None:
        """Take more bytes."""

    def hexdigest(self) -> str:
        """Lower-case hex of what was taken."""


class _Size:
    """The `size` algorithm of extension 0009: how many bytes there are, in decimal."""

    def __init__(self) -> None:
        self._size = 0

    def update(self, data: bytes, /) -> None:
        self._size += len(data)

    def hexdigest(self) -> str:
        return str(self._size)


def _named(name: str) -> Callable[[], Hash]:
    return partial(hashlib.new, name, usedforsecurity=False)


FIXITY_ALGORITHMS: Mapping[str, Callable[[], Hash]] = {
    "md5": _named("md5"),
    "sha1": _named("sha1"),
    "sha256": _named("sha256"),
    "sha512": _named("sha512"),
    "sha512/256": _named("sha512_256"),
    "blake2b-160": partial(hashlib.blake2b, digest_size=20),
    "blake2b-256": partial(hashlib.blake2b, digest_size=32),
    "blake2b-384": partial(hashlib.blake2b, digest_size=48),
    "blake2b-512": hashlib.blake2b,
    "size": _Size,
}
"""A new hash for each algorithm, by its name in OCFL."""


def digests_of(path: Path, algorithms: Iterable[str]) -> dict[str, str]:
    """Digest of a file by each algorithm, the file read once."""
    hashes = {name: FIXITY_ALGORITHMS[name]() for name in algorithms}
    for chunk in chunks_of(path):
        for value in hashes.values():
            value.update(chunk)
    return {name: value.hexdigest() for name, value in hashes.items()}
