"""Pages as a PDF: every picture goes in as it is, not decoded and encoded again, with the mark laid over its page."""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import img2pdf
import pikepdf

from packages_spec.digests import Digested
from repository.errors import ArchiveError
from repository.services.dip_forms import Mark, Taken
from repository.services.dip_forms.marking import mark_page
from repository.storage import Folder

PATH = "data/pages.pdf"


def derive(taken: Sequence[Taken], bag: Folder, mark: Mark, _width: int) -> Iterator[Digested]:
    """One PDF of all pages in their order. `form-unfit` for a file that is neither a picture nor a PDF."""

    def write(place: Path) -> None:
        parts = place.parent.parent / "parts"
        parts.mkdir()
        with pikepdf.new() as document:
            opened = [_part(one, parts / f"{number}.pdf") for number, one in enumerate(taken)]
            for part in opened:
                document.pages.extend(part.pages)
            for page in document.pages:
                mark_page(page, mark)
            document.docinfo["/Title"] = mark.words
            document.save(place, deterministic_id=True)
            for part in opened:
                part.close()
        for path in parts.iterdir():
            path.unlink()
        parts.rmdir()

    yield bag.produce(PATH, write)


def _part(one: Taken, place: Path) -> pikepdf.Pdf:
    """A file of the record as a PDF of its own, read from the disk when it is needed."""
    try:
        if one.file.media_type == "application/pdf":
            return pikepdf.open(one.place)
        with place.open("wb") as stream:
            img2pdf.convert(str(one.place), outputstream=stream, rotation=img2pdf.Rotation.ifvalid)
        return pikepdf.open(place)
    except (
        img2pdf.ImageOpenError,
        img2pdf.AlphaChannelError,
        pikepdf.PdfError,
        ValueError,
        io.UnsupportedOperation,
    ) as error:
        raise ArchiveError("form-unfit", one.file.path, form="pdf", reason=error) from error
