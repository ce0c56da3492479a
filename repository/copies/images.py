"""Pages as pictures in a chosen width, as JPEG, upright as they are shown, each with the mark in its lower margin.

The mark is a strip added below the picture, which covers nothing. It says in plain letters what the one of a PDF says
in Chinese, for the machine that draws it need not have a Chinese font.
"""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from PIL import Image, ImageDraw, ImageFont, ImageOps, UnidentifiedImageError

from repository.copies.copyist import Copying, Original
from repository.copies.worker import Unfit

QUALITY = 90
LARGEST = 400_000_000
"""Pixels; a picture that claims more is not decoded (a few bytes can claim any number)."""


def make(copying: Copying, folder: Path) -> Iterator[str]:
    """One JPEG for each picture, `0001-<its name>.jpg` and so on. `Unfit` for a file that is no picture."""
    Image.MAX_IMAGE_PIXELS = LARGEST
    for number, one in enumerate(copying.originals, 1):
        name = f"{number:04d}-{PurePosixPath(one.name).stem}.jpg"
        _marked(_resized(one, copying.width), copying.plain_words).save(folder / name, "JPEG", quality=QUALITY)
        yield name


def _resized(one: Original, width: int) -> Image.Image:
    try:
        with Image.open(one.place) as opened:
            if opened.width * opened.height > LARGEST:
                raise Unfit(one.name, f"{opened.width} x {opened.height}")
            picture = ImageOps.exif_transpose(opened).convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise Unfit(one.name, error) from error
    if picture.width <= width:
        return picture
    height = max(1, round(picture.height * width / picture.width))
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def _marked(picture: Image.Image, words: str) -> Image.Image:
    size = max(8.0, min(28.0, picture.width / 50))
    strip = round(size * 1.8)
    marked = Image.new("RGB", (picture.width, picture.height + strip), "white")
    marked.paste(picture, (0, 0))
    drawn = ImageDraw.Draw(marked)
    font = ImageFont.load_default(size)
    wide = drawn.textlength(words, font=font)
    if wide > picture.width * 0.96:
        font = ImageFont.load_default(max(4.0, size * picture.width * 0.96 / wide))
    drawn.text((picture.width / 2, picture.height + strip / 2), words, fill="black", font=font, anchor="mm")
    return marked
