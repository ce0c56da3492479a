"""What an ingest costs: bytes moved, cost per file and per package, durability, and the way back from the log.

Every claim is a ratio of two runs of one session on one machine; absolute times are printed for the reader only.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from fixtures import bulk
from repository.archive import clock
from repository.catalogue import Catalogue
from repository.eventlog import EventLog

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

_RUN = """
import json, os, resource, sys, time
from pathlib import Path
from repository.archive import create_archive, open_archive
from repository.services.ingest import IngestRequest, ingest

def moved():
    with open("/proc/self/io") as lines:
        counts = dict(line.split(": ") for line in lines.read().splitlines())
    return int(counts["rchar"]), int(counts["wchar"])

folder, source = Path(sys.argv[1]), Path(sys.argv[2])
create_archive(folder, codes=("510000",), administrator="a", name="b", credential=folder.with_suffix(".credential"))
with open_archive(folder, folder.with_suffix(".credential")) as session:
    before, wall, cpu = moved(), time.perf_counter(), time.process_time()
    report = ingest(session, IngestRequest(source=source), lambda step, done, total: None)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
after = moved()  # now the workers are reaped, and counted
own, reaped = (resource.getrusage(who).ru_maxrss // 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
print(json.dumps({"outcome": report.outcome, "packages": len(report.packages), "wall": wall, "cpu": cpu,
    "read": after[0] - before[0], "written": after[1] - before[1], "mib": max(own, reaped)}))
"""


class Cost(msgspec.Struct, frozen=True):
    """What one ingest in a process of its own cost: seconds, bytes through system calls, memory at its height."""

    outcome: str
    packages: int
    wall: float
    cpu: float
    read: int
    written: int
    mib: int


def ingest_once(folder: Path, source: Path, **settings: str) -> Cost:
    """Ingest a delivery into a new archive, in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **settings}
    answer = subprocess.run(
        [sys.executable, "-c", _RUN, str(folder), str(source)], env=environment, capture_output=True, check=True
    )
    cost = msgspec.convert(json.loads(answer.stdout), Cost)
    assert cost.outcome == "completed"
    return cost


def test_one_reading_and_one_writing(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    size = 512 << 20
    bulk.big_file(source / "film.bin", size, 1)
    plain = ingest_once(tmp_path / "plain", source, JINGUI_IDENTIFY_FORMATS="false", JINGUI_QUALITY="false")
    identified = ingest_once(tmp_path / "identified", source)
    print(f"\n512 MiB: read {plain.read / size:.4f}x, written {plain.written / size:.4f}x, {plain.mib} MiB")
    print(f"with identification: read {identified.read / size:.4f}x, {identified.mib} MiB")
    assert plain.read <= 1.02 * size
    assert plain.written <= 1.02 * size
    assert plain.mib <= 150, "the payload is not mapped"
    assert identified.read <= 2.02 * size


def test_readers_of_large_files_read_headers(tmp_path: Path) -> None:
    """A recording, a page image and a message of this size: each is read twice and hardly more, whatever its reader."""
    size = 512 << 20
    riff = b"RIFF" + (size - 8).to_bytes(4, "little") + b"WAVEfmt " + bytes.fromhex("100000000100020080bb0000")
    heads = {
        "a.wav": riff + bytes.fromhex("00ee020004001000") + b"data" + (size - 44).to_bytes(4, "little"),
        "a.jpg": b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\1\1\x2c\1\x2c\0\0",
        "a.eml": b"From: a@example.org\n\n",
        "a.pdf": b"%PDF-1.7\n",
        "a.mp4": b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + (size - 24).to_bytes(4, "big") + b"mdat",
    }
    for name, head in heads.items():
        source = tmp_path / f"source-{name}"
        source.mkdir()
        bulk.big_file(source / name, size, 1)
        with (source / name).open("r+b") as file:
            file.write(head)
        cost = ingest_once(tmp_path / name.replace(".", "-"), source, JINGUI_QUALITY="false")
        print(f"\n512 MiB {name}: read {cost.read / size:.4f}x, written {cost.written / size:.4f}x, {cost.mib} MiB")
        assert cost.read <= 2.02 * size
        for folder in (source, tmp_path / name.replace(".", "-")):
            shutil.rmtree(folder)


def test_cost_per_file_is_flat(tmp_path: Path) -> None:
    few, many = 1_000, 100_000
    costs = {}
    for count in (few, many):
        bulk.many_files(tmp_path / f"source-{count}", count, 1_000, 1)
        costs[count] = ingest_once(tmp_path / f"archive-{count}", tmp_path / f"source-{count}")
    ratio = (costs[many].cpu / many) / (costs[few].cpu / few)
    for count, cost in costs.items():
        each = f"{cost.cpu / count * 1e6:.0f} us CPU, {cost.wall / count * 1e6:.0f} us"
        print(f"\n{count} files: {each} each, {cost.mib} MiB")
    print(f"100,000 files cost {ratio:.2f}x per file of 1,000")
    assert ratio <= 1.3
    assert costs[many].mib <= 300


def test_many_small_records(tmp_path: Path) -> None:
    few, many = 500, 10_000
    costs = {}
    for count in (few, many):
        bulk.many_records(tmp_path / f"source-{count}", count, 3, 45_000, 1)
        costs[count] = ingest_once(tmp_path / f"archive-{count}", tmp_path / f"source-{count}")
    unsynced = ingest_once(tmp_path / "unsynced", tmp_path / f"source-{few}", JINGUI_SYNC="false")
    durable = ingest_once(tmp_path / "durable", tmp_path / f"source-{few}")
    files, size = _beside_the_pages(tmp_path / f"archive-{few}" / "store", few)
    growth = (costs[many].cpu / many) / (costs[few].cpu / few)
    print(f"\nbeside the pages: {files:.1f} files, {size / 1000:.1f} kB a package")
    print(f"10,000 records cost {growth:.2f}x per package of 500 ({costs[many].cpu / many * 1e3:.1f} ms CPU each)")
    print(f"durable {durable.wall:.1f} s, unsynced {unsynced.wall:.1f} s: {durable.wall / unsynced.wall:.2f}x")
    _measure_rebuild(tmp_path / f"archive-{many}", tmp_path / "catalogue")
    assert files <= 24
    assert size <= 120_000
    assert growth <= 1.2
    assert durable.wall <= 1.5 * unsynced.wall


def _beside_the_pages(store: Path, records: int) -> tuple[float, float]:
    """Files and bytes of a record's package that are not its pages, on average."""
    found = [path for path in store.glob("*/*/**/*") if path.is_file() and path.suffix != ".jpg"]
    packages = records + 1
    return len(found) / packages, sum(path.stat().st_size for path in found) / packages


def _measure_rebuild(archive: Path, folder: Path) -> None:
    with EventLog.open(archive / "log" / "events.sqlite", clock=clock, software="jingui/bench") as log:
        started = time.perf_counter()
        rows = sum(1 for _ in log.raw())
        raw = rows / (time.perf_counter() - started)
        catalogue = Catalogue.open(folder)
        started = time.perf_counter()
        events = catalogue.rebuild(log)
        rate = events / (time.perf_counter() - started)
        catalogue.close()
    print(f"rebuild {rate:,.0f} events/s of {events:,}; raw rows {raw:,.0f}/s")
    assert rate >= 30_000
