"""Receiving and storing, killed or failing at each change to the file system: nothing is lost or half there."""

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from packages_spec.digests import Digested
from packages_spec.ocfl import validate_object, validate_root
from repository.errors import ArchiveError
from repository.storage.recovery import Recovered, StoredClaim, recover
from repository.storage.staging import Stage
from repository.storage.store import Store
from tests.faults.dying import Death, changes
from tests.small_store import PACKAGE, SMALL, contents, fill, make_delivery, make_store, received, seal, stored

NEW = {"new.txt": b"a page found later", "copy.txt": b"first page"}
Log = dict[int, StoredClaim]


def ingest(store: Store, log: Log, source: Path, step: Callable[[], None] = lambda: None) -> None:
    """What the archive does, whether for the first time or after a crash: the log decides what is left to do."""
    recover(store, lambda _, version, __: log.get(version))
    name = source.name
    delivery = received(store, source, name)
    version = 1 if source.name == "first" else 2
    if version in log:
        return
    with store.stage(PACKAGE) as stage:
        if version == 1:
            fill(stage, store.quarantine / name, delivery)
        else:
            second_version(store, stage, delivery.files)
        (published,) = store.commit([stage])
        step()
        log[version] = StoredClaim(published.inventory_sha256)
        step()
        stage.release()


def second_version(store: Store, stage: Stage, files: Sequence[Digested]) -> None:
    """All of the first version, and what came later."""
    old = store.inventory(PACKAGE).versions["v1"].state.items()
    bag = store.object_folder(PACKAGE) / "v1/content"
    kept = [Digested(p, (bag / p).stat().st_size, d) for d, paths in old for p in paths if p.startswith("data/")]
    for file in files:
        stage.adopt(store.quarantine / "second" / file.path, f"data/{file.path}", file)
    seal(stage, [*kept, *(Digested(f"data/{file.path}", file.size, file.sha256) for file in files)])


def check(store: Store, log: Log, given: dict[str, dict[str, bytes]]) -> None:
    """The oracle: each version is in the store, whole, or not at all, as the log says; each file is somewhere."""
    assert store.versions(PACKAGE) == tuple(sorted(log))
    judged = [*validate_root(store.root)]
    for package in store.objects():
        judged += validate_object(store.object_folder(package))
    assert {finding.code for finding in judged} <= {"ocfl.sha256"}  # SHA-256 by design, of which W004 has a word
    assert list(store.staging.iterdir()) == []
    for number, (name, files) in enumerate(given.items(), start=1):
        if number in log:
            for path, data in files.items():
                assert store.content_path(PACKAGE, number, f"data/{path}").read_bytes() == data
        elif _is_received(store, name):
            assert contents(store.quarantine / name) == files


def _is_received(store: Store, name: str) -> bool:
    journal = store.quarantine / f"{name}.journal"
    return journal.exists() and b'"line":"closed"' in journal.read_bytes()


@contextmanager
def scene(tmp_path: Path, at: object, versions: int) -> Iterator[tuple[Store, Log, Path, dict[str, dict[str, bytes]]]]:
    """An archive before the step under test: empty, or with a first version."""
    base = tmp_path / f"{at}"
    base.mkdir()
    log: Log = {}
    given = {"first": SMALL} if versions == 1 else {"first": SMALL, "second": NEW}
    sources = [make_delivery(base / name, files) for name, files in given.items()]
    with make_store(base / "archive") as store:
        for source in sources[:-1]:
            ingest(store, log, source)
        yield store, log, sources[-1], given
    shutil.rmtree(base)


def positions(tmp_path: Path, versions: int) -> int:
    with scene(tmp_path, "counted", versions) as (store, log, source, given), changes() as counted:
        ingest(store, log, source, counted.step)
        count = counted.count
        check(store, log, given)
    return count


def test_everything_is_durable_before_what_relies_on_it(tmp_path: Path) -> None:
    """Copies before the journal that vouches for them; a staged version before its renames; these before the event."""
    with scene(tmp_path, "order", 1) as (store, _, source, _), changes() as made:
        delivery = received(store, source, "first")
        journalled = made.names
        assert journalled.count("syncfs") == 1
        assert journalled[journalled.index("syncfs") + 1 :].count("fsync") == 3
        before_journal = journalled[: len(journalled) - journalled[::-1].index("syncfs")]
        assert before_journal.count("write") == sum(1 for data in SMALL.values() if data)
        with store.stage(PACKAGE) as stage:
            fill(stage, store.quarantine / "first", delivery)
            made.names = []
            store.commit([stage])
            assert made.names == ["syncfs", *["rename"] * len(SMALL), "mkdir", "rename", "syncfs"]
            stage.release()


