"""New entries by sheet: a fonds with all that stands below it, in any order, previewed, applied in batches, once."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import openpyxl
import pytest

from packages_spec.findings import Finding
from repository.domain.description import DESCRIPTION
from repository.domain.values import Carrier, Level, SecrecyClass
from repository.errors import ArchiveError
from repository.services.audit import fsck, replay
from repository.services.catalogue_export import export_catalogue
from repository.services.correction import CorrectionReport, apply_corrections, preview_corrections
from repository.services.description import close_record, describe_record
from repository.services.search import find_description
from repository.services.session import Session
from tests.command_line import jingui
from tests.real_archives import Site, new_site, silent, types

HEADER = ("级别", "上级档号", "档号", "题名", "载体", "密级", "页数", "库房")
ROWS: list[tuple[object, ...]] = [
    ("件", "0005-DQ-001", "0005-DQ-001-02", "公粮名册", "纸质", "内部", 12, "二库"),
    ("案卷", "0005-DQ", "0005-DQ-001", "公粮卷", "纸质", "公开", 30, "二库"),
    ("全宗", "", "0005", "临溪县粮食局", "纸质", "", "", ""),
    ("series", "0005", "0005-DQ", "定期", "纸质", "", "", ""),
    ("item", "0005-DQ-001", "0005-DQ-001-01", "公粮通知", "数字", "公开", 3, ""),
]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return new_site(tmp_path)


@pytest.fixture
def session(site: Site) -> Iterator[Session]:
    with site.open() as opened:
        yield opened


def sheet(path: Path, rows: Sequence[Sequence[object]], header: Sequence[str] = HEADER) -> Path:
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    page.append(list(header))
    for row in rows:
        page.append(list(row))
    book.save(path)
    return path


def apply(session: Session, path: Path, *, rest: bool = False) -> CorrectionReport:
    return apply_corrections(session, path, reason="新著录", rest=rest, progress=silent)


def told(findings: Sequence[Finding], path: Path) -> list[tuple[str, str]]:
    return sorted((one.code, one.path.removeprefix(f"{path.name}:")) for one in findings)


def test_a_fonds_and_all_below_it_come_in_any_order_and_only_once(session: Session, tmp_path: Path) -> None:
    path = sheet(tmp_path / "新目录.xlsx", ROWS)
    before = session.log.position()
    seen = preview_corrections(session, path)
    assert (seen.findings, seen.rows, seen.unchanged, session.log.position()) == ((), 5, 0, before)
    assert [(one.row, one.level, one.reference_code, one.parent) for one in seen.creations] == [
        (4, Level.FONDS, "0005", None),
        (5, Level.SERIES, "0005-DQ", "0005"),
        (3, Level.VOLUME, "0005-DQ-001", "0005-DQ"),
        (2, Level.ITEM, "0005-DQ-001-02", "0005-DQ-001"),
        (6, Level.ITEM, "0005-DQ-001-01", "0005-DQ-001"),
    ]
    done = apply(session, path)
    assert (done.created, done.applied, done.commands, done.findings) == (5, 0, 1, ())
    assert types(session, after=before) == ["ReferenceCode.Reserved", "Description.Described"] * 5
    names = find_description(session, "0005-DQ-001-02")
    assert (names.carrier, names.secrecy_class, names.fonds_code, names.page_count) == (
        Carrier.PAPER,
        SecrecyClass.INTERNAL,
        "0005",
        12,
    )
    fields = session.log.load(DESCRIPTION, names.id).state.fields
    assert fields is not None
    assert (fields.location and fields.location.storeroom, fields.parent) == (
        "二库",
        find_description(session, "0005-DQ-001").id,
    )
    assert find_description(session, "0005-DQ-001-01").carrier is Carrier.DIGITAL

    last = session.log.position()
    again = apply(session, path)
    assert (again.created, again.unchanged, again.findings, session.log.position()) == (0, 5, (), last)
    assert fsck(session, silent).faults == ()
    assert replay(session, None, silent).same


def test_corrections_and_new_rows_share_a_sheet(session: Session, tmp_path: Path) -> None:
    describe_record(session, level=Level.FONDS, parent=None, reference_code="0005", words={"题名": "粮食局"})
    path = tmp_path / "目录.xlsx"
    export_catalogue(session, path)
    book = openpyxl.load_workbook(path)
    page = book.worksheets[0]
    header = [str(cell.value) for cell in page[1]]
    page.cell(2, header.index("题名") + 1).value = "临溪县粮食局"
    row = dict.fromkeys(header, "") | {"级别": "案卷", "上级档号": "0005", "档号": "0005-001", "题名": "新卷"}
    page.append([row[name] for name in header])
    book.save(path)
    done = apply(session, path)
    assert (done.created, done.applied, done.commands) == (1, 1, 2)
    assert (find_description(session, "0005").title, find_description(session, "0005-001").title) == (
        "临溪县粮食局",
        "新卷",
    )


FAULTS: dict[str, tuple[list[tuple[object, ...]], list[tuple[str, str]]]] = {
    "no level": ([("宗", "", "0006", "甲", "", "", "", "")], [("sheet.field-unfit", "2:A(级别)")]),
    "no code, no title": (
        [("全宗", "", "", "", "", "", "", "")],
        [("sheet.needed", "2:C(档号)"), ("sheet.needed", "2:D(题名)")],
    ),
    "a field of another form": (
        [("全宗", "", "0006", "甲", "泥板", "绝密级", "十", "")],
        [
            ("sheet.field-unfit", "2:E(载体)"),
            ("sheet.field-unfit", "2:F(密级)"),
            ("sheet.field-unfit", "2:G(页数)"),
        ],
    ),
    "above what may be held": ([("全宗", "", "0006", "甲", "", "秘密", "", "")], [("sheet.refused", "2:F(密级)")]),
    "no such parent": ([("件", "0009", "0006-1", "甲", "", "", "", "")], [("sheet.parent-unknown", "2:B(上级档号)")]),
    "a parent of a lower level": (
        [("件", "", "0006-1", "甲", "", "", "", ""), ("案卷", "0006-1", "0006-2", "乙", "", "", "", "")],
        [("sheet.parent-unknown", "3:B(上级档号)")],
    ),
    "a closed parent": ([("件", "0001-CLOSED", "0006-1", "甲", "", "", "", "")], [("sheet.refused", "2:B(上级档号)")]),
    "a parent that has a fault itself": (
        [("全宗", "", "0006", "甲", "", "秘密", "", ""), ("案卷", "0006", "0006-1", "乙", "", "", "", "")],
        [("sheet.parent-left", "3:B(上级档号)"), ("sheet.refused", "2:F(密级)")],
    ),
    "one code twice": (
        [("全宗", "", "0006", "甲", "", "", "", ""), ("全宗", "", "0006", "乙", "", "", "", "")],
        [("sheet.row-twice", "3:C(档号)")],
    ),
    "a code that is described otherwise": (
        [("案卷", "", "0001-CLOSED", "别的题名", "", "", "", "")],
        [("sheet.code-exists", "2:C(档号)")],
    ),
    "a formula": ([("全宗", "", "0006", "=A1", "", "", "", "")], [("sheet.formula", "2:D(题名)")]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_named_at_its_row_and_column_and_nothing_is_described(
    session: Session, tmp_path: Path, fault: str
) -> None:
    describe_record(session, level=Level.VOLUME, parent=None, reference_code="0001-CLOSED", words={"题名": "旧卷"})
    close_record(session, "0001-CLOSED", reason="封卷")
    rows, wanted = FAULTS[fault]
    path = sheet(tmp_path / "新目录.xlsx", rows)
    before = session.log.position()
    assert told(preview_corrections(session, path).findings, path) == wanted
    report = apply(session, path)
    assert (report.created, session.log.position()) == (0, before)


def test_columns_that_a_new_entry_needs(session: Session, tmp_path: Path) -> None:
    path = sheet(tmp_path / "新目录.xlsx", [("甲",)], ["题名"])
    assert told(preview_corrections(session, path).findings, path) == [("sheet.column-missing", "1")] * 2


def test_the_rest_is_described_where_it_is_wanted(session: Session, tmp_path: Path) -> None:
    path = sheet(tmp_path / "新目录.xlsx", [*ROWS, ("件", "0009", "0009-1", "甲", "", "", "", "")])
    assert apply(session, path).created == 0
    assert apply(session, path, rest=True).created == 5


def test_thousands_are_described_in_batches_and_interrupted_the_sheet_goes_on(session: Session, tmp_path: Path) -> None:
    many = 2_300
    rows = [("件", "0005-DQ-001", f"0005-DQ-001-{at:05}", f"第{at}件", "纸质", "", 2, "") for at in range(many)]
    path = sheet(tmp_path / "新目录.xlsx", [*rows, *ROWS[1:4]])

    class Cut(Exception):  # noqa: N818 - a power cut, not an error
        pass

    def cut(_step: str, done: int, _total: int) -> None:
        if done >= 1_000:
            raise Cut

    with pytest.raises(Cut):
        apply_corrections(session, path, reason="新著录", rest=False, progress=cut)
    done = apply(session, path)
    assert (done.created, done.unchanged, done.commands) == (many + 3 - 1_000, 1_000, 2)
    assert types(session).count("Description.Described") == many + 3


def test_an_entry_that_somebody_else_describes_meanwhile_is_not_described_twice(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sheet(tmp_path / "新目录.xlsx", ROWS)
    perform = session.log.__class__.perform

    def overtaken(*arguments: object, **named: object) -> object:
        monkeypatch.undo()
        describe_record(session, level=Level.FONDS, parent=None, reference_code="0005", words={"题名": "别人"})
        return perform(*arguments, **named)  # type: ignore[arg-type] # handed on as they are

    monkeypatch.setattr(session.log.__class__, "perform", overtaken)
    with pytest.raises(ArchiveError) as refused:
        apply(session, path)
    assert refused.value.code == "code-taken"
    assert fsck(session, silent).faults == ()


def test_the_command_line_says_what_would_be_new(site: Site, tmp_path: Path) -> None:
    path = sheet(tmp_path / "新目录.xlsx", ROWS)
    chinese = jingui("catalogue", "import", path, "--lang", "zh", site=site)
    assert (chinese.status, "新著录 5" in chinese.out, "公粮名册" in chinese.out) == (0, True, True), chinese
    english = jingui("catalogue", "import", path, "--reason", "new", "--lang", "en", site=site)
    assert "Described: 5; corrected: 0" in english.out, english
