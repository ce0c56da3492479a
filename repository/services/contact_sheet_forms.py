"""Contact sheets (缩略图总览) drawn: one page of HTML that needs no network, a PDF, or a picture.

Thumbnails are made in the copyist's process, for pages may be hostile; nothing but pictures of them comes back.
"""

import base64
from collections.abc import Sequence
from html import escape
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from repository.copies import Copying, Original, make_copies
from repository.domain.assessment import Standing
from repository.services.quality_words import standing_words

WIDTH = 320
"""Pixels of a thumbnail."""
COLOURS = {
    Standing.PASSED: "#2e7d32",
    Standing.ACCEPTED: "#2e7d32",
    Standing.OVERRULED: "#1565c0",
    Standing.WAITING: "#ef6c00",
    Standing.FAILED: "#c62828",
    Standing.RETURNED: "#6a1b9a",
    Standing.NOT_TESTED: "#757575",
}
FONT, PDF_COLUMNS, PDF_ROWS, EDGE = "STSong-Light", 6, 2, 24


class SheetPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page as the sheet shows it; `marks` are lines and boxes in pixels of the full page, `size` its own."""

    label: str
    standing: Standing
    reasons: tuple[str, ...]
    marks: tuple[tuple[str, int, int, int, int], ...]
    size: tuple[int, int]
    place: Path | None


def render_sheet(pages: Sequence[SheetPage], title: str, form: str, language: str) -> bytes:
    """The sheet in a form: `.html`, `.pdf` or `.png`."""
    with TemporaryDirectory() as folder:
        there = [page for page in pages if page.place is not None]
        made = iter(_thumbnails(there, Path(folder) / "thumbnails") if there else ())
        pictures = [None if page.place is None else _made(Path(folder) / "thumbnails", next(made)) for page in pages]
        return FORMS[form](pages, pictures, title, language)


def _thumbnails(pages: Sequence[SheetPage], folder: Path) -> Sequence[str]:
    originals = tuple(Original(str(page.place), page.label, "image/*") for page in pages)
    return make_copies(
        Copying(form="thumbnails", originals=originals, folder=str(folder), width=WIDTH, words="", plain_words="")
    )


def _made(folder: Path, name: str) -> Path | None:
    return folder / name if name else None


def _html(pages: Sequence[SheetPage], pictures: Sequence[Path | None], title: str, language: str) -> bytes:
    tiles = "".join(_tile(page, picture, language) for page, picture in zip(pages, pictures, strict=True))
    return f"""<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><title>{escape(title)}</title>
