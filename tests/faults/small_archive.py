"""A small archive and a delivery of two packages: made once, copied for every fault, and judged after it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from repository.archive import create_archive, open_archive
from repository.services.audit import AuditReport, fsck
from repository.services.ingest import IngestReport, IngestRequest, ingest

ROOT = Path(__file__).parents[2]
PAGES = {"deed/1.txt": b"first page\n", "map/1.txt": b"second page\n"}
PACKAGES = len(PAGES)
PROGRAM = "from cli.main import run; run()"
STORAGE = 30
LEFT_OVER = {"archive.object-without-event", "ocfl.root-empty-folder"}


class Scene(NamedTuple):
    """An archive, the delivery that is meant for it, and who delivers."""

    archive: Path
    source: Path
    credential: Path

    def copy(self, name: str) -> "Scene":
        """The same archive once more, beside this one; of delivery and person there is one."""
        place = self.archive.with_name(name)
        shutil.copytree(self.archive, place, symlinks=True)
        return self._replace(archive=place)

    def remove(self) -> None:
        shutil.rmtree(self.archive)


def make_scene(folder: Path) -> Scene:
    """An empty archive, and a delivery that lies ready for it."""
    scene = Scene(folder / "archive", folder / "source", folder / "credential")
    for path, content in PAGES.items():
        place = scene.source / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    create_archive(scene.archive, codes=("510000",), administrator="张", name="县档案馆", credential=scene.credential)
    return scene


def command(scene: Scene, *arguments: str | Path) -> list[str]:
    """A command of the real command line on the scene's archive."""
    last = ["--archive", str(scene.archive), "--lang", "en"]
    return [sys.executable, "-B", "-c", PROGRAM, *map(str, arguments), *last]


def environment(scene: Scene) -> dict[str, str]:
    """What the command line needs to be told from outside, and nothing that the tester has set."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("JINGUI")}
    return plain | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "JINGUI_CREDENTIAL": str(scene.credential)}


def jingui(scene: Scene, *arguments: str | Path, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; `before` is what it is run under."""
    asked = [*before, *command(scene, *arguments)]
    return subprocess.run(asked, env=environment(scene), capture_output=True, text=True, check=False, timeout=120)


def ingest_command(scene: Scene) -> tuple[str | Path, ...]:
    """What takes the delivery in."""
    return "ingest", scene.source, "--per-folder"


def audit(scene: Scene) -> AuditReport:
    """The oracle: the whole fsck."""
    with open_archive(scene.archive, scene.credential) as session:
        return fsck(session, lambda step, done, total: None)


def ingest_again(scene: Scene) -> IngestReport:
    """The same ingest, in this process."""
    with open_archive(scene.archive, scene.credential) as session:
        request = IngestRequest(source=scene.source, per_folder=True)
        return ingest(session, request, lambda step, done, total: None)


def expect_nothing_half_visible(scene: Scene) -> None:
    """Each package absent or whole: only what waits for its event or for recovery may be left over.

    Looks at a copy, so that what the next run finds is what the fault left.
    """
    seen = scene.copy(f"{scene.archive.name}-seen")
    faults = {fault.code for fault in audit(seen).faults}
    seen.remove()
    assert faults <= LEFT_OVER, faults


def expect_all_well(scene: Scene) -> None:
    """Every package there, once, whole; nothing left over where work is done."""
    report = audit(scene)
    assert report.faults == ()
    with open_archive(scene.archive, scene.credential) as session:
        session.catch_up()
        held = session.catalogue.holdings()
        assert (held.stored, report.packages, len(list(session.store.objects()))) == (PACKAGES,) * 3
        pages = sorted(path.read_bytes() for path in session.store.root.rglob("original/data/*.txt"))
        assert pages == sorted(PAGES.values())
    left = [path.name for room in ("staging", "quarantine") for path in (scene.archive / room).iterdir()]
    assert set(left) <= {"suspect", "outgoing"}, left


def expect_answer(done: subprocess.CompletedProcess[str]) -> None:
    """After a fault of the disk: done all the same, or that very fault in the archive's own words."""
    assert "Traceback" not in done.stderr, done.stderr[-3000:]
    assert done.returncode in (0, STORAGE), (done.returncode, done.stderr[-3000:])
    if done.returncode == STORAGE:
        assert "What to do:" in done.stderr, done.stderr[-3000:]
