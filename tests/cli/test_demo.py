"""The demonstration keeps its word: quick, true, in both languages, and not blind to what is false."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cli import demo
from cli.language import table
from repository.services import audit

ROOT = Path(__file__).parents[2]
SECONDS = 20
"""Of the processor, whatever else the machine does meanwhile."""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with the deliveries and the pages, where the demonstration may make its archive."""
    for folder in ("deliveries", "pages"):
        shutil.copytree(ROOT / "fixtures" / folder, tmp_path / "fixtures" / folder)
    return tmp_path


def run(place: Path, language: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "HOME": str(place)}
    call = [sys.executable, "-m", "cli.demo", "--lang", language]
    return subprocess.run(call, cwd=place, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_claim_is_true_and_is_made_in_time(place: Path, language: str) -> None:
    began = os.times()
    done = run(place, language)
    assert (done.returncode, done.stderr) == (0, "")
    ended = os.times()
    assert ended.children_user + ended.children_system - began.children_user - began.children_system < SECONDS
    true, false = (table()[f"claim.{name}"][language].partition("{")[0] for name in ("true", "false"))
    assert done.stdout.count(f"✓ {true}") == len(demo.STEPS) + 1  # two searches
    assert false not in done.stdout
    assert "\x1b" not in done.stdout
    assert [path.name for path in place.iterdir() if path.name != "fixtures"] == ["demo-archive"]


def test_it_is_made_afresh_and_what_it_says_to_try_works(place: Path) -> None:
    run(place, "en")
    done = run(place, "en")
    assert done.returncode == 0
    exports = re.findall(r"^  export (JINGUI_.*)$", done.stdout, re.MULTILINE)
    environment = {**os.environ, **dict(each.split("=") for line in exports for each in line.split())}
    environment |= {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    commands = re.findall(r"^  jingui (.*)$", done.stdout, re.MULTILINE)
    assert len(commands) == len(demo.TRY)
    for command in commands:
        call = [sys.executable, "-c", "from cli.main import run; run()", *shlex.split(command)]
        status = subprocess.run(call, cwd=place, env=environment, capture_output=True, check=False).returncode
        assert status == (20 if "damaged-copy" in command else 0), command


def test_a_folder_of_another_kind_is_left_alone(place: Path) -> None:
    (place / "demo-archive").mkdir()
    (place / "demo-archive" / "mine.txt").write_text("mine")
    assert run(place, "en").returncode == demo.FAILED
    assert (place / "demo-archive" / "mine.txt").read_text() == "mine"


def test_one_false_claim_fails_the_whole(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(place)
    honest = audit.replay

    def liar(*arguments: object) -> audit.ReplayReport:
        report = honest(*arguments)  # type: ignore[arg-type] # handed on as it came
        return audit.ReplayReport(
            position=report.position, same=True, live_sha256=report.live_sha256, replayed_sha256="0"
        )

    monkeypatch.setattr(audit, "replay", liar)
    assert demo.main([]) == demo.FAILED
    assert capsys.readouterr().out.count("✗") >= 1
