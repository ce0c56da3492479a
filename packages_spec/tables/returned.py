"""A table given back (退回表): the sheets as they came, and beside each row what is wrong with it.

Every cell is written as text - a formula too, and whatever else a spreadsheet would take for one - so that nothing in
the file that is given back computes, links or asks for anything.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import IO

import msgspec
from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font, PatternFill
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from packages_spec.tables.values import Sheet

RESULT, WORDS = "检查结果", "说明"
PLACE = "位置"
ELSEWHERE = "其他问题"
"""The sheet for what belongs to no row."""

_FAULTY = PatternFill("solid", start_color="FFFFC7CE", end_color="FFFFC7CE")
_NOTED = PatternFill("solid", start_color="FFFFEB9C", end_color="FFFFEB9C")
_BOLD = Font(bold=True)
_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_LONGEST = 32_767
"""Characters that a cell takes."""


class Note(msgspec.Struct, frozen=True):
    """One fault: in which sheet and row (None: in none), at which column, how grave (a word), and what it says."""

    sheet: str
    row: int | None
    column: int | None
    place: str
    result: str
    words: str


def write_returned(target: IO[bytes], sheets: Sequence[Sheet], headers: Sequence[int], notes: Iterable[Note]) -> None:
    """Write the workbook: the sheets with two columns more, faulty cells coloured, then the sheet of other faults.

    `headers` are the rows in which the sheets have their headers, 0 for a sheet without one.
    """
    by_row: dict[tuple[str, int], list[Note]] = defaultdict(list)
    elsewhere: list[Note] = []
    known = {sheet.name for sheet in sheets}
    for note in notes:
        if note.row is None or note.sheet not in known:
            elsewhere.append(note)
        else:
            by_row[note.sheet, note.row].append(note)
    book = Workbook(write_only=True)
    for sheet, header in zip(sheets, headers, strict=True):
        _write_sheet(book.create_sheet(_title(sheet.name)), sheet, header, by_row)
    if elsewhere or not sheets:
        page = book.create_sheet(ELSEWHERE)
        page.append([_cell(page, words, bold=True) for words in (PLACE, RESULT, WORDS)])
        for note in elsewhere:
            page.append([_cell(page, words) for words in (note.place, note.result, note.words)])
    book.save(target)


def _title(name: str) -> str:
    return name or "目录"


def _write_sheet(
    page: WriteOnlyWorksheet, sheet: Sheet, header: int, by_row: dict[tuple[str, int], list[Note]]
) -> None:
    width = max((len(row) for row in sheet.rows), default=0)
    for number, row in enumerate(sheet.rows, 1):
        notes = by_row.get((sheet.name, number), [])
        faulty = {note.column for note in notes}
        cells = [
            _cell(page, words, fill=_FAULTY if column in faulty else None, bold=number == header)
            for column, words in enumerate((*row, *[""] * (width - len(row))), 1)
        ]
        if number == header:
            cells += [_cell(page, RESULT, bold=True), _cell(page, WORDS, bold=True)]
        elif notes:
            cells += [
                _cell(page, "；".join(dict.fromkeys(note.result for note in notes)), fill=_NOTED),
                _cell(page, "；".join(note.words for note in notes), fill=_NOTED),
            ]
        page.append(cells)


def _cell(page: WriteOnlyWorksheet, words: str, *, fill: PatternFill | None = None, bold: bool = False) -> Cell:
    cell = WriteOnlyCell(page, ILLEGAL_CHARACTERS_RE.sub("�", words)[:_LONGEST])
    cell.data_type = "s"  # text, whatever it looks like
    if words.startswith(_STARTS_A_FORMULA):
        cell.quotePrefix = True  # so that it stays text when somebody edits it
    if fill is not None:
        cell.fill = fill
    if bold:
        cell.font = _BOLD
    return cell
