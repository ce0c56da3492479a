"""Papers (移交文据): which of a delivery's files are no content, and what the tables among them say.

By name: the catalogue (目录), what was declared of single pages (备考表), who digitised (工作单), the package's own
note (说明文件) and the metadata of records (元数据) of a DA/T 93 style package. A workbook may hold several as sheets.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path, PurePosixPath

from packages_spec.findings import Finding
from packages_spec.tables import RefusedTable, Sheet, read_text, read_workbook, read_xml


class Paper(StrEnum):
    """What a paper is for."""

    CATALOGUE = "catalogue"
    DECLARATIONS = "declarations"
    WORK_SHEET = "work-sheet"
    NOTE = "note"
    METADATA = "metadata"


_TABLES = frozenset({".csv", ".xlsx"})
_NAMED = {"备考表": Paper.DECLARATIONS, "工作单": Paper.WORK_SHEET}
DECLARATIONS, WORK_SHEET = _NAMED
_NOTES = ("说明文件", "移交说明", "说明")


def paper_of(path: str) -> Paper | None:
    """What a file of this path is for, where the delivery has a catalogue; null for content."""
    file = PurePosixPath(path)
    suffix, stem, at_root = file.suffix.lower(), file.stem, len(file.parts) == 1
    for name, paper in _NAMED.items():
        if name in stem and suffix in _TABLES | {".txt"}:
            return paper
    if at_root and is_catalogue(path):
        return Paper.CATALOGUE
    if at_root and suffix == ".txt" and stem in _NOTES:
        return Paper.NOTE
    if suffix == ".xml" and (stem.endswith("元数据") or "元数据" in file.parts[:-1]):
        return Paper.METADATA
    return None


def is_catalogue(path: str) -> bool:
    """Whether a file at the delivery's root is its catalogue, by its name."""
    file = PurePosixPath(path)
    if len(file.parts) > 1:
        return False
    suffix, stem = file.suffix.lower(), file.stem
    return (stem == "catalogue" and suffix in _TABLES) or ("目录" in stem and suffix in _TABLES | {".xml"})


def catalogues(paths: Iterable[str]) -> list[str]:
    """The delivery's catalogues; more than one is a finding, for nobody says which of them counts."""
    return sorted((path for path in paths if is_catalogue(path)), key=lambda path: (path != "catalogue.csv", path))


def read_table(place: Path, name: str) -> tuple[Sheet, ...]:
    """The sheets of a table, by its suffix. Raises RefusedTable."""
    suffix = PurePosixPath(name).suffix.lower()
    if suffix == ".xlsx":
        return read_workbook(place, name)
    content = place.read_bytes()
    return (read_xml(content, name) if suffix == ".xml" else read_text(content, name),)


def read_all(places: Sequence[tuple[str, Path]]) -> tuple[list[tuple[str, Sheet]], list[Finding]]:
    """Every sheet of these tables with its file's name, and what speaks against reading the others."""
    sheets: list[tuple[str, Sheet]] = []
    findings = []
    for name, place in places:
        try:
            sheets += [(name, sheet) for sheet in read_table(place, name)]
        except RefusedTable as refused:
            findings.append(refused.finding)
    return sheets, findings
