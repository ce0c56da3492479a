"""The catalogue that comes with a delivery (移交目录): a table with one row for each record.

It is `catalogue.csv`, or a csv, xlsx or XML file whose name says 目录 (or `catalogue`); in which columns what stands is
understood by a mapping profile (`mapping`). 文件 names the record's folder, or its files separated by `;`; where it is
silent the record's files are those that bear its 档号. What could not be understood is named by row and column.
"""

import datetime
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from packages_spec.descriptive import Description
from packages_spec.findings import Finding
from packages_spec.tables import RefusedTable, Sheet, place_of, read_text
from repository.domain.values import Level, SecrecyClass
from repository.services.mapping import Mapped, Profile, builtin, cells_of, date_parts, understand

NAME = "catalogue.csv"
HEADER = ("档号", "题名", "责任者", "日期", "密级", "保管期限", "页数", "文件")
FIELDS = (
    "reference_code",
    "title",
    "responsible_party",
    "date",
    "secrecy_class",
    "retention_period",
    "page_count",
    "files",
    "fonds",
    "series",
    "volume",
    "item",
    "document_number",
    "page_numbers",
    "note",
)
"""What a catalogue can say of a record."""
_CODED = ("reference_code", "item", "volume")
"""One of these at least, or 文件, has to lead to a record's files."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One record as its producer describes it. `number` is the row's number in the file, `place` names it in findings.

    What could not be understood is None and stands in a finding. `columns` names the cells of the row, by field.
    `volume` is the 档号 of the volume that an item lies in, where the catalogue has two levels.
    """

    number: int
    place: str
    reference_code: str | None
    title: str
    responsible_party: str | None
    date: str | None
    secrecy_class: SecrecyClass | None
    retention_period: str | None
    page_count: int | None
    files: tuple[str, ...]
    pages: tuple[int, int] | None = None
    columns: Mapping[str, str] = {}
    level: Level = Level.ITEM
    volume: str | None = None

    def cell(self, *fields: str) -> str:
        """The place of the first of these fields that has a column; else the row's."""
        return next((f"{self.place}:{self.columns[field]}" for field in fields if field in self.columns), self.place)


class CatalogueSheet(msgspec.Struct, frozen=True):
    """One of the sheets of a catalogue in two levels: where it lies, what its rows are, how it was understood."""

    name: str
    sheet: str
    level: Level
    mapped: Mapped
    rows: int


class CatalogueFile(msgspec.Struct, frozen=True):
    """What the file says, how it was understood, and what is wrong with it.

    Each of `rows` is a package to be. Where the catalogue has two levels, `volumes` are entries without files of their
    own, and `items` those whose pages lie in their volume's package; `sheets` are all that were read together.
    """

    rows: tuple[Row, ...]
    findings: tuple[Finding, ...]
    name: str = NAME
    sheet: str = ""
    profile: Profile = msgspec.field(default_factory=builtin)
    mapped: Mapped | None = None
    volumes: tuple[Row, ...] = ()
    items: tuple[Row, ...] = ()
    sheets: tuple[CatalogueSheet, ...] = ()

    @property
    def every_row(self) -> tuple[Row, ...]:
        """Whatever it describes."""
        return (*self.rows, *self.volumes, *self.items)


def read_catalogue(content: bytes, name: str = NAME, profile: Profile | None = None) -> CatalogueFile:
    """Read a catalogue in csv whole: it is a few hundred bytes a record."""
    try:
        return read_sheets([read_text(content, name)], name, profile or builtin())
    except RefusedTable as refused:
        return CatalogueFile((), (refused.finding,), name)


def read_sheets(sheets: Sequence[Sheet], name: str, profile: Profile) -> CatalogueFile:
    """The catalogue among the sheets of a table: the one that the profile names, else the first that reads as one."""
    for sheet in sheets:
        if sheet.name == profile.sheet or not profile.sheet:
            mapped = understand(sheet, profile, ("title",), FIELDS)
            if mapped is not None and any(field in mapped.places for field in ("files", *_CODED)):
                return _read(sheet, mapped, name, profile)
    header = ",".join(sheets[0].rows[0]) if sheets and sheets[0].rows else ""
    wanted = Finding("delivery.catalogue-header", name, ",".join(HEADER), header)
    return CatalogueFile((), (wanted,), name, profile=profile)


def _read(sheet: Sheet, mapped: Mapped, name: str, profile: Profile) -> CatalogueFile:
    lines, findings = read_lines(sheet, mapped, name, profile)
    rows = [row for row, _ in lines]
    return CatalogueFile(tuple(rows), (*findings, *repeated(rows)), name, sheet.name, profile, mapped)


