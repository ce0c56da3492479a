"""Quality profiles (质检方案): every threshold, and which check blocks, goes to a person, or only informs.

A profile is a TOML file and its identity is the SHA-256 of its bytes, which every verdict carries. A check that a
profile does not name is not made. Numbers are read as decimals and kept as thousandths: no threshold is a float.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import msgspec

from repository.domain.quality import Check, Mark, Outcome, thousandths
from repository.errors import ArchiveError

PROFILES = ("documents", "photographs", "newspapers", "drawings", "born-digital", "audio", "video")
"""Those that come with the program, by the kind of record; the first is the default for pages."""
LARGEST = 100_000
"""Bytes of a profile's file."""

Media = Literal["page", "audio", "video"]
_LIMITS = ("fail_above", "fail_below", "review_above", "review_below", "inform_above", "inform_below")


class Limit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a measure fails, goes to a person, or is only noted; thousandths of `unit`."""

    unit: str
    fail_above: int | None = None
    fail_below: int | None = None
    review_above: int | None = None
    review_below: int | None = None
    inform_above: int | None = None
    inform_below: int | None = None

    def judge(self, check: str, value: float, *, marks: tuple[Mark, ...] = (), reason: str = "") -> Check:
        """What the value means under these limits. It is rounded first: what is kept is what was judged."""
        kept = thousandths(value)
        outcome: Outcome
        for outcome, above, below in (
            ("fail", self.fail_above, self.fail_below),
            ("review", self.review_above, self.review_below),
        ):
            if above is not None and kept > above:
                return Check(check, outcome, kept, self.unit, above, reason=reason, marks=marks)
            if below is not None and kept < below:
                return Check(check, outcome, kept, self.unit, below, reason=reason, marks=marks)
        noted = (self.inform_above is not None and kept > self.inform_above) or (
            self.inform_below is not None and kept < self.inform_below
        )
        return Check(check, "pass", kept, self.unit, self._first(noted=noted), noted=noted, reason=reason, marks=marks)

    def _first(self, *, noted: bool) -> int | None:
        """The limit that was crossed if it only informs, else the first that would send the page to a person."""
        informing, judging = (
            (self.inform_above, self.inform_below),
            (self.review_above, self.review_below, self.fail_above, self.fail_below),
        )
        order = (*informing, *judging) if noted else (*judging, *informing)
        return next((limit for limit in order if limit is not None), None)


class Rule(msgspec.Struct, frozen=True):
    """One check of a profile: its limits by measure, and the numbers and words that its measuring needs."""

    limits: Mapping[str, Limit]
    numbers: Mapping[str, int]
    words: Mapping[str, tuple[str, ...]]
    outcomes: Mapping[str, Outcome]

    def number(self, name: str) -> float:
        """A number of the check's settings, in its own unit."""
        return self.numbers[name] / 1000


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """A profile as it was read: its name and version, what it is for, its digest, and its rules by check."""

    name: str
    version: int
    media: Media
    zh: str
    en: str
    digest: str
    rules: Mapping[str, Rule]

    def rule(self, check: str) -> Rule | None:
        """The rule of a check; None where the profile does not ask for it."""
        return self.rules.get(check)


def load_profile(named: str | Path) -> Profile:
    """A profile by its name (`PROFILES`) or the path of its file.

    `quality-profile-unknown` where there is none; `quality-profile-invalid` for one that says what no profile says,
    so that a misspelt threshold is never taken for one that is not set.
    """
    if str(named) in PROFILES:
        return _shipped(str(named))
    path = Path(named)
    if not path.is_file():
        raise ArchiveError("quality-profile-unknown", named, known=", ".join(PROFILES))
    with path.open("rb") as stream:
        content = stream.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise ArchiveError("quality-profile-invalid", named, reason=f"more than {LARGEST} bytes")
    return read_profile(content, str(named))


def default_profile(media: Media) -> Profile:
    """The profile by which files of a kind are judged where nobody named one."""
    return _shipped({"page": "documents", "audio": "audio", "video": "video"}[media])


@cache
def _shipped(name: str) -> Profile:
    return read_profile(files("repository.qc").joinpath(f"profiles/{name}.toml").read_bytes(), name)


def read_profile(content: bytes, named: str) -> Profile:
    """A profile from the bytes of its file; `quality-profile-invalid` where they are none."""
    try:
        table = tomllib.loads(content.decode("utf-8"), parse_float=Decimal)
        head = {name: table.pop(name) for name in ("name", "version", "media", "zh", "en")}
        rules = {check: _rule(rows) for check, rows in table.items()}
        whole = {**head, "digest": hashlib.sha256(content).hexdigest(), "rules": rules}
        return msgspec.convert(whole, Profile)
    except KeyError as error:
        raise ArchiveError("quality-profile-invalid", named, reason=f"{error.args[0]} is missing") from error
    except (ValueError, TypeError, AttributeError, ArithmeticError) as error:  # msgspec's and TOML's are among these
        raise ArchiveError("quality-profile-invalid", named, reason=error) from error


def _rule(rows: Mapping[str, Any]) -> Rule:
    limits, numbers, words, outcomes = {}, {}, {}, {}
    for name, row in rows.items():
        if isinstance(row, dict):
            kept = {key: _thousandths(value) if key in _LIMITS else value for key, value in row.items()}
            limits[name] = msgspec.convert(kept, Limit)
        elif isinstance(row, list):
            words[name] = tuple(map(str, row))
        elif row in ("pass", "review", "fail"):
            outcomes[name] = row
        else:
            numbers[name] = _thousandths(row)
    return Rule(limits, numbers, words, outcomes)


def _thousandths(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise TypeError(f"not a number: {value!r}")
    scaled = Decimal(value) * 1000
    if scaled != scaled.to_integral_value():
        raise ValueError(f"finer than a thousandth: {value}")
    return int(scaled)
