"""Skew (倾斜, Q01): by how much the page must be turned, counter-clockwise, to stand level.

Lines of writing stand on a line, and columns lean on one: seen along it, the lower edges of the characters (or their
right edges) fall together. The angle is where they do so most. It is measured for lines and for columns, since a page
may be written either way, and once more for each half of the characters: where the halves disagree, the page itself
does not say, and the check abstains.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from repository.domain.quality import Check, Mark
from repository.qc.page import Page
from repository.qc.profile import Rule

Floats = NDArray[np.float32]

COARSE, FINE, FINEST = 0.5, 0.1, 0.025
EVERY = 3
"""Of the pixels along a line every third is looked at; across it none is left out."""
FEW, MANY = 2_500, 12_000
"""Edge pixels that are looked at in the first pass, and in those that follow."""
CLEAR = 2.5
"""A peak so far above the rest needs no second opinion."""
LEAST = 100
"""Edge pixels without which nothing is measured."""
GOLDEN = 0.6180339887
"""Multiples of it spread evenly between two rows."""


class Angle:
    """What was measured: degrees, how far the peak stands above the rest, and whether both halves agree."""

    def __init__(self, degrees: float, peak: float, apart: float) -> None:
        self.degrees, self.peak, self.apart = degrees, peak, apart


def judge_skew(page: Page, rule: Rule) -> Check:
    """Q01. Abstains with too few pieces of writing, without a clear peak, and where the halves disagree."""
    limit = rule.limits["angle"]
    if page.writing.text_pieces < rule.number("components"):
        return Check("Q01", "abstain", unit=limit.unit, reason="little-writing")
    found = measure(page, rule.number("range"))
    if found is None or found.peak < rule.number("peak"):
        return Check("Q01", "abstain", unit=limit.unit, reason="no-lines")
    if found.apart > rule.number("agreement"):
        return Check("Q01", "abstain", unit=limit.unit, reason="halves-disagree")
    signed = limit.judge("Q01", abs(found.degrees), marks=(_line(page, found.degrees),))
    kept = signed.value if signed.value is None or found.degrees >= 0 else -signed.value
    return Check("Q01", signed.outcome, kept, limit.unit, signed.threshold, signed.noted, signed.reason, signed.marks)


def _line(page: Page, degrees: float) -> Mark:
    """A line through the middle of the page that should be level."""
    height, width = page.full.shape
    rise = round(np.tan(np.radians(degrees)) * width / 2)
    return Mark("line", 0, height // 2 - rise, width, height // 2 + rise)


def measure(page: Page, most: float) -> Angle | None:
    """The angle within `most` degrees either way; None for a page without edges."""
    found = [_coarse(_edges(page, down=down), most) for down in (True, False)]
    clearest = max((each for each in found if each is not None), key=lambda each: each[1], default=None)
    return None if clearest is None else _closer(*clearest)


Points = tuple[Floats, Floats]


def _edges(page: Page, *, down: bool) -> Points:
    """Lower edges of writing as (along, across), or right edges as the same turned, so that one search does both."""
    writing = page.writing
    if down:
        ink = np.ascontiguousarray(writing.ink[:, ::EVERY])
        edge = cv2.bitwise_and(ink[:-1], cv2.bitwise_not(ink[1:]))
    else:
        ink = np.ascontiguousarray(writing.ink[::EVERY])
        edge = cv2.bitwise_and(ink[:, :-1], cv2.bitwise_not(ink[:, 1:]))
    at: Any = cv2.findNonZero(edge)  # None where there is none, which its stubs do not know
    if at is None:
        return np.empty(0, np.float32), np.empty(0, np.float32)
    x, y = at.reshape(-1, 2).T
    x, y = (x * EVERY, y) if down else (x, y * EVERY)
    keep = writing.is_text[writing.labels[y, x]]
    x, y = x[keep].astype(np.float32), y[keep].astype(np.float32)
    return (x, y) if down else (-y, x)


def _coarse(points: Points, most: float) -> tuple[float, float, Points] | None:
    """The whole range: where the peak is, how far it stands out, and the edges for a closer look; None for too few."""
    along, across = points
    if len(along) < LEAST:
        return None
    # A page that is almost level has all its edges on whole rows, which would draw every angle near to none.
    points = along, across + np.modf(np.arange(len(across)) * GOLDEN)[0].astype(np.float32)
    angles = np.arange(-most, most + COARSE / 2, COARSE)
    scores = _scores(_every(points, FEW), angles, 2.0)
    return float(angles[int(scores.argmax())]), float(scores.max() / np.median(scores)), points


def _closer(best: float, peak: float, points: Points) -> Angle:
    many = _every(points, MANY)
    # (1) Closer, and (2) closer still.
    best = _best(_every(points, 2 * FEW), best, COARSE, FINE)
    whole = _best(many, best, FINE, FINEST)
    # (3) Each half by itself, taken in turn along the page so that both see all of it.
    if peak >= CLEAR:
        return Angle(whole, peak, 0.0)
    halves = [_best(_half(many, which), best, 3 * FINE, FINE) for which in (0, 1)]
    return Angle(whole, peak, abs(halves[0] - halves[1]))


def _every(points: Points, most: int) -> Points:
    step = -(-len(points[0]) // most)
    return points[0][::step], points[1][::step]


def _half(points: Points, which: int) -> Points:
    band = (points[0] // 64).astype(np.int32) % 2 == which
    return points[0][band], points[1][band]


def _best(points: Points, middle: float, span: float, step: float) -> float:
    """The angle of the highest score within `span` of the middle, between the steps by a parabola."""
    angles = np.arange(middle - span, middle + span + step / 2, step)
    scores = _scores(points, angles, 1.0)
    top = int(scores.argmax())
    if 0 < top < len(scores) - 1:
        before, here, after = scores[top - 1 : top + 2]
        curve = before - 2 * here + after
        if curve < 0:
            return float(angles[top] + step * 0.5 * (before - after) / curve)
    return float(angles[top])


def _scores(points: Points, angles: NDArray[np.float64], bin_size: float) -> NDArray[np.float64]:
    """For each angle how much the edges fall together: the sum of squares of their profile."""
    along, across = points
    turned = np.radians(angles)[:, None]
    # The angle's own functions in double precision: processors differ in the last place of single ones.
    cosine, sine = np.cos(turned).astype(np.float32), np.sin(turned).astype(np.float32)
    place = (across * cosine - along * sine) * np.float32(1 / bin_size)
    place -= place.min()
    room = int(place.max()) + 1
    rows = place.astype(np.int32) + np.arange(len(angles), dtype=np.int32)[:, None] * np.int32(room)
    profile = np.bincount(rows.ravel(), minlength=room * len(angles)).reshape(len(angles), room).astype(np.float64)
    scores: NDArray[np.float64] = np.einsum("ij,ij->i", profile, profile)
    return scores
