"""A catalogue sheet that came back (目录表), as cells by row and field; every fault names row and column."""

from packages_spec.findings import Finding
from packages_spec.tables import Sheet, cell_name, place_of
from repository.errors import ArchiveError
from repository.services.catalogue_export import CODE, ID, PARENT, VERSION
from repository.services.description_fields import field_named
from repository.services.tables import FORMULA


class SheetCells:
    """The cells, and what is wrong with them so far. Columns that nothing is known of are told and passed over."""

    def __init__(self, name: str, sheet: Sheet) -> None:
        self.findings: list[Finding] = []
        self.columns: dict[str, int] = {}
        self._name, self._sheet = name, sheet
        for column, header in enumerate(sheet.rows[0] if sheet.rows else (), 1):
            known = header if header in (ID, VERSION, CODE, PARENT) else self._field(column, header)
            if known is not None:
                self.columns[known] = column

    def _field(self, column: int, header: str) -> str | None:
        if not header:
            return None
        try:
            return field_named(header).key
        except ArchiveError:
            self.fault("sheet.column-unknown", 1, column, found=header)
            return None

    @property
    def numbers(self) -> list[int]:
        """The rows that say something, from the second."""
        return [number for number in range(2, len(self._sheet.rows) + 1) if any(self._sheet.rows[number - 1])]

    def cell(self, number: int, key: str) -> str:
        """What a cell holds; empty where the sheet has no such column."""
        column = self.columns.get(key, 0)
        row = self._sheet.rows[number - 1]
        return row[column - 1] if 0 < column <= len(row) else ""

    def is_formula(self, number: int, key: str) -> bool:
        """Whether a cell computes what it shows."""
        return (number, self.columns[key]) in self._sheet.formulas

    def fault(self, code: str, number: int, column: int | None, *, expected: str = "", found: str = "") -> None:
        """A fault of a cell, or of a row where there is no such column."""
        place = place_of(self._name, "", number)
        if column is not None:
            header = self._sheet.rows[0][column - 1] if self._sheet.rows else ""
            place = f"{place}:{cell_name(column, header)}"
        self.findings.append(Finding(code, place, expected, found))

    def fault_at(self, code: str, number: int, key: str, *, expected: str = "", found: str = "") -> None:
        """A fault of the cell of a field."""
        self.fault(code, number, self.columns.get(key), expected=expected, found=found)

    def refuse(self, number: int, key: str | None, error: ArchiveError) -> None:
        """A fault in the words of the error that a single change would have met."""
        found = f"{error.message('zh')} / {error.message('en')}"
        self.fault("sheet.refused", number, None if key is None else self.columns.get(key), found=found)

    def lacks(self, *headers: str) -> bool:
        """Tell which of these columns are missing; whether any is."""
        missing = [header for header in headers if header not in self.columns]
        for header in missing:
            self.findings.append(Finding("sheet.column-missing", place_of(self._name, "", 1), header))
        return bool(missing)


def meant(cell: str) -> str:
    """Words that a cell stands for."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA) else cell
