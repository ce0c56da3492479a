"""Workbooks (xlsx), read by openpyxl's read-only reader once everything that could harm it was ruled out.

Ruled out first: files that are too large; a zip that `safe_archive` has anything against (it unpacks to too much, its
members overlap, repeat or have unsafe names); links to other workbooks; XML that `safe_xml` refuses (a DOCTYPE, above
all). Formulas come back as text and are named as such: what they show is nobody's statement.
"""

import datetime
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast
from xml.etree.ElementTree import ParseError

import openpyxl
from lxml.etree import XMLSyntaxError
from openpyxl.utils.exceptions import InvalidFileException

from packages_spec import safe_archive, safe_xml
from packages_spec.findings import Finding
from packages_spec.tables.values import COLUMNS, LARGEST, ROWS, RefusedTable, Sheet, trimmed

_BOUNDS = safe_archive.Bounds(members=2_000, total=512 << 20, ratio=200, ratio_from=64 << 20)
_ELSEWHERE = "xl/externalLinks/"
_ROW = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}row"
_BROKEN = (
    AttributeError,
    EOFError,
    IndexError,
    InvalidFileException,
    KeyError,
    NotImplementedError,
    OSError,
    OverflowError,
    ParseError,
    TypeError,
    ValueError,
    XMLSyntaxError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What openpyxl and the zip reader let through when a workbook is not what it should be."""


def read_workbook(path: Path, name: str) -> tuple[Sheet, ...]:
    """Every sheet that has cells, in the workbook's order; `name` stands in findings. Raises RefusedTable."""
    _judge(path, name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and validations that the library does not know: no cell's text
            book = openpyxl.load_workbook(path, read_only=True, keep_links=False)
        try:
            return tuple(_sheet(sheet, name) for sheet in book.worksheets)
        finally:
            book.close()
    except _BROKEN as error:
        raise RefusedTable(Finding("table.broken", name, found=f"{type(error).__name__}: {error}")) from error


def _judge(path: Path, name: str) -> None:
    size = path.stat().st_size
    if size > LARGEST:
        raise RefusedTable(Finding("table.too-large", name, str(LARGEST), str(size)))
    if not zipfile.is_zipfile(path):
        raise RefusedTable(Finding("table.broken", name, found="not a zip"))
    for finding in safe_archive.scan(path, _BOUNDS):
        raise RefusedTable(Finding("table.unsafe", name, found=finding.message("en")))
    try:
        with zipfile.ZipFile(path) as book:
            for member in book.namelist():
                if member.startswith(_ELSEWHERE):
                    raise RefusedTable(Finding("table.linked", name, found=member))
                if member.endswith((".xml", ".rels")):
                    with book.open(member) as stream:
                        for _ in safe_xml.stream(stream, (_ROW,), member):  # type: ignore[arg-type]  # IO[bytes] reads alike
                            pass
    except safe_xml.UnsafeXml as error:
        raise RefusedTable(Finding("table.unsafe", name, found=error.finding.message("en"))) from error
    except _BROKEN as error:
        raise RefusedTable(Finding("table.broken", name, found=str(error))) from error


def _sheet(sheet: Any, name: str) -> Sheet:  # the library's read-only sheets are typed as writable ones
    sheet.reset_dimensions()  # what the file says of its own size may be false
    rows: list[tuple[str, ...]] = []
    formulas: set[tuple[int, int]] = set()
    for cells in cast("Iterator[tuple[Any, ...]]", sheet.iter_rows()):
        number = len(rows) + 1
        texts = []
        for column, cell in enumerate(cells, 1):
            if cell.value is not None and cell.data_type == "f":
                formulas.add((number, column))
            texts.append(_text(cell.value))
        row = trimmed(texts)
        if len(row) > COLUMNS or (row and number > ROWS):
            raise RefusedTable(Finding("table.too-large", name, f"{ROWS} x {COLUMNS}", f"{number} x {len(row)}"))
        if number > ROWS:
            break
        rows.append(row)
    while rows and not rows[-1]:
        rows.pop()
    return Sheet(sheet.title, tuple(rows), frozenset(formulas))


def _text(value: object) -> str:
    """A cell's value as a person would type it; a date is written YYYYMMDD."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).upper()
        case float():
            return str(int(value)) if value.is_integer() else repr(value)
        case datetime.datetime() | datetime.date():
            return value.strftime("%Y%m%d")
        case str() | int():
            return str(value).strip()
        case _:
            return str(getattr(value, "text", value)).strip()
