"""Bad days: media that cannot be read, full disks, restless producers, clocks and catalogues that are wrong.

Each ends in a clear error with its code and what to do next, or is got over; nothing is lost, nothing half visible.
"""

import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from repository import archive
from tests.faults.injection import require_strace
from tests.faults.small_archive import (
    PAGES,
    Scene,
    audit,
    command,
    environment,
    expect_all_well,
    expect_nothing_half_visible,
    ingest_again,
    ingest_command,
    jingui,
    make_scene,
)

FIXITY, INVALID, STORAGE = 20, 22, 30


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return make_scene(tmp_path)


def refused(done: subprocess.CompletedProcess[str], exit_status: int, code: str) -> None:
    """Refused with that exit and code, in the archive's own words, and with what to do next."""
    assert (done.returncode, f"({code})" in done.stderr) == (exit_status, True), done.stderr[-3000:]
    assert "What to do:" in done.stderr
    assert "Traceback" not in done.stderr


# Media and producers


@pytest.mark.parametrize("fault", ["openat:error=EACCES", "readv:error=EIO:when=1"])
def test_a_page_that_cannot_be_read(scene: Scene, fault: str) -> None:
    require_strace()
    page = scene.source / "map/1.txt"
    call = fault.partition(":")[0]
    strace = ("strace", "-f", "-qq", "-o", "/dev/null", "-P", str(page), "-e", f"trace={call}", "-e", f"inject={fault}")
    done = jingui(scene, *ingest_command(scene), before=strace)
    refused(done, INVALID, "delivery-unreadable")
    assert "map/1.txt" in done.stderr
    expect_nothing_half_visible(scene)
    assert ingest_again(scene).outcome == "completed"
    expect_all_well(scene)


def test_a_page_that_its_owner_closed(scene: Scene) -> None:
    before: tuple[str, ...] = ()
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("setpriv is not installed: root can read everything")
        before = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
    (scene.source / "map/1.txt").chmod(0)
    done = jingui(scene, *ingest_command(scene), before=before)
    refused(done, INVALID, "delivery-unreadable")
    assert "map/1.txt" in done.stderr
    (scene.source / "map/1.txt").chmod(0o644)
    assert jingui(scene, *ingest_command(scene), before=before).returncode == 0
    expect_all_well(scene)


RESTLESS = """
import sys, time
with open(sys.argv[1], "ab", buffering=0) as page:
    while True:
        page.write(b"more\\n")
        time.sleep(0.01)
"""


def test_a_producer_who_is_still_writing(scene: Scene) -> None:
    require_strace()
    page = scene.source / "map/1.txt"
    slowly = ("-e", "trace=readv", "-e", "inject=readv:delay_exit=500ms:when=1")
    with subprocess.Popen([sys.executable, "-c", RESTLESS, str(page)]) as writer:
        strace = ("strace", "-f", "-qq", "-o", "/dev/null", "-P", str(page), *slowly)
        done = jingui(scene, *ingest_command(scene), before=strace)
        writer.kill()
    refused(done, INVALID, "delivery-changed")
    assert "map/1.txt" in done.stderr
    expect_nothing_half_visible(scene)
    assert audit(scene).packages == 0
    page.write_bytes(PAGES["map/1.txt"])
    assert ingest_again(scene).outcome == "completed"
    expect_all_well(scene)


# Disks


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", place], check=False, capture_output=True)
    if done.returncode != 0:
        pytest.skip(f"no small file system can be mounted here: {done.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", place], check=True)


def on_disk(scene: Scene, disk: Path) -> Scene:
    """The scene's archive, moved to another disk."""
    shutil.move(scene.archive, disk / "archive")
    return scene._replace(archive=disk / "archive")


def test_a_delivery_that_cannot_fit_is_refused_before_its_first_byte(scene: Scene, small_disk: Path) -> None:
    tried = on_disk(scene, small_disk)
    page = tried.source / "map/1.txt"
    page.write_bytes(bytes(8 << 20))
    refused(jingui(tried, *ingest_command(tried)), STORAGE, "storage-full")
    assert not list((tried.archive / "quarantine").rglob("*.txt"))
    expect_nothing_half_visible(tried)
    page.write_bytes(PAGES["map/1.txt"])
    assert ingest_again(tried).outcome == "completed"
    expect_all_well(tried)


