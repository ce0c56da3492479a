"""Fixity (固定性): every digest that a bag lists against the file's own, each byte read once.

Most files of an archive are small: they are opened, read and hashed where they are met, because handing one over costs
more than reading it. What does not end within its first bytes goes to other threads, if there are to be any: hashing
runs beside the interpreter's lock.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from packages_spec.bagit.reader import Bag, Listed
from packages_spec.bagit.tagfiles import ALGORITHMS
from packages_spec.bagit.tree import OPEN_FLAGS, Tree
from packages_spec.findings import Finding

DigestSource = Callable[[str, frozenset[str]], Mapping[str, str]]
"""Gives the lower-case hex digests of a file of the bag, by its path and the algorithms wanted; may raise `OSError`."""

_FIRST_READ: Final = 1 << 14
"""Bytes read first: most files end within them, and a larger buffer costs more than they do."""
_BUFFER: Final = 1 << 18
"""Bytes read at a time from then on: they still lie in the processor's cache when they are hashed."""
_SIZES: Final = {"blake2b256": 32}
"""Digest sizes in bytes that are not the algorithm's own."""


def _hash_of(name: str, known: str) -> Callable[..., Any]:
    maker = getattr(hashlib, known, partial(hashlib.new, known))
    size = {"digest_size": _SIZES[name]} if name in _SIZES else {}
    return partial(maker, usedforsecurity=False, **size)


_HASHES: Final = {name: _hash_of(name, known) for name, (known, _) in ALGORITHMS.items()}


class Payload(msgspec.Struct):
    """How much lies in the payload, and the sizes of those files of which somebody will ask (-1: not there)."""

    bytes: int = 0
    files: int = 0
    asked: dict[str, int] = msgspec.field(default_factory=dict)


_Rest = Callable[[], tuple[int, dict[str, str]]]
"""What is left to be read of a large file: its size and digests. Raises `OSError`."""


class _Running(msgspec.Struct, frozen=True):
    """A large file in the hands of another thread."""

    path: str
    expected: dict[str, str]
    digests: Future[tuple[int, dict[str, str]]]


class Fixity:
    """The judge of one bag's digests; large files are hashed by as many threads as `workers`. A context manager."""

    def __init__(self, root: Path, digests: DigestSource | None, workers: int) -> None:
        self.payload = Payload()
        self._asked = self.payload.asked
        self._read = 0
        self._prefix = f"{root}/"
        self._digests = digests
        self._most = 2 * workers if workers > 1 else 0
        self._pool = ThreadPoolExecutor(workers)
        self._running: list[_Running] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def judge(self, bag: Bag, tree: Tree) -> Iterator[Finding]:
        """The digests that differ and the files that cannot be read, among those that lie in the bag and are listed."""
        yield from self._judge(bag.tag_manifests, tree.tags)
        self._read = 0
        yield from self._judge(bag.manifests, tree.payload)
        self.payload.bytes += self._read
        self.payload.files += len(tree.payload)

    def _judge(self, listings: Listed, files: Iterable[str]) -> Iterator[Finding]:
        expected_of = _expected_in(listings)
        judge = self._judge_file if self._digests is None else self._judge_known
        for path in files:
            if not (expected := expected_of(path)):
                self._count(path, self._size(path))
            elif findings := judge(path, expected):
                yield from findings
        while self._running:
            yield from self._finished(self._running.pop())

    def _judge_file(self, path: str, expected: dict[str, str]) -> list[Finding] | None:
        try:
            first, descriptor = _begin(self._prefix + path)
        except OSError as error:
            return self._unreadable(path, error)
        if descriptor is not None:
            return self._judge_large(path, expected, partial(_rest, descriptor, first, tuple(expected)))
        self._count(path, len(first))
        for name, digest in expected.items():
            if _HASHES[name](first).hexdigest() != digest:
                return _compared(expected, {name: _HASHES[name](first).hexdigest() for name in expected}, path)
        return None

    def _judge_known(self, path: str, expected: dict[str, str]) -> list[Finding]:
        """As a file is judged whose digests somebody else computed."""
        try:
            found = self._digests(path, frozenset(expected)) if self._digests else {}
        except OSError as error:
            return self._unreadable(path, error)
        self._count(path, self._size(path))
        return _compared(expected, found, path)

    def _judge_large(self, path: str, expected: dict[str, str], rest: _Rest) -> list[Finding]:
        """Here, or by other threads while this one goes on; then with what they have found in the meantime."""
        if not self._most:
            return self._judge_rest(path, expected, rest)
        if len(self._running) == self._most:
            wait([running.digests for running in self._running], return_when=FIRST_COMPLETED)
        done = [running for running in self._running if running.digests.done()]
        self._running = [running for running in self._running if running not in done]
        self._running.append(_Running(path, expected, self._pool.submit(rest)))
        return [finding for running in done for finding in self._finished(running)]

    def _finished(self, running: _Running) -> list[Finding]:
        return self._judge_rest(running.path, running.expected, running.digests.result)

    def _judge_rest(self, path: str, expected: dict[str, str], rest: _Rest) -> list[Finding]:
        try:
            size, found = rest()
        except OSError as error:
            return self._unreadable(path, error)
        self._count(path, size)
        return _compared(expected, found, path)

    def _unreadable(self, path: str, error: OSError) -> list[Finding]:
        self._count(path, self._size(path))
        return [Finding("bag.unreadable", path, found=error.strerror or str(error))]

    def _count(self, path: str, size: int) -> None:
        self._read += size
        if self._asked and path in self._asked:
            self._asked[path] = size

    def _size(self, path: str) -> int:
        try:
            return os.lstat(self._prefix + path).st_size
        except OSError:  # gone since it was seen: whoever opens it says so
            return 0


def _compared(expected: Mapping[str, str], found: Mapping[str, str], path: str) -> list[Finding]:
    return [
        Finding("bag.digest-wrong", path, f"{name}:{digest}", f"{name}:{found.get(name, '')}")
        for name, digest in expected.items()
        if found.get(name) != digest
    ]


def _expected_in(listings: Listed) -> Callable[[str], dict[str, str]]:
    """What the manifests list for a path, by algorithm; most bags have one manifest, which is asked in one step."""
    if len(listings) == 1:
        ((name, only),) = listings.items()
        return lambda path: {name: only[path]} if path in only else {}
    return lambda path: {name: entries[path] for name, entries in listings.items() if path in entries}


def _begin(place: str) -> tuple[bytes, int | None]:
    """The first bytes of a file, and its descriptor if there are more; else it is closed. Raises `OSError`."""
    descriptor = os.open(place, OPEN_FLAGS)
    try:
        first = os.read(descriptor, _FIRST_READ)
        if len(first) < _FIRST_READ:
            more = os.read(descriptor, 1)
            if not more:
                os.close(descriptor)
                return first, None
            first += more
    except OSError:
        os.close(descriptor)
        raise
    return first, descriptor


def _rest(descriptor: int, first: bytes, algorithms: tuple[str, ...]) -> tuple[int, dict[str, str]]:
    """The size and all these digests of a file that was begun, which is closed. Raises `OSError`."""
    try:
        hashes = {name: _HASHES[name](first) for name in algorithms}
        buffer, total = memoryview(bytearray(_BUFFER)), len(first)
        while size := os.readv(descriptor, [buffer]):
            total += size
            for digest in hashes.values():
                digest.update(buffer[:size])
    finally:
        os.close(descriptor)
    return total, {name: digest.hexdigest() for name, digest in hashes.items()}
