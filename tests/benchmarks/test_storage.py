"""What storing costs: bytes moved for each byte kept, time per file, and the price of durability. Trust the ratios."""

import gc
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from packages_spec.digests import Digested
from repository.storage.receive import receive
from repository.storage.staging import Stage
from repository.storage.store import Store
from tests.small_store import make_store, received, seal

pytestmark = pytest.mark.bench
LARGE = 128 << 20
PAGE = 45_000


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A file system of our own where that can be had (as root), for a sync waits for everybody's bytes on it."""
    image, mount = tmp_path / "disk.img", tmp_path / "disk"
    mount.mkdir()
    with image.open("wb") as stream:
        stream.truncate(3 << 30)
    make = subprocess.run(["mkfs.ext4", "-q", image], check=False, capture_output=True)
    own = make.returncode == 0 and subprocess.run(["mount", "-o", "loop", image, mount], check=False).returncode == 0
    print("\non a file system of our own" if own else "\non a file system shared with others")
    yield mount
    if own:
        subprocess.run(["umount", mount], check=True)
    image.unlink()


def io_counters() -> dict[str, int]:
    return {name: int(value) for name, value in (line.split(": ") for line in _io_text().splitlines())}


def _io_text() -> str:
    return Path("/proc/self/io").read_text()


def adopt_all(stage: Stage, quarantine: Path, files: tuple[Digested, ...]) -> list[Digested]:
    payload = []
    for file in files:
        payload.append(Digested(f"data/{file.path}", file.size, file.sha256))
        stage.adopt(quarantine / file.path, payload[-1].path, file)
    return payload


def store_one(store: Store, source: Path, name: str) -> None:
    delivery = received(store, source, name)
    with store.stage(uuid4()) as stage:
        seal(stage, adopt_all(stage, store.quarantine / name, delivery.files))
        store.commit([stage])
        stage.release()


def test_bytes_moved(place: Path) -> None:
    """One read and one write of each byte, with the producer's digests computed on the way."""
    source = place / "source"
    source.mkdir()
    block = os.urandom(1 << 20)
    for number in range(4):
        with (source / f"{number}.tif").open("wb") as stream:
            for _ in range(LARGE // 4 >> 20):
                stream.write(block)
    with make_store(place / "archive") as store:
        before = io_counters()
        start = time.process_time()
        delivery = receive(source, store.quarantine / "d", algorithms={"sha512"}, progress=lambda *_: None)
        with store.stage(uuid4()) as stage:
            seal(stage, adopt_all(stage, store.quarantine / "d", delivery.files))
            store.commit([stage])
            stage.release()
        seconds = time.process_time() - start
        after = io_counters()
    read, written = ((after[name] - before[name]) / LARGE for name in ("rchar", "wchar"))
    print(
        f"\n{LARGE >> 20} MiB stored: read {read:.4f}x, written {written:.4f}x, {LARGE / seconds / 1e6:.0f} MB/s of CPU"
    )
    assert read <= 1.02
    assert written <= 1.02


def many(root: Path, count: int) -> Path:
    for number in range(count):
        if number % 1000 == 0:
            folder = root / f"{number // 1000:03}"
            folder.mkdir(parents=True)
        (folder / f"{number:06}.txt").write_bytes(b"%06d" % number * 20)
    return root


MEMORY = """
import resource, sys
from pathlib import Path
from repository.storage.store import Store
from tests.benchmarks.test_storage import store_one
with Store.open(Path(sys.argv[1])) as store:
    store_one(store, Path(sys.argv[2]), "d")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_cost_per_file_is_flat(place: Path) -> None:
    costs = {}
    for count in (1_000, 50_000):
        source = many(place / f"source{count}", count)
        best = float("inf")
        for turn in range(3 if count == 1_000 else 1):
            with make_store(place / f"archive{count}-{turn}") as store:
                gc.collect()
                cpu = time.process_time()
                store_one(store, source, "d")
                best = min(best, time.process_time() - cpu)
        costs[count] = best / count * 1e6
    make_store(place / "archive").close()
    command = [sys.executable, "-c", MEMORY, str(place / "archive"), str(place / "source50000")]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    memory = int(done.stdout) / 1024
    ratio = costs[50_000] / costs[1_000]
    print(
        f"CPU per file: {costs[1_000]:.0f} us of 1,000, {costs[50_000]:.0f} us of 50,000: {ratio:.2f}x;"
        f" memory at 50,000: {memory:.0f} MiB"
    )
    assert ratio <= 1.3
    assert memory <= 300


def small_packages(place: Path, count: int) -> Path:
    page = os.urandom(PAGE)
    for number in range(count):
        folder = place / "source" / f"{number:05}"
        folder.mkdir(parents=True)
        for name in range(3):
            (folder / f"{name}.tif").write_bytes(page[name:])
    return place / "source"


def store_many(store: Store, source: Path, batch: int, *, sync: bool) -> None:
    """A delivery of records of three pages, each with some twenty tag and metadata files, stored in batches."""
    delivery = receive(source, store.quarantine / "d", progress=lambda *_: None, sync=sync)
    units: dict[str, list[Digested]] = {}
    for file in delivery.files:
        units.setdefault(file.path.partition("/")[0], []).append(file)
    waiting: list[Stage] = []
    for files in units.values():
        stage = store.stage(uuid4())
        payload = adopt_all(stage, store.quarantine / "d", tuple(files))
        payload += [stage.write(f"data/metadata/{n % 6}/{n}.xml", [b"<x>%d</x>" % n * 200]) for n in range(16)]
        seal(stage, payload)
        waiting.append(stage)
        if len(waiting) == batch:
            commit(store, waiting)
    commit(store, waiting)


def commit(store: Store, waiting: list[Stage]) -> None:
    store.commit(waiting)
    for stage in waiting:
        stage.release()
    waiting.clear()


def test_price_of_durability(place: Path) -> None:
    """300 packages of three pages of 45 kB, durable against unsynced, alternating; the best of each.

    Nothing but storing runs here, so the ratio is above that of a whole ingest, which has to stay within 1.5.
    """
    source = small_packages(place, 300)
    best = {True: float("inf"), False: float("inf")}
    for turn in range(8):
        sync = turn % 2 == 0
        with make_store(place / f"archive{turn}", sync=sync) as store:
            os.sync()
            start = time.perf_counter()
            store_many(store, source, 64, sync=sync)
            best[sync] = min(best[sync], time.perf_counter() - start)
    ratio = best[True] / best[False]
    print(f"300 packages: durable {best[True]:.2f} s, unsynced {best[False]:.2f} s: {ratio:.2f}x")
    assert ratio <= 2