@pytest.mark.parametrize("versions", [1, 2])
def test_killed_at_every_change(tmp_path: Path, versions: int) -> None:
    total = positions(tmp_path, versions)
    assert total > 40
    for at in range(1, total + 1):
        with scene(tmp_path, at, versions) as (store, log, source, given):
            with suppress(Death), changes(at) as counted:
                ingest(store, log, source, counted.step)
            actions = recover(store, lambda _, version, __, log=log: log.get(version))  # type: ignore[misc]  # bound now
            assert {action.outcome for action in actions} <= {Recovered.FINISHED, Recovered.UNDONE}
            check(store, log, given)
            ingest(store, log, source)
            assert len(log) == versions
            check(store, log, given)


@pytest.mark.parametrize("versions", [1, 2])
def test_recovery_killed_at_every_change(tmp_path: Path, versions: int) -> None:
    """A run that died just before and just after its event, and a recovery that dies wherever it can."""
    total = positions(tmp_path, versions)
    for at in range(total - 11, total + 1, 2):
        for again in range(1, 40):
            with scene(tmp_path, f"{at}-{again}", versions) as (store, log, source, given):
                with suppress(Death), changes(at) as counted:
                    ingest(store, log, source, counted.step)
                done = False
                with suppress(Death), changes(again):
                    recover(store, lambda _, version, __, log=log: log.get(version))  # type: ignore[misc]  # bound now
                    done = True
                recover(store, lambda _, version, __, log=log: log.get(version))  # type: ignore[misc]  # bound now
                check(store, log, given)
            if done:
                break
        else:
            pytest.fail("recovery never came to its end")


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_failing_at_every_change(tmp_path: Path, number: int) -> None:
    for at in range(1, positions(tmp_path, 1) + 1):
        with scene(tmp_path, at, 1) as (store, log, source, given):
            with (
                suppress(ArchiveError, OSError),
                changes(at, lambda: OSError(number, os.strerror(number))) as counted,
            ):
                ingest(store, log, source, counted.step)
            ingest(store, log, source)
            check(store, log, given)


def test_an_event_without_its_version_is_an_alarm(tmp_path: Path) -> None:
    with scene(tmp_path, "alarm", 1) as (store, _, source, _):
        delivery = received(store, source, "first")
        with store.stage(PACKAGE) as stage:
            fill(stage, store.quarantine / "first", delivery)
        (action,) = recover(store, lambda *_: StoredClaim("0" * 64))
        assert action.outcome is Recovered.ALARM
        assert action.paths == ("v1/inventory.json",)
        assert contents(store.quarantine / "first") == SMALL
        assert (store.staging / str(PACKAGE)).is_dir()


def test_a_version_damaged_before_its_recovery_is_an_alarm(tmp_path: Path) -> None:
    with scene(tmp_path, "damaged", 1) as (store, _, source, _):
        delivery = received(store, source, "first")
        with store.stage(PACKAGE) as stage:
            fill(stage, store.quarantine / "first", delivery)
            (published,) = store.commit([stage])
        page = store.content_path(PACKAGE, 1, "data/a.txt")
        page.chmod(0o644)
        page.write_bytes(b"FIRST PAGE")
        (action,) = recover(store, lambda *_: StoredClaim(published.inventory_sha256))
        assert (action.outcome, action.paths) == (Recovered.ALARM, ("v1/content/data/a.txt",))
        (action,) = recover(store, lambda *_: None)
        assert (action.outcome, action.paths) == (Recovered.ALARM, ("quarantine/first/a.txt",))
        assert action.aside is not None
        aside = contents(store.archive / action.aside)
        assert aside["object/v1/content/data/a.txt"] == b"FIRST PAGE"
        assert contents(store.quarantine / "first") == {path: data for path, data in SMALL.items() if path != "a.txt"}


