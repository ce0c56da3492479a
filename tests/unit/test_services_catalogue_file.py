"""`catalogue.csv`: what is read of it, and every finding that it can have."""

import pytest

from repository.domain.values import SecrecyClass
from repository.services.catalogue_file import CatalogueFile, above_ceiling, read_catalogue

HEADER = "档号,题名,责任者,日期,密级,保管期限,页数,文件"
ROW = "J1-1,地契,县政府,19340312,公开,永久,4,a"


def read(*lines: str, encoding: str = "utf-8") -> CatalogueFile:
    return read_catalogue("\n".join([*lines, ""]).encode(encoding))


def codes(catalogue: CatalogueFile) -> list[tuple[str, str]]:
    return [(finding.code, finding.path) for finding in catalogue.findings]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_row_is_read_whatever_the_encoding(encoding: str) -> None:
    catalogue = read(HEADER, ROW, encoding=encoding)
    (row,) = catalogue.rows
    assert catalogue.findings == ()
    assert (row.number, row.reference_code, row.title, row.responsible_party) == (2, "J1-1", "地契", "县政府")
    assert (row.date, row.secrecy_class, row.retention_period) == ("1934-03-12", SecrecyClass.OPEN, "永久")
    assert (row.page_count, row.files) == (4, ("a",))


def test_columns_may_come_in_any_order_and_only_two_are_needed() -> None:
    (row,) = read("文件,题名", "a/; b/c.txt ;,地契").rows
    assert (row.files, row.title, row.reference_code, row.page_count) == (("a", "b/c.txt"), "地契", None, None)
    assert row.secrecy_class is SecrecyClass.OPEN


def test_empty_lines_count_and_say_nothing() -> None:
    catalogue = read(HEADER, "", ",,,,,,,", ROW)
    assert [row.number for row in catalogue.rows] == [4]
    assert catalogue.findings == ()


@pytest.mark.parametrize(
    ("given", "date"),
    [("1934", "1934"), ("193403", "1934-03"), ("1934-03", "1934-03"), ("19340312", "1934-03-12"), ("", None)],
)
def test_dates_are_as_exact_as_they_are_given(given: str, date: str | None) -> None:
    catalogue = read("题名,文件,日期", f"t,a,{given}")
    assert (catalogue.rows[0].date, catalogue.findings) == (date, ())


@pytest.mark.parametrize("given", ["19340231", "1934031", "0000", "民国二十三年", "19341301", "1934-3-2"])
def test_a_date_that_is_none_is_a_finding(given: str) -> None:
    assert codes(read("题名,文件,日期", f"t,a,{given}")) == [("delivery.catalogue-date", "catalogue.csv:2:C(日期)")]


@pytest.mark.parametrize(
    ("column", "given", "code"),
    [
        ("密级", "很秘密", "delivery.catalogue-secrecy"),
        ("页数", "四", "delivery.catalogue-pages"),
        ("页数", "-1", "delivery.catalogue-pages"),
        ("页数", "\uff14", "delivery.catalogue-pages"),
    ],
)
def test_what_cannot_be_understood_is_named_and_not_guessed(column: str, given: str, code: str) -> None:
    catalogue = read(f"题名,文件,{column}", f"t,a,{given}")
    assert codes(catalogue) == [(code, f"catalogue.csv:2:C({column})")]
    assert None in (catalogue.rows[0].secrecy_class, catalogue.rows[0].page_count)


def test_a_row_needs_a_title() -> None:
    assert codes(read("题名,文件", ",a")) == [("delivery.catalogue-title", "catalogue.csv:2:A(题名)")]


def test_a_code_may_stand_once_in_whichever_unicode_form() -> None:
    again = read("档号,题名,文件", "J\u00e9-1,a,a", "J2,b,b", "Je\u0301-1,c,c")
    assert codes(again) == [("delivery.catalogue-code-repeated", "catalogue.csv:4:A(档号)")]
    assert again.findings[0].expected == "catalogue.csv:2"


@pytest.mark.parametrize("content", [b"", b"\n", "标题\n甲\n".encode(), "题名,责任者\n甲,乙\n".encode()])
def test_without_its_header_nothing_is_read(content: bytes) -> None:
    catalogue = read_catalogue(content)
    assert (catalogue.rows, [finding.code for finding in catalogue.findings]) == ((), ["delivery.catalogue-header"])


def test_broken_quotes_are_named() -> None:
    assert [finding.code for finding in read_catalogue(b'\xe9\xa2\x98"\n"').findings] == ["table.broken"]


def test_bytes_in_no_encoding_are_refused() -> None:
    assert [finding.code for finding in read_catalogue(b"\xff\xff\xff").findings] == ["delivery.catalogue-encoding"]


def test_what_lies_above_the_ceiling_is_named() -> None:
    rows = read("题名,文件,密级", "a,a,公开", "b,b,秘密", "c,c,绝密", "d,d,内部").rows
    assert [row.number for row in above_ceiling(rows, SecrecyClass.INTERNAL)] == [3, 4]
    assert [row.number for row in above_ceiling(rows, SecrecyClass.JUEMI)] == []
    assert [row.number for row in above_ceiling(rows, SecrecyClass.OPEN)] == [3, 4, 5]
