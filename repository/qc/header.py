"""What the header must say (F03-F06): format, resolution, colour and depth, frames."""

from repository.domain.quality import Check
from repository.qc.page import Page
from repository.qc.profile import Rule

MM = 25.4


def judge_format(page: Page, rule: Rule) -> Check:
    """F03: a format and a compression that the profile allows. What the name says is the caller's to compare."""
    header = page.header
    if "formats" in rule.words and header.format not in rule.words["formats"]:
        return Check("F03", rule.outcomes.get("wrong", "fail"), reason=f"format-{header.format}")
    if "compressions" in rule.words and header.compression not in rule.words["compressions"]:
        return Check("F03", rule.outcomes.get("packed", "review"), reason=f"compression-{header.compression}")
    return Check("F03", "pass")


def judge_resolution(page: Page, rule: Rule) -> Check:
    """F04: the resolution that the header gives, and whether the paper that follows from it can be."""
    dpi = page.header.dpi
    if dpi is None or min(dpi) <= 1:
        return Check("F04", rule.outcomes.get("missing", "review"), unit="dpi", reason="missing")
    found = rule.limits["dpi"].judge("F04", min(dpi))
    if found.outcome in ("fail", "review"):
        return found
    across, down = (size / each * MM for size, each in zip((page.header.width, page.header.height), dpi, strict=True))
    longer = max(across, down)
    paper = rule.limits.get("paper")
    if paper is not None and (odd := paper.judge("F04", longer, reason="paper-size")).outcome != "pass":
        return odd
    return found


def judge_colour(page: Page, rule: Rule) -> Check:
    """F05: a colour mode that the profile allows, and enough bits for a sample."""
    header = page.header
    if "colours" in rule.words and header.colour not in rule.words["colours"]:
        return Check("F05", rule.outcomes.get("wrong", "review"), reason=f"colour-{header.colour}")
    if "bits" in rule.limits and header.colour != "bitonal":
        return rule.limits["bits"].judge("F05", header.bits)
    return Check("F05", "pass")


def judge_frames(page: Page, rule: Rule) -> Check:
    """F06: one page in a file."""
    return rule.limits["frames"].judge("F06", page.header.frames)
