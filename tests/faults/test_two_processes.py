"""A second process while the first one commits, and a recovery that is itself interrupted."""

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from repository.archive import open_archive
from repository.services.jobs import work
from tests.faults.injection import (
    FILES,
    Position,
    count_calls,
    last_of_the_commit,
    positions,
    require_strace,
    run_with_fault,
)
from tests.faults.small_archive import (
    PACKAGES,
    Scene,
    audit,
    command,
    environment,
    expect_all_well,
    expect_answer,
    expect_nothing_half_visible,
    ingest_again,
    ingest_command,
    jingui,
    make_scene,
)
from tests.honest import expect_no_alarm

HELD_SECONDS = 600
"""Longer than any test; who holds is ended before."""
SHARDS = 4
SAMPLE = 6
LOCKED = 11


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    require_strace()
    return make_scene(tmp_path)


@contextmanager
def held_between_rename_and_append(scene: Scene) -> Iterator[int]:
    """An ingest that stands still right after the last rename into the store: all is in it, no `Stored` is in the log.

    Gives its process's id; after the block it goes on, and comes to its end.
    """
    renames = last_of_the_commit(scene, *ingest_command(scene))["rename"]
    inject = f"inject=rename:delay_exit={HELD_SECONDS}s:when={renames}"
    strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=rename", "-e", inject]
    with subprocess.Popen(
        [*strace, *command(scene, *ingest_command(scene))],
        env=environment(scene),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as holder:
        wait_until(lambda: len(list(scene.archive.glob("store/*/urn*"))) == PACKAGES, holder)
        children = Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text("ascii").split()
        committer = int(children[0])
        try:
            yield committer
        finally:
            holder.kill()  # whom nobody traces any more, goes on
    wait_until(lambda: not is_running(committer))


def wait_until(holds: Callable[[], bool], holder: subprocess.Popen[bytes] | None = None) -> None:
    """Look until it holds, however slow the machine is beside other work; whose process ended will not bring it."""
    while not holds():
        assert holder is None or holder.poll() is None, "ended before it was where it is held"
        time.sleep(0.02)


def is_running(process: int) -> bool:
    """Whether any thread of it lives. The first may be dead before the rest, and the locks go with the last."""
    try:
        threads = list(Path(f"/proc/{process}/task").iterdir())
    except (FileNotFoundError, ProcessLookupError):
        return False
    return any(_lives(thread / "stat") for thread in threads)


def _lives(thread: Path) -> bool:
    try:
        status = thread.read_text("ascii", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] not in "ZX"


def test_nobody_adopts_or_undoes_what_a_living_process_commits(scene: Scene) -> None:
    other = scene._replace(source=scene.source.with_name("other"))
    (other.source / "letter").mkdir(parents=True)
    (other.source / "letter" / "1.txt").write_bytes(b"a letter\n")
    with held_between_rename_and_append(scene) as committer:
        worked = jingui(scene, "work", "--json")
        assert worked.returncode == 0, worked.stderr
        report = json.loads(worked.stdout)
        assert report["recovered"] == 0
        assert list(report["accessions"].values()) == ["locked"]
        again = jingui(scene, *ingest_command(scene))
        assert again.returncode == LOCKED
        assert "(locked)" in again.stderr
        beside = jingui(other, *ingest_command(other))
        assert beside.returncode == 0, beside.stderr
        assert audit(scene).faults == (), "what is being committed is no fault"
        assert is_running(committer)
        assert audit(scene).packages == 1
    judged = audit(scene)
    assert (judged.faults, judged.packages) == ((), PACKAGES + 1)
    assert ingest_again(scene).outcome == "already-recorded"


def test_a_committer_that_dies_while_another_waits_is_taken_over(scene: Scene) -> None:
    with held_between_rename_and_append(scene) as committer:
        assert jingui(scene, *ingest_command(scene)).returncode == LOCKED
        os.kill(committer, signal.SIGKILL)
    assert {fault.code for fault in audit(scene).faults} == {"archive.object-without-event"}
    done = jingui(scene, "work", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["recovered"], list(report["accessions"].values())) == (PACKAGES, ["completed"])
    expect_all_well(scene)
    assert expect_no_alarm(scene.archive, scene.credential).packages == PACKAGES


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """An archive whose ingest was killed between its last rename and its `Stored`."""
    require_strace()
    made = make_scene(tmp_path_factory.mktemp("recovery"))
    last = last_of_the_commit(made, *ingest_command(made))["syncfs"]
    happened, _ = run_with_fault(made, Position("syncfs", "", last, "kill"), *ingest_command(made))
    assert happened
    assert len(list(made.archive.glob("store/*/urn*"))) == PACKAGES
    return made


def test_a_disk_that_fails_is_not_one_accessions_matter(crashed: Scene) -> None:
    tried = crashed.copy("failing")
    happened, done = run_with_fault(tried, Position("write", "", 5, "EIO"), "work", "--json")
    assert happened
    assert (done.returncode, json.loads(done.stdout)["code"]) == (30, "storage-failed"), done.stdout
    expect_nothing_half_visible(tried)
    assert jingui(tried, "work").returncode == 0
    expect_all_well(tried)


@pytest.fixture(scope="module")
def of_recovery(crashed: Scene) -> list[Position]:
    counts = {place: count for place, count in count_calls(crashed, "work").items() if place[0] in FILES}
    return [position for position in positions(counts) if position.fault != "ENOSPC"]


def interrupt_recovery(crashed: Scene, chosen: list[Position]) -> int:
    """How many faults happened; after each of them recovery runs again, and all is well."""
    happened = 0
    for position in chosen:
        tried = crashed.copy(f"at-{position.call}-{position.number}-{position.fault}")
        did, done = run_with_fault(tried, position, "work", "--json")
        happened += did
        if position.fault != "kill":
            expect_answer(done)
        expect_nothing_half_visible(tried)
        with open_archive(tried.archive, tried.credential) as session:
            work(session, lambda step, done, total: None)
        assert ingest_again(tried).outcome == "already-recorded", position
        expect_all_well(tried)
        tried.remove()
    return happened


def test_a_recovery_that_is_interrupted_is_finished_by_the_next(crashed: Scene, of_recovery: list[Position]) -> None:
    chosen = random.Random(20260304).sample(of_recovery, SAMPLE)
    assert interrupt_recovery(crashed, chosen) == SAMPLE


@pytest.mark.faults
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_recovery_interrupted_anywhere(
    crashed: Scene, of_recovery: list[Position], shard: int, record_property: Callable[[str, object], None]
) -> None:
    chosen = of_recovery[shard::SHARDS]
    happened = interrupt_recovery(crashed, chosen)
    record_property("faults in a recovery, each survived", happened)
    assert happened >= 0.95 * len(chosen)
