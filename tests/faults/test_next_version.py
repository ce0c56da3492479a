"""A second version, killed or failing on its way: the first stays whole, and the next run stores what was decided.

Also: one bit of either version changes, and the audit names the file.
"""

import random
import shutil
from collections.abc import Callable, Sequence

import pytest

from repository.archive import open_archive
from repository.services.audit import AuditReport
from repository.services.description import revise_record
from repository.services.revision import RevisionReport, repack
from repository.storage import Published, Stage, Store
from tests.faults.dying import Death
from tests.faults.injection import Position, count_calls, positions, require_strace, run_with_fault
from tests.faults.small_archive import PACKAGES, Scene, audit, expect_answer, ingest_again, make_scene
from tests.faults.test_bit_flips import _files, unseen

SHARDS = 12
SAMPLE = 8
LEAST = 80
FLIPS = 400
WAITING = {"archive.digest-against-log", "archive.history-against-log"}
"""What the audit says of a version that a killed run left to recovery: the newest inventory is not the log's."""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Two stored packages, both of which tell too little."""
    made = make_scene(tmp_path_factory.mktemp("next"))
    ingest_again(made)
    with open_archive(made.archive, made.credential) as session:
        session.catch_up()
        for card in session.catalogue.packages().entries:
            revise_record(session, str(card.id), words={"题名": f"改过的 {card.unit}"}, reason="改正")
    return made


def made_anew(scene: Scene) -> RevisionReport:
    with open_archive(scene.archive, scene.credential) as session:
        return repack(session, budget=100, progress=lambda step, done, total: None)


def pages(scene: Scene) -> list[bytes]:
    return sorted(path.read_bytes() for path in (scene.archive / "store").rglob("v1/content/data/*/*/original/data/*"))


def expect_both_versions(scene: Scene) -> None:
    report: AuditReport = audit(scene)
    assert report.faults == ()
    with open_archive(scene.archive, scene.credential) as session:
        session.catch_up()
        assert session.catalogue.lagging().total == 0
        assert [session.store.versions(package) for package in session.store.objects()] == [(1, 2)] * PACKAGES
        types = [event.envelope.type for event in session.log.events()]
        assert types.count("ArchivalPackage.MetadataRevised") == PACKAGES
    left = [path.name for room in ("staging", "quarantine") for path in (scene.archive / room).iterdir()]
    assert set(left) <= {"suspect", "outgoing"}, left


def test_killed_between_rename_and_append(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = scene.copy("killed-before-the-event")
    before = pages(tried)
    commit = Store.commit

    def dying(store: Store, stages: Sequence[Stage]) -> list[Published]:
        commit(store, stages)
        raise Death

    with monkeypatch.context() as patch:
        patch.setattr(Store, "commit", dying)
        with pytest.raises(Death):
            made_anew(tried)
    assert len(list((tried.archive / "store").rglob("v2/inventory.json"))) == PACKAGES
    assert {fault.code for fault in audit(tried).faults} <= WAITING
    report = made_anew(tried)
    assert (report.stored, report.lagging, pages(tried)) == (PACKAGES, 0, before)
    expect_both_versions(tried)
    tried.remove()


def test_killed_between_append_and_release(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = scene.copy("killed-after-the-event")

    def dying(stage: Stage) -> None:
        raise Death

    with monkeypatch.context() as patch:
        patch.setattr(Stage, "release", dying)
        with pytest.raises(Death):
            made_anew(tried)
    assert audit(tried).faults == ()
    assert made_anew(tried).stored == 0
    expect_both_versions(tried)
    tried.remove()


@pytest.fixture(scope="module")
def sweep(scene: Scene) -> list[Position]:
    require_strace()
    found = list(positions(count_calls(scene, "repack")))
    assert len(found) >= LEAST
    return found


def survive(scene: Scene, chosen: list[Position]) -> int:
    """How many of the faults happened; after each both versions are there, and the first is as it was."""
    happened = 0
    for position in chosen:
        tried = scene.copy(f"at-{position.call}-{position.where}-{position.number}-{position.fault}")
        hit, done = run_with_fault(tried, position, "repack")
        happened += hit
        if position.fault != "kill":
            expect_answer(done)
        assert pages(tried) == pages(scene), position
        made_anew(tried)
        expect_both_versions(tried)
        tried.remove()
    return happened


def test_a_sample_of_the_sweep(scene: Scene, sweep: list[Position]) -> None:
    assert survive(scene, random.Random(20260304).sample(sweep, SAMPLE)) >= SAMPLE - 1


@pytest.mark.faults
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("shard", range(SHARDS))
def test_the_whole_sweep(
    scene: Scene, sweep: list[Position], shard: int, record_property: Callable[[str, object], None]
) -> None:
    record_property("faults in making packages anew, each survived", survive(scene, sweep[shard::SHARDS]))


def test_sampled_bits_of_both_versions(scene: Scene) -> None:
    tried = scene.copy("flips")
    made_anew(tried)
    files = [path for path in _files(tried.archive / "store") if "urn%3a" in str(path)]
    for path in files:
        path.chmod(0o644)
    chance = random.Random(20260305)
    second = [path for path in files if "/v2/" in str(path)]
    assert second
    flips = [
        (path, chance.randrange(path.stat().st_size * 8))
        for path in (*files, *chance.choices(second, [path.stat().st_size for path in second], k=FLIPS - len(files)))
    ]
    assert unseen(tried, flips) == []
    shutil.rmtree(tried.archive)
