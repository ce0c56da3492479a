"""Pages as a PDF: every picture goes in as it is, not decoded and encoded again, with the mark laid over its page."""

import io
from collections.abc import Iterator
from pathlib import Path

import img2pdf
import pikepdf

from repository.copies.copyist import Copying, Original
from repository.copies.marking import mark_page
from repository.copies.worker import Unfit

NAME = "pages.pdf"


def make(copying: Copying, folder: Path) -> Iterator[str]:
    """One PDF of all pages in their order. `Unfit` for a file that is neither a picture nor a PDF."""
    parts = folder / "parts"
    parts.mkdir()
    with pikepdf.new() as document:
        opened = [_part(one, parts / f"{number}.pdf") for number, one in enumerate(copying.originals)]
        for part in opened:
            document.pages.extend(part.pages)
        for page in document.pages:
            mark_page(page, copying.words)
        document.docinfo["/Title"] = copying.words
        document.save(folder / NAME, deterministic_id=True)
        for part in opened:
            part.close()
    for path in parts.iterdir():
        path.unlink()
    parts.rmdir()
    yield NAME


def _part(one: Original, place: Path) -> pikepdf.Pdf:
    """A file of the record as a PDF of its own, read from the disk when it is needed."""
    try:
        if one.media_type == "application/pdf":
            return pikepdf.open(one.place)
        with place.open("wb") as stream:
            img2pdf.convert(one.place, outputstream=stream, rotation=img2pdf.Rotation.ifvalid)
        return pikepdf.open(place)
    except (
        img2pdf.ImageOpenError,
        img2pdf.AlphaChannelError,
        pikepdf.PdfError,
        ValueError,
        io.UnsupportedOperation,
    ) as error:
        raise Unfit(one.name, error) from error