COMMITTER = """
import sys
from pathlib import Path
from repository.storage.staging import Stage
from repository.storage.store import Store
from tests.small_store import PACKAGE, fill, received
with Store.open(Path(sys.argv[1])) as store, store.stage(PACKAGE) as stage:
    fill(stage, store.quarantine / "first", received(store, Path(sys.argv[2]), "first"))
    store.commit([stage])
    print("published", flush=True)
    sys.stdin.read()
"""


def test_a_committer_between_rename_and_event_is_left_alone(tmp_path: Path) -> None:
    """Recovery must not touch what a living process holds; when it is killed there, everything goes back."""
    with scene(tmp_path, "two", 1) as (store, log, source, given):
        command = [sys.executable, "-c", COMMITTER, str(store.archive), str(source)]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
        ) as committer:
            assert committer.stdout is not None
            assert committer.stdout.readline() == b"published\n"
            (action,) = recover(store, lambda *_: None)
            assert action.outcome is Recovered.HELD
            assert store.versions(PACKAGE) == (1,)
            with pytest.raises(ArchiveError) as caught:
                store.stage(PACKAGE)
            assert caught.value.code == "locked"
            committer.kill()
        (action,) = recover(store, lambda *_: None)
        assert action.outcome is Recovered.UNDONE
        check(store, log, given)
        ingest(store, log, source)
        check(store, log, given)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", place], check=False, capture_output=True)
    if done.returncode != 0:
        pytest.skip(f"no small file system can be mounted here: {done.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_disk_that_becomes_full(small_disk: Path, tmp_path: Path) -> None:
    source = make_delivery(tmp_path / "first", {"page.tif": bytes(1 << 20)})
    with make_store(small_disk / "archive") as store:
        delivery = received(store, source, "first")
        with store.stage(PACKAGE) as stage:
            stage.adopt(store.quarantine / "first/page.tif", "data/page.tif", delivery.files[0])
            with pytest.raises(ArchiveError) as caught:
                stage.write("metadata", [bytes(1 << 16)] * 32)
        assert caught.value.code == "storage-exhausted"
        (action,) = recover(store, lambda *_: None)
        assert action.outcome is Recovered.UNDONE
        assert action.aside is not None
        shutil.rmtree(store.archive / action.aside)
        assert contents(store.quarantine / "first") == {"page.tif": bytes(1 << 20)}
        more = make_delivery(tmp_path / "more", {"page.tif": bytes(1 << 20)})
        with pytest.raises(ArchiveError) as caught:
            received(store, more, "more")
        assert caught.value.code == "storage-full"
        assert int(caught.value.values["needed"]) > int(caught.value.values["available"])
        stored(store, source, name="first")
        assert store.versions(PACKAGE) == (1,)


INGEST = """
import sys
from pathlib import Path
from repository.storage.recovery import StoredClaim, recover
from repository.storage.staging import Stage
from repository.storage.store import Store
from tests.faults.test_commit import ingest
archive = Path(sys.argv[1])
class Log(dict):
    def __setitem__(self, version, claim):
        (archive / "event.new").write_text(claim.inventory_sha256)
        (archive / "event.new").rename(archive / "event")
        super().__setitem__(version, claim)
with Store.open(archive) as store:
    ingest(store, Log(), Path(sys.argv[2]))
"""
CALLS = ("rename", "mkdir", "write", "unlink", "rmdir", "fsync", "syncfs", "ftruncate")


@pytest.mark.faults
@pytest.mark.parametrize("call", CALLS)
def test_killed_at_every_system_call(tmp_path: Path, call: str) -> None:
    """The same from outside: `kill -9` at each call of that name that the whole process makes."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    for when in range(1, 100):
        with scene(tmp_path, f"{call}-{when}", 1) as (store, log, source, given):
            inject = f"inject={call}:signal=SIGKILL:when={when}"
            command = ["strace", "-qq", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject]
            command += [sys.executable, "-B", "-c", INGEST, str(store.archive), str(source)]
            done = subprocess.run(command, check=False, capture_output=True, cwd=Path(__file__).parents[2])
            event = store.archive / "event"
            if done.returncode == 0:
                break
            assert done.returncode in {-9, 137}, done.stderr
            if event.exists():
                log[1] = StoredClaim(event.read_text())
            recover(store, lambda _, version, __, log=log: log.get(version))  # type: ignore[misc]  # bound now
            check(store, log, given)
            ingest(store, log, source)
            check(store, log, given)
    assert when > (3 if call == "rename" else 1)
