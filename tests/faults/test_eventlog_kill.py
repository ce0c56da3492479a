"""kill -9 at any moment, with two processes writing: what was acknowledged is there, and the log is sound."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from repository.eventlog import verify_log
from tests.event_logs import closing, codec, create, reopen

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0


def _start(path: Path, acknowledged: Path, number: int) -> subprocess.Popen[bytes]:
    arguments = [sys.executable, "-m", "tests.faults.event_log_writer", str(path), str(acknowledged), str(number)]
    return subprocess.Popen(arguments, cwd=ROOT)


def _wait_for_more(acknowledged: Path, before: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not acknowledged.exists() or acknowledged.stat().st_size <= before:
        assert process.poll() is None, "a writer ended by itself"
        assert time.monotonic() < deadline, "a writer acknowledged nothing"
        time.sleep(0.02)


def _round(path: Path, folder: Path, number: int, moment: random.Random) -> None:
    files = [folder / f"acknowledged-{number}-{side}" for side in (1, 2)]
    writers = [_start(path, file, number * 2 + side) for side, file in enumerate(files)]
    try:
        for file, writer in zip(files, writers, strict=True):
            _wait_for_more(file, 0, writer)
        time.sleep(moment.uniform(0, 0.3))
        writers[0].kill()
        writers[0].wait()
        _wait_for_more(files[1], files[1].stat().st_size, writers[1])  # the other one goes on
        time.sleep(moment.uniform(0, 0.2))
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()


def _acknowledged(folder: Path) -> dict[str, range]:
    """Positions by command, of every whole line (a killed writer's last may be cut)."""
    found = {}
    for file in folder.glob("acknowledged-*"):
        for line in file.read_text("ascii").splitlines(keepends=True):
            if line.endswith("\n"):
                command_id, first, last = line.split()
                found[command_id] = range(int(first), int(last) + 1)
    return found


def _sweep(folder: Path, rounds: int, seed: int) -> int:
    path = folder / "events.sqlite"
    create(path).close()
    moment = random.Random(seed)
    for number in range(rounds):
        _round(path, folder, number, moment)
    with closing(reopen(path)) as log:
        owners = {event.envelope.position: str(event.envelope.command_id) for event in log.events()}
        acknowledged = _acknowledged(folder)
        for command_id, positions in acknowledged.items():
            assert [owners.get(position) for position in positions] == [command_id] * 2
        assert list(verify_log(log, codec())) == []
    return len(acknowledged)


def test_no_acknowledged_event_is_lost_in_three_kills(tmp_path: Path) -> None:
    assert _sweep(tmp_path, rounds=3, seed=20260301) > 0


@pytest.mark.faults
def test_no_acknowledged_event_is_lost_in_thirty_kills(tmp_path: Path) -> None:
    acknowledged = _sweep(tmp_path, rounds=30, seed=1)
    print(f"\nkill -9, 30 times, two processes: {acknowledged} commands acknowledged, none lost")
    assert acknowledged > 100