<style>
body{{font-family:"Noto Sans CJK SC","Microsoft YaHei",sans-serif;margin:1.5em;background:#fafafa;color:#222}}
h1{{font-size:1.1em;font-weight:600}}
.sheet{{display:grid;grid-template-columns:repeat(auto-fill,minmax(210px,1fr));gap:14px}}
figure{{margin:0;background:#fff;border:5px solid var(--c);border-radius:4px;overflow:hidden}}
.page{{position:relative;background:#eee;min-height:120px}}
.page img{{display:block;width:100%}}
.page svg{{position:absolute;inset:0;width:100%;height:100%}}
figcaption{{padding:6px 8px;font-size:12px;line-height:1.45;overflow-wrap:anywhere}}
figcaption b{{color:var(--c)}}
</style></head><body><h1>{escape(title)}</h1><div class="sheet">{tiles}</div></body></html>
""".encode()


def _tile(page: SheetPage, picture: Path | None, language: str) -> str:
    width, height = page.size if all(page.size) else (1, 1)
    stroke = max(2, width // 160)
    drawn = "".join(
        f'<line x1="{left}" y1="{top}" x2="{right}" y2="{bottom}"/>'
        if kind == "line"
        else f'<rect x="{min(left, right)}" y="{min(top, bottom)}" '
        f'width="{abs(right - left)}" height="{abs(bottom - top)}"/>'
        for kind, left, top, right, bottom in page.marks
    )
    image = ""
    if picture is not None:
        image = f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(picture.read_bytes()).decode()}">'
    overlay = (
        f'<svg viewBox="0 0 {width} {height}" preserveAspectRatio="none" fill="none" stroke="#d4006a" '
        f'stroke-width="{stroke}">{drawn}</svg>'
    )
    said = "<br>".join(map(escape, page.reasons))
    return (
        f'<figure style="--c:{COLOURS[page.standing]}"><div class="page">{image}{overlay}</div><figcaption>'
        f"{escape(page.label)} <b>{escape(standing_words(page.standing, language))}</b>"
        f"{'<br>' + said if said else ''}</figcaption></figure>"
    )


def _pdf(pages: Sequence[SheetPage], pictures: Sequence[Path | None], title: str, language: str) -> bytes:
    pdfmetrics.registerFont(UnicodeCIDFont(FONT))
    stream = BytesIO()
    wide, high = landscape(A4)
    canvas = Canvas(stream, pagesize=(wide, high), invariant=1)
    cell_w, cell_h = (wide - 2 * EDGE) / PDF_COLUMNS, (high - 2 * EDGE - 20) / PDF_ROWS
    for number, (page, picture) in enumerate(zip(pages, pictures, strict=True)):
        place = number % (PDF_COLUMNS * PDF_ROWS)
        if place == 0:
            if number:
                canvas.showPage()
            canvas.setFont(FONT, 11)
            canvas.drawString(EDGE, high - EDGE, title)
        left = EDGE + place % PDF_COLUMNS * cell_w
        top = high - EDGE - 14 - place // PDF_COLUMNS * cell_h
        _cell(canvas, page, picture, (left, top, cell_w - 8, cell_h - 8), language)
    canvas.save()
    return stream.getvalue()


def _cell(
    canvas: Canvas,
    page: SheetPage,
    picture: Path | None,
    box: tuple[float, float, float, float],
    language: str,
) -> None:
    left, top, width, height = box
    room = height - 56
    image = ImageReader(str(picture)) if picture is not None else None
    real_w, real_h = image.getSize() if image else (100, 141)
    scale = min(width / real_w, room / real_h)
    shown_w, shown_h = real_w * scale, real_h * scale
    if image is not None:
        canvas.drawImage(image, left, top - shown_h, shown_w, shown_h)
    canvas.setStrokeColor("#d4006a")
    canvas.setLineWidth(1)
    by = shown_w / page.size[0] if page.size[0] else 1
    for kind, x1, y1, x2, y2 in page.marks:
        if kind == "line":
            canvas.line(left + x1 * by, top - y1 * by, left + x2 * by, top - y2 * by)
        else:
            canvas.rect(left + min(x1, x2) * by, top - max(y1, y2) * by, abs(x2 - x1) * by, abs(y2 - y1) * by)
    canvas.setStrokeColor(COLOURS[page.standing])
    canvas.setLineWidth(2.5)
    canvas.rect(left, top - shown_h, shown_w, shown_h)
    canvas.setFillColor("black")
    for row, words in enumerate((f"{page.label}　{standing_words(page.standing, language)}", *page.reasons)[:5]):
        canvas.setFont(FONT, 7)
        canvas.drawString(left, top - shown_h - 9 - 9 * row, words[: int(width / 3.6)])


def _png(pages: Sequence[SheetPage], pictures: Sequence[Path | None], _title: str, _language: str) -> bytes:
    told = [
        {
            "label": f"{page.label.split()[0]} {page.standing}\n"
            + " ".join(dict.fromkeys(reason.split()[0] for reason in page.reasons)),
            "colour": COLOURS[page.standing],
            "marks": page.marks,
            "size": page.size,
        }
        for page in pages
    ]
    with TemporaryDirectory() as folder:
        originals = tuple(Original(str(picture or ""), "", "image/jpeg") for picture in pictures)
        words = msgspec.json.encode(told).decode()
        place = Path(folder) / "sheet"
        copying = Copying(
            form="sheet_picture", originals=originals, folder=str(place), width=WIDTH, words=words, plain_words=""
        )
        (name,) = make_copies(copying)
        return (place / name).read_bytes()


FORMS = {".html": _html, ".pdf": _pdf, ".png": _png}
