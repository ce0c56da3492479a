"""What a delivery is made of (移交内容): its units, the papers that came with them, and what is wrong with it.

A unit is a bag or SIP; or the folder; or, where a catalogue names the records, each of its rows; or, on request, each
child folder. What came along and is no content - tag files, METS, the catalogue and the tables that go with it - is
kept unchanged as papers.
Everything here is worked out from the list of files, so the same delivery gives the same plan every time.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import PurePosixPath

import msgspec

from packages_spec.digests import Digested
from packages_spec.findings import Finding
from packages_spec.paths import safe_paths
from packages_spec.xml_text import is_writable
from repository.services.catalogue_file import Row
from repository.services.delivery_papers import catalogues, paper_of

WHOLE = "."
"""Path of the unit that is the whole delivery, and of the delivery's own papers."""

LISTING = "delivery.sha256"
"""Name of the listing of a delivery's files, kept with its papers."""


ONE_PAGE = frozenset({".jpg", ".jpeg", ".tif", ".tiff", ".png", ".jp2", ".bmp", ".txt"})
"""Suffixes of files that hold one page each; where a record has other files, its pages cannot be counted by files."""


class Delivered(Digested, frozen=True):
    """A file of the delivery under the name that it came with; `modified` is RFC 3339."""

    modified: str


class ContentFile(msgspec.Struct, frozen=True):
    """A file of a unit. `path` is where it will stand, below the representation's data folder.

    `name` is its own name as it was delivered, where the path rules changed it.
    """

    delivered: Delivered
    path: str
    name: str | None


class UnitPlan(msgspec.Struct, frozen=True):
    """One package to be: its files, its papers, its row of the catalogue if there is one, and its title."""

    path: str
    title: str
    row: Row | None
    files: tuple[ContentFile, ...]
    papers: tuple[ContentFile, ...]

    @property
    def size(self) -> int:
        """Bytes of its content."""
        return sum(file.delivered.size for file in self.files)


class Layout(StrEnum):
    """How the units are found in the delivery."""

    BAG = "bag"
    WHOLE = "whole"
    ROWS = "rows"
    FOLDERS = "folders"


class DeliveryPlan(msgspec.Struct, frozen=True):
    """The units in the order of their paths, and the findings that stand against the delivery."""

    units: tuple[UnitPlan, ...]
    findings: tuple[Finding, ...]


def layout_of(files: Sequence[Delivered], *, is_bag: bool, per_folder: bool) -> Layout:
    """How to look for units. A catalogue decides before the wish for one package a folder."""
    if is_bag:
        return Layout.BAG
    if catalogues(file.path for file in files):
        return Layout.ROWS
    return Layout.FOLDERS if per_folder else Layout.WHOLE


def plan_delivery(
    files: Sequence[Delivered], layout: Layout, rows: Sequence[Row], title: str, *, papers_path: str = WHOLE
) -> DeliveryPlan:
    """Work out the units. Every file of the delivery ends up in exactly one unit, or in a finding."""
    named = safe_paths(file.path for file in files)
    findings = list(named.findings)
    if not files:
        findings.append(Finding("delivery.empty", WHOLE))
    safe = named.names
    match layout:
        case Layout.BAG:
            units = [_bag(files, safe, title, rows[0] if rows else None)]
        case Layout.WHOLE:
            units = [_unit(WHOLE, title, None, files, safe, prefix="")]
        case Layout.ROWS:
            units = _rows(files, rows, safe, findings)
        case Layout.FOLDERS:
            units = _folders(files, safe, findings)
    if layout in (Layout.ROWS, Layout.FOLDERS):
        papers = [file for file in files if layout is Layout.ROWS and paper_of(file.path)]
        units = _with_papers(units, papers, safe, title, papers_path)
    return DeliveryPlan(tuple(units), tuple(findings))


def _unit(
    path: str, title: str, row: Row | None, files: Iterable[Delivered], safe: Mapping[str, str], *, prefix: str
) -> UnitPlan:
    content = tuple(_content(file, safe, prefix) for file in files)
    return UnitPlan(path, writable(title), row, content, ())


def _content(file: Delivered, safe: Mapping[str, str], prefix: str) -> ContentFile:
    path, name = safe[file.path], file.path
    if not prefix:
        return ContentFile(file, path, name if name != path else None)
    start = len(prefix.split("/")) - 1
    inner = "/".join(path.split("/")[start:])
    return ContentFile(file, inner, name[len(prefix) :] if name[len(prefix) :] != inner else None)


def _paper(file: Delivered, safe: Mapping[str, str]) -> ContentFile:
    """A paper under its own name, but for the one name that the archive's own listing has there."""
    paper = _content(file, safe, "")
    return ContentFile(file, "delivery_2.sha256", file.path) if paper.path == LISTING else paper


def _bag(files: Sequence[Delivered], safe: Mapping[str, str], title: str, row: Row | None) -> UnitPlan:
    prefix = _content_prefix(files)
    content = [file for file in files if file.path.startswith(prefix)]
    papers = tuple(_paper(file, safe) for file in files if not file.path.startswith(prefix))
    unit = _unit(WHOLE, row.title if row else title, row, content, safe, prefix=prefix)
    return msgspec.structs.replace(unit, papers=papers)


