"""Pages of a PDF that are scans (PDF 扫描页): the one picture that each holds, as it is. Nothing is rendered."""

import io
from collections.abc import Iterator
from typing import Any

import msgspec
import pikepdf
from PIL import Image

from repository.qc.page import Damaged

PAGES = 10_000
POINTS = 72


class Held(msgspec.Struct, frozen=True):
    """The picture of a page: a JPEG as it lies in the file, or what was unpacked; and its resolution on the page."""

    jpeg: bytes
    picture: Image.Image | None
    dpi: tuple[float, float] | None


def pictures(content: bytes, most: int) -> Iterator[Held | Damaged]:
    """The picture of each page; `no-picture` for a page of text or drawings. Raises Damaged for a PDF that is none."""
    try:
        document = pikepdf.open(io.BytesIO(content))
    except pikepdf.PasswordError as error:
        raise Damaged("encrypted", error) from error
    except (pikepdf.PdfError, ValueError, RuntimeError) as error:
        raise Damaged("corrupt", error) from error
    with document:
        if len(document.pages) > PAGES:
            raise Damaged("too-many-frames")
        for page in document.pages:
            try:
                yield _picture(page, most)
            except Damaged as damage:
                yield damage
            except (pikepdf.PdfError, ValueError, RuntimeError, NotImplementedError) as error:
                yield Damaged("corrupt", error)


def _picture(page: Any, most: int) -> Held:
    largest = max(page.images.values(), key=lambda each: int(each.Width) * int(each.Height), default=None)
    if largest is None:
        raise Damaged("no-picture")
    if int(largest.Width) * int(largest.Height) > most:
        raise Damaged("too-large")
    box = [float(each) for each in page.mediabox]
    inches = abs(box[2] - box[0]) / POINTS, abs(box[3] - box[1]) / POINTS
    dpi = (int(largest.Width) / inches[0], int(largest.Height) / inches[1]) if min(inches) > 0 else None
    image = pikepdf.PdfImage(largest)
    if image.filters == ["/DCTDecode"]:
        return Held(largest.read_raw_bytes(), None, dpi)
    return Held(b"", image.as_pil_image(), dpi)
