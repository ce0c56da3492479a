"""Somebody else's programs judge our evidence: Go's `sumdb` the tree, `signed-note` the signature."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from repository.archive import clock, open_archive
from repository.domain.values import Role
from repository.services.administration import add_person
from repository.services.checkpoints import EVIDENCE, attest
from repository.services.proving import prove
from repository.services.witness import witness
from tests.faults.small_archive import Scene, make_scene

SOURCE = Path(__file__).with_name("sumdb") / "main.go"
LIBRARY = Path("/usr/share/gocode/src/golang.org/x/mod/sumdb")
PEOPLE = 90
"""So many that the tree has a full tile and a part of one."""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("go") is None or not LIBRARY.is_dir():
        pytest.skip("Go and its golang.org/x/mod are not installed (golang-go, golang-golang-x-mod-dev)")
    place = tmp_path_factory.mktemp("go")
    environment = os.environ | {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOCACHE": str(place / "cache")}
    subprocess.run(["go", "build", "-o", str(place / "main"), str(SOURCE)], env=environment, check=True, timeout=250)
    return place / "main"


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """An archive that a witness saw when it was young."""
    made = make_scene(tmp_path_factory.mktemp("sumdb"))
    with open_archive(made.archive, made.credential) as session:
        key = attest(session).key
        witness(str(made.archive / EVIDENCE), made.archive.with_name("memory"), clock=clock, log_key=key)
        for number in range(PEOPLE):
            add_person(session, name=f"{number}", roles=[Role.ARCHIVIST])
    with open_archive(made.archive, made.credential) as session:
        assert attest(session).size > 256
        for position in (1, 77, 256, 257):
            proven = prove(session, str(position))
            made.archive.with_name(f"{position}.tlog-proof").write_text(proven.proof, "utf-8")
            made.archive.with_name(f"{position}.json").write_text(proven.envelope, "utf-8")
    return made


def judged(program: Path, scene: Scene, proof: Path, envelope: Path, evidence: Path | None = None) -> str:
    place = scene.archive.parent
    folder = evidence or scene.archive / EVIDENCE
    arguments = (scene.archive / EVIDENCE / "log.vkey", folder, place / "memory" / "checkpoint", proof, envelope)
    done = subprocess.run([str(program), *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60)
    return done.stdout if done.returncode == 0 else f"refused: {done.stdout}"


@pytest.mark.parametrize("position", [1, 77, 256, 257])
def test_go_proves_our_events_and_that_the_log_only_grew(program: Path, scene: Scene, position: int) -> None:
    place = scene.archive.parent
    said = judged(program, scene, place / f"{position}.tlog-proof", place / f"{position}.json")
    assert said.startswith(f"proven: event {position} of"), said


def test_go_refuses_another_event_and_a_changed_tree(program: Path, scene: Scene, tmp_path: Path) -> None:
    place = scene.archive.parent
    assert judged(program, scene, place / "1.tlog-proof", place / "77.json").startswith("refused")
    shutil.copytree(scene.archive / EVIDENCE, tmp_path / "evidence")
    (tile,) = (tmp_path / "evidence" / "tile" / "1").rglob("*.p/1")
    tile.write_bytes(bytes([tile.read_bytes()[0] ^ 1]) + tile.read_bytes()[1:])
    said = judged(program, scene, place / "1.tlog-proof", place / "1.json", tmp_path / "evidence")
    assert said.startswith("refused"), said
