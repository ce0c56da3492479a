"""Quality profiles: thresholds as exact decimals, known by the digest of their bytes."""

import hashlib
from pathlib import Path

import pytest

from repository.domain.quality import OUTCOMES, Check, outcome_of, thousandths
from repository.errors import ArchiveError
from repository.qc import PROFILES, load_profile
from repository.qc.judge import JUDGES
from repository.qc.profile import LARGEST, Limit, read_profile

HEAD = b'name = "x"\nversion = 1\nmedia = "page"\nzh = "x"\nen = "x"\n'
BESIDES = {"F01", "F02", "Q11"}
"""Checks of a page that are not made on the decoded page alone."""


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_that_comes_with_the_program_is_whole(name: str) -> None:
    profile = load_profile(name)
    assert profile.name == name
    assert (profile.zh, profile.en) != ("", "")
    if profile.media == "page":
        assert profile.rules.keys() - BESIDES <= JUDGES.keys()
        assert "pixels" in profile.rules["F01"].numbers


def test_the_default_makes_every_check_of_a_page() -> None:
    assert load_profile("documents").rules.keys() == JUDGES.keys() | BESIDES


def test_a_profile_is_known_by_its_bytes(tmp_path: Path) -> None:
    content = HEAD + b"[Q01]\nangle = { unit = 'deg', review_above = 0.5 }\n"
    (tmp_path / "strict.toml").write_bytes(content)
    profile = load_profile(tmp_path / "strict.toml")
    assert profile.digest == hashlib.sha256(content).hexdigest()
    assert profile.rules["Q01"].limits["angle"].review_above == 500
    assert profile.digest != read_profile(content + b"\n", "x").digest


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"[Q01]\nangle = { unit = 'deg', review_abov = 1 }\n", "review_abov"),
        (b"[Q01]\nangle = { unit = 'deg', review_above = 0.0001 }\n", "thousandth"),
        (b"[Q01]\nangle = { unit = 'deg', review_above = true }\n", "number"),
        (b"[Q01]\nangle = { review_above = 1 }\n", "unit"),
        (b"[Q01\n", "line"),
        (b"\xff", "utf-8"),
    ],
)
def test_a_profile_with_a_mistake_is_refused(content: bytes, word: str) -> None:
    with pytest.raises(ArchiveError) as refusal:
        read_profile(HEAD + content, "mine")
    assert refusal.value.code == "quality-profile-invalid"
    assert word in str(refusal.value)


def test_a_profile_says_what_it_is() -> None:
    with pytest.raises(ArchiveError, match="version is missing"):
        read_profile(HEAD.replace(b"version = 1\n", b""), "mine")


def test_a_profile_that_is_not_there_and_one_that_is_no_profile(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError) as unknown:
        load_profile("nothing")
    assert unknown.value.code == "quality-profile-unknown"
    (tmp_path / "long").write_bytes(b"#" * (LARGEST + 1))
    with pytest.raises(ArchiveError) as long:
        load_profile(tmp_path / "long")
    assert long.value.code == "quality-profile-invalid"


def test_a_value_is_judged_as_it_is_kept() -> None:
    limit = Limit("deg", review_above=1000, fail_above=3000)
    assert limit.judge("Q01", 1.0004) == Check("Q01", "pass", 1000, "deg", 1000)
    assert limit.judge("Q01", 1.0006) == Check("Q01", "review", 1001, "deg", 1000)
    assert limit.judge("Q01", 3.2).outcome == "fail"
    below = Limit("dpi", fail_below=100_000, review_below=200_000, inform_below=300_000)
    assert [below.judge("F04", dpi).outcome for dpi in (99, 150, 250, 300)] == ["fail", "review", "pass", "pass"]
    assert [below.judge("F04", dpi).noted for dpi in (250, 300)] == [True, False]
    assert below.judge("F04", 250).threshold == 300_000


def test_halves_are_rounded_to_the_even_thousandth() -> None:
    assert [thousandths(value) for value in (0.0005, 0.0015, 0.0025, -0.0015)] == [0, 2, 2, -2]


def test_the_worst_check_decides_and_nothing_tested_is_no_pass() -> None:
    def page(*outcomes: str) -> str:
        return outcome_of([Check(f"Q{n}", outcome) for n, outcome in enumerate(outcomes)])  # type: ignore[arg-type] # outcomes

    assert page("pass", "review", "fail") == "fail"
    assert page("pass", "abstain", "review") == "review"
    assert page("pass", "abstain", "not-tested") == "pass"
    assert page("abstain", "not-tested") == "not-tested"
    assert page() == "not-tested"
    assert set(OUTCOMES) == {"pass", "review", "fail", "abstain", "not-tested"}
