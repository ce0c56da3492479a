"""The catalogue that comes with a delivery (移交目录): `catalogue.csv`, one row for each record.

Header (order free): 档号,题名,责任者,日期,密级,保管期限,页数,文件. 文件 names the record's folder, or its
files separated by `;`. Dates are YYYY, YYYYMM or YYYYMMDD. UTF-8 (with or without a byte order mark) or GB18030.
"""

import csv
import datetime
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping

import msgspec

from packages_spec.descriptive import Description
from packages_spec.findings import Finding
from repository.domain.values import SecrecyClass

NAME = "catalogue.csv"
HEADER = ("档号", "题名", "责任者", "日期", "密级", "保管期限", "页数", "文件")
NEEDED = ("题名", "文件")
_DATE = re.compile(r"^(\d{4})(?:-?(\d\d)(?:-?(\d\d))?)?$")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One record as its producer describes it. `number` is the row's number in the file, the header being 1.

    What could not be understood is None and stands in a finding.
    """

    number: int
    reference_code: str | None
    title: str
    responsible_party: str | None
    date: str | None
    secrecy_class: SecrecyClass | None
    retention_period: str | None
    page_count: int | None
    files: tuple[str, ...]


class CatalogueFile(msgspec.Struct, frozen=True):
    """What the file says, and what is wrong with it (`catalogue.csv:ROW` names the place)."""

    rows: tuple[Row, ...]
    findings: tuple[Finding, ...]


def read_catalogue(content: bytes) -> CatalogueFile:
    """Read it whole: a catalogue is a few hundred bytes a record."""
    text = _decode(content)
    if text is None:
        return CatalogueFile((), (Finding("delivery.catalogue-encoding", NAME),))
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        return CatalogueFile((), (Finding("delivery.catalogue-header", NAME, ",".join(HEADER), str(error)),))
    header = [name.strip() for name in lines[0]] if lines else []
    lacking = [name for name in NEEDED if name not in header]
    if lacking:
        found = ",".join(header)
        return CatalogueFile((), (Finding("delivery.catalogue-header", NAME, ",".join(HEADER), found),))
    rows: list[Row] = []
    findings: list[Finding] = []
    for number, line in enumerate(lines[1:], 2):
        if any(cell.strip() for cell in line):
            row, wrong = _row(number, dict(zip(header, (cell.strip() for cell in line), strict=False)))
            rows.append(row)
            findings += wrong
    findings += _repeated(rows)
    return CatalogueFile(tuple(rows), tuple(findings))


def row_of(described: Description) -> Row:
    """The one row that a SIP's own description amounts to."""
    return Row(
        number=1,
        reference_code=described.reference_code,
        title=described.title,
        responsible_party=described.responsible_party,
        date=described.date,
        secrecy_class=SecrecyClass(described.secrecy_class),
        retention_period=described.retention_period,
        page_count=described.page_count,
        files=(),
    )


def above_ceiling(rows: tuple[Row, ...], ceiling: SecrecyClass) -> Iterator[Row]:
    """The rows marked more secret than this archive may hold."""
    return (row for row in rows if row.secrecy_class and row.secrecy_class.rank > ceiling.rank)


def _decode(content: bytes) -> str | None:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _row(number: int, cells: Mapping[str, str]) -> tuple[Row, list[Finding]]:
    findings: list[Finding] = []
    place = f"{NAME}:{number}"
    date = _date(cells.get("日期", ""))
    if cells.get("日期") and date is None:
        findings.append(Finding("delivery.catalogue-date", place, "YYYYMMDD", cells["日期"]))
    secrecy = _secrecy(cells.get("密级", ""))
    if secrecy is None:
        findings.append(Finding("delivery.catalogue-secrecy", place, "/".join(SecrecyClass), cells["密级"]))
    pages = cells.get("页数", "")
    if pages and not (pages.isascii() and pages.isdigit()):
        findings.append(Finding("delivery.catalogue-pages", place, "0-9", pages))
    if not cells.get("题名"):
        findings.append(Finding("delivery.catalogue-title", place))
    row = Row(
        number=number,
        reference_code=cells.get("档号") or None,
        title=cells.get("题名", ""),
        responsible_party=cells.get("责任者") or None,
        date=date,
        secrecy_class=secrecy,
        retention_period=cells.get("保管期限") or None,
        page_count=int(pages) if pages.isascii() and pages.isdigit() else None,
        files=tuple(name.strip().strip("/") for name in cells.get("文件", "").split(";") if name.strip()),
    )
    return row, findings


def _date(text: str) -> str | None:
    match = _DATE.match(text)
    if match is None:
        return None
    year, month, day = match.groups()
    try:
        datetime.date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        return None
    return "-".join(part for part in (year, month, day) if part)


def _secrecy(text: str) -> SecrecyClass | None:
    if text in ("", "无", "非密"):
        return SecrecyClass.OPEN
    return SecrecyClass(text) if text in list(SecrecyClass) else None


def _repeated(rows: list[Row]) -> Iterator[Finding]:
    codes: dict[str, int] = {}
    for row in rows:
        if row.reference_code is None:
            continue
        code = unicodedata.normalize("NFC", row.reference_code)
        if code in codes:
            first = f"{NAME}:{codes[code]}"
            yield Finding("delivery.catalogue-code-repeated", f"{NAME}:{row.number}", first, row.reference_code)
        codes.setdefault(code, row.number)
