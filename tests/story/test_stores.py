"""Further stores: the log and the packages reach them, and an archive comes back from one of them alone."""

import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest

from packages_spec.ocfl import validate_root
from repository.archive import clock, open_archive
from repository.domain.values import Role
from repository.errors import ArchiveError
from repository.services import removal
from repository.services.administration import add_person
from repository.services.audit import fsck
from repository.services.checkpoints import attest
from repository.services.doctor import examine
from repository.services.jobs import status, work
from repository.services.preserving import VAULT, keep_log, stands_in_tails, store_states
from repository.services.removal import RemovalKind, RemovalRequest
from repository.services.replication import copies_of, replicate
from repository.services.restoring import Restored, restore_archive
from repository.storage import COMMANDS, EVENTS, PAYLOADS, Span, StoreMark, Tails
from tests.command_line import jingui
from tests.faults.small_archive import PACKAGES, Scene, ingest_again, make_scene
from tests.planted import found as planted_in
from tests.real_archives import deliver, new_site, silent, take
from tests.story.test_removal import NAME, PAGE

CATALOGUE = f"档号,题名,责任者,日期,密级,保管期限,页数,文件\nP-1,{NAME}离婚调解书,县法院,19620301,公开,永久,1,P-1\n"


def with_stores(scene: Scene, *stores: Path) -> Scene:
    """The archive with these further stores."""
    for one in stores:
        one.mkdir(parents=True, exist_ok=True)
    named = ", ".join(f'"{one}"' for one in stores)
    with (scene.archive / "jingui.toml").open("a") as file:
        file.write(f"stores = [{named}]\nsync = false\nquality = false\n")
    return scene


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scene, Path]:
    place = tmp_path_factory.mktemp("stores")
    scene, second = with_stores(make_scene(place), place / "second"), place / "second"
    ingest_again(scene)
    with open_archive(scene.archive, scene.credential) as session:
        assert work(session, silent).copies.copied == PACKAGES
    return scene, second


def test_every_event_reaches_every_store_byte_for_byte(kept: tuple[Scene, Path]) -> None:
    scene, second = kept
    with open_archive(scene.archive, scene.credential) as session:
        log = [(one.position, one.envelope) for one in session.log.raw()]
        for root in (scene.archive / "store", second):
            assert [(position, envelope) for position, envelope, _ in Tails(root).events()] == log
        assert [(one.behind, one.problem) for one in status(session).stores] == [(0, ""), (0, "")]


def test_packages_lie_in_the_second_store_as_in_the_first(kept: tuple[Scene, Path]) -> None:
    scene, second = kept
    own = {path.relative_to(scene.archive / "store"): path.read_bytes() for path in files(scene.archive / "store")}
    other = {path.relative_to(second): path.read_bytes() for path in files(second)}
    assert own == other
    assert validate_root(second) == []
    done = subprocess.run([sys.executable, second / "verify.py"], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout
    with open_archive(scene.archive, scene.credential) as session:
        assert [copies_of(session, package, 1)[0].is_dir() for package in session.store.objects()] == [True] * PACKAGES
        assert replicate(session).copied == 0
        assert set(status(session).copies_waiting.values()) == {0}


def files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file() and "extensions" not in path.parts)


def test_a_store_that_is_away_stops_nothing_and_catches_up(tmp_path: Path) -> None:
    scene, second = with_stores(make_scene(tmp_path), tmp_path / "second"), tmp_path / "second"
    second.rmdir()
    ingest_again(scene)
    with open_archive(scene.archive, scene.credential) as session:
        own, away = store_states(session)
        assert (own.behind, away.problem, away.behind) == (0, "store-unreached", session.log.position())
        assert replicate(session).problems == {str(second): "store-unreached"}
        second.mkdir()
        assert keep_log(session) == {}
        assert store_states(session)[1].behind == 0
        assert replicate(session).copied == PACKAGES


def test_another_history_overwrites_no_tail(tmp_path: Path) -> None:
    scene, second = with_stores(make_scene(tmp_path), tmp_path / "second"), tmp_path / "second"
    with open_archive(scene.archive, scene.credential) as session:
        assert keep_log(session) == {}
        tails = Tails(second)
        (span,) = tails.covering()
        path = tails.place / span.name(EVENTS)
        path.write_bytes(forged := path.read_bytes().replace(b'"jingui/', b'"jinguX/', 1))
        add_person(session, name="王二", roles=[Role.ARCHIVIST])
        failed = keep_log(session)
        assert failed[str(second)].code == "tails-contradict"
        assert (path.read_bytes(), tails.covering()) == (forged, [span])
        assert store_states(session)[1].behind == session.log.position() - span.last


