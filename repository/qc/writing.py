"""Where the writing is (字迹): ink against the paper round it, and its connected pieces, found once for all checks."""

from functools import cached_property
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from repository.qc.grey import Grey

Numbers: TypeAlias = NDArray[np.int32]

AROUND = 25
"""Pixels of half the working level, each way, whose mean is taken for the paper round a stroke."""
FAINTEST = 0.07
"""How much darker than the paper, as a share of its tone, the faintest writing is."""
GRAINIEST = 15
"""The strongest grain of paper, as a sigma, that is told from writing."""
WHITE, BITONAL = 255, 200
"""Above this the mean of a few black and white pixels is paper."""
LEFT, TOP, WIDTH, HEIGHT, AREA = range(5)


class Writing:
    """The ink of a page at the working level. Everything is made when first asked for."""

    def __init__(self, working: Grey, coarse: Grey, dots_per_mm: float, *, is_bitonal: bool) -> None:
        """Of the working level, half of it, and how many of its pixels are a millimetre."""
        self._working, self._coarse = working, coarse
        self._dots, self._is_bitonal = dots_per_mm, is_bitonal

    @cached_property
    def shares(self) -> NDArray[np.float64]:
        """For every tone the share of the page that is as dark or darker."""
        sample = np.ascontiguousarray(self._working[::2, ::2])  # a quarter of the pixels has the same tones
        counts = cv2.calcHist([sample], [0], None, [256], [0, 256]).ravel().astype(np.float64).cumsum()
        shares: NDArray[np.float64] = counts / counts[-1]
        return shares

    @cached_property
    def tone(self) -> int:
        """The paper's tone: what six tenths of the page are as dark as, so that neither ink nor glare is taken."""
        return WHITE if self._is_bitonal else int(np.searchsorted(self.shares, 0.60))

    @cached_property
    def ink_tone(self) -> int:
        """The ink's tone: what a tenth of the ink is darker than; the paper's own where there is none."""
        sample, ink = (np.ascontiguousarray(each[::2, ::2]) for each in (self._working, self.ink))
        counts = cv2.calcHist([sample], [0], ink, [256], [0, 256]).ravel().cumsum()
        return int(np.searchsorted(counts, counts[-1] * 0.10)) if counts[-1] else self.tone

    @cached_property
    def ink(self) -> Grey:
        """255 where a stroke is darker than what surrounds it by a quarter of the page's own contrast."""
        if self._is_bitonal:
            return cv2.threshold(self._working, BITONAL, 255, cv2.THRESH_BINARY_INV)[1]  # type: ignore[return-value] # its stubs know no dtype
        darkest = int(np.searchsorted(self.shares, 0.02))
        quarter, middle = (int(np.searchsorted(self.shares, share)) for share in (0.25, 0.50))
        grain = min(GRAINIEST, (middle - quarter) / 0.674)  # the quartiles of grain lie at 0.674 of its sigma
        depth = max(FAINTEST * self.tone, 0.25 * (self.tone - darkest), 4 * grain)
        height, width = self._working.shape
        # The mean round a stroke is as good at half the size, and a third of the work.
        paper = cv2.resize(cv2.blur(self._coarse, (AROUND, AROUND)), (width, height), interpolation=cv2.INTER_LINEAR)
        deeper = cv2.subtract(paper, self._working)
        found: Grey = cv2.threshold(deeper, depth, 255, cv2.THRESH_BINARY)[1]  # type: ignore[assignment] # its stubs know no dtype
        return found

    @cached_property
    def _pieces(self) -> tuple[Numbers, Numbers]:
        _, labels, boxes, _ = cv2.connectedComponentsWithStatsWithAlgorithm(self.ink, 8, cv2.CV_32S, cv2.CCL_GRANA)
        return labels, boxes  # type: ignore[return-value] # its stubs know no dtype

    @cached_property
    def labels(self) -> Numbers:
        """For every pixel the number of its piece; 0 is paper."""
        return self._pieces[0]

    @cached_property
    def boxes(self) -> Numbers:
        """For every piece its left, top, width, height and pixels; the first is the paper."""
        return self._pieces[1]

    @cached_property
    def is_text(self) -> NDArray[np.bool_]:
        """For every piece whether it is as large as a character or a run of them: no speck, rule, border or picture."""
        boxes, dots = self.boxes, self._dots
        width, height = boxes[:, WIDTH], boxes[:, HEIGHT]
        least, most = max(3.0, 0.8 * dots), 16 * dots
        longer, shorter = np.maximum(width, height), np.minimum(width, height)
        found = (longer >= least) & (shorter <= most) & (longer <= 60 * dots) & (boxes[:, AREA] >= 8)
        found &= (shorter * 25 >= longer) & (boxes[:, AREA] * 12 >= width * height)
        found[0] = False
        return found

    @cached_property
    def text_pieces(self) -> int:
        """How many pieces of writing there are."""
        return int(self.is_text.sum())
