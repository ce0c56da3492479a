"""A thousand attacks by the owner of everything but a witness's memory: found, and the first false event named.

`make test` runs a sample. What came after the last checkpoint that somebody else holds counts as unproven, always.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from repository.archive import clock, open_archive, verify_archive
from repository.domain.values import Role
from repository.services.administration import add_person
from repository.services.audit_verify import AuditVerdict
from repository.services.checkpoints import EVIDENCE, attest
from repository.services.witness import witness
from tests.faults.small_archive import Scene, ingest_again, make_scene
from tests.owner import ATTACKS, Entry, cover_up, edit, sign_anew, taken, write

SHARDS, EACH = 10, 100
SAMPLE = 2


class Watched:
    """An archive with a history of several days, a witness who saw most of it, and yesterday's copy."""

    def __init__(self, place: Path) -> None:
        self.scene = make_scene(place)
        self.memory = place / "memory"
        self._hire("甲")
        self.look()
        self.yesterday = self.scene.copy("yesterday")
        ingest_again(self.scene)
        self.look()
        self._hire("乙")
        self.covered = self.look()
        self._hire("丙")

    def look(self) -> int:
        """The witness looks once; how far it has seen now."""
        with open_archive(self.scene.archive, self.scene.credential) as session:
            key = attest(session).key
        return witness(str(self.scene.archive / EVIDENCE), self.memory, clock=clock, log_key=key).size

    def _hire(self, name: str) -> None:
        with open_archive(self.scene.archive, self.scene.credential) as session:
            add_person(session, name=name, roles=[Role.ARCHIVIST])


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    return Watched(tmp_path_factory.mktemp("watched"))


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The owner's keys, which he may exchange: a copy for each attack."""
    home = tmp_path / "home"
    shutil.copytree(os.environ["XDG_CONFIG_HOME"], home)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    yield
    shutil.rmtree(home)


def judged(scene: Scene, memory: Path) -> AuditVerdict:
    return verify_archive(scene.archive, scene.credential, lambda step, done, total: None, held=(memory,))


def expect_found(watched: Watched, seed: int) -> str:
    """Attack, judge; what the attack was."""
    random = Random(seed)
    scene = watched.scene.copy(f"attacked-{seed}")
    try:
        attack = ATTACKS[seed % len(ATTACKS)]
        entries = taken(scene.archive)
        first = attack(scene, entries, random)
        write(scene.archive, entries)
        cover_up(scene, random)
        verdict = judged(scene, watched.memory)
        words = (seed, attack.__name__, first, verdict)
        assert verdict.proven < first, words
        if first <= watched.covered:
            assert verdict.verdict == "false", words
            begin, end = verdict.between or (verdict.first_false, verdict.first_false)
            assert begin is not None, words
            assert end is not None, words
            assert begin <= first <= end, words
        else:
            # of a tail that nobody else saw nothing can be told; but none of it is ever called proven
            assert (verdict.proven, verdict.unproven) == (watched.covered, len(entries) - watched.covered), words
            assert verdict.verdict != "proven" or len(entries) == watched.covered, words
        return attack.__name__
    finally:
        scene.remove()


@pytest.mark.parametrize("seed", range(len(ATTACKS) * SAMPLE))
def test_the_owner_is_found(watched: Watched, keys: None, seed: int) -> None:
    expect_found(watched, seed)


@pytest.mark.faults
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("shard", range(SHARDS))
def test_the_owner_is_always_found(
    watched: Watched, keys: None, shard: int, record_property: Callable[[str, object], None]
) -> None:
    home = Path(os.environ["XDG_CONFIG_HOME"])
    honest = {path.name: path.read_bytes() for path in (home / "jingui").iterdir()}
    done = []
    for seed in range(1_000 + shard * EACH, 1_000 + (shard + 1) * EACH):
        done.append(expect_found(watched, seed))
        for name, content in honest.items():
            (home / "jingui" / name).write_bytes(content)
    record_property("attacks by the owner, all found", len(done))
    assert set(done) == {attack.__name__ for attack in ATTACKS}


def test_yesterdays_copy_of_everything_is_found(watched: Watched) -> None:
    scene = watched.yesterday.copy("rolled-back")
    verdict = judged(scene, watched.memory)
    ends = len(taken(scene.archive))
    scene.remove()
    assert (verdict.verdict, verdict.first_false) == ("false", ends + 1)


@pytest.mark.parametrize("attack", [edit, sign_anew])
def test_checkpoints_inside_packages_tell_even_where_nobody_else_holds_one(
    watched: Watched, keys: None, attack: Callable[[Scene, list[Entry], Random], int]
) -> None:
    scene = watched.scene.copy(f"alone-{attack.__name__}")
    entries = taken(scene.archive)
    hired = entries[:7]
    first = attack(scene, hired, Random(3))
    write(scene.archive, [*hired, *entries[7:]])
    cover_up(scene, Random(1))
    verdict = verify_archive(scene.archive, scene.credential, lambda step, done, total: None)
    scene.remove()
    assert first <= 7
    assert verdict.verdict == "false"
    assert {fault.code for fault in verdict.faults} & {"evidence.contradicted", "evidence.checkpoint"}


def test_an_honest_history_raises_no_alarm_and_its_tail_is_not_called_proven(watched: Watched) -> None:
    verdict = judged(watched.scene, watched.memory)
    assert verdict.faults == ()
    assert (verdict.verdict, verdict.proven, verdict.unproven) == (
        "unproven",
        watched.covered,
        verdict.events - watched.covered,
    )
    assert verdict.unproven > 0
