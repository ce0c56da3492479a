"""Pages as pictures in a chosen width, as JPEG, upright as they are shown, each with the mark in its lower margin.

The mark is a strip added below the picture, which covers nothing. It says in plain letters what the one of a PDF says
in Chinese, for the machine that draws it need not have a Chinese font.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path, PurePosixPath

from PIL import Image, ImageDraw, ImageFont, ImageOps, UnidentifiedImageError

from packages_spec.digests import Digested
from repository.errors import ArchiveError
from repository.services.dip_forms import Mark, Taken
from repository.storage import Folder

QUALITY = 90
LARGEST = 400_000_000
"""Pixels; a picture that claims more is not opened (a few bytes can claim any number)."""


def derive(taken: Sequence[Taken], bag: Folder, mark: Mark, width: int) -> Iterator[Digested]:
    """One JPEG for each picture, `data/0001.jpg` and so on. `form-unfit` for a file that is no picture."""
    for number, one in enumerate(taken, 1):
        name = f"data/{number:04d}-{PurePosixPath(one.file.path).stem}.jpg"
        yield bag.produce(name, partial(_copy, one, width, mark))


def _copy(one: Taken, width: int, mark: Mark, place: Path) -> None:
    try:
        with Image.open(one.place) as opened:
            if opened.width * opened.height > LARGEST:
                raise ArchiveError("form-unfit", one.file.path, form="images", reason=f"{opened.width}x{opened.height}")
            picture = ImageOps.exif_transpose(opened).convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise ArchiveError("form-unfit", one.file.path, form="images", reason=error) from error
    if picture.width > width:
        picture = picture.resize(
            (width, max(1, round(picture.height * width / picture.width))), Image.Resampling.LANCZOS
        )
    _marked(picture, mark).save(place, "JPEG", quality=QUALITY)


def _marked(picture: Image.Image, mark: Mark) -> Image.Image:
    words = mark.plain_words
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
