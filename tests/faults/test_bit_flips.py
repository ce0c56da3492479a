"""One bit of a stored file changes: the audit finds it, and names the file.

A flip is judged by the audit of the one package that it hits (or of the store's own files), which is what `fsck` runs
for each; some are judged by the whole `fsck` through the command line as well.
"""

import os
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from packages_spec.findings import Finding, Severity
from repository.archive import open_archive
from repository.services import audit
from repository.services.package_check import check_package
from repository.services.session import Session
from tests.faults.small_archive import Scene, ingest_again, jingui, make_scene

SHARDS = 16
SAMPLE = 1_000
WHOLE = 4
DOCUMENTS = ("METS.xml", "premis.xml", "inventory.json", "inventory.json.sha256")
Flip = tuple[Path, int]
"""A file of the store, and the number of a bit in it."""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    made = make_scene(tmp_path_factory.mktemp("flips"))
    ingest_again(made)
    for path in _files(made.archive / "store"):
        path.chmod(0o644)
    return made


def _files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


def _is_document(path: Path) -> bool:
    """A tag file, METS, PREMIS, inventory or sidecar."""
    return path.name in DOCUMENTS or path.parent.name == "content" or path.name.startswith("0=")


@contextmanager
def flipped(flip: Flip) -> Iterator[None]:
    path, bit = flip
    descriptor = os.open(path, os.O_RDWR)
    try:
        before = os.pread(descriptor, 1, bit // 8)
        os.pwrite(descriptor, bytes([before[0] ^ 1 << bit % 8]), bit // 8)
        yield
        os.pwrite(descriptor, before, bit // 8)
    finally:
        os.close(descriptor)


def unseen(scene: Scene, flips: Iterable[Flip]) -> list[str]:
    """The flips that the audit does not find, or in whose finding the file is not named."""
    missed = []
    with open_archive(scene.archive, scene.credential) as session:
        stored = {session.store.object_folder(package): (package, event) for package, event in audit._stored(session)}
        for path, bit in flips:
            place = next((folder for folder in stored if path.is_relative_to(folder)), session.store.root)
            with flipped((path, bit)):
                found = list(check_package(session, *stored[place])[1] if place in stored else _of_store(session))
            if not _is_named(path.relative_to(place).as_posix(), found):
                missed.append(f"bit {bit} of {path}: {sorted({finding.path for finding in found})}")
    return missed


def _of_store(session: Session) -> list[Finding]:
    return session.store.judge_root()


def _is_named(path: str, findings: Iterable[Finding]) -> bool:
    places = {finding.path for finding in findings if finding.severity is Severity.ERROR}
    return not places.isdisjoint({path, path.removeprefix("v1/content/"), path.removeprefix("v2/content/")})


def test_an_untouched_store_has_no_findings(scene: Scene) -> None:
    with open_archive(scene.archive, scene.credential) as session:
        assert audit.fsck(session, lambda step, done, total: None).sound


def test_sampled_bits_of_the_whole_store(scene: Scene) -> None:
    files = _files(scene.archive / "store")
    chance = random.Random(20260302)
    chosen = chance.choices(files, [path.stat().st_size for path in files], k=SAMPLE - len(files))
    flips = [(path, chance.randrange(path.stat().st_size * 8)) for path in (*files, *chosen)]
    assert len(flips) == SAMPLE
    assert unseen(scene, flips) == []


def test_sampled_bits_through_the_command_line(scene: Scene) -> None:
    files = [path for path in _files(scene.archive / "store") if path.name != "ocfl_layout.json"]
    chance = random.Random(20260303)
    for path in chance.sample([path for path in files if not path.name.startswith("0=ocfl_1")], WHOLE):
        with flipped((path, chance.randrange(path.stat().st_size * 8))):
            done = jingui(scene, "fsck", "--json")
        assert done.returncode == 20, done.stderr
        assert path.name in done.stdout


@pytest.mark.parametrize("name", ["0=ocfl_1.1", "ocfl_layout.json"])
def test_a_root_that_does_not_declare_itself_is_not_opened(scene: Scene, name: str) -> None:
    """What says how the store is to be read is checked before anything is."""
    with flipped((scene.archive / "store" / name, 21)):
        done = jingui(scene, "fsck")
    assert done.returncode == 10
    assert name in done.stderr


@pytest.mark.faults
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("shard", range(SHARDS))
def test_every_bit_of_what_describes_a_package(
    scene: Scene, shard: int, record_property: Callable[[str, object], None]
) -> None:
    place = min(scene.archive.glob("store/*/urn*"))
    documents = [path for path in _files(place) if _is_document(path)]
    flips = [(path, bit) for path in documents for bit in range(path.stat().st_size * 8)]
    mine = flips[shard::SHARDS]
    assert unseen(scene, mine) == []
    record_property("flipped bits of one package, each found and named", len(mine))
