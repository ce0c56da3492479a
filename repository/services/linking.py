"""Linking (数据挂接): whether the catalogue's rows and the page files belong together, one to one, in number and order.

Names are judged (N01-N03: 档号 + serial, no gap, no page twice) in a scanned delivery: one in which at least half of
the pictures are named so, by their own 档号 or one like it. What the 备考表 declares passes. One cause gives one
finding: a page that is missing is not counted again as a wrong page count, and a record whose every page bears another
档号 is one wrong 档号.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from pathlib import PurePosixPath

import msgspec

from packages_spec.findings import Finding
from repository.services.catalogue_file import Row, same_code
from repository.services.declarations import Condition, Declared
from repository.services.delivery import ONE_PAGE, Delivered, UnitPlan

PICTURES = frozenset({".jpg", ".jpeg", ".tif", ".tiff", ".png", ".jp2", ".jpf", ".bmp"})
_PAGE = re.compile(r"(?P<code>.+)[-_](?P<serial>\d{1,6})(?P<more>[a-z]|[-_]\d{1,2})?")
_SERIAL = re.compile(r"[-_](\d{1,6})([a-z]|[-_]\d{1,2})?", re.IGNORECASE)


class Uncounted(Enum):
    """Why the pages of a file are not known."""

    UNREADABLE = "unreadable"
    NOT_COUNTED = "not-counted"


PageCount = int | Uncounted
"""Pages of a file that can hold several."""


class Page(msgspec.Struct, frozen=True):
    """A picture of a record: the serial in its name, and whether it is one more picture of that page."""

    file: Delivered
    serial: int | None
    extra: bool


class _Unit(msgspec.Struct):
    """A record under judgement."""

    row: Row
    code: str
    pages: list[Page]
    files: tuple[Delivered, ...]
    declared: Mapping[Condition, frozenset[int]]
    missing: list[int] = []
    surplus: int = 0


def judge_linking(
    units: Sequence[UnitPlan], declared: Sequence[Declared], counts: Mapping[str, PageCount]
) -> list[Finding]:
    """Every fault between rows and files. `counts` are the pages of files that can hold several, by path.

    Where an earlier row has the same code that is the fault, and names are not judged by the code of the later row.
    """
    judged = [unit for unit in (_unit(unit, declared) for unit in units if unit.row) if unit.files]
    findings: list[Finding] = []
    if _is_scanned(judged):
        first = {unit.code: unit for unit in reversed(judged)}
        misplaced = _misplaced(judged, frozenset(first))
        for unit in judged:
            if unit.code and first[unit.code] is unit:
                findings += _judge_names(unit, misplaced)
        findings += _same_bytes(judged, {finding.path for finding in findings})
    for unit in judged:
        findings += _judge_count(unit, counts)
    findings += [Finding("delivery.page-empty", file.path) for unit in judged for file in unit.files if not file.size]
    return findings


def codes_known(units: Sequence[UnitPlan]) -> frozenset[str]:
    """Codes that the catalogue or its pages' names bear: a code mistyped in the one stands in the other."""
    rows = {same_code(unit.row.reference_code) for unit in units if unit.row and unit.row.reference_code}
    named = {_stem_code(file.delivered.path) for unit in units if unit.row for file in unit.files}
    return frozenset(rows | {code for code in named if code})


def named_page(code: str, file: str) -> tuple[int, bool] | None:
    """Serial of a page that is named by this code, and whether it is one more picture of it (`-007a`, `-007-2`)."""
    stem = PurePosixPath(file).stem
    if not code or not same_code(stem).startswith(code):
        return None
    found = _SERIAL.fullmatch(same_code(stem)[len(code) :])
    return (int(found[1]), found[2] is not None) if found else None


def _unit(plan: UnitPlan, declared: Sequence[Declared]) -> _Unit:
    row = plan.row
    if row is None:
        raise TypeError(plan.path)
    code = same_code(row.reference_code or "")
    files = tuple(file.delivered for file in plan.files)
    pages = []
    for file in files:
        if PurePosixPath(file.path).suffix.lower() in PICTURES and PurePosixPath(file.path).stem != code:
            serial, extra = named_page(code, file.path) or (None, False)
            pages.append(Page(file, serial, extra))
    said: dict[Condition, set[int]] = defaultdict(set)
    for one in declared:
        if code and same_code(one.reference_code) == code:
            said[one.condition].update(one.pages)
    return _Unit(row, code, pages, files, {condition: frozenset(said[condition]) for condition in Condition})


def _is_scanned(units: Sequence[_Unit]) -> bool:
    """Whether at least half of the pictures are named by a 档号 and a serial: their own, or one that looks like it."""
    pages = [(unit, page) for unit in units for page in unit.pages]
    named = sum(page.serial is not None or _is_like(page.file.path, unit.code) for unit, page in pages)
    return bool(pages) and 2 * named >= len(pages)


def _is_like(path: str, code: str) -> bool:
    """Whether a page's name begins with a 档号 that differs from this one in its numbers alone."""
    return bool(code) and _shape(_stem_code(path)) == _shape(code)


def _shape(code: str | None) -> str:
    """A 档号 without what tells it from another one of its fonds."""
    return re.sub(r"\d", "0", code or "")