def test_a_disk_that_becomes_full_at_any_step(scene: Scene, small_disk: Path) -> None:
    """The room left over shrinks; every ingest that it breaks off goes on when there is room again."""
    endings = set()
    for left in (16, 64, 128, 192, 288, 384, 512, 768, 1024, 2048):
        tried = on_disk(scene.copy("next"), small_disk)
        ballast = small_disk / "ballast"
        usage = shutil.disk_usage(small_disk)
        ballast.write_bytes(bytes(max(0, usage.free - (left << 10))))
        done = jingui(tried, *ingest_command(tried))
        endings.add(done.returncode)
        assert done.returncode in (0, STORAGE), (left, done.stderr[-3000:])
        assert "Traceback" not in done.stderr
        ballast.unlink()
        assert ingest_again(tried).outcome in ("completed", "already-recorded"), left
        expect_all_well(tried)
        tried.remove()
    assert endings == {0, STORAGE}


UNFIT = ("rename:error=EPERM", "syncfs:error=ENOSYS", "flock:error=ENOLCK", "fsync:error=EIO")


@pytest.mark.parametrize("fault", UNFIT)
def test_an_archive_where_the_file_system_cannot_keep_it(scene: Scene, tmp_path: Path, fault: str) -> None:
    require_strace()
    place = tmp_path / "unfit"
    call = fault.partition(":")[0]
    init = ["init", str(place), "--code", "1", "--name", "馆", "--administrator", "张", "--lang", "en"]
    program = [*command(scene)[:4], *init, "--credential", str(tmp_path / "new")]
    strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={fault}"]
    environ = environment(scene)
    done = subprocess.run([*strace, *program], env=environ, capture_output=True, text=True, check=False)
    refused(done, STORAGE, "store-unsafe")
    assert not place.exists(), "what was begun is in the way of the next try"
    assert subprocess.run(program, env=environ, capture_output=True, check=False).returncode == 0
    assert audit(Scene(place, scene.source, tmp_path / "new")).sound


# Clocks


def test_a_clock_that_goes_back_and_forth(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each event keeps the time that the clock gave; position alone orders them."""
    years = itertools.cycle((2026, 2024, 2031))
    monkeypatch.setattr(archive, "clock", lambda: datetime(next(years), 6, 1, tzinfo=UTC))
    assert ingest_again(scene).outcome == "completed"
    monkeypatch.undo()
    expect_all_well(scene)
    done = jingui(scene, "list", "--as-of", "2025-01-01", "--json")
    assert done.returncode == 0, done.stderr


# Catalogues


def test_a_catalogue_that_was_deleted(scene: Scene) -> None:
    ingest_again(scene)
    shutil.rmtree(scene.archive / "catalogue")
    found = jingui(scene, "search", "deed", "--json")
    assert found.returncode == 0, found.stderr
    assert '"deed"' in found.stdout
    expect_all_well(scene)


def garbage(path: Path) -> None:
    path.write_bytes(b"garbage" * 1000)


def holes(path: Path) -> None:
    with path.open("r+b") as file:
        for place in range(4096, path.stat().st_size, 4096):
            file.seek(place)
            file.write(bytes(512))


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2 // 4096 * 4096)


DATABASE = "catalogue-000001.sqlite"


@pytest.mark.parametrize(
    ("file", "damage"), [(DATABASE, garbage), (DATABASE, holes), (DATABASE, cut), ("live", garbage)]
)
def test_a_catalogue_that_is_damaged(scene: Scene, file: str, damage: Callable[[Path], None]) -> None:
    ingest_again(scene)
    assert jingui(scene, "status").returncode == 0
    damage(scene.archive / "catalogue" / file)
    refused(jingui(scene, "search", "deed"), STORAGE, "catalogue-damaged")
    judged = jingui(scene, "fsck")
    assert judged.returncode == FIXITY, judged.stderr
    assert "rebuild" in judged.stdout
    assert jingui(scene, "rebuild").returncode == 0
    expect_all_well(scene)
    assert ingest_again(scene).outcome == "already-recorded"


def test_a_catalogue_that_becomes_damaged_while_a_delivery_is_open(scene: Scene) -> None:
    """The log is what counts: nothing of the delivery is lost or doubled by looking into a broken catalogue."""
    garbage(scene.archive / "catalogue" / DATABASE)
    refused(jingui(scene, *ingest_command(scene)), STORAGE, "catalogue-damaged")
    assert jingui(scene, "rebuild").returncode == 0
    assert ingest_again(scene).outcome == "completed"
    expect_all_well(scene)
