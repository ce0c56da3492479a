"""Help, language, completion and start-up of the command line."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cli.language import choose
from cli.main import COMMANDS
from tests.command_line import PROGRAM, ROOT, environment, jingui

CHINESE = re.compile("[\u4e00-\u9fff]")
KEY = re.compile(r"\b(" + "|".join(COMMANDS) + r"|option|column|field|stage|outcome|error)\.[a-z]")
HEAVY = ("rich", "pygfried")
"""What help never needs."""


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_in_both_languages(command: str) -> None:
    chinese, english = (jingui(command, "--help", "--lang", language) for language in ("zh", "en"))
    assert (chinese.status, english.status) == (0, 0)
    assert CHINESE.search(chinese.out)
    assert chinese.out != english.out
    first = english.out.partition("Options")[0]
    assert len(CHINESE.findall(first)) < len(first) / 20
    for said in (chinese, english):
        assert not KEY.search(said.out), said.out
        assert said.out.startswith((f"Usage: jingui {command}", f"用法：jingui {command}"))
        assert {"--json", "--lang"} <= set(re.findall(r"--[a-z-]+", said.out))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_help_names_every_command(language: str) -> None:
    said = jingui("--lang", language, "--help")
    assert said.status == 0
    assert all(re.search(rf"^  {command} +\S", said.out, re.MULTILINE) for command in COMMANDS)


def test_nothing_asked_for_is_answered_with_help() -> None:
    assert "ingest" in (said := jingui()).out + said.err


@pytest.mark.parametrize(
    ("arguments", "variables", "language"),
    [
        ((), {}, "zh"),
        ((), {"LANG": "zh_CN.UTF-8"}, "zh"),
        ((), {"LANG": "C.UTF-8"}, "zh"),
        ((), {"LANG": "en_US.UTF-8"}, "en"),
        ((), {"LANG": "de_DE.UTF-8"}, "en"),
        ((), {"LANG": "en_US.UTF-8", "LC_ALL": "zh_CN.UTF-8"}, "zh"),
        ((), {"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_CN"}, "zh"),
        ((), {"LANG": "en_US.UTF-8", "JINGUI_LANG": "zh"}, "zh"),
        ((), {"LANG": "zh_CN.UTF-8", "JINGUI_LANG": "en"}, "en"),
        (("status", "--lang", "zh"), {"JINGUI_LANG": "en"}, "zh"),
        (("--lang=en", "status"), {"JINGUI_LANG": "zh"}, "en"),
        (("status", "--lang", "fr"), {"LANG": "en_US.UTF-8"}, "en"),
        (("status", "--lang"), {"LANG": "en_US.UTF-8"}, "en"),
    ],
)
def test_the_language_is_the_options_then_the_variables_then_the_locales(
    arguments: tuple[str, ...], variables: dict[str, str], language: str
) -> None:
    assert choose(arguments, variables) == language


@pytest.mark.parametrize(
    ("arguments", "variables", "chinese"),
    [
        (("--lang", "zh"), {"JINGUI_LANG": "en"}, True),
        ((), {"JINGUI_LANG": "zh"}, True),
        ((), {"LANG": "zh_CN.UTF-8"}, True),
        ((), {"LANG": "en_GB.UTF-8"}, False),
    ],
)
def test_the_program_speaks_the_language_chosen(
    tmp_path: Path, arguments: tuple[str, ...], variables: dict[str, str], chinese: bool
) -> None:
    said = jingui("status", *arguments, cwd=tmp_path, variables=variables)
    assert said.status == 10
    assert ("下一步" in said.err) is chinese
    assert ("What to do" in said.err) is not chinese


def test_an_unknown_language_is_refused() -> None:
    said = jingui("status", "--lang", "fr")
    assert (said.status, "'fr'" in said.err) == (2, True)


def test_help_loads_nothing_that_it_does_not_need() -> None:
    """One process, which gathers what the help of any command loads: what none of them loads stays away to the end."""
    code = (
        "import sys\nfrom cli.main import COMMANDS, run\nloaded = {}\n"
        "for called in (*COMMANDS, None):\n"
        "    sys.argv = ['jingui', *filter(None, [called]), '--help']\n"
        "    try:\n        run()\n    except SystemExit as end:\n        assert end.code == 0, called\n"
        f"    loaded |= {{name: called for name in {HEAVY} if name in sys.modules and name not in loaded}}\n"
        "print(loaded, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "{}"
    assert done.stdout.count("--json") >= len(COMMANDS)


@pytest.mark.parametrize("needless", ["eventsourcing", "sqlite3"])
def test_validating_needs_no_log(needless: str) -> None:
    code = f"import sys, cli.commands.validate; print({needless!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_one_command_is_loaded_when_one_is_called() -> None:
    code = (
        "import sys\nfrom cli.main import application\napplication(['status'])\n"
        "print(sorted(name for name in sys.modules if name.startswith('cli.commands.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['cli.commands.status']"


def complete(shell: str, line: str, **more: str) -> str:
    words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1), "_TYPER_COMPLETE_ARGS": line}
    variables = environment() | words | {"_JINGUI_COMPLETE": f"complete_{shell}"} | more
    done = subprocess.run(PROGRAM, env=variables, capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_bash_completes_commands_options_and_choices() -> None:
    assert complete("bash", "jingui in").split() == ["init", "ingest"]
    assert complete("bash", "jingui list --a").split() == ["--as-of", "--after", "--archive"]
    assert complete("bash", "jingui list pa").split() == ["packages"]


def test_zsh_and_fish_complete_with_the_help_beside() -> None:
    assert '"replay":' in complete("zsh", "jingui re")
    assert "rebuild\t" in complete("fish", "jingui re", _TYPER_COMPLETE_FISH_ACTION="get-args")


def test_the_installed_program_is_this_one() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    assert 'jingui = "cli.main:run"' in project
    assert os.access(ROOT / "cli" / "main.py", os.R_OK)
