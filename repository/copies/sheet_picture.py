"""The contact sheet as one picture (PNG): pages in rows, each in the frame of its verdict, faults drawn on it.

The labels are plain letters: the machine that draws them need not have a Chinese font. What is to be drawn on each page
comes as JSON in `words`: `[{"label", "colour", "marks": [[kind, left, top, right, bottom], ...], "size": [w, h]}]`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from PIL import Image, ImageDraw, ImageFont

from repository.copies.copyist import Copying

COLUMNS, MARGIN, LABEL = 6, 12, 34
MARK = "#d4006a"


def make(copying: Copying, folder: Path) -> Iterator[str]:
    """`sheet.png`, of thumbnails that were made before."""
    told = msgspec.json.decode(copying.words, type=list[dict[str, Any]])
    tiles = [_tile(one.place, page, copying.width) for one, page in zip(copying.originals, told, strict=True)]
    rows = [tiles[first : first + COLUMNS] for first in range(0, len(tiles), COLUMNS)]
    heights = [max(tile.height for tile in row) + MARGIN for row in rows]
    sheet = Image.new("RGB", (COLUMNS * (copying.width + MARGIN) + MARGIN, sum(heights) + MARGIN), "white")
    top = MARGIN
    for row, height in zip(rows, heights, strict=True):
        for number, tile in enumerate(row):
            sheet.paste(tile, (MARGIN + number * (copying.width + MARGIN), top))
        top += height
    sheet.save(folder / "sheet.png", "PNG")
    yield "sheet.png"


def _tile(place: str, page: dict[str, Any], width: int) -> Image.Image:
    if place:
        with Image.open(place) as opened:
            picture = opened.convert("RGB")
    else:
        picture = Image.new("RGB", (width, round(width * 1.414)), "#eeeeee")
        ImageDraw.Draw(picture).line((0, 0, *picture.size), fill="#bbbbbb", width=2)
    tile = Image.new("RGB", (width, picture.height + LABEL), "white")
    tile.paste(picture, (0, 0))
    drawn = ImageDraw.Draw(tile)
    full = page["size"][0] or width
    scale = picture.width / full
    for kind, left, top, right, bottom in page["marks"]:
        places = tuple(round(value * scale) for value in (left, top, right, bottom))
        if kind == "line":
            drawn.line(places, fill=MARK, width=3)
        else:
            drawn.rectangle(
                (
                    min(places[0], places[2]),
                    min(places[1], places[3]),
                    max(places[0], places[2]),
                    max(places[1], places[3]),
                ),
                outline=MARK,
                width=2,
            )
    drawn.rectangle((0, 0, width - 1, picture.height - 1), outline=page["colour"], width=5)
    drawn.text((2, picture.height + 3), page["label"], fill="black", font=ImageFont.load_default(12))
    return tile
