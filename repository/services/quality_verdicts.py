"""Verdicts (质检结论) as an event holds them: a letter and a scaled whole number for each check of each page."""

from collections import defaultdict
from collections.abc import Sequence

from repository.domain import assessment
from repository.domain.assessment import CheckColumn, JudgedPage
from repository.domain.quality import THOUSAND, Check, PageVerdict

BLANK = "Q03"
"""The check that finds blank pages; what the producer declared blank is no fault."""
_LETTERS = {
    "pass": assessment.PASS,
    "review": assessment.REVIEW,
    "fail": assessment.FAIL,
    "abstain": assessment.ABSTAIN,
    "not-tested": assessment.NOT_TESTED,
}


def compact(
    verdicts: Sequence[tuple[int, int | None, PageVerdict, bool]],
) -> tuple[tuple[CheckColumn, ...], tuple[JudgedPage, ...]]:
    """Verdicts as an event holds them: each with its file's number, its serial, and whether it was declared blank.

    A column's values are kept in the coarsest scale that loses nothing, whole units or thousandths.
    """
    named = sorted({(check.id, check.unit) for _, _, verdict, _ in verdicts for check in verdict.checks})
    values: dict[tuple[str, str], list[int]] = defaultdict(list)
    for _, _, verdict, _ in verdicts:
        for check in verdict.checks:
            values[check.id, check.unit] += [] if check.value is None else [check.value]
    scales = {name: THOUSAND if any(value % THOUSAND for value in values[name]) else 1 for name in named}
    pages = []
    for number, serial, verdict, declared in verdicts:
        found = {(check.id, check.unit): check for check in verdict.checks}
        letters, kept = [], []
        for name in named:
            seen = found.get(name)
            letters.append(assessment.ABSENT if seen is None else letter_of(seen, declared=declared))
            value = None if seen is None else seen.value
            kept.append(value if value is None else value * scales[name] // THOUSAND)
        pages.append(
            JudgedPage(file=number, frame=verdict.frame, serial=serial, checks="".join(letters), values=tuple(kept))
        )
    columns = tuple(CheckColumn(id=check, unit=unit, scale=scales[check, unit]) for check, unit in named)
    return columns, tuple(pages)


def letter_of(check: Check, *, declared: bool = False) -> str:
    """A check's outcome as an event holds it."""
    if declared and check.id == BLANK and check.outcome in ("review", "fail"):
        return assessment.DECLARED
    return assessment.NOTED if check.noted and check.outcome == "pass" else _LETTERS[check.outcome]
