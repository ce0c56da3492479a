"""The golden verdicts: what this version of the measurements says of the committed pages, written once for `ALGORITHM`.

`python -m tests.golden_verdicts` writes them again; do so only together with a higher `ALGORITHM`.
"""

from pathlib import Path

import msgspec

from repository.domain.quality import ALGORITHM, PageVerdict
from repository.qc import load_profile
from repository.services.page_quality import find_files, judge_files

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "fixtures" / "pages"
GOLDEN = ROOT / "fixtures" / "verdicts" / f"pages.v{ALGORITHM}.ndjson"
BY_CHANCE = ("Q02", "Q11")
"""Checks that depend on what is installed, or on the pages before."""


def verdicts() -> list[PageVerdict]:
    """Of every committed page by the profile of documents, recordings by theirs."""
    return list(judge_files(find_files(PAGES), load_profile("documents"), workers=2))


def line(verdict: PageVerdict) -> bytes:
    """A verdict as it is kept: ids, outcomes, values and thresholds of its checks."""
    checks = [
        [check.id, check.outcome, check.value, check.threshold, check.noted]
        for check in verdict.checks
        if check.id not in BY_CHANCE
    ]
    return msgspec.json.encode([verdict.path, verdict.frame, verdict.profile, checks])


if __name__ == "__main__":
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_bytes(b"\n".join(map(line, verdicts())) + b"\n")
