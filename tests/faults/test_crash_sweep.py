"""An ingest by the real command line, killed or failing at every change that it makes to the disk.

After each fault every package is absent or whole; the same ingest, run again, completes; the archive is sound, and no
package is there twice. What failed without being killed said so in the archive's own words.
"""

import random
from collections.abc import Callable

import pytest

from tests.faults.injection import Position, count_calls, positions, require_strace, run_with_fault
from tests.faults.small_archive import (
    Scene,
    expect_all_well,
    expect_answer,
    expect_nothing_half_visible,
    ingest_again,
    ingest_command,
    make_scene,
)

SHARDS = 24
SAMPLE = 12
LEAST = 150
"""Fewer positions than this would mean that something is no longer looked at."""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    require_strace()
    return make_scene(tmp_path_factory.mktemp("sweep"))


@pytest.fixture(scope="module")
def sweep(scene: Scene) -> list[Position]:
    found = list(positions(count_calls(scene, *ingest_command(scene))))
    assert len(found) >= LEAST
    return found


def survive(scene: Scene, position: Position) -> bool:
    """One fault and what comes after it. Whether the fault happened at all."""
    tried = scene.copy(f"at-{position.call}-{position.where}-{position.number}-{position.fault}")
    happened, done = run_with_fault(tried, position, *ingest_command(tried))
    if position.fault == "kill":
        assert done.returncode in (-9, 137) or not happened, (done.returncode, done.stderr)
    else:
        expect_answer(done)
    expect_nothing_half_visible(tried)
    outcome = ingest_again(tried).outcome
    assert outcome == "completed" or (outcome == "already-recorded" and (done.returncode == 0 or happened)), outcome
    expect_all_well(tried)
    tried.remove()
    return happened


def survive_all(scene: Scene, chosen: list[Position]) -> int:
    """How many of the faults happened. Fails with everything that went wrong, by position."""
    wrong, happened = [], 0
    for position in chosen:
        try:
            happened += survive(scene, position)
        except Exception as error:  # noqa: BLE001 - every position is judged before the sweep fails
            wrong.append(f"{position}: {type(error).__name__}: {error}"[:4000])
    assert not wrong, f"{len(wrong)} of {len(chosen)} positions:\n" + "\n".join(wrong)
    return happened


def test_a_sample_of_the_crash_sweep(scene: Scene, sweep: list[Position]) -> None:
    chosen = random.Random(20260301).sample(sweep, SAMPLE)
    assert survive_all(scene, chosen) >= SAMPLE - 1


@pytest.mark.faults
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("shard", range(SHARDS))
def test_the_crash_sweep(
    scene: Scene, sweep: list[Position], shard: int, record_property: Callable[[str, object], None]
) -> None:
    chosen = sweep[shard::SHARDS]
    happened = survive_all(scene, chosen)
    record_property("faults in an ingest, each survived", happened)
    assert happened >= 0.95 * len(chosen)
