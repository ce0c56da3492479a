"""Quality (质量): what a check measured on a page and what that means, as values that are kept for ever.

A value is a whole number of thousandths of its unit, so that no float is ever stored and the same page gives the same
digits on every machine. A check that could not judge says so: `abstain` where the page itself does not tell,
`not-tested` where nobody looked. Neither is a pass.
"""

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal

import msgspec

Outcome = Literal["pass", "review", "fail", "abstain", "not-tested"]
"""What a check found: `review` goes to a person, `fail` blocks."""
OUTCOMES: tuple[Outcome, ...] = ("pass", "review", "fail", "abstain", "not-tested")

ALGORITHM = 1
"""Version of the measurements: raised whenever the same page and profile may give another outcome or value."""
THOUSAND = 1000


class Mark(msgspec.Struct, frozen=True):
    """Where on the page a check saw it: a line or a box, in pixels of the full page, from its upper left corner."""

    kind: Literal["line", "box"]
    left: int
    top: int
    right: int
    bottom: int


class Check(msgspec.Struct, frozen=True):
    """What one check found.

    `value` and `threshold` are thousandths of `unit`; the threshold is the limit that was crossed, or the first that
    would have been. `noted` marks a limit that only informs: the outcome stays a pass, and the page shows the mark.
    `reason` is a word for programs where the value alone does not say what is wrong.
    """

    id: str
    outcome: Outcome
    value: int | None = None
    unit: str = ""
    threshold: int | None = None
    noted: bool = False
    reason: str = ""
    marks: tuple[Mark, ...] = ()


class PageVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict (质检结论) on one page: of a file, or of one frame (from 1) of a file that holds several.

    `profile` is the SHA-256 of the profile's file and `algorithm` the version of the measurements; with the page these
    three give the same verdict again. `fingerprint` is what
    the page looks like in little, by which pages that were scanned twice find each other while a batch is judged; it is
    longer than what an event keeps of a page. `sha256` is the file's.
    """

    path: str
    frame: int
    kind: str
    outcome: Outcome
    checks: tuple[Check, ...]
    width: int = 0
    height: int = 0
    fingerprint: str = ""
    sha256: str = ""
    profile: str = ""
    algorithm: int = ALGORITHM


def outcome_of(checks: Iterable[Check]) -> Outcome:
    """The page's outcome: its worst check's; `not-tested` where no check came to a judgement of its own."""
    found = {check.outcome for check in checks}
    for outcome in ("fail", "review", "pass"):
        if outcome in found:
            return outcome
    return "not-tested"


def thousandths(value: float) -> int:
    """The value as a whole number of thousandths, half to even, as it is kept."""
    return int((Decimal(repr(float(value))) * THOUSAND).to_integral_value(ROUND_HALF_EVEN))
