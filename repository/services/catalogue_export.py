"""Exporting the catalogue (目录导出): entries as a workbook, which may come back corrected (see `correction`).

A sheet has one row for each entry: its id, the version that it shows (the position of the entry's last event), its
档号, its parent's 档号, and every field. No cell is taken for a formula, whatever it holds.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Unpack
from uuid import UUID

import msgspec

from repository.catalogue import Description, Filters
from repository.errors import ArchiveError
from repository.services import rights
from repository.services.description_fields import FIELDS, read
from repository.services.search import find_description, position_of, viewer_of
from repository.services.session import Session
from repository.services.tables import neutral

TITLE = "目录"
ID, VERSION, CODE, PARENT = "标识", "版本", "档号", "上级档号"
"""Columns that every sheet has before those of the fields."""


class ExportReport(msgspec.Struct, frozen=True, kw_only=True):
    """A sheet that was written, and the position of the log that it shows."""

    schema: str = "jingui.catalogue-export/1"
    path: str
    entries: int
    position: int


def export_catalogue(
    session: Session,
    target: Path,
    *,
    words: str | None = None,
    below: str | None = None,
    as_of: str | None = None,
    **filters: Unpack[Filters],
) -> ExportReport:
    """Write entries as a workbook: those below one, or those that a search finds. `file-exists`, `record-unknown`.

    A sheet of the past can be read and not be given back: every entry that changed since is a conflict.

    Of what the one who asks may not know of, nothing stands there.
    """
    session.require("search")
    last = session.catch_up()
    then = position_of(session, as_of)
    position = last if then is None else min(then, last)
    if below is not None:
        filters["parent"] = find_description(session, below).id
    filters["viewer"] = viewer_of(session)
    if target.exists():
        raise ArchiveError("file-exists", target)
    entries = 0

    def rows() -> Iterator[list[str]]:
        nonlocal entries
        parents: dict[UUID, str] = {}
        for card in _entries(session, words, position, filters):
            entries += 1
            yield _row(session, card, parents, position)

    _write_workbook(target, [ID, VERSION, CODE, PARENT, *(field.zh for field in FIELDS.values())], rows())
    return ExportReport(path=str(target), entries=entries, position=position)


def _entries(session: Session, words: str | None, position: int, filters: Filters) -> Iterator[Description]:
    after: str | None = None
    while True:
        page = session.catalogue.search(words, as_of=position, limit=1_000, after=after, **filters)
        yield from page.entries
        if (after := page.after) is None:
            return


def _row(session: Session, card: Description, parents: dict[UUID, str], position: int) -> list[str]:
    if card.parent is not None and card.parent not in parents:
        parent = session.catalogue.description(card.parent, as_of=position)
        is_known = parent is not None and rights.known(session, parent)
        parents[card.parent] = (parent.reference_code if parent and is_known else None) or str(card.parent)
    place = parents[card.parent] if card.parent else ""
    return [
        str(card.id),
        str(card.changed.position),
        shown(card.reference_code or ""),
        shown(place),
        *(shown(read(card, key)) for key in FIELDS),
    ]


def shown(words: str) -> str:
    """Words as a cell holds them."""
    return str(neutral(words)).strip()


def _write_workbook(target: Path, header: Sequence[str], rows: Iterator[list[str]]) -> None:
    """Row by row, so that a catalogue of any length fits; a workbook that was not finished is removed."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import TYPE_STRING
    from openpyxl.styles import Font

    book = Workbook(write_only=True)
    page: Any = book.create_sheet(TITLE)  # the library's write-only sheet is typed as another one
    page.freeze_panes = "D2"

    def cell(words: str, *, bold: bool = False) -> Any:
        made = WriteOnlyCell(page, words)
        made.data_type = TYPE_STRING
        if bold:
            made.font = Font(bold=True)
        return made

    page.append([cell(name, bold=True) for name in header])
    for row in rows:
        page.append([cell(words) if words else None for words in row])
    with target.open("xb") as stream:
        try:
            book.save(stream)
        except BaseException:
            target.unlink()
            raise
