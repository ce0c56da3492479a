"""Likeness (相似页, Q11): what a page looks like in little, and pages that were scanned twice.

The ink is turned level by the page's own skew, laid with the middle of its writing in the middle, and made 48 cells
each way; what is alike all round a cell (the printed form, a grey ground) is taken out. Two scans of one sheet -
shifted, a little turned, grained otherwise - then agree to 0.97 and more, and two sheets of one form to 0.83 at most.
"""

import base64

import cv2
import numpy as np
from numpy.typing import NDArray

from repository.domain.quality import Check, PageVerdict
from repository.qc.grey import Grey
from repository.qc.page import Page
from repository.qc.profile import Profile
from repository.qc.writing import HEIGHT, LEFT, TOP, WIDTH

CELLS = 48
SPREAD = 1.5
"""Cells, each way, over which ink is spread."""
ROUND = 9
"""Cells, each way, whose mean is taken out of a cell."""
LEAST = 8
"""Pieces of writing without which a page is not known again: blank pages are all alike."""
LOOKED_AT, SHIFT = 12, 4
"""Earlier pages that are compared again, and the half cells by which they may be shifted."""
SEEN = 5_000
"""Pages that are remembered: a page is compared with so many before it."""


def fingerprint(page: Page, degrees: float) -> str:
    """The cells in base64, of a page that `degrees` counter-clockwise make level; empty for one with little writing."""
    if page.writing.text_pieces < LEAST:
        return ""
    cells = _cells(page, degrees).astype(np.float32)
    cells -= cv2.blur(cells, (ROUND, ROUND))
    most = float(np.abs(cells).max())
    if most == 0:
        return ""
    return base64.b64encode(np.rint(cells * (127 / most)).astype(np.int8).tobytes()).decode()


def _cells(page: Page, degrees: float) -> Grey:
    """The ink, level, its writing's middle in the middle, at a size that depends on the page's alone."""
    writing = page.writing
    boxes = writing.boxes[writing.is_text]
    height, width = writing.ink.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    across, down = (boxes[:, LEFT] + boxes[:, WIDTH] / 2).mean(), (boxes[:, TOP] + boxes[:, HEIGHT] / 2).mean()
    middle = turn @ (float(across), float(down), 1.0)
    size = 0.9 * CELLS / max(height, width)
    place = turn * size
    place[:, 2] += CELLS / 2 - middle * size
    # Ink is spread over more than a cell, twice, so that lines of writing do not beat with the rows of cells.
    spread = int(SPREAD / size) | 1
    smooth = cv2.blur(cv2.blur(writing.ink, (spread, spread)), (spread, spread))
    found: Grey = cv2.warpAffine(smooth, place, (CELLS, CELLS))  # type: ignore[assignment] # its stubs know no dtype
    return found


class Seen:
    """The pages of a batch so far, by their bytes and by what they look like."""

    def __init__(self, profile: Profile) -> None:
        self._rule = profile.rule("Q11")
        self._files: dict[tuple[str, int], str] = {}
        self._cells: NDArray[np.float32] = np.zeros((0, CELLS * CELLS), np.float32)
        self._names: list[str] = []
        self._next = 0

    def judge(self, verdict: PageVerdict) -> Check | None:
        """Q11 of the next page: the same bytes as an earlier one, or the same sheet; `reason` names the earlier page.

        None where the profile does not ask, and for a page that did not open.
        """
        rule, name = self._rule, _name(verdict)
        if rule is None or not verdict.width:
            return None
        limit = rule.limits["likeness"]
        first = self._files.setdefault((verdict.sha256, verdict.frame), name)
        found = self._closest(verdict.fingerprint, name)
        if first != name and verdict.sha256:
            return Check("Q11", rule.outcomes["same"], 1000, limit.unit, 1000, reason=f"same-bytes:{first}")
        if found is None:
            return Check("Q11", "abstain", unit=limit.unit, reason="little-writing")
        likeness, other = found
        judged = limit.judge("Q11", likeness)
        return judged if judged.outcome == "pass" else limit.judge("Q11", likeness, reason=f"like:{other}")

    def _closest(self, cells: str, name: str) -> tuple[float, str] | None:
        if not cells:
            return None
        values = np.frombuffer(base64.b64decode(cells), np.int8).astype(np.float32)
        values -= values.mean()
        values /= max(1e-6, float(np.linalg.norm(values)))
        likeness, other = 0.0, ""
        if self._names:
            shares = self._cells[: len(self._names)] @ values
            # The likeliest once more, shifted by a cell or two: the middle of the writing is not found to the pixel.
            likeliest = np.argsort(shares)[-LOOKED_AT:]
            shifted = _shifted(values, self._cells[likeliest])
            best = int(shifted.argmax())
            likeness, other = max(0.0, float(shifted[best])), self._names[int(likeliest[best])]
        self._remember(values, name)
        return likeness, other

    def _remember(self, values: "NDArray[np.float32]", name: str) -> None:
        if self._next == len(self._cells) < SEEN:
            room = min(SEEN, max(64, 2 * len(self._cells)))
            grown = np.zeros((room, CELLS * CELLS), np.float32)
            grown[: len(self._cells)] = self._cells
            self._cells = grown
        at = self._next % SEEN
        self._cells[at] = values
        self._names[at : at + 1] = [name]
        self._next = at + 1


def _shifted(values: "NDArray[np.float32]", others: "NDArray[np.float32]") -> "NDArray[np.float64]":
    """How like the page is to each of the others, at the best shift by whole and half cells."""
    turned = np.fft.rfft2(others.reshape(-1, CELLS, CELLS)) * np.conj(np.fft.rfft2(values.reshape(CELLS, CELLS)))
    finer = np.zeros((len(others), 2 * CELLS, CELLS + 1), np.complex128)
    middle = CELLS // 2
    finer[:, :middle, : middle + 1] = turned[:, :middle]
    finer[:, -middle:, : middle + 1] = turned[:, middle:]
    agreement = np.fft.irfft2(finer, s=(2 * CELLS, 2 * CELLS)) * 4
    near = np.concatenate([agreement[:, : SHIFT + 1], agreement[:, -SHIFT:]], axis=1)
    near = np.concatenate([near[:, :, : SHIFT + 1], near[:, :, -SHIFT:]], axis=2)
    best: NDArray[np.float64] = near.max(axis=(1, 2))
    return best


def _name(verdict: PageVerdict) -> str:
    return verdict.path if verdict.frame == 1 else f"{verdict.path}#{verdict.frame}"
