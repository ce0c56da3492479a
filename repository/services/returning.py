"""Returning (退回): the producer's catalogue with the faults beside its rows, as a workbook to work from."""

from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from pathlib import Path

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
    catalogue = reception.catalogue
    header = catalogue.mapped.header_row if catalogue.mapped else 0
    stream = BytesIO()
    write_returned(
        stream,
        sheets,
        [header if sheet.name == catalogue.sheet else 0 for sheet in sheets],
        _notes(reception, plan, findings),
    )
    return stream.getvalue()


def write_faults(target: Path, content: bytes) -> None:
    """Write it where it is wanted. `file-exists` where something is there already."""
    try:
        with target.open("xb") as stream:
            stream.write(content)
    except FileExistsError as error:
        raise ArchiveError("file-exists", target) from error


def _sheets(reception: Reception) -> Sequence[Sheet]:
    name = reception.catalogue.name
    if not any(file.path == name for file in reception.files):
        return ()
    try:
        return read_table(reception.place(name), name)
    except RefusedTable:
        return ()  # the finding says why it could not be read


def _notes(reception: Reception, plan: DeliveryPlan, findings: Iterable[Finding]) -> Iterator[Note]:
    rows = {file.delivered.path: unit.row for unit in plan.units if unit.row for file in unit.files}
    rows |= {unit.path: unit.row for unit in plan.units if unit.row}
    for finding in findings:
        result, words = _RESULTS[finding.severity], finding.message("zh")
        cell = read_place(finding.path)
        if cell is not None and cell.file == reception.catalogue.name:
            yield Note(cell.sheet, cell.row, cell.column, finding.path, result, words)
        elif row := rows.get(finding.path):
            yield Note(reception.catalogue.sheet, row.number, None, finding.path, result, words)
        else:
            yield Note("", None, None, finding.path, result, words)
