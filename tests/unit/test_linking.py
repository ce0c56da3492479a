"""Linking, declarations, work sheets and mappings: every finding that they can have, and what passes."""

from collections.abc import Sequence

import pytest

from packages_spec.tables import Sheet
from repository.domain.accession import WorkEntry
from repository.errors import ArchiveError
from repository.services.catalogue_file import Row, page_range, read_catalogue, read_sheets
from repository.services.declarations import Condition, Declared, read_declarations
from repository.services.delivery import Delivered, Layout, plan_delivery
from repository.services.linking import PageCount, Uncounted, judge_linking
from repository.services.mapping import builtin, read_profile
from repository.services.work_sheet import read_work_sheet, unclear_work, work_entries

TIME = "2026-01-01T00:00:00.000000Z"
CODE, OTHER = "J012-1-0001", "J012-1-0002"


def page(code: str, serial: int, more: str = "", suffix: str = ".jpg", sha: str | None = None) -> Delivered:
    path = f"{code}/{code}-{serial:03}{more}{suffix}"
    return Delivered(path, 9, sha or f"{abs(hash(path)):064x}"[:64], TIME)


def rows(*lines: str) -> tuple[Row, ...]:
    return read_catalogue("\n".join(["档号,题名,页数,文件", *lines, ""]).encode()).rows


def judged(
    files: Sequence[Delivered],
    *lines: str,
    declared: Sequence[Declared] = (),
    counts: dict[str, PageCount] | None = None,
) -> list[tuple[str, str]]:
    plan = plan_delivery([*files, Delivered("catalogue.csv", 1, "0" * 64, TIME)], Layout.ROWS, rows(*lines), "x")
    assert plan.findings == ()
    return [(one.code, one.path) for one in judge_linking(plan.units, declared, counts or {})]


def said(condition: Condition, *pages: int, code: str = CODE) -> Declared:
    return Declared(code, pages, condition, "原因", "备考表.csv:2")


PAGES = [page(CODE, number) for number in range(1, 6)]
LINE = f"{CODE},甲,5,{CODE}"


def test_a_record_whose_pages_agree_has_no_finding() -> None:
    assert judged(PAGES, LINE) == []


def test_a_gap_is_named_at_the_row_and_passes_when_it_was_declared() -> None:
    lacking = [one for one in PAGES if "-003" not in one.path]
    assert judged(lacking, LINE) == [("delivery.page-missing", "catalogue.csv:2:D(文件)")]
    assert judged(lacking, LINE, declared=[said(Condition.MISSING, 3)]) == []
    assert judged(lacking, f"{CODE},甲,4,{CODE}", declared=[said(Condition.MISSING, 3)]) == []
    assert judged(lacking, LINE, declared=[said(Condition.MISSING, 3, code=OTHER)])[0][0] == "delivery.page-missing"


def test_the_last_page_missing_is_a_wrong_count_unless_declared() -> None:
    assert judged(PAGES[:4], LINE) == [("delivery.page-count", "catalogue.csv:2:C(页数)")]
    assert judged(PAGES[:4], LINE, declared=[said(Condition.MISSING, 5)]) == []


def test_what_was_declared_missing_and_is_there_is_said() -> None:
    assert judged(PAGES, LINE, declared=[said(Condition.MISSING, 2)]) == [
        ("delivery.declared-present", "catalogue.csv:2:A(档号)")
    ]


@pytest.mark.parametrize("condition", [Condition.INSERT, Condition.FOLDED])
def test_one_more_picture_of_a_page_passes_when_it_was_declared(condition: Condition) -> None:
    more = [*PAGES, page(CODE, 2, "a"), page(CODE, 2, "-2")]
    assert {code for code, _ in judged(more, LINE)} == {"delivery.page-insert"}
    assert judged(more, LINE, declared=[said(condition, 2)]) == []
    assert judged(more, f"{CODE},甲,7,{CODE}", declared=[said(condition, 2)]) == []


def test_a_page_twice_is_the_second_file() -> None:
    more = [*PAGES, page(CODE, 2, suffix=".tif")]
    assert judged(more, LINE) == [("delivery.page-twice", f"{CODE}/{CODE}-002.tif")]


