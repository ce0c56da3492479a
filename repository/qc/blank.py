"""Blank pages and bleed-through (空白页 Q03, 透印 Q04): is there writing, and does the other side's show."""

import cv2
import numpy as np

from repository.domain.quality import Check
from repository.qc.page import INNER, Page
from repository.qc.profile import Rule
from repository.qc.writing import AREA, HEIGHT, LEFT, TOP, WIDTH

HOLE_MM, SOLID = 3.5, 0.65
"""A punched hole is larger than a stroke is wide, and fills most of its box."""


def judge_blank(page: Page, rule: Rule) -> Check:
    """Q03: pieces of writing within the margins. None is a blank page; a few are shown as nearly blank."""
    boxes, height, width = page.writing.boxes, *page.working.shape
    margin = (1 - INNER) / 2
    x, y = boxes[:, LEFT] + boxes[:, WIDTH] / 2, boxes[:, TOP] + boxes[:, HEIGHT] / 2
    inside = (x > width * margin) & (x < width * (1 - margin)) & (y > height * margin) & (y < height * (1 - margin))
    shorter = np.minimum(boxes[:, WIDTH], boxes[:, HEIGHT])
    solid = (shorter >= HOLE_MM * page.dots_per_mm) & (boxes[:, AREA] >= SOLID * boxes[:, WIDTH] * boxes[:, HEIGHT])
    return rule.limits["pieces"].judge("Q03", int((page.writing.is_text & inside & ~solid).sum()))


def judge_bleed(page: Page, rule: Rule) -> Check:
    """Q04: the share of the paper that bears faint marks, too light for ink and too dark for paper, away from ink."""
    limit = rule.limits["share"]
    if page.is_bitonal:
        return Check("Q04", "abstain", unit=limit.unit, reason="bitonal")
    level, ink = page.coarse, page.writing.ink[::2, ::2]
    level = level[: ink.shape[0], : ink.shape[1]]
    ink = ink[: level.shape[0], : level.shape[1]]
    paper = cv2.blur(cv2.dilate(level, np.ones((9, 9), np.uint8)), (9, 9))
    tone, dark = page.writing.tone, page.writing.ink_tone
    contrast = max(1.0, tone - dark)
    depth = cv2.subtract(paper, level)
    faint = cv2.inRange(depth, max(6.0, rule.number("from") * contrast), rule.number("to") * contrast)
    near = cv2.dilate(ink, np.ones((9, 9), np.uint8))
    away = cv2.bitwise_and(faint, cv2.bitwise_not(near))
    clear = max(1, near.size - cv2.countNonZero(near))
    return limit.judge("Q04", cv2.countNonZero(away) / clear)
