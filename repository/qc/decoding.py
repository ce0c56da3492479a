"""Strict decoding (严格解码): a file's bytes into pages, or the word for what is wrong with it (F01).

Decoders that mend what they read are no use here: Pillow's `verify` finds no truncated file. JPEG goes through a
decoder whose warnings are errors; of TIFF, PNG and JPEG 2000 the structure is walked first, by our own readers, which
bound what a decoder would only trust. Each page is decoded once.
"""

import io
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import simplejpeg
from PIL import Image

from repository.qc import jp2, png, tiff
from repository.qc import jpeg as structure
from repository.qc.grey import Grey
from repository.qc.kinds import Kind
from repository.qc.page import Damaged, Header, Page
from repository.qc.profile import Profile

LARGEST = 1 << 30
"""Bytes of a file; above, it is not read into memory to be judged."""
_BITS = {"1": 1, "I;16": 16, "I;16B": 16, "I;16L": 16, "I": 32, "F": 32}
_COLOURS = {
    "1": "bitonal",
    "CMYK": "cmyk",
    "L": "grey",
    "LA": "grey",
    "I": "grey",
    "F": "grey",
    "I;16": "grey",
    "I;16B": "grey",
}
_FORMATS = {"jpeg": "JPEG", "tiff": "TIFF", "png": "PNG", "jp2": "JPEG2000", "gif": "GIF", "bmp": "BMP", "webp": "WEBP"}
"""What Pillow calls them: a file is opened as what its first bytes say, never tried as something else."""
Image.MAX_IMAGE_PIXELS = None  # bounded by the profile, before any pixel is decoded


def decode(content: bytes, kind: Kind, profile: Profile) -> Iterator[Page | Damaged]:
    """The pages in order, a page that is damaged by itself as that. Raises Damaged where the file ends it."""
    rule = profile.rules["F01"]
    most = int(rule.number("pixels"))
    if kind == "pdf":
        yield from _pdf(content, most)
    elif kind == "jpeg":
        yield jpeg(content, most)
    elif kind == "tiff":
        yield from _tiff(content, most)
    else:
        if kind == "png":
            png.walk(content)
        elif kind == "jp2":
            jp2.walk(content)
        yield from _pictures(content, kind, most)


def _pdf(content: bytes, most: int) -> Iterator[Page | Damaged]:
    from repository.qc.pdf import pictures

    for held in pictures(content, most):
        try:
            if isinstance(held, Damaged):
                yield held
            elif held.picture is None:
                yield jpeg(held.jpeg, most, held.dpi)
            else:
                yield picture_page(held.picture, held.dpi)
        except Damaged as damage:
            yield damage


def jpeg(content: bytes, most: int, dpi: tuple[float, float] | None = None) -> Page:
    """A JPEG, its warnings taken for errors. Raises Damaged."""
    if not content.startswith(b"\xff\xd8"):
        raise Damaged("corrupt", "no JPEG")
    with _opened(content, "jpeg", most) as picture:
        header = _header(picture, "jpeg")
    if dpi is not None:
        header = Header(**{**_fields(header), "dpi": dpi})
    structure.walk(content)
    if picture.mode == "CMYK":
        return Page(header, _grey(_loaded(content)))
    try:
        grey = simplejpeg.decode_jpeg(content, "GRAY", fastdct=True, strict=True)[:, :, 0]
    except ValueError as error:
        raise Damaged("truncated" if "premature end" in str(error).lower() else "corrupt", error) from error
    return Page(header, grey, lambda: _colour_of_jpeg(content, header))


def _colour_of_jpeg(content: bytes, header: Header) -> Grey | None:
    if header.colour != "colour":
        return None
    rgb: Grey = simplejpeg.decode_jpeg(
        content, "RGB", fastdct=True, fastupsample=True, min_height=header.height // 8, min_width=header.width // 8,
        min_factor=1,
    )  # fmt: skip
    return rgb


def _tiff(content: bytes, most: int) -> Iterator[Page | Damaged]:
    directories = tiff.walk(content)
    for number, directory in enumerate(directories):
        try:
            yield _tiff_page(content, directory, number, len(directories), most)
        except Damaged as damage:
            yield damage


def _tiff_page(content: bytes, directory: tiff.Directory, number: int, frames: int, most: int) -> Page:
    if directory.width * directory.height > most:
        raise Damaged("too-large", f"{directory.width} x {directory.height}")
    tiff.judge(content, directory)
    with _opened(content, "tiff", most) as picture:
        if number:
            picture.seek(number)
        header = Header(**{**_fields(_header(picture, "tiff")), "frames": frames})
        if directory.compression == tiff.JPEG:
            for stream in tiff.jpeg_streams(content, directory):
                _strict(stream)
        _load(picture)
        return Page(header, _grey(picture), _small_colour(picture))


