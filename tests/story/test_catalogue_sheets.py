"""The catalogue as sheets: out, corrected, previewed, applied; registers; and the digitisation rate."""

import html
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import openpyxl
import pytest

from repository.domain import description
from repository.domain.aggregate import New
from repository.domain.description import DESCRIPTION
from repository.domain.values import Carrier, Level
from repository.errors import ArchiveError
from repository.eventlog import Streams
from repository.services.administration import Role
from repository.services.audit import fsck
from repository.services.catalogue_export import export_catalogue
from repository.services.correction import CorrectionReport, apply_corrections, preview_corrections
from repository.services.description import describe_record, reserve, revise_record
from repository.services.register import register_of
from repository.services.search import search_records
from repository.services.session import Session
from tests.catalogue_events import fields
from tests.command_line import jingui
from tests.real_archives import CODE, Site, new_site, silent, types

MANY = 3_000
HOSTILE = ("=cmd|'/c calc'!A1", "+1", "-1", "@SUM(A1)", "'=1", "\t=1", "题名", "  blanks  ", "a\nb", "\uff1d1")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return new_site(tmp_path)


@pytest.fixture
def session(site: Site) -> Iterator[Session]:
    with site.open() as opened:
        yield opened


def describe_many(session: Session, count: int) -> list[UUID]:
    """Entries on paper of one fonds, in few commands."""
    entries = [session.new_id() for _ in range(count)]
    numbered = iter(enumerate(entries))
    while batch := list(islice(numbered, 1_000)):

        def decide(streams: Streams, batch: list[tuple[int, UUID]] = batch) -> list[New]:
            events: list[New] = []
            for number, entry in batch:
                said = fields(
                    reference_code=f"0001-WS-{number:05}",
                    title=f"民国{number}年地契",
                    page_count=number % 7,
                    carrier=Carrier.PAPER,
                )
                made = description.describe(streams.load(DESCRIPTION, entry).state, said)
                events += reserve(streams, CODE, said.reference_code, entry)
                events += [New(entry, event) for event in made]
            return events

        session.perform("describe", decide, correlation=entries[0], archive=CODE)
    return entries


