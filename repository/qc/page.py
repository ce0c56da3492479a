"""One decoded page (一页): grey at full size once, a pyramid of exact halves from it, colour only when asked."""

from collections.abc import Callable
from functools import cached_property

import msgspec
import numpy as np

from repository.qc.grey import Grey, half
from repository.qc.writing import Writing

WORKING_SIDE, BITONAL_SIDE = 1900, 1000
"""The working level's longer side is at most this: A4 at 300 dpi is measured at 150, and at 75 where black and white
became grey on the way down, which keeps as much of the strokes."""
INNER = 0.88
"""The share of the page, each way, in which margins and punch holes do not count as writing."""


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What the file says of the page: format, compression, colour, bits of a sample, resolution, size, frames."""

    format: str
    compression: str
    colour: str
    bits: int
    dpi: tuple[float, float] | None
    width: int
    height: int
    frames: int = 1


class Runs(msgspec.Struct, frozen=True):
    """How far a dark margin reaches from each edge, in pixels of the working level."""

    left: int
    top: int
    right: int
    bottom: int


class Damaged(Exception):  # noqa: N818 - named after what the file is, not after being an error
    """The file does not decode whole. The word says how: `truncated`, `corrupt`, `too-large` and so on."""

    def __init__(self, word: str, detail: object = "") -> None:
        super().__init__(f"{word}: {detail}" if detail else word)
        self.word = word


class Page:
    """A page that was decoded whole. Levels are made when a check first asks, and shared by all that follow."""

    def __init__(self, header: Header, grey: Grey, colour: Callable[[], Grey | None] = lambda: None) -> None:
        self.header = header
        self.full = np.ascontiguousarray(grey)
        self.colour = colour
        self.margins: dict[tuple[float, float], Runs] = {}

    @property
    def is_bitonal(self) -> bool:
        """Whether it was scanned without grey."""
        return self.header.colour == "bitonal"

    @cached_property
    def scale(self) -> int:
        """Pixels of the full page to one of the working level: a power of two."""
        scale = 1
        while max(self.full.shape) / scale > (BITONAL_SIDE if self.is_bitonal else WORKING_SIDE):
            scale *= 2
        return scale

    @cached_property
    def working(self) -> Grey:
        """The level at which writing is measured."""
        level = self.full
        for _ in range(self.scale.bit_length() - 1):
            level = half(level)
        return level

    @cached_property
    def writing(self) -> Writing:
        """Its ink and the pieces of it."""
        return Writing(self.working, self.coarse, self.dots_per_mm, is_bitonal=self.is_bitonal)

    @cached_property
    def coarse(self) -> Grey:
        """Half of the working level: the paper round the strokes."""
        return half(self.working)

    @cached_property
    def small(self) -> Grey:
        """A quarter of the working level: shapes as large as a thumb."""
        return half(self.coarse)

    @cached_property
    def dots_per_mm(self) -> float:
        """Of the working level; from the header, else as if the paper were A4."""
        said = self.header.dpi
        dpi = said[0] if said and min(said) >= 50 else max(self.full.shape) / 11.69
        return dpi / 25.4 / self.scale
