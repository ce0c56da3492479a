"""Grey levels (灰度): pixels as bytes, and the next smaller level of them."""

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Grey: TypeAlias = NDArray[np.uint8]


def half(level: Grey) -> Grey:
    """The next level: every pixel the mean of four."""
    height, width = level.shape[0] // 2, level.shape[1] // 2
    if not height or not width:
        return level
    out: Grey = cv2.resize(level[: height * 2, : width * 2], (width, height), interpolation=cv2.INTER_AREA)  # type: ignore[assignment] # its stubs know no dtype
    return out
