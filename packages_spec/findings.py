"""A finding (检测结果): the normal result of judging something.

A finding says what was judged, what was expected and what was found. Its severity, its clause of the standard and its
words in Chinese and English stand in `findings.toml`, one table for the whole layer, so that a rule is stated once; the
requirements of E-ARK, which keep their own ids, stand in a table beside their rules.
"""

import tomllib
from collections.abc import Iterable
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any, Self

import msgspec

TABLES = ("findings.toml", "eark/requirements.toml")
"""The tables of rules, relative to this layer."""


class Severity(StrEnum):
    """How much a finding weighs: only an error makes the thing judged invalid."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


MOST_FINDINGS = 100_000
"""How many findings are collected of one thing: what has more is not worth more memory."""


class Rule(msgspec.Struct, frozen=True):
    """One row of `findings.toml`: the rule that a finding's code names."""

    severity: Severity
    clause: str
    zh: str
    en: str


class Finding(msgspec.Struct, frozen=True, order=True):
    """What was found at `path` (relative to the thing judged, `.` for the thing itself)."""

    code: str
    path: str
    expected: str = ""
    found: str = ""

    @property
    def rule(self) -> Rule:
        """The rule that this finding breaks."""
        return rules()[self.code]

    @property
    def severity(self) -> Severity:
        """The weight that the rule gives it."""
        return self.rule.severity

    def message(self, language: str) -> str:
        """Its words in `zh` or `en`."""
        words = self.rule.zh if language == "zh" else self.rule.en
        return words.format(path=self.path, expected=self.expected, found=self.found)

    def as_json(self, language: str) -> dict[str, Any]:
        """The finding as `jingui.validation/1` prints it."""
        return {
            "code": self.code,
            "severity": self.severity.value,
            "path": self.path,
            "message": self.message(language),
            "clause": self.rule.clause,
            "expected": self.expected,
            "found": self.found,
        }


class Bounded(list[Finding]):
    """Findings up to `MOST_FINDINGS`, then one that says that there are more: what was left out is never a pass."""

    def append(self, finding: Finding, /) -> None:
        """Add a finding while there is room."""
        if len(self) < MOST_FINDINGS:
            super().append(finding)
        elif len(self) == MOST_FINDINGS:
            super().append(Finding("findings.too-many", ".", str(MOST_FINDINGS)))

    def extend(self, findings: Iterable[Finding], /) -> None:
        """Add what comes while there is room; the rest is still drawn, for what drawing it does."""
        for finding in findings:
            self.append(finding)

    def __iadd__(self, findings: Iterable[Finding], /) -> Self:  # type: ignore[override, misc] # `+` of a list gives lists
        self.extend(findings)
        return self


@cache
def rules() -> dict[str, Rule]:
    """Every rule of this layer by its code."""
    known: dict[str, Rule] = {}
    for path in TABLES:
        table = tomllib.loads(files("packages_spec").joinpath(path).read_text("utf-8"))
        known |= msgspec.convert(table, dict[str, Rule])
    return known


def is_valid(findings: Iterable[Finding]) -> bool:
    """Whether no finding is an error."""
    return all(finding.severity is not Severity.ERROR for finding in findings)
