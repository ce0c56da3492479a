"""Places in a table: `FILE[:SHEET]:ROW[:COLUMN(HEADER)]`, as findings name them and as they are found again."""

import re

import msgspec

_PLACE = re.compile(
    r"(?P<file>.+?\.[A-Za-z]+)(?::(?P<sheet>[^:]+))?:(?P<row>\d+)(?::(?P<letters>[A-Z]{1,3})(?:\((?P<header>.*)\))?)?",
    re.DOTALL,
)


class Cell(msgspec.Struct, frozen=True):
    """A cell, or a whole row where `column` is None; rows and columns count from 1."""

    file: str
    sheet: str
    row: int
    column: int | None


def place_of(file: str, sheet: str, row: int) -> str:
    """How a row is named."""
    return f"{file}:{sheet}:{row}" if sheet else f"{file}:{row}"


def cell_name(column: int, header: str) -> str:
    """How a column is named behind its row."""
    return f"{column_letters(column)}({header})"


def column_letters(column: int) -> str:
    """A, B, ... Z, AA, ..."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def read_place(path: str) -> Cell | None:
    """The cell or row that a finding's path names; None for a path that names a file."""
    found = _PLACE.fullmatch(path)
    if found is None:
        return None
    column = None
    for letter in found["letters"] or "":
        column = (column or 0) * 26 + ord(letter) - ord("A") + 1
    return Cell(found["file"], found["sheet"] or "", int(found["row"]), column)
