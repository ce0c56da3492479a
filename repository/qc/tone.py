"""Exposure and contrast (曝光 Q06, 对比度 Q07)."""

import numpy as np

from repository.domain.quality import Check
from repository.qc.page import Page
from repository.qc.profile import Rule

LIGHTEST, DARKEST = 254, 1


def judge_exposure(page: Page, rule: Rule) -> Check:
    """Q06: the paper's tone, and how much of the page is clipped to white or to black.

    Paper that is white to the last digit is no fault where the ink is black: cleaned pages are so. Clipping counts
    where the ink was lifted with it; black counts where the paper is dark too, else it is what is written.
    """
    dark = rule.limits["dark"]
    if page.is_bitonal:
        return Check("Q06", "abstain", unit=dark.unit, reason="bitonal")
    share = page.writing.shares
    middle = int(np.searchsorted(share, 0.5))
    found = dark.judge("Q06", middle, reason="dark")
    if found.outcome != "pass":
        return found
    if page.writing.ink_tone > rule.number("lifted"):
        white = rule.limits["white"].judge("Q06", float(1 - share[LIGHTEST - 1]), reason="clipped-white")
        if white.outcome != "pass":
            return white
    if middle < rule.number("dim"):
        black = rule.limits["black"].judge("Q06", float(share[DARKEST]), reason="clipped-black")
        if black.outcome != "pass":
            return black
    return dark.judge("Q06", middle)


def judge_contrast(page: Page, rule: Rule) -> Check:
    """Q07: how much darker the ink is than the paper, as a share of all tones. A page without ink has none."""
    limit = rule.limits["contrast"]
    if page.is_bitonal:
        return Check("Q07", "abstain", unit=limit.unit, reason="bitonal")
    if page.writing.text_pieces < rule.number("pieces"):
        return Check("Q07", "abstain", unit=limit.unit, reason="little-writing")
    return limit.judge("Q07", (page.writing.tone - page.writing.ink_tone) / 255)
