"""Blur and noise (模糊 Q05, 噪点 Q08), on tiles of the full page: what a smaller level would hide."""

from collections.abc import Iterator

import cv2
import numpy as np

from repository.domain.quality import Check, Mark
from repository.qc.grey import Grey
from repository.qc.page import Page
from repository.qc.profile import Rule
from repository.qc.writing import AREA, HEIGHT, LEFT, TOP, WIDTH

TILE = 128
TILES = 20
LEAST = 3
"""Tiles without which nothing is said."""
CLEAN = 0.005
"""Share of a tile that may be ink where the paper's grain is measured: grain itself reaches so far."""
CONTRAST = 40
"""Grey levels between paper and ink that a tile must show for its edges to be measured."""
_IMMERKAER = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)


def judge_blur(page: Page, rule: Rule) -> Check:
    """Q05: how steep the edges of writing are, as a share of the contrast that each pixel takes.

    A step that was blurred with sigma rises by 0.4/sigma of its height in a pixel, whatever it shows; the variance of
    a Laplacian mostly says how much is written.
    """
    limit = rule.limits["slope"]
    if page.is_bitonal:
        return Check("Q05", "abstain", unit=limit.unit, reason="bitonal")
    slopes, boxes = [], []
    for tile, box in _written(page):
        if (slope := _slope(tile)) is not None:
            slopes.append(slope)
            boxes.append(box)
    if len(slopes) < LEAST:
        return Check("Q05", "abstain", unit=limit.unit, reason="little-writing")
    slope = float(np.median(slopes))
    found = limit.judge("Q05", slope)
    return found if found.outcome == "pass" else limit.judge("Q05", slope, marks=tuple(boxes[:8]))


def _written(page: Page) -> Iterator[tuple[Grey, Mark]]:
    """Tiles round pieces of writing, spread evenly over all that there are."""
    pieces = np.flatnonzero(page.writing.is_text)
    if not len(pieces):
        return
    chosen = pieces[np.linspace(0, len(pieces) - 1, min(TILES, len(pieces))).astype(int)]
    height, width = page.full.shape
    for piece in chosen:
        box = page.writing.boxes[piece] * page.scale
        left = int(np.clip(box[LEFT] + box[WIDTH] // 2 - TILE // 2, 0, max(0, width - TILE)))
        top = int(np.clip(box[TOP] + box[HEIGHT] // 2 - TILE // 2, 0, max(0, height - TILE)))
        tile = page.full[top : top + TILE, left : left + TILE]
        yield tile, Mark("box", left, top, left + tile.shape[1], top + tile.shape[0])


def _slope(tile: Grey) -> float | None:
    low, high = _within(tile, 0.01), _within(tile, 0.97)
    if high - low < CONTRAST:
        return None
    rows = cv2.absdiff(tile[:, 2:], tile[:, :-2])
    columns = cv2.absdiff(tile[2:], tile[:-2])
    return max(_within(rows, 0.985), _within(columns, 0.985)) / 2 / (high - low)


def _within(values: "Grey | cv2.typing.MatLike", share: float) -> float:
    """The value that so great a share does not exceed, between two grey levels by how the level is filled."""
    counts = cv2.calcHist([values], [0], None, [256], [0, 256]).ravel().cumsum()
    wanted = share * counts[-1]
    level = int(np.searchsorted(counts, wanted))
    before = counts[level - 1] if level else 0.0
    return float(level - 1 + (wanted - before) / max(1.0, counts[level] - before)) if level else 0.0


def judge_noise(page: Page, rule: Rule) -> Check:
    """Q08: the grain of the paper where nothing is written (Immerkaer's estimate), or the specks, if they are worse."""
    specks = rule.limits["specks"].judge("Q08", _specks(page), reason="specks")
    if specks.outcome != "pass" or page.is_bitonal:
        return specks
    grains = [_grain(tile) for tile in _unwritten(page)]
    if len(grains) < LEAST:
        return specks
    return rule.limits["grain"].judge("Q08", float(np.median(grains)))


def _specks(page: Page) -> int:
    """Pieces that are too small for writing."""
    boxes = page.writing.boxes[1:]
    longer = np.maximum(boxes[:, WIDTH], boxes[:, HEIGHT])
    return int(((boxes[:, AREA] <= 6) & (longer <= 4)).sum())


def _unwritten(page: Page) -> Iterator[Grey]:
    ink, step = page.writing.ink, max(8, TILE // page.scale)
    found = 0
    for top in range(step, ink.shape[0] - 2 * step, 2 * step):
        for left in range(step, ink.shape[1] - 2 * step, 2 * step):
            if np.count_nonzero(ink[top : top + step, left : left + step]) <= CLEAN * step * step:
                found += 1
                y, x = top * page.scale, left * page.scale
                yield page.full[y : y + TILE, x : x + TILE]
                if found == TILES:
                    return


def _grain(tile: Grey) -> float:
    second = cv2.filter2D(tile, cv2.CV_32F, _IMMERKAER)[1:-1, 1:-1]
    return float(np.abs(second).mean() * np.sqrt(np.pi / 2) / 6)
