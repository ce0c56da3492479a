"""Whatever is made to harm is refused by exactly its own rule, within bounds of memory and time, and writes nothing."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from fixtures.hostile import CASES, Case, write
from packages_spec.findings import Severity, rules
from tests.hostile_judge import MEMORY_MIB

ROOT = Path(__file__).parents[2]
KINDS = ("archive-file", "bag", "path", "xml")


def below(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*")}


@pytest.mark.parametrize("kind", KINDS)
def test_every_case_is_refused_by_its_rule_within_its_bounds(tmp_path: Path, kind: str) -> None:
    command = [sys.executable, "-m", "tests.hostile_judge", str(tmp_path / "work"), kind]
    (tmp_path / "work").mkdir()
    output = subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True).stdout
    told = [json.loads(line) for line in output.splitlines()]
    cases = [case for case in CASES if case.rule.startswith(f"{kind}.")]
    assert [(case["rule"], case["name"]) for case in told] == [(case.rule, case.name) for case in cases]
    wrong = [case for case in told if case["ended"] or case["codes"] != [case["rule"]] or case["mib"] > MEMORY_MIB]
    assert wrong == []
    assert {path.name for path in tmp_path.iterdir()} == {"work"}
    assert {path.name for path in (tmp_path / "work").iterdir()} == {"corpus"}


def test_every_rule_of_an_error_has_a_case_and_each_case_a_name() -> None:
    stated = {code for code, rule in rules().items() if rule.severity is Severity.ERROR}
    covered = {case.rule for case in CASES}
    assert covered == {code for code in stated if code.partition(".")[0] in KINDS}
    assert len(CASES) >= 150
    assert [path for path, number in Counter(case.path for case in CASES).items() if number > 1] == []


@pytest.mark.parametrize("case", [case for case in CASES if case.suffix][::9], ids=lambda case: str(case.path))
def test_the_corpus_is_the_same_every_time(tmp_path: Path, case: Case) -> None:
    assert write(case, tmp_path / "a").read_bytes() == write(case, tmp_path / "b").read_bytes()
