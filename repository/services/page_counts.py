"""Page counts (页数): how many pages a file holds by its own structure - a PDF, or a TIFF of several images."""

import struct
from pathlib import Path

import pikepdf

MOST_IMAGES = 100_000
"""Directories of a TIFF that are followed; a chain that is longer, or bites its own tail, is no page count."""


def pages_in(path: Path) -> int | None:
    """Pages of a PDF or a TIFF; one for any other file; null where its structure cannot be read."""
    suffix = path.suffix.lower()
    if suffix == ".pdf":
        return _pdf(path)
    return _tiff(path) if suffix in (".tif", ".tiff") else 1


def _pdf(path: Path) -> int | None:
    try:
        with pikepdf.open(path) as document:
            return len(document.pages)
    except (pikepdf.PdfError, pikepdf.PasswordError):
        return None


def _tiff(path: Path) -> int | None:
    """Count the image file directories (TIFF 6.0 section 2; BigTIFF has wider fields)."""
    with path.open("rb") as stream:
        head = stream.read(16)
        order = {b"II": "<", b"MM": ">"}.get(head[:2])
        if order is None or len(head) < 8:
            return None
        big = struct.unpack(f"{order}H", head[2:4])[0] == 43
        if big and len(head) < 16:
            return None
        count_form, entry, next_form = ("Q", 20, "Q") if big else ("H", 12, "L")
        (offset,) = struct.unpack(order + next_form, head[8:16] if big else head[4:8])
        seen: set[int] = set()
        while offset:
            if offset in seen or len(seen) >= MOST_IMAGES:
                return None
            seen.add(offset)
            try:
                stream.seek(offset)
                (entries,) = struct.unpack(order + count_form, stream.read(struct.calcsize(order + count_form)))
                stream.seek(entries * entry, 1)
                (offset,) = struct.unpack(order + next_form, stream.read(struct.calcsize(order + next_form)))
            except (struct.error, OSError, OverflowError):
                return None
    return len(seen) or None
