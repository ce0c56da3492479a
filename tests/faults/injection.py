"""Faults at system calls, from outside: `strace` kills a command at a call, or lets the call fail.

`strace` counts the calls of each thread by itself, so a position is a call and a number among those of one thread. The
threads that write the log are told apart from the rest by the paths of its files.
"""

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.faults.small_archive import Scene, command, environment

FILES = ("rename", "link", "unlink", "unlinkat", "mkdir", "rmdir", "write", "ftruncate", "fsync", "syncfs")
KILLED = (-9, 137)
DATABASE = ("pwrite64", "fdatasync")
FAULTS = {"kill": "signal=SIGKILL", "EIO": "error=EIO", "ENOSPC": "error=ENOSPC"}
_PIECES = {
    "log": ("", "events.sqlite", "events.sqlite-wal", "events.sqlite-shm"),
    "catalogue": ("", "catalogue-000001.sqlite", "catalogue-000001.sqlite-wal", "catalogue-000001.sqlite-shm"),
}


class Position(NamedTuple):
    """The n-th call of that name that one thread makes, of all (`where` is empty) or on one database's files."""

    call: str
    where: str
    number: int
    fault: str

    def __str__(self) -> str:
        return f"{self.fault} at {self.call} {self.number} {self.where}".rstrip()


def require_strace() -> None:
    """Skip where calls cannot be traced."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed: no faults at system calls")
    tried = subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], check=False, capture_output=True, text=True)
    if tried.returncode:
        pytest.skip(f"strace is not allowed here: {tried.stderr.strip()}")


def count_calls(scene: Scene, *arguments: str | Path) -> dict[tuple[str, str], int]:
    """Run a command, and tell by call and place how many a thread of it makes."""
    counts: dict[tuple[str, str], int] = {}
    for where, calls in (("", FILES), ("log", DATABASE), ("catalogue", DATABASE)):
        tried = scene.copy(f"{scene.archive.name}-counted")
        trace, done = _traced(tried, where, [f"trace={','.join(calls)}"], *arguments)
        tried.remove()
        assert done.returncode == 0, done.stderr
        found = Counter((line.split()[0], line.split("(")[0].split()[-1]) for line in trace if "(" in line)
        for (_, call), count in found.items():
            counts[call, where] = max(count, counts.get((call, where), 0))
    return counts


def last_of_the_commit(scene: Scene, *arguments: str | Path) -> dict[str, int]:
    """Where an ingest's last commit stands between bytes and event: numbers of two calls, each in its thread.

    `rename` is the last by which something comes into the store, `syncfs` the first after it. What follows `Stored`,
    the checkpoint of the log for one, makes calls of its own.
    """
    tried = scene.copy(f"{scene.archive.name}-ordered")
    trace, done = _traced(tried, "", ["trace=rename,syncfs"], *arguments)
    store = str(tried.archive / "store")
    tried.remove()
    assert done.returncode == 0, done.stderr
    calls = [found for line in trace if (found := re.match(r"(\d+) +(rename|syncfs)\(", line))]
    last = max(n for n, call in enumerate(calls) if call[2] == "rename" and f', "{store}' in call.string)
    after = next(n for n in range(last, len(calls)) if calls[n][2] == "syncfs")
    return {calls[n][2]: sum(call.groups() == calls[n].groups() for call in calls[: n + 1]) for n in (last, after)}


def positions(counts: dict[tuple[str, str], int]) -> Iterator[Position]:
    """Every position with every fault."""
    for (call, where), count in sorted(counts.items()):
        for number in range(1, count + 1):
            for fault in FAULTS:
                yield Position(call, where, number, fault)


def run_with_fault(
    scene: Scene, position: Position, *arguments: str | Path
) -> tuple[bool, subprocess.CompletedProcess[str]]:
    """Run a command with one fault. Whether the fault happened, and how the command ended."""
    inject = f"inject={position.call}:{FAULTS[position.fault]}:when={position.number}"
    options = [f"trace={position.call}", inject]
    trace, done = _traced(scene, position.where, options, *arguments)
    return done.returncode in KILLED or any("(INJECTED)" in line for line in trace), done


def _traced(
    scene: Scene, where: str, options: list[str], *arguments: str | Path
) -> tuple[list[str], subprocess.CompletedProcess[str]]:
    trace = scene.archive.with_name(f"{scene.archive.name}.trace")
    strace = ["strace", "-f", "-qq", "-e", "signal=none", "-o", str(trace)]
    if not any("signal=SIG" in option for option in options):
        strace.append("--seccomp-bpf")  # faster, but swallows the signals that are to be injected
    for option in options:
        strace += ["-e", option]
    for piece in _PIECES.get(where, ()):
        strace += ["-P", str(scene.archive / where / piece).rstrip("/")]
    done = subprocess.run(
        [*strace, *command(scene, *arguments)],
        env=environment(scene),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    lines = trace.read_text("utf-8", "replace").splitlines()
    trace.unlink()
    return lines, done