def read_lines(
    sheet: Sheet, mapped: Mapped, name: str, profile: Profile
) -> tuple[list[tuple[Row, Mapping[str, str]]], list[Finding]]:
    """Each row of a sheet with its cells by field, and what is wrong with single cells."""
    lines: list[tuple[Row, Mapping[str, str]]] = []
    findings: list[Finding] = []
    names = mapped.names()
    formulas = {(row, mapped.columns[column - 1]) for row, column in sheet.formulas if column <= len(mapped.columns)}
    for number, line in enumerate(sheet.rows[mapped.header_row :], mapped.header_row + 1):
        if any(line):
            place = place_of(name, sheet.name, number)
            cells = cells_of(line, mapped, profile)
            row, wrong = _row(number, place, cells, names, profile)
            lines.append((row, cells))
            findings += wrong
    findings += [
        Finding("delivery.catalogue-formula", f"{place_of(name, sheet.name, row)}:{column.letters}({column.header})")
        for row, column in sorted(formulas, key=lambda one: (one[0], one[1].letters))
        if column.field is not None
    ]
    return lines, findings


def row_of(described: Description) -> Row:
    """The one row that a SIP's own description amounts to."""
    return Row(
        number=1,
        place=f"{NAME}:1",
        reference_code=described.reference_code,
        title=described.title,
        responsible_party=described.responsible_party,
        date=described.date,
        secrecy_class=SecrecyClass(described.secrecy_class),
        retention_period=described.retention_period,
        page_count=described.page_count,
        files=(),
    )


def above_ceiling(rows: Sequence[Row], ceiling: SecrecyClass) -> Iterator[Row]:
    """The rows marked more secret than this archive may hold."""
    return (row for row in rows if row.secrecy_class and row.secrecy_class.rank > ceiling.rank)


def _row(
    number: int, place: str, cells: Mapping[str, str], names: Mapping[str, str], profile: Profile
) -> tuple[Row, list[Finding]]:
    pages = cells.get("page_count", "")
    row = Row(
        number=number,
        place=place,
        reference_code=_code(cells, profile),
        title=cells.get("title", ""),
        responsible_party=cells.get("responsible_party") or None,
        date=_date(cells.get("date", ""), profile),
        secrecy_class=_secrecy(cells.get("secrecy_class", "")),
        retention_period=cells.get("retention_period") or None,
        page_count=int(pages) if pages.isascii() and pages.isdigit() else None,
        files=tuple(
            name.strip().replace("\\", "/").strip("/")
            for name in cells.get("files", "").split(profile.separator)
            if name.strip()
        ),
        pages=page_range(cells.get("page_numbers", "")),
        columns=names,
    )
    return row, list(_faults(row, cells, profile))


def _faults(row: Row, cells: Mapping[str, str], profile: Profile) -> Iterator[Finding]:
    date, pages = cells.get("date", ""), cells.get("page_count", "")
    if date and row.date is None:
        yield Finding("delivery.catalogue-date", row.cell("date"), profile.dates[0], date)
    if row.secrecy_class is None:
        yield Finding(
            "delivery.catalogue-secrecy", row.cell("secrecy_class"), "/".join(SecrecyClass), cells["secrecy_class"]
        )
    if pages and row.page_count is None:
        yield Finding("delivery.catalogue-pages", row.cell("page_count"), "0-9", pages)
    if not row.title:
        yield Finding("delivery.catalogue-title", row.cell("title"))


def _code(cells: Mapping[str, str], profile: Profile) -> str | None:
    """The reference code as it stands, or put together where no column gives it whole."""
    if "reference_code" in cells:
        return cells["reference_code"] or None
    parts = [cells[part] for part in profile.compose if cells.get(part)]
    return profile.joint.join(parts) if len(parts) > 1 else None


def page_range(text: str) -> tuple[int, int] | None:
    """`7` or `7-12` as first and last page; null for anything else."""
    found = re.fullmatch(r"0*(\d{1,6})(?:\s*[-~－—至]\s*0*(\d{1,6}))?", text.strip())
    if found is None:
        return None
    first, last = int(found[1]), int(found[2] or found[1])
    return (first, last) if 0 < first <= last else None


def _date(text: str, profile: Profile) -> str | None:
    parts = date_parts(text, profile)
    if parts is None:
        return None
    year, month, day = parts
    try:
        datetime.date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        return None
    return "-".join(part for part in (year, month, day) if part)


def _secrecy(text: str) -> SecrecyClass | None:
    if text in ("", "无", "非密"):
        return SecrecyClass.OPEN
    return SecrecyClass(text) if text in list(SecrecyClass) else None


def same_code(code: str) -> str:
    """A reference code as it is compared."""
    return unicodedata.normalize("NFC", code)


def repeated(rows: Sequence[Row]) -> Iterator[Finding]:
    """The rows whose 档号 an earlier row has."""
    codes: dict[str, Row] = {}
    for row in rows:
        if row.reference_code is None:
            continue
        first = codes.setdefault(same_code(row.reference_code), row)
        if first is not row:
            place = row.cell("reference_code")
            yield Finding("delivery.catalogue-code-repeated", place, first.place, row.reference_code)
