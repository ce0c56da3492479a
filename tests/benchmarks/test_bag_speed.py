"""What judging costs beside the reference implementation and beside bare hashing. Trust the ratios, not the seconds."""

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import bagit
import pytest

from packages_spec.bagit import validate_bag
from packages_spec.paths import safe_paths
from tests.bag_maker import make_bag

pytestmark = pytest.mark.bench
TINY, LARGE, HUGE = 20_000, 64 << 20, 256 << 20
FEW, MANY = 1_000, 50_000
ROOT = Path(__file__).parents[2]
MEMORY = """
import re, sys
from pathlib import Path
from packages_spec.bagit import validate_bag
assert validate_bag(Path(sys.argv[1]), workers=2) == []
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""


@pytest.fixture(autouse=True)
def _a_silent_reference() -> Iterator[None]:
    """The reference implementation logs a line for each file: that is no part of what is compared."""
    logger = bagit.LOGGER
    before, logger.disabled = logger.disabled, True
    yield
    logger.disabled = before


def best(work: Callable[[], object], times: int = 5, clock: Callable[[], float] = time.process_time) -> float:
    """Seconds (of CPU) of the quickest of a few runs: the least disturbed by others on the machine."""
    return min(_once(work, clock) for _ in range(times))


def _once(work: Callable[[], object], clock: Callable[[], float]) -> float:
    start = clock()
    work()
    return clock() - start


def test_tiny_files(tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", {f"{n % 50:02}/{n:05}.txt": b"%d" % n for n in range(TINY)})
    paths = [str(path) for path in (bag / "data").rglob("*.txt")]
    assert validate_bag(bag) == []

    def floor() -> None:
        for path in paths:
            with open(path, "rb", buffering=0) as stream:  # noqa: PTH123 - the floor is the barest way
                hashlib.sha256(stream.read()).hexdigest()

    ours, theirs, bare = best(lambda: validate_bag(bag)), best(lambda: bagit.Bag(str(bag)).validate(), 3), best(floor)
    two = best(lambda: validate_bag(bag, workers=2))
    per_file = 1e6 / TINY
    print(
        f"\ntiny files: ours {ours * per_file:.1f} us, bagit {theirs * per_file:.1f} us, bare hashing"
        f" {bare * per_file:.1f} us a file; {ours / theirs:.3f} of bagit, {two / theirs:.3f} with two workers,"
        f" {ours / bare:.1f}x bare hashing"
    )
    assert ours / theirs <= 0.2
    assert two / theirs <= 0.2


def test_huge_files_and_two_workers(tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", {str(n): b"" for n in range(4)})
    for n in range(4):
        os.truncate(bag / "data" / str(n), HUGE + n)
    listed = [f"{digest_of(bag / 'data' / str(n))}  data/{n}\n" for n in range(4)]
    (bag / "manifest-sha256.txt").write_text("".join(listed))
    for name in ("tagmanifest-sha256.txt", "bag-info.txt"):
        (bag / name).unlink()
    assert validate_bag(bag, workers=2) == []
    wall = time.perf_counter
    ours = best(lambda: validate_bag(bag, workers=2), 3, wall)
    theirs = best(lambda: bagit.Bag(str(bag)).validate(), 2, wall)
    print(f"\nfour files of 256 MiB: two workers {ours:.2f} s, bagit {theirs:.2f} s; {ours / theirs:.2f} of bagit")
    assert ours / theirs <= 0.6


def digest_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def test_memory_does_not_grow_with_the_number_of_files(tmp_path: Path) -> None:
    held = {}
    for number in (FEW, MANY):
        bag = make_bag(tmp_path / str(number), {f"{n % 50:02}/{n:06}.txt": b"%d" % n for n in range(number)})
        command = [sys.executable, "-c", MEMORY, str(bag)]
        output = subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True).stdout
        held[number] = int(output) / 1024
    print(f"\nmemory: {held[FEW]:.1f} MiB at {FEW} files, {held[MANY]:.1f} MiB at {MANY}")
    assert held[MANY] - held[FEW] < 12


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
