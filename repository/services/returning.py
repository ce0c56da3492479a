"""Returning (退回): the producer's catalogue with the faults beside its rows, as a workbook to work from."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path, PurePosixPath

import msgspec

from packages_spec.findings import Finding, Severity
from packages_spec.tables import Note, RefusedTable, Sheet, read_place, write_returned
from repository.errors import ArchiveError
from repository.services.delivery import DeliveryPlan
from repository.services.delivery_papers import read_table
from repository.services.reception import Reception

_RESULTS = {Severity.ERROR: "不合格", Severity.WARNING: "请核实", Severity.INFO: "提示"}


def returned_workbook(reception: Reception, plan: DeliveryPlan, findings: Iterable[Finding]) -> bytes:
    """The catalogue with two columns more, 检查结果 and 说明, faulty cells coloured; in Chinese, for the producer.

    A fault of a file stands beside the row of its record; what belongs to no row is on a sheet of its own.
    """
    sheets = _sheets(reception)
    stream = BytesIO()
    headers = _headers(reception)
    named = {key: _titled(*key, sheets) for key, _ in sheets}
    write_returned(
        stream,
        [msgspec.structs.replace(sheet, name=named[key]) for key, sheet in sheets],
        [headers.get(key, 0) for key, _ in sheets],
        _notes(plan, findings, named),
    )
    return stream.getvalue()


def write_faults(target: Path, content: bytes) -> None:
    """Write it where it is wanted. `file-exists` where something is there already."""
    try:
        with target.open("xb") as stream:
            stream.write(content)
    except FileExistsError as error:
        raise ArchiveError("file-exists", target) from error


_Key = tuple[str, str]
"""File and sheet."""


def _sheets(reception: Reception) -> list[tuple[_Key, Sheet]]:
    """The sheets of the catalogue's files."""
    catalogue = reception.catalogue
    sheets: list[tuple[_Key, Sheet]] = []
    for name in dict.fromkeys([catalogue.name, *(sheet.name for sheet in catalogue.sheets)]):
        try:
            read = read_table(reception.place(name), name) if _has(reception, name) else ()
        except RefusedTable:
            continue  # the finding says why it could not be read
        sheets += [((name, sheet.name), sheet) for sheet in read]
    return sheets


def _has(reception: Reception, name: str) -> bool:
    return any(file.path == name for file in reception.files)


def _headers(reception: Reception) -> dict[_Key, int]:
    """By sheet, the row of its header."""
    catalogue = reception.catalogue
    if catalogue.sheets:
        return {(one.name, one.sheet): one.mapped.header_row for one in catalogue.sheets}
    return {(catalogue.name, catalogue.sheet): catalogue.mapped.header_row} if catalogue.mapped else {}


def _titled(name: str, sheet: str, every: Sequence[tuple[_Key, Sheet]]) -> str:
    """How a sheet is called in the workbook that is given back: by its file, where several files are given back."""
    if len({file for (file, _), _ in every}) == 1:
        return sheet
    stem = PurePosixPath(name).stem
    return f"{stem} {sheet}".strip()[:31]


def _notes(plan: DeliveryPlan, findings: Iterable[Finding], named: Mapping[_Key, str]) -> Iterator[Note]:
    rows = {file.delivered.path: unit.row for unit in plan.units if unit.row for file in unit.files}
    rows |= {unit.path: unit.row for unit in plan.units if unit.row}
    for finding in findings:
        result, words = _RESULTS[finding.severity], finding.message("zh")
        row = rows.get(finding.path)
        cell = read_place(finding.path) or (read_place(row.place) if row else None)
        if cell is not None and (cell.file, cell.sheet) in named:
            yield Note(named[cell.file, cell.sheet], cell.row, cell.column, finding.path, result, words)
        else:
            yield Note("", None, None, finding.path, result, words)