def test_a_log_that_is_shorter_than_its_tails_is_told(tmp_path: Path) -> None:
    scene, second = with_stores(make_scene(tmp_path), tmp_path / "second"), tmp_path / "second"
    shutil.copytree(scene.archive / "log", tmp_path / "yesterday")
    with open_archive(scene.archive, scene.credential) as session:
        add_person(session, name="王二", roles=[Role.ARCHIVIST])
    shutil.rmtree(scene.archive / "log")
    (tmp_path / "yesterday").rename(scene.archive / "log")
    shutil.rmtree(scene.archive / "evidence")
    with open_archive(scene.archive, scene.credential) as session:
        assert keep_log(session)[str(second)].code == "tails-contradict"
        assert [one.problem for one in store_states(session)] == ["tails-contradict"] * 2


def test_a_store_of_another_archive_is_refused(kept: tuple[Scene, Path], tmp_path: Path) -> None:
    _, second = kept
    scene = with_stores(make_scene(tmp_path), second)
    with open_archive(scene.archive, scene.credential) as session:
        failed = keep_log(session)
        assert failed[str(second)].code == "store-of-another"
        with pytest.raises(ArchiveError, match="another archive"):
            raise failed[str(second)]


def brought_back(kept: tuple[Scene, Path], place: Path, **more: object) -> Restored:
    """The archive, restored from the second store into a new folder."""
    return restore_archive(kept[1], place / "back", clock=clock, progress=silent, **more)  # type: ignore[arg-type]  # as given


def test_a_store_alone_brings_everything_back(kept: tuple[Scene, Path], tmp_path: Path) -> None:
    scene, second = kept
    done = brought_back(kept, tmp_path)
    assert (done.lacking, done.is_whole, done.versions) == ((), True, PACKAGES)
    with open_archive(scene.archive, scene.credential) as session:
        log = list(session.log.raw())
        head = attest(session)
    assert (done.events, done.proven, done.root) == (len(log), head.size, head.root)
    back = scene._replace(archive=tmp_path / "back")
    (back.archive / "jingui.toml").write_text(
        (back.archive / "jingui.toml").read_text("utf-8").replace(str(second), str(tmp_path / "third")), "utf-8"
    )
    with open_archive(back.archive, back.credential) as session:
        assert list(session.log.raw()) == log
        assert fsck(session, silent).faults == ()
        add_person(session, name="王二", roles=[Role.ARCHIVIST])
        assert attest(session).size > len(log)


def test_what_is_missing_or_damaged_is_named(kept: tuple[Scene, Path], tmp_path: Path) -> None:
    scene, _ = kept
    store = tmp_path / "damaged"
    shutil.copytree(kept[1], store)
    with open_archive(scene.archive, scene.credential) as session:
        one, other = session.store.objects()
        places = [session.store.object_folder(package).relative_to(session.store.root) for package in (one, other)]
    shutil.rmtree(store / places[0])
    page = next((store / places[1]).rglob("1.txt"))
    page.chmod(0o600)
    page.write_bytes(page.read_bytes().replace(b"page", b"PAGE"))
    done = brought_back((scene, store), tmp_path)
    assert not done.is_whole
    assert {(lack.what, lack.why, lack.thing, lack.path) for lack in done.lacking} == {
        ("version", "missing", f"{one} v1", f"{places[0]}/v1/inventory.json"),
        ("version", "damaged", f"{other} v1", str(page.relative_to(store))),
    }


def test_a_false_event_restores_nothing(kept: tuple[Scene, Path], tmp_path: Path) -> None:
    store = tmp_path / "false"
    shutil.copytree(kept[1], store)
    tails = Tails(store)
    path = tails.place / tails.covering()[0].name(EVENTS)
    path.write_bytes(path.read_bytes().replace(b'"jingui/', b'"jinguX/', 1))
    with pytest.raises(ArchiveError, match="false") as refused:
        brought_back((kept[0], store), tmp_path)
    assert (refused.value.code, (tmp_path / "back").exists()) == ("restore-false", False)


def test_positions_that_are_in_no_tail_are_named(kept: tuple[Scene, Path], tmp_path: Path) -> None:
    scene, second = kept
    store = tmp_path / "cut"
    shutil.copytree(second, store)
    tails = Tails(store)
    (span,) = tails.covering()
    half = span.last // 2
    lines = {part: list(tails.lines(span, part)) for part in (EVENTS, PAYLOADS, COMMANDS)}
    shutil.rmtree(tails.place)
    tails.place.mkdir()
    asked = [line for line in lines[COMMANDS] if msgspec.json.decode(line)["last"] <= half]
    last = max(msgspec.json.decode(line)["last"] for line in asked)
    tails.write(Span(1, last), lines[EVENTS][:last], lines[PAYLOADS][:last], asked)
    done = brought_back((scene, store), tmp_path)
    assert (done.events, done.proven) == (last, 0)
    assert {(one.what, one.why, one.thing) for one in done.lacking} >= {
        ("events", "missing", f"{last + 1}-{span.last}"),
        ("checkpoint", "not checked", str(span.last)),
    }


