"""No cell of a table can make a spreadsheet calculate, and none loses what it says."""

import csv
import io
import re
from html.parser import HTMLParser
from zipfile import ZipFile

from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from repository.services.tables import FORMULA, Table, as_csv, as_html, as_xlsx, neutral

DANGEROUS = ["=", "+", "-", "@", "\t", "\r"]
hostile = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.builds(str.__add__, st.sampled_from(FORMULA), st.text(st.characters(exclude_categories=["Cs"]), max_size=20)),
    st.sampled_from(
        ["=cmd|' /C calc'!A0", "@SUM(1+1)*cmd", "+1+1", "-2+3", '=HYPERLINK("http://x")', "\t=1", "<script>"]
    ),
)
cells = st.one_of(hostile, st.integers(-(2**50), 2**50), st.none())
tables = st.lists(st.tuples(cells, cells), max_size=5).map(
    lambda rows: Table(language="zh", title="=标题", notes=("<b>",), header=("=一", "二"), rows=tuple(rows))
)
quick = settings(max_examples=150, deadline=None)


@quick
@given(hostile)
def test_no_text_begins_like_a_formula_and_none_is_changed_otherwise(words: str) -> None:
    safe = neutral(words)
    assert isinstance(safe, str)
    assert not safe.startswith(tuple(DANGEROUS))
    assert neutral(safe) == safe
    shown = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", "\ufffd", words)
    assert safe in (shown, f"'{shown}")
    assert (safe == shown) == (not shown.startswith(FORMULA))


@quick
@given(tables)
def test_csv_reads_back_with_every_cell_and_no_formula(table: Table) -> None:
    rows = list(csv.reader(io.StringIO(as_csv(table).decode("utf-8-sig"), newline="")))
    assert rows[0] == ["'=一", "二"]
    assert rows[1:] == [["" if cell is None else str(neutral(cell)) for cell in row] for row in table.rows]
    for row, source in zip(rows[1:], table.rows, strict=True):
        texts = [cell for cell, was in zip(row, source, strict=True) if isinstance(was, str)]
        assert not any(cell.startswith(tuple(DANGEROUS)) for cell in texts)


@settings(max_examples=40, deadline=None)
@given(tables)
def test_xlsx_holds_no_formula(table: Table) -> None:
    written = as_xlsx(table)
    with ZipFile(io.BytesIO(written)) as parts:
        assert b"<f>" not in parts.read("xl/worksheets/sheet1.xml")
    sheet = load_workbook(io.BytesIO(written)).worksheets[0]
    for row, source in zip(list(sheet.iter_rows())[1:], table.rows, strict=False):
        for cell, was in zip(row, source, strict=False):
            if isinstance(was, int):
                assert (cell.value, cell.data_type) == (was, "n")
            elif was:
                assert cell.data_type == "s"


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)


@quick
@given(tables)
def test_html_has_no_element_that_is_not_ours(table: Table) -> None:
    page = _Page()
    page.feed(as_html(table).decode())
    ours = {"html", "head", "meta", "title", "style", "body", "h1", "p", "table", "tr", "th", "td"}
    assert set(page.tags) <= ours
    assert page.tags.count("td") == 2 * len(table.rows)
