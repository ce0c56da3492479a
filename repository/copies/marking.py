"""The visible mark (水印): one line that says whose copy a page is, across the page and legible at its foot.

Its letters are a font that every PDF reader has for Chinese (STSong-Light), so that nothing need be embedded.
"""

import io
from functools import lru_cache

import pikepdf
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen import canvas

FONT = "STSong-Light"


def mark_page(page: pikepdf.Page, words: str) -> None:
    """Lay the mark over a page, whatever its size."""
    box = [float(edge) for edge in page.mediabox]
    width, height = round(abs(box[2] - box[0]), 2), round(abs(box[3] - box[1]), 2)
    with pikepdf.open(io.BytesIO(_overlay(width, height, words))) as overlay:
        page.add_overlay(overlay.pages[0], None)


@lru_cache(maxsize=64)
def _overlay(width: float, height: float, words: str) -> bytes:
    """A page of this size with nothing on it but the mark; pages of one record mostly are of one size."""
    pdfmetrics.registerFont(UnicodeCIDFont(FONT))
    stream = io.BytesIO()
    drawn = canvas.Canvas(stream, pagesize=(width, height), invariant=1)
    size = max(4.0, min(14.0, width / 45))
    drawn.setFillGray(0.35)
    drawn.setFillAlpha(0.75)
    drawn.setFont(FONT, _fitting(words, width * 0.94, size))
    drawn.drawCentredString(width / 2, size, words)
    drawn.setFillAlpha(0.16)
    drawn.translate(width / 2, height / 2)
    drawn.rotate(35)
    drawn.setFont(FONT, _fitting(words, (width**2 + height**2) ** 0.5 * 0.8, size * 4))
    drawn.drawCentredString(0, 0, words)
    drawn.save()
    return stream.getvalue()


def _fitting(words: str, width: float, size: float) -> float:
    """The largest size of letters, not above `size`, in which the words fit."""
    natural: float = pdfmetrics.stringWidth(words, FONT, size)
    return min(size, size * width / natural)
