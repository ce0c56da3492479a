"""Fixity (固定性): every digest that a bag lists against the file's own, each file read once."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from typing import Final

from packages_spec.bagit.reader import Bag
from packages_spec.bagit.tagfiles import ALGORITHMS
from packages_spec.bagit.tree import Tree, open_regular
from packages_spec.digests import CHUNK
from packages_spec.findings import Finding

DigestSource = Callable[[str, frozenset[str]], Mapping[str, str]]
"""Gives the lower-case hex digests of a file of the bag, by its path and the algorithms wanted; may raise `OSError`."""

_FIRST_READ: Final = 1 << 16
"""Bytes read first: most files end within them, and a larger buffer costs more than they do."""
_BATCH: Final = 512
"""Files that one thread takes at a time."""


def judge_digests(bag: Bag, tree: Tree, digests: DigestSource, workers: int) -> Iterable[Finding]:
    """The digests that differ and the files that cannot be read, among those that lie in the bag and are listed."""
    paths = [path for path in chain(sorted(tree.tags), sorted(tree.payload)) if bag.expected(path)]
    batches = [paths[start : start + _BATCH] for start in range(0, len(paths), _BATCH)]
    judge = partial(_judge_batch, bag, digests)
    if workers == 1:
        return chain.from_iterable(map(judge, batches))
    with ThreadPoolExecutor(workers) as pool:
        return list(chain.from_iterable(pool.map(judge, batches)))


def _judge_batch(bag: Bag, digests: DigestSource, paths: list[str]) -> list[Finding]:
    findings = []
    for path in paths:
        expected = bag.expected(path)
        try:
            found = digests(path, frozenset(expected))
        except OSError as error:
            findings.append(Finding("bag.unreadable", path, found=error.strerror or str(error)))
            continue
        for algorithm, digest in expected.items():
            if (actual := found.get(algorithm, "")) != digest:
                findings.append(Finding("bag.digest-wrong", path, f"{algorithm}:{digest}", f"{algorithm}:{actual}"))
    return findings


def digests_of_file(root: str, path: str, algorithms: frozenset[str]) -> dict[str, str]:
    """All these digests in one reading: small files in one piece, large ones a chunk at a time."""
    hashes = {algorithm: hashlib.new(ALGORITHMS[algorithm][0], usedforsecurity=False) for algorithm in algorithms}
    with open_regular(f"{root}/{path}") as stream:
        size = _FIRST_READ
        while chunk := stream.read(size):
            for digest in hashes.values():
                digest.update(chunk)
            if len(chunk) == size:
                size = CHUNK
    return {algorithm: digest.hexdigest() for algorithm, digest in hashes.items()}