def test_the_same_bytes_twice_pass_only_as_blank_pages() -> None:
    twice = [page(CODE, 1, sha="1" * 64), page(CODE, 2, sha="1" * 64)]
    line = f"{CODE},甲,2,{CODE}"
    assert judged(twice, line) == [("delivery.file-twice", f"{CODE}/{CODE}-002.jpg")]
    assert judged(twice, line, declared=[said(Condition.BLANK, 1, 2)]) == []


def test_a_stranger_is_named_and_is_no_gap_where_it_belongs() -> None:
    here = [*PAGES, Delivered(f"{CODE}/{OTHER}-002.jpg", 9, "a" * 64, TIME)]
    there = [page(OTHER, number) for number in (1, 3)]
    found = judged([*here, *there], LINE, f"{OTHER},乙,3,{OTHER}")
    assert found == [("delivery.page-name", f"{CODE}/{OTHER}-002.jpg")]


def test_a_record_whose_every_page_bears_another_code_has_a_wrong_code() -> None:
    assert judged([*PAGES, page(OTHER, 1)], f"J012-1-0009,甲,5,{CODE}", f"{OTHER},乙,1,{OTHER}") == [
        ("delivery.code-differs", "catalogue.csv:2:A(档号)")
    ]


def test_names_are_not_judged_where_nobody_names_pages_so() -> None:
    photographs = [Delivered(f"a/照片 {number}.jpg", 9, f"{number:064}", TIME) for number in range(3)]
    assert judged(photographs, f"{CODE},甲,3,a") == []


def test_an_empty_page_is_no_page() -> None:
    empty = Delivered(f"{CODE}/{CODE}-006.jpg", 0, "b" * 64, TIME)
    assert judged([*PAGES, empty], f"{CODE},甲,6,{CODE}") == [("delivery.page-empty", empty.path)]


def test_pages_of_a_file_that_holds_several_are_counted() -> None:
    pdf = [Delivered(f"{CODE}.pdf", 9, "c" * 64, TIME)]
    line = f"{CODE},甲,5,"
    assert judged(pdf, line, counts={f"{CODE}.pdf": 5}) == []
    assert judged(pdf, line, counts={f"{CODE}.pdf": 4}) == [("delivery.page-count", "catalogue.csv:2:C(页数)")]
    unread = judged(pdf, line, counts={f"{CODE}.pdf": Uncounted.UNREADABLE})
    assert unread == [("delivery.pages-unreadable", f"{CODE}.pdf")]


def test_files_are_found_by_code_wherever_they_lie() -> None:
    deep = [Delivered(f"图像/第一盒/{one.path}", one.size, one.sha256, TIME) for one in PAGES]
    flat = [Delivered(f"图像/{one.path.partition('/')[2]}", one.size, one.sha256, TIME) for one in PAGES]
    assert judged(deep, f"{CODE},甲,5,") == []
    assert judged(flat, f"{CODE},甲,5,") == []
    plan = plan_delivery(deep, Layout.ROWS, rows(f"{CODE},甲,5,"), "x")
    assert [file.path for file in plan.units[0].files][:1] == [f"{CODE}-001.jpg"]


def declared_of(*lines: tuple[str, ...], folder: str | None = None) -> tuple[list[Declared], list[str]]:
    declared, findings = read_declarations("备考表.csv", Sheet("", lines), builtin(), folder)
    return declared, [finding.code for finding in findings]


HEADER = ("档号", "页号", "情况", "说明")


def test_declarations_are_read_by_their_words() -> None:
    declared, findings = declared_of(HEADER, (CODE, "7、9-11", "缺页若干", "遗失"), (), (CODE, "3", "大幅地图"))
    assert findings == []
    assert [(one.pages, one.condition, one.reason) for one in declared] == [
        ((7, 9, 10, 11), Condition.MISSING, "遗失"),
        ((3,), Condition.FOLDED, ""),
    ]
    inside, _ = declared_of(("页号", "情况"), ("2", "空白"), folder=CODE)
    assert (inside[0].reference_code, inside[0].condition) == (CODE, Condition.BLANK)


@pytest.mark.parametrize(
    "line",
    [
        ("", "1", "缺页"),
        (CODE, "末页", "缺页"),
        (CODE, "1", "不明"),
        (CODE, "1-99999", "缺页"),
        (CODE, "0", "缺页"),
    ],
)
def test_a_declaration_that_is_unclear_excuses_nothing(line: tuple[str, ...]) -> None:
    assert declared_of(HEADER, line) == ([], ["delivery.declared-line"])


