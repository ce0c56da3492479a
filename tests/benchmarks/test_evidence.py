"""Evidence at a million events: the tree from nothing and grown, and verification, beside plain hashing and reading."""

import resource
import time
import tracemalloc
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest

from repository.eventlog import verify_log
from repository.evidence import Recount, Tiles, extend_tiles, leaf_hash
from tests.event_logs import closing, codec, count, create

pytestmark = pytest.mark.bench

LEAVES = 1_000_000
EVENTS = 200_000
MEGABYTE = 1_000_000


def cpu(action: Callable[[], object]) -> float:
    """Seconds of CPU of the whole process."""
    before = time.process_time()
    action()
    return time.process_time() - before


def leaves(begin: int, end: int) -> Iterator[bytes]:
    for number in range(begin, end):
        yield leaf_hash(b"%d" % number)


def test_a_million_leaves_from_nothing_and_ten_more(tmp_path: Path) -> None:
    plain = cpu(lambda: [sha256(b"\x01" + leaf + leaf).digest() for leaf in leaves(0, LEAVES)] and None)
    tracemalloc.start()
    whole = cpu(lambda: extend_tiles(tmp_path, 0, leaves(0, 20_000)))
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert held < MEGABYTE, "memory is flat: one tile for each level"
    folder = tmp_path / "whole"
    whole = cpu(lambda: extend_tiles(folder, 0, leaves(0, LEAVES)))
    grown = cpu(lambda: Tiles.of_folder(folder, extend_tiles(folder, LEAVES, leaves(LEAVES, LEAVES + 10))).root())
    print(f"\ntree of a million: {whole:.2f} s ({whole / plain:.2f} of hashing alone); ten more: {grown * 1e3:.1f} ms")
    assert whole / plain < 3
    assert grown < whole / 100


def test_verification_beside_reading(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with closing(create(path)) as log:
        for number in range(EVENTS // 500):
            count(log, UUID(int=number + 1, version=4), *range(500), note="陈")
        read = cpu(lambda: sum(1 for _ in log.raw()))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        recount = Recount([EVENTS], None)
        taken = cpu(lambda: list(verify_log(log, codec(), lambda _, leaf: recount.add(leaf))))
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert EVENTS in recount.roots
    rate = f"{EVENTS / taken:,.0f} events/s of CPU ({taken / read:.2f} of reading them)"
    print(f"\nverified: {rate}, {grown / 1e3:.0f} MB more")
    assert taken / read < 8
    assert grown < 20_000