def _strict(stream: bytes) -> None:
    structure.walk(stream)
    try:
        simplejpeg.decode_jpeg(stream, "GRAY", fastdct=True, strict=True)
    except ValueError as error:
        raise Damaged("corrupt", error) from error


def _pictures(content: bytes, kind: Kind, most: int) -> Iterator[Page]:
    with _opened(content, kind, most) as picture:
        header = _header(picture, kind)
        frames = getattr(picture, "n_frames", 1)
        header = Header(**{**_fields(header), "frames": frames})
        _load(picture)
        yield Page(header, _grey(picture), _small_colour(picture))


def _opened(content: bytes, kind: str, most: int) -> Image.Image:
    """The picture with its header read. Raises Damaged for none, and for one that claims too many pixels."""
    try:
        picture = Image.open(io.BytesIO(content), formats=(_FORMATS[kind],))
    except (OSError, ValueError, SyntaxError, OverflowError, MemoryError) as error:
        raise Damaged("corrupt", error) from error
    if picture.width * picture.height > most:
        raise Damaged("too-large", f"{picture.width} x {picture.height}")
    return picture


def _loaded(content: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(content))
    _load(picture)
    return picture


def _load(picture: Image.Image) -> None:
    try:
        picture.load()
    except (OSError, ValueError, SyntaxError, OverflowError) as error:
        raise Damaged("truncated" if "truncated" in str(error) else "corrupt", error) from error


def _header(picture: Image.Image, kind: str) -> Header:
    info = picture.info
    packed = str(info.get("compression") or _packed(picture, kind))
    colour = _COLOURS.get(picture.mode, "colour")
    if picture.mode == "P":
        colour = "grey" if _is_grey_palette(picture) else "colour"
    return Header(
        format=kind,
        compression=packed,
        colour=colour,
        bits=_BITS.get(picture.mode, 8),
        dpi=_dpi(picture),
        width=picture.width,
        height=picture.height,
    )


def _packed(picture: Image.Image, kind: str) -> str:
    if kind == "jpeg":
        return "jpeg-progressive" if picture.info.get("progressive") else "jpeg"
    return {"png": "deflate", "jp2": "jpeg2000", "gif": "lzw", "webp": "webp"}.get(kind, "raw")


def _is_grey_palette(picture: Image.Image) -> bool:
    palette = picture.getpalette() or []
    return all(palette[at] == palette[at + 1] == palette[at + 2] for at in range(0, len(palette) - 2, 3))


def _dpi(picture: Image.Image) -> tuple[float, float] | None:
    said = picture.info.get("dpi")
    tags: Any = getattr(picture, "tag_v2", None)
    if tags is not None and tiff.RESOLUTION not in tags:
        return None  # Pillow answers 1 where a TIFF says nothing
    try:
        across, down = (float(each) for each in said) if said else (0.0, 0.0)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return (across, down) if 0 < across < 1e5 and 0 < down < 1e5 else None


def _grey(picture: Image.Image) -> Grey:
    """Grey of any mode; what is transparent lies on white paper."""
    if picture.mode in ("RGBA", "LA", "PA") or (picture.mode == "P" and "transparency" in picture.info):
        over = picture.convert("RGBA")
        white = Image.new("RGBA", over.size, (255, 255, 255, 255))
        return np.asarray(Image.alpha_composite(white, over).convert("L"))
    if picture.mode.startswith("I;16"):
        return (np.asarray(picture) >> 8).astype(np.uint8)
    if picture.mode in ("I", "F"):
        values = np.asarray(picture, dtype=np.float64)
        top = max(float(values.max()), 1.0)
        return np.clip(values * (255.0 / (65535.0 if top > 255 else 255.0)), 0, 255).astype(np.uint8)
    if picture.mode == "1":
        return np.frombuffer(picture.tobytes("raw", "L"), np.uint8).reshape(picture.height, picture.width)
    return np.asarray(picture.convert("L"))


def _small_colour(picture: Image.Image) -> Callable[[], Grey | None]:
    if picture.mode not in ("RGB", "RGBA", "YCbCr", "CMYK", "P", "LAB"):
        return lambda: None
    return lambda: np.asarray(picture.convert("RGB").reduce(8))


def _fields(header: Header) -> dict[str, Any]:
    return {name: getattr(header, name) for name in header.__struct_fields__}


def picture_page(picture: Image.Image, dpi: tuple[float, float] | None) -> Page:
    """A page of a picture that somebody else took out of its file."""
    header = Header(**{**_fields(_header(picture, "pdf")), "dpi": dpi})
    return Page(header, _grey(picture), _small_colour(picture))