def _content_prefix(files: Sequence[Delivered]) -> str:
    """Where the content of a bag begins: in `data/`, or in the representation of the E-ARK SIP that the bag holds."""
    for file in files:
        parts = file.path.split("/")
        if len(parts) == 3 and parts[0] == "data" and parts[1].startswith("uuid-") and parts[2] == "METS.xml":
            inside = f"data/{parts[1]}/representations/original/data/"
            if any(other.path.startswith(inside) for other in files):
                return inside
    return "data/"


class _Files:
    """The delivery's content, found by path, by folder, by name, and by the 档号 that names bear."""

    def __init__(self, files: Sequence[Delivered]) -> None:
        self.all = [file for file in files if paper_of(file.path) is None]
        self._within: dict[str, list[Delivered]] = defaultdict(list)
        self._named: dict[str, list[Delivered]] = defaultdict(list)
        for file in self.all:
            parts = file.path.split("/")
            self._within[WHOLE].append(file)
            for depth in range(1, len(parts) + 1):
                self._within["/".join(parts[:depth])].append(file)
            stem = PurePosixPath(file.path).stem
            for name in {*parts[1:], stem, *_without_serial(stem)}:
                self._named[name].append(file)

    def of(self, name: str) -> list[Delivered]:
        """The file or folder of this path; else those of this name wherever they lie, or with it before a serial."""
        return self._within.get(name) or self._named.get(name, [])


def _without_serial(stem: str) -> Iterator[str]:
    """What stands before the serial in a page's name."""
    if found := re.fullmatch(r"(.+)[-_]\d{1,6}", stem):
        yield found[1]


def _rows(
    files: Sequence[Delivered], rows: Sequence[Row], safe: Mapping[str, str], findings: list[Finding]
) -> list[UnitPlan]:
    content = _Files(files)
    owner: dict[str, str] = {}
    codes: set[str] = set()
    units = []
    for row in rows:
        wanted = row.files or ((row.reference_code,) if row.reference_code else ())
        place = row.cell("files", "reference_code")
        found: dict[str, Delivered] = {}
        if not wanted:
            findings.append(Finding("delivery.catalogue-files-missing", place, found="文件"))
        for name in wanted:
            members = content.of(name)
            if not members:
                findings.append(Finding("delivery.catalogue-files-missing", place, found=name))
            shared = [member for member in members if owner.get(member.path, row.place) != row.place]
            if shared and row.reference_code not in codes:  # of a code that stands twice, that is the fault
                findings.append(Finding("delivery.catalogue-files-shared", place, owner[shared[0].path], name))
            for member in members:
                if owner.setdefault(member.path, row.place) == row.place:
                    found[member.path] = member
        codes |= {row.reference_code} if row.reference_code else set()
        path = wanted[0] if wanted else row.place
        units.append(_unit(path, row.title, row, found.values(), safe, prefix=_prefix(wanted, [*found.values()])))
    findings += _ownerless(content.all, owner)
    return units


def _prefix(wanted: Sequence[str], found: Sequence[Delivered]) -> str:
    """The folder whose content a record is, where it is one: its name says nothing that the record does not."""
    if len(wanted) != 1 or wanted[0] == WHOLE or not found or any(file.path == wanted[0] for file in found):
        return ""
    if all(file.path.startswith(f"{wanted[0]}/") for file in found):
        return f"{wanted[0]}/"
    folders = {file.path.rpartition("/")[0] for file in found}
    return f"{folders.pop()}/" if len(folders) == 1 and folders != {""} else ""


def _ownerless(files: Sequence[Delivered], owner: Mapping[str, str]) -> Iterator[Finding]:
    """Files that no row has; a folder of which no row has anything is named once."""
    held = {WHOLE} | {"/".join(parts[:depth]) for parts in map(_parts, owner) for depth in range(1, len(parts))}
    strays: dict[str, int] = Counter()
    for file in files:
        if file.path not in owner:
            parts = _parts(file.path)
            above = ("/".join(parts[:depth]) for depth in range(1, len(parts)))
            strays[next((folder for folder in above if folder not in held), file.path)] += 1
    for path, count in strays.items():
        yield Finding("delivery.not-in-catalogue", path, found=str(count))


def _parts(path: str) -> list[str]:
    return path.split("/")


def _folders(files: Sequence[Delivered], safe: Mapping[str, str], findings: list[Finding]) -> list[UnitPlan]:
    children: dict[str, list[Delivered]] = defaultdict(list)
    for file in files:
        folder, slash, _ = file.path.partition("/")
        if slash:
            children[folder].append(file)
        else:
            findings.append(Finding("delivery.loose-file", file.path))
    return [
        _unit(folder, folder, None, members, safe, prefix=f"{folder}/") for folder, members in sorted(children.items())
    ]


def _with_papers(
    units: list[UnitPlan], papers: Sequence[Delivered], safe: Mapping[str, str], title: str, path: str
) -> list[UnitPlan]:
    """Keep the papers with the one unit there is; the papers of several units become a package of their own."""
    kept = tuple(_paper(file, safe) for file in papers)
    if len(units) == 1:
        return [msgspec.structs.replace(units[0], papers=kept)]
    return [*units, UnitPlan(path, writable(f"移交材料：{title}"), None, kept, ())] if kept else units


def writable(title: str) -> str:
    """The title with every character that XML cannot carry replaced by `_`."""
    return "".join(character if is_writable(character) else "_" for character in title)
