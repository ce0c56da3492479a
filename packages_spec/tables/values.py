"""What a table is once it was read: sheets of rows of text."""

import msgspec

from packages_spec.findings import Finding

LARGEST = 64 << 20
"""Bytes of the largest table that is read at all: several hundred thousand rows."""
ROWS, COLUMNS = 200_000, 256
"""The most rows and columns of a sheet that are read; more than these is refused and never cut off."""


class Sheet(msgspec.Struct, frozen=True):
    """One sheet; `name` is empty where the file has no sheets. Rows are those of the file, from the first, as text.

    A row ends with its last cell that says something. `formulas` are the cells (row, column; both from 1) whose text
    is a formula.
    """

    name: str
    rows: tuple[tuple[str, ...], ...]
    formulas: frozenset[tuple[int, int]] = frozenset()


class RefusedTable(Exception):  # noqa: N818 - named after what was met, not after being an error
    """The table is not read; `finding` says why."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        super().__init__(finding.message("en"))


def trimmed(cells: list[str]) -> tuple[str, ...]:
    """The cells without the empty ones at their end."""
    while cells and not cells[-1]:
        cells.pop()
    return tuple(cells)
