"""Whatever is wrong with a call is said in the language chosen, with exit 2 and what to do next."""

import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from cli.usage import COMPLAINTS, HELP

ROOT = Path(__file__).parents[2]
WRONG = {
    "command-missing": ["--lang=zh"],
    "command-unknown": ["nope"],
    "option-unknown": ["list", "--nope"],
    "argument-missing": ["show"],
    "option-missing": ["disseminate", "J012"],
    "value-missing": ["list", "--limit"],
    "value-unwanted": ["list", "--json=1"],
    "arguments-many": ["status", "a", "b"],
    "value-choice": ["list", "nope"],
    "value-least": ["list", "--limit", "0"],
    "value-most": ["list", "--limit", "9999"],
    "value-form": ["list", "--limit", "many"],
    "value-wrong": ["person", "--add", "林一"],
}


def jingui(*arguments: str, language: str = "zh") -> "subprocess.CompletedProcess[str]":
    environment = {"PYTHONPATH": str(ROOT), "JINGUI_LANG": language, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    call = [sys.executable, "-c", "from cli.main import run; run()", *arguments]
    return subprocess.run(call, env=environment, capture_output=True, text=True, check=False, cwd="/")


def test_every_complaint_that_is_known_is_tried() -> None:
    assert set(WRONG) == set(COMPLAINTS)


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_in_chinese(name: str) -> None:
    done = jingui(*WRONG[name])
    complaint, hint = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"错误：.*[\u4e00-\u9fff].*（usage）", complaint)
    assert not re.search(r"[A-Z][a-z]+ [a-z]+", complaint)
    assert hint.startswith("下一步：")


def test_a_program_is_told_too() -> None:
    done = jingui("list", "--limit", "0", "--json", language="en")
    problem = msgspec.json.decode(done.stdout)
    assert (done.returncode, problem["schema"], problem["exit"]) == (2, "jingui.error/1", 2)


def test_called_with_nothing_it_explains_itself() -> None:
    done = jingui()
    assert done.returncode == 0
    assert done.stdout.startswith("用法：jingui [选项]")
    assert done.stderr == ""


def test_help_pages_are_in_the_language_chosen() -> None:
    pages = [jingui(*call, "--help").stdout for call in ([], ["list"], ["show"], ["disseminate"], ["annul"])]
    english = [re.search(pattern, page) for page in pages for key, pattern in HELP.items() if key != "usage"]
    assert [found[0] for found in english if found] == []
    assert all(re.search(r"^选项：$", page, re.MULTILINE) for page in pages)
    assert "Options:" in jingui("list", "--help", language="en").stdout


def test_a_reader_that_goes_away_is_no_error() -> None:
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    call = f"{sys.executable} -c 'from cli.main import run; run()' --help | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", call], env=environment, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("0\n", "")


def test_a_terminal_that_knows_no_chinese_stops_nothing() -> None:
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "PYTHONIOENCODING": "ascii"}
    call = [sys.executable, "-c", "from cli.main import run; run()", "nope", "--lang", "zh"]
    done = subprocess.run(call, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "nope" in done.stderr
