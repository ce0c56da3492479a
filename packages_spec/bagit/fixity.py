"""Fixity (固定性): every digest that a bag lists against the file's own, each file read once."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from typing import Final

from packages_spec.bagit.reader import Bag
from packages_spec.bagit.tagfiles import ALGORITHMS
from packages_spec.bagit.tree import OPEN_FLAGS, Tree
from packages_spec.findings import Finding

DigestSource = Callable[[str, frozenset[str]], Mapping[str, str]]
"""Gives the lower-case hex digests of a file of the bag, by its path and the algorithms wanted; may raise `OSError`."""

_FIRST_READ: Final = 1 << 16
"""Bytes read first: most files end within them, and a larger buffer costs more than they do."""
_BUFFER: Final = 1 << 18
"""Bytes read at a time from then on: they still lie in the processor's cache when they are hashed."""
_BATCH_FILES: Final = 512
_BATCH_BYTES: Final = 4 << 20
"""What one thread takes at a time: enough to be worth the handing over, little enough that all have work."""
_HASHES: Final = {name: getattr(hashlib, known, partial(hashlib.new, known)) for name, (known, _) in ALGORITHMS.items()}
_Task = tuple[str, dict[str, str]]


def judge_digests(bag: Bag, tree: Tree, digests: DigestSource, workers: int) -> Iterable[Finding]:
    """The digests that differ and the files that cannot be read, among those that lie in the bag and are listed."""
    batches = _batches(bag, tree)
    judge = partial(_judge_batch, digests)
    if workers == 1:
        return chain.from_iterable(map(judge, batches))
    with ThreadPoolExecutor(workers) as pool:
        return list(chain.from_iterable(pool.map(judge, batches)))


def digests_of_file(root: str, path: str, algorithms: frozenset[str]) -> dict[str, str]:
    """All these digests of a file in one reading; opened as `open_regular` does. Raises `OSError`."""
    descriptor = os.open(f"{root}/{path}", OPEN_FLAGS)
    try:
        first = os.read(descriptor, _FIRST_READ)
        hashes = {algorithm: _HASHES[algorithm](first, usedforsecurity=False) for algorithm in algorithms}
        buffer = memoryview(bytearray(_BUFFER if len(first) == _FIRST_READ else 1 << 12))
        while size := os.readv(descriptor, [buffer]):
            for digest in hashes.values():
                digest.update(buffer[:size])
    finally:
        os.close(descriptor)
    return {algorithm: digest.hexdigest() for algorithm, digest in hashes.items()}


def _batches(bag: Bag, tree: Tree) -> Iterator[list[_Task]]:
    batch: list[_Task] = []
    size = 0
    for path, bytes_in_file in chain(tree.tags.items(), tree.payload.items()):
        if expected := bag.expected(path):
            batch.append((path, expected))
            size += bytes_in_file
        if len(batch) == _BATCH_FILES or size > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    yield batch


def _judge_batch(digests: DigestSource, batch: list[_Task]) -> list[Finding]:
    findings = []
    for path, expected in batch:
        try:
            found = digests(path, frozenset(expected))
        except OSError as error:
            findings.append(Finding("bag.unreadable", path, found=error.strerror or str(error)))
            continue
        for algorithm, digest in expected.items():
            if (actual := found.get(algorithm, "")) != digest:
                findings.append(Finding("bag.digest-wrong", path, f"{algorithm}:{digest}", f"{algorithm}:{actual}"))
    return findings