def test_the_command_line_says_it_in_both_languages(kept: tuple[Scene, Path], tmp_path: Path) -> None:
    told = jingui("restore", "--from-store", kept[1], "--to", tmp_path / "zh", "--lang", "zh")
    assert (told.status, "均已恢复" in told.out) == (0, True), told.err
    said = jingui("restore", "--from-store", kept[1], "--to", tmp_path / "en", "--json")
    assert (said.status, msgspec.json.decode(said.out)["lacking"]) == (0, [])
    again = jingui("restore", "--from-store", kept[1], "--to", tmp_path / "en", "--lang", "en")
    assert (again.status, again.out) == (ArchiveError("archive-exists").row.exit, "")
    none = jingui("restore", "--from-store", tmp_path, "--to", tmp_path / "x", "--lang", "en")
    assert (none.status, "no log to restore" in none.err) == (3, True)


def test_the_doctor_names_a_store_that_is_behind_or_contradicts(tmp_path: Path) -> None:
    scene, second = with_stores(make_scene(tmp_path), tmp_path / "second"), tmp_path / "second"
    ingest_again(scene)

    def found() -> set[tuple[str, str, int]]:
        with open_archive(scene.archive, scene.credential) as session:
            return {(line.code, line.state, line.exit) for line in examine(session).lines if line.check == "stores"}

    assert found() == {("stores.copies", "attention", 0)}
    with open_archive(scene.archive, scene.credential) as session:
        work(session, silent)
        late = replace(session, clock=lambda: clock() + timedelta(seconds=90))
        assert {line.code for line in examine(late).lines if line.check == "stores"} == {"stores.behind"}
    assert found() == {("stores.ok", "ok", 0)}
    second.rename(tmp_path / "unmounted")
    assert found() == {("stores.away", "attention", 0)}
    (tmp_path / "unmounted").rename(second)
    tails = Tails(second)
    mark = (tails.folder / "store.json").read_bytes()
    foreign = StoreMark(store=uuid4(), archive=uuid4())
    (tails.folder / "store.json").write_bytes(msgspec.json.encode(foreign))
    assert found() == {("stores.foreign", "failed", 4)}
    (tails.folder / "store.json").write_bytes(mark)
    span = tails.covering()[-1]
    for part in (EVENTS, PAYLOADS, COMMANDS):
        (tails.place / span.name(part)).rename(tails.place / Span(span.first, span.last + 50).name(part))
    assert found() == {("stores.contradict", "failed", 23)}


def test_removed_words_and_destroyed_keys_leave_every_store(tmp_path: Path) -> None:
    second = tmp_path / "second"
    second.mkdir()
    site = new_site(tmp_path)
    with (site.folder / "jingui.toml").open("a") as settings:
        settings.write(f'stores = ["{second}"]\nvault_key = "{tmp_path / "master"}"\n')
    source = deliver(tmp_path / "delivery", {"catalogue.csv": CATALOGUE.encode(), "P-1/P-1-001.txt": PAGE})
    with site.open() as session:
        assert take(session, source).outcome == "completed"
        site.person(session, "second", Role.SECURITY_OFFICER)
        key = session.vault.make(reader := session.new_id())
        assert (key.subject, work(session, silent).copies.waiting) == (reader, {str(second): 0})
    wrapped = second / "extensions" / VAULT / "subjects" / f"{reader}.key"
    assert planted_in(second, NAME)
    assert wrapped.exists()
    with site.open() as session:
        assert stands_in_tails(session, NAME) == [site.folder / "store", second]
        asked = removal.propose(
            session, RemovalRequest(kind=RemovalKind.WORDS, legal_basis="法", reason="本人申请", words=(NAME,))
        )
        session.vault.destroy(reader)
    with site.open(tmp_path / "second.credential") as session:
        assert removal.approve(session, asked.removal, silent).state == "finished"
        assert stands_in_tails(session, NAME) == []
    assert planted_in(second, NAME) == planted_in(site.folder, NAME) == []
    assert not wrapped.exists()
    with site.open() as session:
        work(session, silent)
    (tmp_path / "master").unlink()
    done = restore_archive(second, tmp_path / "back", clock=clock, progress=silent)
    assert (done.is_whole, [one.what for one in done.lacking]) == (False, ["master-key"])