def test_declarations_need_their_header() -> None:
    assert declared_of(("甲", "乙"))[1] == ["delivery.declarations-header"]


WORK = ("档号", "页号", "加工单位", "操作员", "设备", "班次")


def worked(*lines: tuple[str, ...]) -> tuple[list[WorkEntry], list[str]]:
    read, findings = read_work_sheet("工作单.csv", Sheet("", (WORK, *lines)), builtin())
    plan = plan_delivery(PAGES, Layout.ROWS, rows(LINE), "x")
    return work_entries(read, plan.units, {}), [one.code for one in (*findings, *unclear_work(read, plan.units))]


def test_a_work_sheet_counts_the_pages_that_came() -> None:
    entries, findings = worked((CODE, "1-2", "甲", "张三", "A3", "早班"), (CODE, "4-9", "乙"))
    assert findings == []
    assert [(one.contractor, one.first, one.last, one.pages) for one in entries] == [("甲", 1, 2, 2), ("乙", 4, 5, 2)]
    assert (entries[0].operator, entries[1].operator) == ("张三", None)


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([(CODE, "", "甲"), (CODE, "3", "乙")], "delivery.work-sheet-twice"),
        ([(CODE, "1-3", "甲"), (CODE, "3-4", "乙")], "delivery.work-sheet-twice"),
        ([(OTHER, "", "甲")], "delivery.work-sheet-unknown"),
        ([(CODE, "", "")], "delivery.work-sheet-line"),
        ([(CODE, "前半", "甲")], "delivery.work-sheet-line"),
    ],
)
def test_work_that_would_be_paid_twice_or_to_nobody_is_named(lines: list[tuple[str, ...]], code: str) -> None:
    assert worked(*lines)[1] == [code]


def test_a_work_sheet_needs_its_header() -> None:
    _, findings = read_work_sheet("工作单.csv", Sheet("", (("甲",),)), builtin())
    assert [one.code for one in findings] == ["delivery.work-sheet-header"]


OWN = """
name = "国土局"
sheet = "第二张"
header_row = 3
dates = ["YYYY年MM月DD日"]
separator = "、"
[columns]
title = ["案件名称"]
[defaults]
retention_period = "永久"
"""


def test_a_sites_own_profile_is_laid_over_the_built_in_one() -> None:
    profile = read_profile(OWN.encode(), "own.toml")
    header = ("档号", "案件名称", "日期", "文件")
    sheets = [
        Sheet("第一张", (("档号", "题名"), ("X", "不读"))),
        Sheet("第二张", (("国土局目录",), (), header, ("J1", "甲", "1936年02月03日", "a、b"))),
    ]
    catalogue = read_sheets(sheets, "目录.xlsx", profile)
    (row,) = catalogue.rows
    assert catalogue.findings == ()
    assert (row.title, row.date, row.files, row.retention_period) == ("甲", "1936-02-03", ("a", "b"), "永久")
    assert row.place == "目录.xlsx:第二张:4"


@pytest.mark.parametrize(
    "text", ["[columns]\nunknown = ['x']", "dates = ['DD.MM.YY']", "separator = ''", "x = 1", "[columns", "columns = 1"]
)
def test_a_profile_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ArchiveError) as refused:
        read_profile(text.encode(), "own.toml")
    assert refused.value.code == "mapping-invalid"


def test_a_code_is_put_together_where_no_column_gives_it_whole() -> None:
    sheet = Sheet("", (("全宗号", "目录号", "案卷号", "件号", "题名"), ("J012", "1", "0003", "", "甲")))
    (row,) = read_sheets([sheet], "目录.csv", builtin()).rows
    assert row.reference_code == "J012-1-0003"


@pytest.mark.parametrize(
    ("text", "pages"),
    [("7", (7, 7)), ("007-012", (7, 12)), ("7至9", (7, 9)), ("12-7", None), ("", None), ("甲", None), ("0", None)],
)
def test_page_numbers_are_read_or_not_at_all(text: str, pages: tuple[int, int] | None) -> None:
    assert page_range(text) == pages
