"""No damaged package passes, and no good one is refused: seeded changes, one at a time, before `jingui validate`."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from packages_spec.findings import Severity, rules
from repository.services.validation import validate
from tests.mutations import damaged, intact, seeds

Record = Callable[[str, object], None]
SAMPLE, WHOLE = 150, 2_000
SHARDS = 20
WARNINGS = {code for code, rule in rules().items() if rule.severity is not Severity.INFO}


def accepted(which: range, place: Path) -> list[str]:
    """What was done to those that passed."""
    passed = []
    for seed in which:
        root, told = damaged(seed, place)
        if validate(root).verdict != "invalid":
            passed.append(f"{seed}: {told}")
        shutil.rmtree(root)
    return passed


def refused(which: range, place: Path) -> list[str]:
    """The findings on good packages that did not pass."""
    wrong = []
    for seed in which:
        root = intact(seed, place)
        report = validate(root)
        # Of an object with SHA-256 the specification itself wants a word: SHA-512 is the better choice (W004).
        if report.verdict == "invalid" or {finding.code for finding in report.findings} & WARNINGS - {"ocfl.sha256"}:
            wrong.append(f"{seed}: {report.verdict} {sorted({finding.code for finding in report.findings})}")
        shutil.rmtree(root)
    return wrong


def shard(number: int) -> range:
    """One part of the whole run."""
    first = next(seeds(1)) + number * (WHOLE // SHARDS)
    return range(first, first + WHOLE // SHARDS)


def test_a_sample_of_damaged_packages_is_refused(tmp_path: Path) -> None:
    first = next(seeds(1))
    assert accepted(range(first, first + SAMPLE), tmp_path) == []


def test_a_sample_of_good_packages_passes(tmp_path: Path) -> None:
    first = next(seeds(1))
    assert refused(range(first, first + SAMPLE // 5), tmp_path) == []


@pytest.mark.faults
@pytest.mark.parametrize("number", range(SHARDS))
def test_every_damaged_package_is_refused(number: int, tmp_path: Path, record_property: Record) -> None:
    assert accepted(shard(number), tmp_path) == []
    record_property("damaged packages, all refused", len(shard(number)))


@pytest.mark.faults
@pytest.mark.parametrize("number", range(SHARDS))
def test_every_good_package_passes(number: int, tmp_path: Path, record_property: Record) -> None:
    assert refused(shard(number), tmp_path) == []
    record_property("good packages, none refused", len(shard(number)))
