"""Tables from strangers: what is read of them, what is refused, and that nothing given back computes."""

import io
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from packages_spec.tables import (
    Cell,
    Note,
    RefusedTable,
    Sheet,
    cell_name,
    column_letters,
    place_of,
    read_place,
    read_text,
    read_workbook,
    read_xml,
    write_returned,
)

NAME = "目录.xlsx"


def book(path: Path, *rows: Sequence[Any]) -> Path:
    made = Workbook()
    sheet = made.active
    assert sheet is not None
    sheet.title = "目录"
    for row in rows:
        sheet.append(list(row))
    made.save(path)
    return path


def repacked(path: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """The same workbook with other members."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def refused(path: Path) -> str:
    with pytest.raises(RefusedTable) as error:
        read_workbook(path, NAME)
    return error.value.finding.code


def test_cells_are_text_as_a_person_would_type_it(tmp_path: Path) -> None:
    values: list[object] = ["甲 ", 12, 12.0, 1.5, True, datetime(1936, 2, 3), None, "=1+1"]  # noqa: DTZ001 - a day
    (sheet,) = read_workbook(book(tmp_path / "b.xlsx", values, [], ["乙"]), NAME)
    assert sheet.rows == (("甲", "12", "12", "1.5", "TRUE", "19360203", "", "=1+1"), (), ("乙",))
    assert sheet.formulas == {(1, 8)}


def doctype(members: dict[str, bytes]) -> None:
    declared = b'<!DOCTYPE x [<!ENTITY e "eeee">]>'
    members["xl/workbook.xml"] = members["xl/workbook.xml"].replace(b"<workbook", declared + b"<workbook", 1)


def linked(members: dict[str, bytes]) -> None:
    members["xl/externalLinks/externalLink1.xml"] = b"<externalLink/>"


def bomb(members: dict[str, bytes]) -> None:
    members["xl/media/zeros.bin"] = b"\0" * (80 << 20)


def outside(members: dict[str, bytes]) -> None:
    members["../evil.xml"] = b"<x/>"


def headless(members: dict[str, bytes]) -> None:
    del members["xl/workbook.xml"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (doctype, "table.unsafe"),
        (linked, "table.linked"),
        (bomb, "table.unsafe"),
        (outside, "table.unsafe"),
        (headless, "table.broken"),
    ],
)
def test_a_workbook_that_could_do_harm_is_not_opened(
    tmp_path: Path, change: Callable[[dict[str, bytes]], None], code: str
) -> None:
    assert refused(repacked(book(tmp_path / "b.xlsx", ["甲"]), change)) == code


def test_what_is_no_workbook_is_refused(tmp_path: Path) -> None:
    (tmp_path / "b.xlsx").write_bytes("档号,题名\n".encode())
    assert refused(tmp_path / "b.xlsx") == "table.broken"


def test_a_workbook_is_not_cut_off(tmp_path: Path) -> None:
    assert refused(book(tmp_path / "b.xlsx", [""] * 256 + ["far"])) == "table.too-large"


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    for read in (read_text, read_xml):
        outcome: Sheet | None = None
        with suppress(RefusedTable):
            outcome = read(content, "x.csv")
        assert outcome is None or isinstance(outcome, Sheet)


@settings(deadline=None)
@given(st.binary(max_size=2_000), st.integers(0, 5_000))
def test_a_workbook_overwritten_anywhere_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, at: int
) -> None:
    path = book(tmp_path_factory.mktemp("noise") / "b.xlsx", ["档号", "题名"], ["J1", "甲"])
    content = path.read_bytes()
    path.write_bytes(content[:at] + noise + content[at + len(noise) :])
    outcome: tuple[Sheet, ...] = ()
    with suppress(RefusedTable):
        outcome = read_workbook(path, NAME)
    assert all(isinstance(sheet, Sheet) for sheet in outcome)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_text_is_read_in_every_encoding_that_producers_use(encoding: str, delimiter: str) -> None:
    text = delimiter.join(["档号", "题名"]) + "\r\n" + delimiter.join(["J1", "地契"]) + "\r\n"
    assert read_text(text.encode(encoding), "目录.csv").rows == (("档号", "题名"), ("J1", "地契"))


def test_flat_xml_is_a_sheet() -> None:
    content = "<目录><件><档号>J1</档号><题名>甲</题名></件><件><档号>J2</档号><文件>a</文件><文件>b</文件></件></目录>"
    assert read_xml(content.encode(), "目录.xml").rows == (("档号", "题名", "文件"), ("J1", "甲"), ("J2", "", "a;b"))
    with pytest.raises(RefusedTable):
        read_xml(b"<!DOCTYPE x><x/>", "目录.xml")


@given(st.integers(1, 16_384), st.integers(1, 1_000_000), st.sampled_from(["", "案卷 目录"]), st.text(max_size=5))
def test_a_place_is_found_again(column: int, row: int, sheet: str, header: str) -> None:
    place = place_of(NAME, sheet, row)
    assert read_place(place) == Cell(NAME, sheet, row, None)
    assert read_place(f"{place}:{cell_name(column, header)}") == Cell(NAME, sheet, row, column)


def test_columns_are_named_as_spreadsheets_do() -> None:
    assert [column_letters(column) for column in (1, 26, 27, 702, 703)] == ["A", "Z", "AA", "ZZ", "AAA"]
    assert read_place("a/b-001.jpg") is None


@pytest.mark.parametrize("word", ["=HYPERLINK(1)", "+1", "-1", "@SUM(1)", "\t=1", "=cmd|' /C calc'!A0"])
def test_nothing_that_is_given_back_computes(tmp_path: Path, word: str) -> None:
    path = tmp_path / "returned.xlsx"
    note = Note("目录", 2, 1, "目录.xlsx:目录:2:A(档号)", word, word)
    elsewhere = Note("", None, None, word, word, word)
    with path.open("wb") as stream:
        write_returned(stream, [Sheet("目录", (("档号",), (word,)))], [1], [note, elsewhere])
    cells = [cell for page in openpyxl.load_workbook(path) for row in page.iter_rows() for cell in row if cell.value]
    assert [cell.value for cell in cells if cell.data_type != "s"] == []
    given_back = [cell for cell in cells if str(cell.value).strip() == word.strip()]
    assert len(given_back) == 6
    assert all(cell.quotePrefix for cell in given_back)


@settings(deadline=None)
@given(st.lists(st.lists(st.text(max_size=8), max_size=4), max_size=5))
def test_whatever_stood_in_the_table_comes_back(rows: list[list[str]]) -> None:
    stream = io.BytesIO()
    sheet = Sheet("目录", tuple(map(tuple, rows)))
    write_returned(stream, [sheet], [0], [])
    page = openpyxl.load_workbook(stream)["目录"]
    assert page.max_row <= max(1, len(rows))