def edit(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """What a person does in a spreadsheet: for each row, cells by their headers."""
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    header = [str(cell.value) for cell in sheet[1]]
    for row in sheet.iter_rows(min_row=2):
        change(dict(zip(header, row, strict=True)))
    book.save(path)


def titled(cells: dict[str, Any]) -> None:
    cells["题名"].value = f"{cells['题名'].value}（更正）"


def commands(session: Session, after: int) -> list[int]:
    """How many events each command since then appended."""
    counted: dict[UUID, int] = {}
    for event in session.log.events(after=after):
        counted[event.envelope.command_id] = counted.get(event.envelope.command_id, 0) + 1
    return list(counted.values())


def test_three_thousand_corrections_are_previewed_applied_and_applied_once(session: Session, tmp_path: Path) -> None:
    describe_many(session, MANY)
    sheet = tmp_path / "目录.xlsx"
    assert export_catalogue(session, sheet, fonds="0001").entries == MANY
    edit(sheet, titled)
    before = session.log.position()
    preview = preview_corrections(session, sheet)
    assert (preview.rows, len(preview.corrections), preview.unchanged, preview.findings) == (MANY, MANY, 0, ())
    change = preview.corrections[0].changes
    assert [(one.field, one.before, one.after) for one in change] == [("title", "民国0年地契", "民国0年地契（更正）")]
    assert session.log.position() == before

    applied = apply_corrections(session, sheet, reason="统一题名", rest=False, progress=silent)
    assert (applied.applied, applied.commands) == (MANY, 3)
    assert commands(session, before) == [1_000, 1_000, 1_000]
    assert set(types(session, after=before)) == {"Description.Revised"}
    assert len({event.envelope.correlation_id for event in session.log.events(after=before)}) == 1

    done = session.log.position()
    again = apply_corrections(session, sheet, reason="统一题名", rest=False, progress=silent)
    assert (again.applied, again.unchanged, again.findings, session.log.position()) == (0, MANY, (), done)
    session.catch_up()
    assert session.catalogue.search("更正").total_is_exact is False  # more than a thousand
    assert fsck(session, silent).faults == ()


def test_interrupted_after_a_command_the_same_sheet_goes_on(session: Session, tmp_path: Path) -> None:
    describe_many(session, 2_500)
    sheet = tmp_path / "目录.xlsx"
    export_catalogue(session, sheet, fonds="0001")
    edit(sheet, titled)

    def killed(step: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    before = session.log.position()
    with pytest.raises(KeyboardInterrupt):
        apply_corrections(session, sheet, reason="统一题名", rest=False, progress=killed)
    assert commands(session, before) == [1_000]
    rest = apply_corrections(session, sheet, reason="统一题名", rest=False, progress=silent)
    assert (rest.applied, rest.unchanged, rest.findings) == (1_500, 1_000, ())


def test_faults_name_row_and_column_and_conflicts_their_row(session: Session, tmp_path: Path) -> None:
    entries = describe_many(session, 9)
    sheet = tmp_path / "目录.xlsx"
    export_catalogue(session, sheet, fonds="0001")
    wrong = {
        "0001-WS-00000": ("页数", "三"),
        "0001-WS-00001": ("日期", "=TODAY()"),
        "0001-WS-00002": ("级别", "fonds"),
        "0001-WS-00003": ("题名", "改过"),
        "0001-WS-00004": ("档号", "0001-WS-00000"),
        "0001-WS-00005": ("摄影者", "王"),
        "0001-WS-00006": ("标识", str(UUID(int=7))),
        "0001-WS-00007": ("题名", "好的"),
        "0001-WS-00008": ("上级档号", "0001-WS-00000"),
    }

    def spoil(cells: dict[str, Any]) -> None:
        name, words = wrong[cells["档号"].value]
        cells[name].value = words

    edit(sheet, spoil)
    revise_record(session, str(entries[3]), words={"题名": "别人改过"}, reason="同时")
    preview = preview_corrections(session, sheet)
    found = {finding.code: finding.path for finding in preview.findings}
    assert found == {
        "sheet.field-unfit": "目录.xlsx:2:M(页数)",
        "sheet.formula": "目录.xlsx:3:I(日期)",
        "sheet.fixed": "目录.xlsx:10:D(上级档号)",
        "sheet.changed-since": "目录.xlsx:5:B(版本)",
        "sheet.refused": "目录.xlsx:7",
        "sheet.id-unknown": "目录.xlsx:8:A(标识)",
    }
    assert [finding.path for finding in preview.findings if finding.code == "sheet.refused"] == [
        "目录.xlsx:6",
        "目录.xlsx:7",
    ]
    assert [finding.path for finding in preview.findings if finding.code == "sheet.fixed"] == [
        "目录.xlsx:4:E(级别)",
        "目录.xlsx:10:D(上级档号)",
    ]
    before = session.log.position()
    refused = apply_corrections(session, sheet, reason="改正", rest=False, progress=silent)
    assert (refused.applied, session.log.position()) == (0, before)
    rest = apply_corrections(session, sheet, reason="改正", rest=True, progress=silent)
    assert (rest.applied, types(session, after=before)) == (1, ["Description.Revised"])


def test_a_code_is_corrected_by_sheet_as_by_a_move(session: Session, tmp_path: Path) -> None:
    describe_many(session, 2)
    sheet = tmp_path / "目录.xlsx"
    export_catalogue(session, sheet, fonds="0001")

    def renumber(cells: dict[str, Any]) -> None:
        cells["档号"].value = f"{cells['档号'].value}-1"
        cells["附注"].value = "档号改正"

    edit(sheet, renumber)
    before = session.log.position()
    apply_corrections(session, sheet, reason="档号改正", rest=False, progress=silent)
    assert types(session, after=before) == ["ReferenceCode.Reserved", "Description.Moved", "Description.Revised"] * 2
    session.catch_up()
    (match,) = session.catalogue.by_reference_code("0001-WS-00000")
    assert (match.formerly, match.description.reference_code) == (True, "0001-WS-00000-1")


def test_a_row_twice_and_columns_missing_or_unknown(session: Session, tmp_path: Path) -> None:
    describe_many(session, 2)
    sheet = tmp_path / "目录.xlsx"
    export_catalogue(session, sheet, fonds="0001")
    book = openpyxl.load_workbook(sheet)
    page = book.worksheets[0]
    page["A3"].value = page["A2"].value
    page.cell(1, 60, "备考")
    book.save(sheet)
    report = preview_corrections(session, sheet)
    assert [finding.code for finding in report.findings] == ["sheet.column-unknown", "sheet.row-twice"]
    page["A1"].value = "序号"
    book.save(sheet)
    codes = {finding.code for finding in preview_corrections(session, sheet).findings}
    assert "sheet.column-missing" in codes
    sheet.write_bytes(b"no workbook")
    assert [finding.code for finding in preview_corrections(session, sheet).findings] == ["table.broken"]


def test_no_cell_is_a_formula_and_hostile_words_come_back_unchanged(session: Session, tmp_path: Path) -> None:
    for number, words in enumerate(HOSTILE):
        described = {"题名": f"{number}", "附注": words, "主题词": words.replace(";", "")}
        describe_record(
            session, level=Level.ITEM, parent=None, reference_code=f"=1+{number}", words=described, archive=None
        )
    sheet = tmp_path / "目录.xlsx"
    export_catalogue(session, sheet)
    book = openpyxl.load_workbook(sheet)
    cells = [cell for row in book.worksheets[0].iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s"}
    assert [cell.value for cell in cells if str(cell.value).startswith(("=", "+", "-", "@"))] == []
    book.save(sheet)  # as a spreadsheet would write it
    report: CorrectionReport = preview_corrections(session, sheet)
    assert (report.rows, report.unchanged, report.findings) == (len(HOSTILE), len(HOSTILE), ())


def test_the_same_through_the_command_line(site: Site, tmp_path: Path) -> None:
    with site.open() as session:
        describe_many(session, 30)
    sheet = tmp_path / "目录.xlsx"
    out = jingui("catalogue", "export", sheet, "--fonds", "0001", "--json", site=site)
    assert (out.status, out.json()["entries"]) == (0, 30), out.err
    edit(sheet, titled)
    for language, words in (("zh", "预览"), ("en", "preview")):
        seen = jingui("catalogue", "import", sheet, "--lang", language, site=site)
        assert (seen.status, words in seen.out) == (0, True), seen.err
    done = jingui("catalogue", "import", sheet, "--reason", "统一题名", "--json", site=site)
    assert (done.status, done.json()["applied"]) == (0, 30)
    edit(sheet, lambda cells: setattr(cells["页数"], "value", "many"))
    wrong = jingui("catalogue", "import", sheet, "--reason", "统一题名", site=site)
    assert (wrong.status, "sheet.field-unfit" in wrong.out) == (22, True)
    register = ("register", tmp_path / "a.csv")
    for missing in (("export",), register, ("register", tmp_path / "a.doc", "--of", "0001-WS-00000")):
        assert jingui("catalogue", *missing, site=site).status == 2
    assert jingui("catalogue", "export", sheet, site=site).status == 11


def test_a_reader_takes_out_nothing_that_a_search_would_not_show(site: Site, tmp_path: Path) -> None:
    with site.open() as session:
        _, reader = site.person(session, "读者", Role.READER)
        describe_record(session, level=Level.FONDS, parent=None, reference_code="J9", words={"题名": "县府"})
        for code, secrecy in (("J9-1", "公开"), ("J9-2", "内部")):
            words = {"题名": f"卷 {code}", "密级": secrecy}
            describe_record(session, level=Level.VOLUME, parent="J9", reference_code=code, words=words)
        assert len(register_of(session, "J9", as_of=None).rows) == 2
        assert export_catalogue(session, tmp_path / "staff.xlsx", fonds="J9").entries == 3
    with site.open(reader) as session:
        seen = search_records(session, "", as_of=None, limit=100, after=None, fonds="J9").entries
        assert "J9-2" not in {entry.reference_code for entry in seen}
        assert export_catalogue(session, tmp_path / "reader.xlsx", fonds="J9").entries == len(seen)
        if seen:
            rows = register_of(session, "J9", as_of=None).rows
            assert [row[1] for row in rows] == ["J9-1"]
        with pytest.raises(ArchiveError, check=lambda error: error.code == "not-allowed"):
            preview_corrections(session, tmp_path / "staff.xlsx")


def test_registers_are_printed_as_html_csv_and_xlsx(site: Site, tmp_path: Path) -> None:
    with site.open() as session:
        describe_record(session, level=Level.FONDS, parent=None, reference_code="J9", words={"题名": "县府 <x>"})
        words = {"题名": "=地契卷", "页数": "12", "库房": "3"}
        describe_record(session, level=Level.VOLUME, parent="J9", reference_code="J9-1", words=words)
        inside = {"题名": "绝卖地契", "文号": "县12", "页号": "1-3"}
        describe_record(session, level=Level.ITEM, parent="J9-1", reference_code="J9-1-1", words=inside)
    for suffix in ("html", "csv", "xlsx"):
        for record, kind in (("J9", "volumes"), ("J9-1", "inside")):
            path = tmp_path / f"{record}.{suffix}"
            said = jingui("catalogue", "register", path, "--of", record, "--lang", "zh", "--json", site=site)
            assert (said.status, said.json()["kind"], len(said.json()["rows"])) == (0, kind, 1), said.err
    page = (tmp_path / "J9.html").read_text("utf-8")
    assert html.escape("县府 <x>") in page
    assert "<x>" not in page
    assert (tmp_path / "J9-1.csv").read_text("utf-8-sig").splitlines()[1] == "1,县12,,绝卖地契,,1-3,,"
    assert "'=地契卷" in (tmp_path / "J9.csv").read_text("utf-8-sig")


def test_pages_scanned_are_counted_against_pages_held_each_once(site: Site) -> None:
    with site.open() as session:
        for code, scanned in (("J1", "5"), ("J2", "")):
            describe_record(session, level=Level.FONDS, parent=None, reference_code=code, words={"题名": code})
            series = {"题名": "类", "页数": "999"}
            describe_record(session, level=Level.SERIES, parent=code, reference_code=f"{code}-A", words=series)
            volume = {"题名": "卷", "页数": "20", "已扫描页数": scanned, "年度": "1951"}
            describe_record(session, level=Level.VOLUME, parent=f"{code}-A", reference_code=f"{code}-1", words=volume)
        for number, pages in ((1, "4"), (2, "6")):
            words = {"题名": "件", "页数": pages, "已扫描页数": pages, "年度": "1950"}
            describe_record(session, level=Level.ITEM, parent="J1-1", reference_code=f"J1-1-{number}", words=words)
        describe_record(session, level=Level.ITEM, parent=None, reference_code=None, words={"题名": "不知页数"})
        digital = {"题名": "电子", "页数": "100", "载体": "digital"}
        describe_record(session, level=Level.ITEM, parent="J1-A", reference_code=None, words=digital)
    told = {
        by: [
            (one["key"], one["entries"], one["unknown"], one["pages"], one["scanned"])
            for one in jingui("catalogue", "digitised", "--by", by, "--json", site=site).json()["groups"]
        ]
        for by in ("fonds", "series", "year")
    }
    assert told["fonds"] == [(None, 1, 1, 0, 0), ("J1", 2, 0, 10, 10), ("J2", 1, 0, 20, 0)]
    assert told["series"] == [(None, 1, 1, 0, 0), ("J1-A", 2, 0, 10, 10), ("J2-A", 1, 0, 20, 0)]
    assert told["year"] == [(None, 1, 1, 0, 0), ("1950", 2, 0, 10, 10), ("1951", 1, 0, 20, 0)]
    said = jingui("catalogue", "digitised", "--fonds", "J1", "--lang", "en", site=site)
    assert (said.status, "100.0%" in said.out) == (0, True)
