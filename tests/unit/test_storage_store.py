"""The store: what is committed is whole, found again, valid to others, and nobody else's while it is made."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from packages_spec.digests import Digested, digest_file
from packages_spec.ocfl import validate_object, validate_root
from repository.errors import ArchiveError
from repository.storage.store import Store
from tests.small_store import (
    CREATED,
    PACKAGE,
    SMALL,
    USER,
    contents,
    fill,
    make_delivery,
    make_store,
    received,
    seal,
    stored,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with make_store(tmp_path / "archive") as store:
        yield store


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return make_delivery(tmp_path / "source")


def second_version(store: Store) -> None:
    """`a.txt` corrected, `sub/b.txt` removed, `again.txt` the same bytes as the old `a.txt`, tag files anew."""
    with store.stage(PACKAGE) as stage:
        payload = [stage.write("data/a.txt", [b"corrected"]), stage.write("data/again.txt", [SMALL["a.txt"]])]
        payload.append(Digested("data/空.txt", 0, digest_file(store.content_path(PACKAGE, 1, "data/空.txt"))[1]))
        seal(stage, payload)
        store.commit([stage])
        stage.release()


def wrong(store: Store) -> list[str]:
    found = [finding for package in store.objects() for finding in validate_object(store.object_folder(package))]
    # SHA-256 everywhere, by design: the specification would rather have SHA-512 (W004).
    return [finding.code for finding in (*found, *validate_root(store.root)) if finding.code != "ocfl.sha256"]


def test_a_committed_package_is_a_whole_object(store: Store, source: Path) -> None:
    published = stored(store, source)
    assert (published.package, published.version, published.files) == (PACKAGE, 1, len(SMALL) + 3)
    assert list(store.objects()) == [PACKAGE]
    assert store.versions(PACKAGE) == (1,)
    assert wrong(store) == []
    assert published.inventory_sha256 == digest_file(store.object_folder(PACKAGE) / "inventory.json")[1]
    bag = store.object_folder(PACKAGE) / "v1/content"
    assert {path.removeprefix("data/"): data for path, data in contents(bag).items() if path[:5] == "data/"} == SMALL
    assert published.bytes == sum(path.stat().st_size for path in bag.rglob("*") if path.is_file())
    assert list(store.staging.iterdir()) == []
    assert contents(store.quarantine / "delivery") == {}


def test_v1_is_a_bag_that_sha256sum_checks(store: Store, source: Path) -> None:
    stored(store, source)
    bag = store.object_folder(PACKAGE) / "v1/content"
    for manifest in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        subprocess.run(["sha256sum", "-c", "--strict", "--quiet", manifest], cwd=bag, check=True)


def test_a_later_version_stores_only_what_changed(store: Store, source: Path) -> None:
    stored(store, source)
    second_version(store)
    assert store.versions(PACKAGE) == (1, 2)
    assert wrong(store) == []
    v2 = store.object_folder(PACKAGE) / "v2/content"
    assert sorted(contents(v2)) == ["data/a.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt"]
    assert store.content_path(PACKAGE, 1, "data/a.txt").read_bytes() == SMALL["a.txt"]
    assert store.content_path(PACKAGE, 2, "data/a.txt").read_bytes() == b"corrected"
    assert store.content_path(PACKAGE, 2, "data/again.txt").read_bytes() == SMALL["a.txt"]
    assert store.content_path(PACKAGE, 2, "data/空.txt").read_bytes() == b""
    with pytest.raises(ArchiveError) as caught:
        store.content_path(PACKAGE, 2, "data/sub/b.txt")
    assert caught.value.code == "content-unknown"
    assert store.inventory(PACKAGE).head == "v2"


def test_the_reference_validator_accepts_the_store(store: Store, source: Path) -> None:
    stored(store, source)
    second_version(store)
    validator = Path(sys.executable).with_name("ocfl-validate.py")
    for place in (store.root, store.object_folder(PACKAGE)):
        done = subprocess.run([sys.executable, validator, place], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert {line[:6] for line in done.stdout.splitlines() if line.startswith("[")} <= {"[W004]"}
    assert "is VALID" in done.stdout


@pytest.mark.parametrize(
    "path", ["../store/x", "/etc/hostname", "data/../../inventory.json", "", "data//a.txt", "none"]
)
def test_paths_that_lead_nowhere_or_outside(store: Store, source: Path, path: str) -> None:
    stored(store, source)
    with pytest.raises(ArchiveError) as caught:
        store.content_path(PACKAGE, 1, path)
    assert caught.value.code == "content-unknown"


def test_a_package_that_is_not_there(store: Store) -> None:
    assert store.versions(PACKAGE) == ()
    assert list(store.objects()) == []
    with pytest.raises(ArchiveError) as caught:
        store.inventory(PACKAGE)
    assert caught.value.code == "content-unknown"


def test_one_object_has_one_worker(store: Store) -> None:
    with store.stage(PACKAGE):
        with pytest.raises(ArchiveError) as caught:
            store.stage(PACKAGE)
        assert caught.value.code == "locked"
        with store.stage(uuid4()):
            pass
    with pytest.raises(ArchiveError) as caught:
        store.stage(PACKAGE)
    assert caught.value.code == "recovery-needed"
    assert not (store.staging / f"{PACKAGE}.lock").exists()


def test_a_batch_is_published_together(store: Store, tmp_path: Path) -> None:
    packages = [uuid4() for _ in range(3)]
    stages = []
    for number, package in enumerate(packages):
        source = make_delivery(tmp_path / f"source{number}", {"page.tif": b"%d" % number})
        delivery = received(store, source, f"delivery{number}")
        stages.append(store.stage(package))
        fill(stages[-1], store.quarantine / f"delivery{number}", delivery)
    assert [one.package for one in store.commit(stages)] == packages
    for stage in stages:
        stage.release()
    assert sorted(store.objects()) == sorted(packages)
    assert wrong(store) == []


def mismatch(action: object) -> bool:
    with pytest.raises(ArchiveError) as caught:
        action()  # type: ignore[operator]  # each caller gives a function
    return caught.value.code == "stage-mismatch"


def test_what_was_not_received_is_not_adopted(store: Store, source: Path, tmp_path: Path) -> None:
    delivery = received(store, source)
    quarantine, file = store.quarantine / "delivery", delivery.files[0]
    with store.stage(PACKAGE) as stage:
        assert mismatch(lambda: stage.adopt(quarantine / "absent", "data/x", file))
        assert mismatch(lambda: stage.adopt(quarantine / "sub", "data/x", file))
        assert mismatch(lambda: stage.adopt(source / file.path, "data/x", file))
        assert mismatch(lambda: stage.adopt(quarantine / "sub/b.txt", "data/x", file))
        assert mismatch(lambda: stage.adopt(quarantine / file.path, "../x", file))
        (tmp_path / "other name").hardlink_to(quarantine / file.path)
        assert mismatch(lambda: stage.adopt(quarantine / file.path, "data/x", file))
        (tmp_path / "other name").unlink()
        stage.adopt(quarantine / file.path, "data/x", file)
        assert mismatch(lambda: stage.write("data/x", [b"twice"]))
    assert contents(quarantine) == SMALL


def test_a_version_is_sealed_only_with_exactly_its_files(store: Store) -> None:
    with store.stage(PACKAGE) as stage:
        one, two = stage.write("one", [b"1"]), stage.write("two", [b"2"])
        absent, altered = Digested("three", 1, one.sha256), Digested("two", 1, one.sha256)
        assert mismatch(lambda: stage.seal([one, two, absent], CREATED, "m", USER))
        assert mismatch(lambda: stage.seal([one, altered], CREATED, "m", USER))
        assert mismatch(lambda: stage.seal([one], CREATED, "m", USER))
        assert mismatch(lambda: store.commit([stage]))
        stage.seal([two, one], CREATED, "m", USER)
        store.commit([stage])
        stage.release()
    assert store.versions(PACKAGE) == (1,)


def test_a_store_is_made_once_and_opened_only_where_it_is(tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    make_store(archive).close()
    with Store.open(archive) as store:
        assert wrong(store) == []
        assert sorted(path.name for path in store.root.iterdir() if path.is_dir()) == ["extensions"]
    with pytest.raises(ArchiveError) as caught:
        Store.create(archive)
    assert caught.value.code == "store-exists"
    (archive / "store/ocfl_layout.json").write_text("{}")
    with pytest.raises(ArchiveError) as caught:
        Store.open(archive)
    assert caught.value.code == "store-missing"
    with pytest.raises(ArchiveError) as caught:
        Store.open(tmp_path)
    assert caught.value.code == "store-missing"


def test_stored_files_are_read_only(store: Store, source: Path) -> None:
    stored(store, source)
    content = store.object_folder(PACKAGE) / "v1/content"
    assert all(path.stat().st_mode & 0o222 == 0 for path in content.rglob("*") if path.is_file())
