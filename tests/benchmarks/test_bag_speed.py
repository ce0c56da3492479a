"""What judging costs beside the reference implementation and beside bare hashing. Trust the ratios, not the seconds."""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

import bagit
import pytest

from packages_spec.bagit import validate_bag
from packages_spec.paths import safe_paths
from tests.bag_maker import make_bag

pytestmark = pytest.mark.bench
TINY, LARGE = 5_000, 64 << 20


def best(work: Callable[[], object], times: int = 5) -> float:
    """Seconds of CPU of the quickest of a few runs: the least disturbed by others on the machine."""
    return min(_once(work) for _ in range(times))


def _once(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def test_tiny_files(tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", {f"{n % 50:02}/{n:05}.txt": b"%d" % n for n in range(TINY)})
    paths = [str(path) for path in (bag / "data").rglob("*.txt")]
    assert validate_bag(bag) == []

    def floor() -> None:
        for path in paths:
            with open(path, "rb", buffering=0) as stream:  # noqa: PTH123 - the floor is the barest way
                hashlib.sha256(stream.read()).hexdigest()

    ours, theirs, bare = best(lambda: validate_bag(bag)), best(lambda: bagit.Bag(str(bag)).validate(), 2), best(floor)
    per_file = 1e6 / TINY
    print(
        f"\ntiny files: ours {ours * per_file:.1f} us, bagit {theirs * per_file:.1f} us, bare hashing"
        f" {bare * per_file:.1f} us a file; {theirs / ours:.1f}x bagit, {ours / bare:.1f}x bare hashing"
    )
    assert theirs / ours > 3


def test_a_large_file(tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", {"large": bytes(LARGE)})

    def floor() -> None:
        with (bag / "data/large").open("rb") as stream:
            hashlib.file_digest(stream, "sha256").hexdigest()

    ours, bare = best(lambda: validate_bag(bag)), best(floor)
    print(f"\na large file: {LARGE / ours / 1e6:.0f} MB/s, {bare / ours:.2f} of hashlib's reading and hashing")
    assert bare / ours > 0.7


def test_two_workers(tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", {str(n): bytes(LARGE // 4) for n in range(8)})
    walls = []
    for workers in (1, 2):
        start = time.perf_counter()
        assert validate_bag(bag, workers=workers) == []
        walls.append(time.perf_counter() - start)
    print(f"\ntwo workers: {walls[0] / walls[1]:.2f}x one")


def test_names_of_a_hundred_thousand_files() -> None:
    pages = [f"J001-{n // 1000:04}/案卷{n // 100}/第{n}页?.tif" for n in range(100_000)]
    spent = best(lambda: safe_paths(pages), 3)
    print(f"\nnames: {spent:.2f} s for 100,000 that all need replacing")
    assert spent < 1.5