def _misplaced(units: Sequence[_Unit], codes: frozenset[str]) -> dict[str, set[int]]:
    """By code, the serials that lie with another record: there they are strangers, here they are no gaps."""
    found: dict[str, set[int]] = defaultdict(set)
    for unit in units:
        for page in unit.pages:
            known = _PAGE.fullmatch(same_code(PurePosixPath(page.file.path).stem)) if page.serial is None else None
            if known and known["code"] in codes:
                found[known["code"]].add(int(known["serial"]))
    return found


def _judge_names(unit: _Unit, misplaced: Mapping[str, set[int]]) -> Iterator[Finding]:
    strangers = [page for page in unit.pages if page.serial is None]
    others = {_stem_code(page.file.path) for page in strangers}
    if unit.pages and len(strangers) == len(unit.pages) and len(others) == 1 and None not in others:
        yield Finding("delivery.code-differs", unit.row.cell("reference_code"), str(others.pop()), unit.code)
        return
    present: Counter[int] = Counter()
    first: dict[int, str] = {}
    for page in unit.pages:
        if page.serial is None:
            yield Finding("delivery.page-name", page.file.path, f"{unit.code}-NNN", PurePosixPath(page.file.path).name)
            unit.surplus += _stem_code(page.file.path) in misplaced
        elif page.extra:
            unit.surplus += 1
            allowed = unit.declared[Condition.INSERT] | unit.declared[Condition.FOLDED]
            if page.serial not in allowed:
                yield Finding("delivery.page-insert", page.file.path, found=str(page.serial))
        elif page.serial in first:
            unit.surplus += 1
            yield Finding("delivery.page-twice", page.file.path, first[page.serial], str(page.serial))
        else:
            first[page.serial] = page.file.path
            present[page.serial] += 1
    yield from _gaps(unit, set(first), misplaced)


def _gaps(unit: _Unit, present: set[int], misplaced: Mapping[str, set[int]]) -> Iterator[Finding]:
    """Serials that ought to be there: from 1, or from the first page number that the catalogue gives."""
    elsewhere = misplaced.get(unit.code, set())
    renamed = {int(found) for page in unit.pages if page.serial is None and (found := _trailing(page.file.path))}
    if not present:
        return
    start = unit.row.pages[0] if unit.row.pages and min(present) >= unit.row.pages[0] else 1
    excused = unit.declared[Condition.MISSING] | unit.declared[Condition.BLANK]
    lacking = [serial for serial in range(start, max(present) + 1) if serial not in present]
    unit.missing = lacking
    blamed = [serial for serial in lacking if serial not in excused | elsewhere | renamed]
    for first, last in runs(blamed):
        name = f"{unit.code}-{first:03}" + (f"…{last:03}" if last > first else "")
        yield Finding("delivery.page-missing", unit.row.cell("files", "reference_code"), name)
    for serial in sorted(unit.declared[Condition.MISSING] & present):
        yield Finding("delivery.declared-present", unit.row.cell("reference_code"), found=str(serial))


def _judge_count(unit: _Unit, counts: Mapping[str, PageCount]) -> Iterator[Finding]:
    """The catalogue's page count against the files'; what another finding or the 备考表 explains is allowed for."""
    wanted = unit.row.page_count
    suffixes = {PurePosixPath(file.path).suffix.lower() for file in unit.files}
    if wanted is None or not suffixes <= ONE_PAGE | {".pdf"}:
        return
    each = [counts.get(file.path, 1) for file in unit.files]
    unknown = [(file, count) for file, count in zip(unit.files, each, strict=True) if isinstance(count, Uncounted)]
    for file, why in unknown:
        unreadable = why is Uncounted.UNREADABLE
        yield Finding("delivery.pages-unreadable" if unreadable else "delivery.pages-not-counted", file.path)
    if unknown or (".pdf" in suffixes and len(suffixes) > 1):
        return
    found = sum(count for count in each if isinstance(count, int))
    unseen = unit.declared[Condition.MISSING] | unit.declared[Condition.BLANK]
    beyond = len([serial for serial in unseen if serial not in unit.missing and serial > found])
    if not found - unit.surplus <= wanted <= found + len(unit.missing) + beyond:
        yield Finding("delivery.page-count", unit.row.cell("page_count"), str(wanted), str(found))


def _same_bytes(units: Sequence[_Unit], known: set[str]) -> Iterator[Finding]:
    """A picture whose very bytes stand in the delivery already; pages declared blank may look alike."""
    first: dict[str, str] = {}
    for unit in units:
        for page in unit.pages:
            if page.serial in unit.declared[Condition.BLANK] or not page.file.size:
                continue
            before = first.setdefault(page.file.sha256, page.file.path)
            if before != page.file.path and page.file.path not in known:
                yield Finding("delivery.file-twice", page.file.path, before)


def _stem_code(path: str) -> str | None:
    found = _PAGE.fullmatch(same_code(PurePosixPath(path).stem))
    return found["code"] if found else None


def _trailing(path: str) -> str | None:
    """The digits at the end of a name: of a page under a wrong name they still say which one it is."""
    found = re.search(r"(\d{1,6})$", PurePosixPath(path).stem)
    return found[1] if found else None


def runs(serials: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last of each run of serials that follow one another."""
    start = 0
    for place in range(1, len(serials) + 1):
        if place == len(serials) or serials[place] != serials[place - 1] + 1:
            yield serials[start], serials[place - 1]
            start = place
