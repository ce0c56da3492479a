"""The edges of the page (页边): black borders and shadows (Q09), writing that was cut off (Q10), stains (Q12)."""

import cv2
import numpy as np
from numpy.typing import NDArray

from repository.domain.quality import Check, Mark
from repository.qc.page import Page, Runs
from repository.qc.profile import Rule
from repository.qc.writing import HEIGHT, LEFT, TOP, WIDTH


def runs(page: Page, dark: float, share: float) -> Runs:
    """The dark margins, measured once where two checks ask with the same numbers."""
    if (dark, share) not in page.margins:
        page.margins[dark, share] = _runs(page, dark, share)
    return page.margins[dark, share]


def _runs(page: Page, dark: float, share: float) -> Runs:
    """The dark margins: rows and columns from the edge on of which at least `share` is darker than `dark` of paper."""
    level = page.working
    below = cv2.threshold(level, dark * page.writing.tone, 1, cv2.THRESH_BINARY_INV)[1]
    columns = cv2.reduce(below, 0, cv2.REDUCE_SUM, dtype=cv2.CV_32S).ravel() / level.shape[0]
    rows = cv2.reduce(below, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S).ravel() / level.shape[1]
    return Runs(_run(columns, share), _run(rows, share), _run(columns[::-1], share), _run(rows[::-1], share))


def _run(profile: "NDArray[np.float64]", share: float) -> int:
    """How long the run is that begins within a few pixels of the edge: scanners leave a light line outside."""
    deep = profile[: len(profile) // 3] >= share
    starts = np.flatnonzero(deep[:4])
    if not len(starts):
        return 0
    ends = np.flatnonzero(~deep[starts[0] :])
    return int(starts[0] + (ends[0] if len(ends) else len(deep) - starts[0]))


def judge_border(page: Page, rule: Rule) -> Check:
    """Q09: the widest dark margin, and a box round each that is as wide."""
    found = runs(page, rule.number("dark"), rule.number("share"))
    limit, scale = rule.limits["width"], page.scale
    height, width = page.full.shape
    widest = max(found.left, found.top, found.right, found.bottom)
    boxes = {
        "left": Mark("box", 0, 0, found.left * scale, height),
        "top": Mark("box", 0, 0, width, found.top * scale),
        "right": Mark("box", width - found.right * scale, 0, width, height),
        "bottom": Mark("box", 0, height - found.bottom * scale, width, height),
    }
    least = max(1.0, page.dots_per_mm / 2)
    marks = tuple(box for side, box in boxes.items() if getattr(found, side) >= least)
    return limit.judge("Q09", widest / page.dots_per_mm, marks=marks)


def judge_cut(page: Page, rule: Rule) -> Check:
    """Q10: pieces of writing that touch the edge of the picture where the margin is paper."""
    margins = runs(page, rule.number("dark"), rule.number("share"))
    height, width = page.working.shape
    boxes = page.writing.boxes
    left, top = boxes[:, LEFT], boxes[:, TOP]
    right, bottom = left + boxes[:, WIDTH], top + boxes[:, HEIGHT]
    touching = np.zeros(len(boxes), bool)
    for run, at in (
        (margins.left, left <= 1),
        (margins.top, top <= 1),
        (margins.right, right >= width - 1),
        (margins.bottom, bottom >= height - 1),
    ):
        if not run:
            touching |= at
    touching &= page.writing.is_text
    scale = page.scale
    marks = tuple(
        Mark("box", *(int(value) * scale for value in (left[n], top[n], right[n], bottom[n])))
        for n in np.flatnonzero(touching)[:16]
    )
    return rule.limits["pieces"].judge("Q10", int(touching.sum()), marks=marks)


def judge_stains(page: Page, rule: Rule) -> Check:
    """Q12: the share of the page that is darker paper: stains and holes, reported and never mended on the master."""
    limit = rule.limits["share"]
    if page.is_bitonal:
        return Check("Q12", "abstain", unit=limit.unit, reason="bitonal")
    paper = cv2.blur(cv2.dilate(page.small, np.ones((7, 7), np.uint8)), (5, 5))
    margin = max(1, round(min(paper.shape) * 0.04))
    inner = paper[margin:-margin, margin:-margin]
    if not inner.size:
        return Check("Q12", "abstain", unit=limit.unit, reason="too-small")
    tone = float(np.percentile(inner, 75))
    dark = (inner < rule.number("dark") * tone).astype(np.uint8)
    count, _, boxes, _ = cv2.connectedComponentsWithStats(dark, connectivity=8)
    least = rule.number("patch") * inner.size
    patches = [boxes[n] for n in range(1, count) if boxes[n][4] >= least]
    scale = page.scale * 4
    marks = tuple(
        Mark("box", *(int(v + margin) * scale for v in (b[0], b[1], b[0] + b[2], b[1] + b[3]))) for b in patches[:8]
    )
    return limit.judge("Q12", sum(int(patch[4]) for patch in patches) / inner.size, marks=marks)
