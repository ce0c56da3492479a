"""Tables (表格) for other programs and for paper: csv, xlsx and HTML, none of which can make a spreadsheet calculate.

A text that a spreadsheet would take for a formula is given an apostrophe, which it shows as text. Numbers stay numbers.
"""

import csv
import io
from collections.abc import Sequence
from html import escape

import msgspec

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a formula can begin with, also as some spreadsheets of East Asia read it."""

Cell = str | int | None


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A table with its title and what it is about, one header and rows of the same width."""

    language: str
    title: str
    notes: tuple[str, ...]
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def neutral(cell: Cell) -> Cell:
    """A cell that no spreadsheet takes for a formula, without the control characters that none of them can hold."""
    if not isinstance(cell, str):
        return cell
    words = "".join(letter if letter in "\t\r\n" or letter >= " " else "\ufffd" for letter in cell)
    return f"'{words}" if words.startswith(FORMULA) else words


def as_csv(table: Table) -> bytes:
    """UTF-8 with the mark by which Excel knows it; the header is the first line."""
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerow(map(neutral, table.header))
    writer.writerows([neutral(cell) for cell in row] for row in table.rows)
    return written.getvalue().encode("utf-8-sig", "replace")


def as_xlsx(table: Table) -> bytes:
    """One sheet; every text is stored as text."""
    from openpyxl import Workbook  # a heavy library, and most reports are read on a screen
    from openpyxl.cell.cell import TYPE_STRING

    book = Workbook()
    sheet = book.worksheets[0]
    for number, row in enumerate((table.header, *table.rows), 1):
        for column, cell in enumerate(row, 1):
            place = sheet.cell(number, column, value=neutral(cell))
            if isinstance(cell, str):
                place.data_type = TYPE_STRING
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def as_html(table: Table) -> bytes:
    """A page that prints on paper and needs nothing from elsewhere."""
    rows = [f"<tr>{''.join(f'<th>{escape(name)}</th>' for name in table.header)}</tr>"]
    rows += [f"<tr>{''.join(map(_html_cell, row))}</tr>" for row in table.rows]
    notes = "".join(f"<p>{escape(note)}</p>\n" for note in table.notes)
    style = (
        "body{font-family:serif;margin:2cm}table{border-collapse:collapse;width:100%}"
        "th,td{border:1px solid #444;padding:.2em .6em;text-align:left}td.n{text-align:right}"
        "tr{break-inside:avoid}@media print{body{margin:0}}"
    )
    page = (
        f'<!DOCTYPE html>\n<html lang="{table.language}">\n<head><meta charset="utf-8"><title>{escape(table.title)}'
        f"</title><style>{style}</style></head>\n<body>\n<h1>{escape(table.title)}</h1>\n{notes}<table>\n"
    )
    return f"{page}{chr(10).join(rows)}\n</table>\n</body>\n</html>\n".encode("utf-8", "replace")


def _html_cell(cell: Cell) -> str:
    if isinstance(cell, int):
        return f'<td class="n">{cell}</td>'
    return f"<td>{escape(cell or '')}</td>"


FORMATS = {"csv": as_csv, "xlsx": as_xlsx, "html": as_html}


def rows_of(rows: Sequence[Sequence[Cell]]) -> tuple[tuple[Cell, ...], ...]:
    """Rows as a table holds them."""
    return tuple(tuple(row) for row in rows)
