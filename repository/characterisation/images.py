"""Images (图像): dimensions, resolution, colour and compression from the header. No pixel is ever decoded."""

from collections.abc import Iterator
from decimal import Decimal
from functools import cache

from PIL import Image, __version__

from packages_spec.technical import Property, Technical
from repository.characterisation.bounded import ReadTooMuch, Source
from repository.characterisation.report import Unreadable, plain

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "JPEG2000", "WEBP", "MPO")
"""Those that are read. What Pillow would hand to another program (EPS) or guess at is not among them."""
PIXELS = 1 << 32
"""The most pixels that a picture may claim: above, it is no picture but a bomb, or a slip of a header."""
FRAMES = 10_000
"""Frames that are counted at most."""

END_WITHIN = 4096
"""How far from the end the end mark may stand: some writers put something behind it."""

_ENDS = {"JPEG": b"\xff\xd9", "PNG": b"IEND\xaeB`\x82", "GIF": b"\0;", "JPEG2000": b"\xff\xd9"}
_BITS = {"1": 1, "I;16": 16, "I;16B": 16, "I;16L": 16, "I": 32, "F": 32}
_COLOURS = {
    "1": "bitonal",
    "L": "grey",
    "LA": "grey with alpha",
    "I": "grey",
    "F": "grey",
    "P": "palette",
    "RGB": "RGB",
    "RGBA": "RGB with alpha",
    "CMYK": "CMYK",
    "YCbCr": "YCbCr",
    "LAB": "CIELAB",
}
_PACKED = {"JPEG": "jpeg", "MPO": "jpeg", "PNG": "deflate", "GIF": "lzw", "JPEG2000": "jpeg2000", "WEBP": "webp"}
_WITHDRAWN = "tiff_jpeg"
"""Pillow's name for compression 6 of TIFF: each program wrote it its own way, and few can read another's."""
_TIFF_BITS, _RESOLUTION, _SOFTWARE = 258, 282, 305


@cache
def tool() -> str:
    """The reader."""
    return f"Pillow {__version__}"


def read(source: Source) -> Technical:
    """What the header says."""
    Image.MAX_IMAGE_PIXELS = None  # judged here: claiming pixels harms nobody who decodes none
    with Image.open(source.stream, formats=FORMATS) as picture:
        width, height = picture.size
        if width * height > PIXELS:
            raise Unreadable(f"claims {width} x {height} pixels, more than {PIXELS}")
        said = tuple(_properties(picture))
        software, kind = _software(picture), picture.format or ""
    end = () if _has_end(source, kind) else (Property("structure", "its end is missing"),)
    return Technical("image", tool(), (*said, *end), (), None, software)


def _has_end(source: Source, kind: str) -> bool:
    """Whether the mark with which its format ends stands near the end of the file. Of others nothing is said."""
    mark = _ENDS.get(kind)
    if mark is None:
        return True
    source.stream.seek(max(0, source.size - END_WITHIN))
    return mark in source.stream.read(END_WITHIN)


def _properties(picture: Image.Image) -> Iterator[Property]:
    width, height = picture.size
    yield Property("width", str(width), "px")
    yield Property("height", str(height), "px")
    across, down = _resolution(picture)
    if across and down:
        yield Property("resolution-x", across, "dpi")
        yield Property("resolution-y", down, "dpi")
    yield Property("colour", _COLOURS.get(picture.mode.partition(";")[0], picture.mode))
    yield Property("bit-depth", str(_bits(picture)), "bit")
    yield Property("compression", _compression(picture))
    if picture.info.get("compression") == _WITHDRAWN:
        yield Property("structure", "compression 6 (old-style JPEG), which TIFF Technical Note 2 withdrew")
    yield Property("frames", _frames(picture))
    if picture.info.get("icc_profile"):
        yield Property("colour-profile", "embedded")


def _resolution(picture: Image.Image) -> tuple[str, str]:
    said = picture.info.get("dpi")
    tags = getattr(picture, "tag_v2", None)
    if tags is not None and _RESOLUTION not in tags:
        return "", ""  # Pillow answers 1 where a TIFF says nothing
    if not isinstance(said, tuple) or len(said) != 2:
        return "", ""
    return _decimal(said[0]), _decimal(said[1])


def _decimal(value: object) -> str:
    """Two places at most: PNG knows only pixels a metre. Empty for what is no positive number."""
    try:
        number = Decimal(str(float(value)))  # type: ignore[arg-type] # Pillow's rationals are numbers, and untyped
    except (ValueError, TypeError, ZeroDivisionError, ArithmeticError):
        return ""
    if not number.is_finite() or number <= 0:
        return ""
    return f"{number.quantize(Decimal('0.01')).normalize():f}"


def _bits(picture: Image.Image) -> int:
    tags = getattr(picture, "tag_v2", None)
    if tags is not None and isinstance(said := tags.get(_TIFF_BITS), tuple) and said:
        return int(said[0])
    return _BITS.get(picture.mode, 8)


def _compression(picture: Image.Image) -> str:
    said = picture.info.get("compression")
    packed = _PACKED.get(picture.format or "")
    if packed == "jpeg" and (picture.info.get("progressive") or picture.info.get("progression")):
        return "jpeg, progressive"
    return packed or {"raw": "none", 0: "none", None: "none"}.get(said, str(said))


def _frames(picture: Image.Image) -> str:
    """How many frames there are; to count them all may take reading too much of a long film."""
    last = 0
    try:
        while last < FRAMES and picture.format in ("TIFF", "GIF", "MPO", "WEBP", "PNG"):
            if picture.format != "TIFF":
                return str(getattr(picture, "n_frames", 1))
            picture.seek(last + 1)
            last += 1
    except EOFError:
        pass
    except ReadTooMuch:
        return f"> {last}"
    return str(last + 1) if last < FRAMES else f">= {FRAMES}"


def _software(picture: Image.Image) -> str | None:
    tags = getattr(picture, "tag_v2", None)
    said = tags.get(_SOFTWARE) if tags is not None else picture.getexif().get(_SOFTWARE)
    return plain(said) if isinstance(said, str) else None
