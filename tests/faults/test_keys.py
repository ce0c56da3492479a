"""Rotation and destruction die at any change of a file, and are taken up again: nothing is lost, nothing stays half."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from repository.crypto.age import PackageIdentity
from repository.domain.run import Rekeyed
from repository.errors import ArchiveError
from repository.services import key_destruction, rekeying
from repository.services.key_destruction import (
    approve_destruction,
    finish_destructions,
    request_destruction,
    shredded_packages,
)
from repository.services.key_ring import KeyPurpose, create_key, rotate_key
from repository.services.key_ring import ring as ring_of
from repository.services.rekeying import rekey, stale_records
from repository.services.session import Session
from tests.faults.dying import Death, changes
from tests.faults.injection import Position, require_strace, run_with_fault
from tests.faults.small_archive import Scene, jingui
from tests.key_rings import CLASS, OTHER, Ring, class_secret, new_records, new_ring
from tests.real_archives import LAND_DEEDS, Site, silent, take
from tests.small_store import contents

PAPER = ("identity-card", "430102193001011234")


class Made(msgspec.Struct, frozen=True):
    """A ring with records, and what they hold."""

    ring: Ring
    packages: dict[UUID, PackageIdentity]
    others: dict[UUID, PackageIdentity]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    ring = new_ring(tmp_path_factory.mktemp("ring"))
    with ring.open("officer") as session:
        packages, others = new_records(session, 5), new_records(session, 2, OTHER)
        session.vault.found_or_make(*PAPER)
        create_key(session, "readers", KeyPurpose.READERS, [], None)
    return Made(ring, packages, others)


@contextmanager
def copied(made: Made, place: Path) -> Iterator[Ring]:
    """A copy of the ring, gone afterwards."""
    before = made.ring.site.folder.parent
    shutil.copytree(before, place)
    settings = place / "archive" / "jingui.toml"
    settings.write_text(settings.read_text("utf-8").replace(str(before), str(place)), "utf-8")
    site = Site(place / "archive", place / "first.credential")
    yield Ring(site, made.ring.people, place / "shares", place / "words", place / "keys")
    shutil.rmtree(place)


def rotate_all(session: Session) -> None:
    for name in (CLASS, "readers"):
        if ring_of(session).named(name).current.number == 1:
            rotate_key(session, name, reason="每年", holders=None, shares=None)
    rekey(session, dry_run=False, progress=silent)


def destroy(session: Session) -> None:
    if any(not one.approved for one in ring_of(session).destructions.values()):
        approve_destruction(session, CLASS, None, silent)


def died(ring: Ring, name: str, work: str, at: int) -> int:
    """Do it, and die at a change; how many changes there were."""
    with ring.open(name) as session, changes(at) as counted, suppress(Death):
        {"rotate": rotate_all, "destroy": destroy}[work](session)
    return counted.count


def expect_rotated(ring: Ring, made: Made) -> None:
    with ring.open("officer") as session:
        rotate_all(session)
        old = class_secret(session)
        assert list(stale_records(session, ring_of(session))) == []
        for package, identity in {**made.packages, **made.others}.items():
            assert session.package_keys.identity(package, 1).secret == identity.secret
        for package in made.packages:
            with pytest.raises(ArchiveError, match="None of the keys"):
                session.package_keys.identity_by(package, 1, old)
        said = [event.payload for event in session.log.events(types=["Run.Rekeyed"])]
        named = {one for payload in said if isinstance(payload, Rekeyed) for one in payload.packages}
        assert {*made.packages} <= named <= {*made.packages, *made.others}  # behind the last word all is done anew
        begun, ended = (list(session.log.events(types=[f"Run.{word}"])) for word in ("Started", "Finished"))
        assert len(begun) == len(ended) <= 2
        assert session.vault.find(*PAPER) is not None
        assert session.vault.key(session.vault.found_or_make(*PAPER)).material
        assert list(session.package_keys.folder.rglob(".*")) == []


def expect_destroyed(ring: Ring, made: Made) -> None:
    with ring.open("decider") as session:
        destroy(session)
    with ring.open("officer") as session:
        finish_destructions(session, silent)
        assert ring_of(session).named(CLASS).destroyed
        assert set(shredded_packages(session)) == set(made.packages)
        for package, identity in made.others.items():
            assert session.package_keys.identity(package, 1).secret == identity.secret
        left = [path for path in session.package_keys.folder.rglob("*") if path.is_file()]
        assert len(left) == len(made.others)
        assert len(list(ring.keys.iterdir())) == 1


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rekeying, "AT_ONCE", 2)
    monkeypatch.setattr(key_destruction, "AT_ONCE", 2)


def sweep(made: Made, place: Path, work: str, step: int) -> int:
    """Die at every `step`-th change; how many deaths that were."""
    deaths = at = 0
    while True:
        at += step
        with copied(made, place / f"{work}-{at}") as ring:
            if work == "destroy":
                with ring.open("officer") as session:
                    request_destruction(session, CLASS, None, reason="鉴定", legal_basis="档案法")
            happened = died(ring, "officer" if work == "rotate" else "decider", work, at) >= at
            (expect_rotated if work == "rotate" else expect_destroyed)(ring, made)
        if not happened:
            return deaths
        deaths += 1


@pytest.mark.parametrize(("work", "step"), [("rotate", 29), ("destroy", 11)])
@pytest.mark.usefixtures("small")
def test_a_sample_of_deaths_is_survived(made: Made, tmp_path: Path, work: str, step: int) -> None:
    assert sweep(made, tmp_path, work, step) > 1


@pytest.mark.faults
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("work", ["rotate", "destroy"])
@pytest.mark.usefixtures("small")
def test_every_death_is_survived(
    made: Made, tmp_path: Path, work: str, record_property: Callable[[str, object], None]
) -> None:
    deaths = sweep(made, tmp_path, work, 1)
    record_property("deaths in the life of a key, each survived", deaths)
    assert deaths > 10


@pytest.mark.faults
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("call", ["rename", "fsync", "unlink", "link"])
def test_a_process_that_is_killed_is_survived(made: Made, tmp_path: Path, call: str) -> None:
    require_strace()
    killed = number = 0
    while True:
        number += 1
        with copied(made, tmp_path / str(number)) as ring:
            scene = Scene(ring.site.folder, tmp_path, ring.credential("officer"))
            position = Position(call, "", number, "kill")
            happened, done = run_with_fault(scene, position, "keys", "rotate", CLASS, "--reason", "每年")
            if not happened:
                assert done.returncode == 0, done.stderr
            expect_rotated(ring, made)
        if not happened:
            break
        killed += 1
    assert killed > 0


@pytest.mark.faults
@pytest.mark.timeout(1800)
def test_ten_thousand_records_are_wrapped_anew_and_no_payload_is_read(tmp_path: Path) -> None:
    """Every file that the rotation opens is a record, a key, or the log; the store is not even looked at."""
    ring = new_ring(tmp_path)
    with ring.site.open() as session:
        take(session, LAND_DEEDS)
    with ring.open("officer") as session:
        packages = new_records(session, 10_000)
        old = class_secret(session)
        rotate_key(session, CLASS, reason="每年", holders=None, shares=None)
    require_strace()
    trace = tmp_path / "trace"
    scene = Scene(ring.site.folder, tmp_path, ring.credential("officer"))
    before = contents(ring.site.folder / "store")
    strace = ("strace", "-f", "-qq", "--seccomp-bpf", "-e", "trace=open,openat,creat", "-o", str(trace))
    done = jingui(scene, "keys", "rekey", "--json", before=strace)
    assert done.returncode == 0, done.stderr
    store = str(ring.site.folder / "store")
    opened = [line for line in trace.read_text("utf-8", "replace").splitlines() if store in line]
    content = [line for line in opened if "/content/" in line]
    assert (content, contents(ring.site.folder / "store")) == ([], before)
    with ring.open("officer") as session:
        assert list(stale_records(session, ring_of(session))) == []
        for package, identity in list(packages.items())[::97]:
            assert session.package_keys.identity(package, 1).secret == identity.secret
        for package in packages:
            with pytest.raises(ArchiveError, match="None of the keys"):
                session.package_keys.identity_by(package, 1, old)
        largest = max(len(msgspec.json.encode(one.payload)) for one in session.log.events(types=["Run.Rekeyed"]))
        assert largest < 160_000
