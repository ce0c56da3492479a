"""Thumbnails (缩略图) of pages for the contact sheet, upright as they are stored, without a mark: they leave nobody.

A page that is cut off or damaged is shown as far as it can be decoded; of one that shows nothing there is no picture.
"""

from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageFile, UnidentifiedImageError

from repository.copies.copyist import Copying
from repository.copies.images import LARGEST

QUALITY = 80
NOTHING = ""
"""Answered in place of a name, for a page that shows nothing."""


def make(copying: Copying, folder: Path) -> Iterator[str]:
    """One JPEG of at most that width for each page, `00001.jpg` and so on."""
    Image.MAX_IMAGE_PIXELS = LARGEST
    ImageFile.LOAD_TRUNCATED_IMAGES = True  # what is left of a damaged page is what a person has to see
    for number, one in enumerate(copying.originals, 1):
        name = f"{number:05d}.jpg"
        yield name if _shown(Path(one.place), folder / name, copying.width) else NOTHING


def _shown(place: Path, target: Path, width: int) -> bool:
    try:
        with Image.open(place) as opened:
            if opened.width * opened.height > LARGEST or not opened.width:
                return False
            opened.draft("RGB", (2 * width, 2 * width))
            height = max(1, round(opened.height * width / opened.width))
            opened.convert("RGB").resize((width, height), Image.Resampling.BILINEAR).save(
                target, "JPEG", quality=QUALITY
            )
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return False
    return True
