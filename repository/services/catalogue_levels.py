"""A catalogue in two levels (两级目录): volumes (案卷目录) and the items within them (卷内目录), read together.

Two sheets of one workbook, or two files. An item finds its volume by 案卷档号, else by 案卷号 (with 全宗号 and 目录号
where both levels give them), else by how its 档号 begins. Where items have files of their own, each is a package and
its volume an entry above it; where the files bear the volume's 档号, the volume is the package, and each item an entry
below it with the pages that 页号 gives.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import PurePosixPath

import msgspec

from packages_spec.findings import Finding
from packages_spec.tables import Sheet
from repository.domain.values import Level, SecrecyClass
from repository.services.catalogue_file import (
    FIELDS,
    CatalogueFile,
    CatalogueSheet,
    Row,
    read_lines,
    repeated,
    same_code,
)
from repository.services.mapping import Mapped, Profile, understand

ITEM_FIELDS = ("volume_code", "volume_title", *FIELDS)
VOLUME_FIELDS = (*FIELDS, "item_count")

_Line = tuple[Row, Mapping[str, str]]


def level_of(name: str, profile: Profile) -> Level | None:
    """Which level a sheet or file of this name lists; null where its name says neither."""
    if any(word in name for word in profile.item_sheets):
        return Level.ITEM
    return Level.VOLUME if any(word in name for word in profile.volume_sheets) else None


def read_levels(tables: Sequence[tuple[str, Sheet]], paths: Iterable[str], profile: Profile) -> CatalogueFile | None:
    """The catalogue that these sheets are, each with its file's name; null unless both levels are among them.

    `paths` are the delivery's files: they decide whether volumes or items are the packages.
    """
    found = _levels(tables, profile)
    if profile.sheet or {level for level, _, _ in found} != {Level.VOLUME, Level.ITEM}:
        return None
    lines: dict[Level, list[_Line]] = {Level.VOLUME: [], Level.ITEM: []}
    findings: list[Finding] = []
    sheets: list[CatalogueSheet] = []
    for level, name, sheet in found:
        mapped = _understood(level, sheet, profile)
        if mapped is None:
            header = ",".join(sheet.rows[0]) if sheet.rows else ""
            place = f"{name}:{sheet.name}" if sheet.name else name
            findings.append(Finding("delivery.catalogue-header", place, "题名,档号", header))
            continue
        read, wrong = read_lines(sheet, mapped, name, profile)
        lines[level] += read
        findings += wrong
        sheets.append(CatalogueSheet(name, sheet.name, level, mapped, len(read)))
    volumes = [(msgspec.structs.replace(row, level=Level.VOLUME), cells) for row, cells in lines[Level.VOLUME]]
    items, unlinked = _linked(volumes, lines[Level.ITEM], profile)
    rows = [row for row, _ in (*volumes, *items)]
    findings += [*unlinked, *repeated(rows), *_judged(volumes, [row for row, _ in items], len(unlinked))]
    return _arranged([row for row, _ in volumes], [row for row, _ in items], [*paths], findings, sheets, profile)


def _levels(tables: Sequence[tuple[str, Sheet]], profile: Profile) -> list[tuple[Level, str, Sheet]]:
    """The sheets whose level is known, volumes first: by their own names, else the first of a file by the file's."""
    found: list[tuple[Level, str, Sheet]] = []
    told: set[str] = set()
    for name, sheet in tables:
        own = level_of(sheet.name, profile) if sheet.name else None
        if own is None and name not in told:
            own = level_of(PurePosixPath(name).stem, profile)
            if own is None or _understood(own, sheet, profile) is None:
                continue
        if own is not None:
            told.add(name)
            found.append((own, name, sheet))
    return sorted(found, key=lambda one: one[0] is Level.ITEM)


def _understood(level: Level, sheet: Sheet, profile: Profile) -> Mapped | None:
    mapped = understand(sheet, profile, ("title",), ITEM_FIELDS if level is Level.ITEM else VOLUME_FIELDS)
    codes = ("reference_code", "volume", "volume_code", "files")
    return mapped if mapped is not None and any(field in mapped.places for field in codes) else None


class _Volumes:
    """The volumes of a delivery, found by 档号 and by number."""

    def __init__(self, lines: Sequence[_Line], profile: Profile) -> None:
        self._joint = profile.joint
        self.by_code = {same_code(row.reference_code): row for row, _ in lines if row.reference_code}
        self._by_number: dict[str, list[_Line]] = defaultdict(list)
        for row, cells in lines:
            number = cells.get("volume") or (row.reference_code or "").rpartition(profile.joint)[2]
            self._by_number[_number(number)].append((row, cells))

    def numbered(self, cells: Mapping[str, str]) -> list[Row]:
        """The volumes of an item's 案卷号, of its fonds and series where both levels give them."""
        found = self._by_number.get(_number(cells["volume"]), [])
        for part in ("fonds", "series"):
            said = cells.get(part)
            found = [one for one in found if not said or not one[1].get(part) or one[1][part] == said]
        return [row for row, _ in found]

    def beginning(self, code: str) -> Row | None:
        """The volume whose 档号 an item's begins with: the longest, where one begins with another."""
        parts = same_code(code).split(self._joint)
        heads = (self._joint.join(parts[:length]) for length in range(len(parts) - 1, 0, -1))
        return next((self.by_code[head] for head in heads if head in self.by_code), None)


def _number(words: str) -> str:
    """A number as it is compared: 0007 is 7."""
    return str(int(words)) if words.isascii() and words.isdigit() else words


def _linked(volumes: Sequence[_Line], items: Sequence[_Line], profile: Profile) -> tuple[list[_Line], list[Finding]]:
    """The items with their volumes, and those that none, several, or another one could be found for."""
    known, linked = _Volumes(volumes, profile), []
    findings: list[Finding] = []
    for row, cells in items:
        volume, wrong = _volume_of(row, cells, known)
        findings += wrong
        code = cells.get("reference_code") or None
        if code is None and volume is not None and volume.reference_code and cells.get("item"):
            code = f"{volume.reference_code}{profile.joint}{cells['item']}"
        if code is None and volume is not None:
            findings.append(Finding("delivery.item-code", row.cell("reference_code", "item")))
        above = volume.reference_code if volume is not None else None
        linked.append((msgspec.structs.replace(row, reference_code=code, volume=above), cells))
    return linked, findings


def _volume_of(row: Row, cells: Mapping[str, str], known: _Volumes) -> tuple[Row | None, list[Finding]]:
    """The volume that an item names, or begins with; where both can be told they have to agree."""
    code, beginning = cells.get("reference_code", ""), None
    if code:
        beginning = known.beginning(code)
    if named := cells.get("volume_code"):
        found = [known.by_code[same_code(named)]] if same_code(named) in known.by_code else []
        place = row.cell("volume_code")
    elif named := cells.get("volume", ""):
        found, place = known.numbered(cells), row.cell("volume")
    else:
        found = [beginning] if beginning is not None else []
        named, place = code, row.cell("volume_code", "volume", "reference_code")
    if not found:
        return None, [Finding("delivery.volume-unknown", place, found=named)]
    if len(found) > 1:
        every = ", ".join(one.reference_code or one.place for one in found)
        return None, [Finding("delivery.volume-ambiguous", place, every, named)]
    if beginning is not None and beginning is not found[0]:
        expected = found[0].reference_code or found[0].place
        return found[0], [Finding("delivery.volume-differs", row.cell("reference_code"), expected, code)]
    return found[0], []


def _judged(volumes: Sequence[_Line], items: Sequence[Row], strays: int) -> Iterator[Finding]:
    """What the two levels say of each other: how many items a volume has, and how many pages.

    An item whose volume is in doubt is one fault: as many as such `strays` may be lacking, or be too many, elsewhere.
    """
    within: dict[str, list[Row]] = defaultdict(list)
    for item in items:
        if item.volume is not None:
            within[item.volume].append(item)
    for row, cells in volumes:
        own = within.get(row.reference_code or "", [])
        said = _number(cells.get("item_count", ""))
        if row.reference_code is None:
            yield Finding("delivery.item-code", row.cell("reference_code", "volume"))
        elif not own and not strays:
            yield Finding("delivery.volume-empty", row.cell("reference_code", "volume"), found=row.reference_code)
        elif said and not (said.isdecimal() and abs(int(said) - len(own)) <= strays):
            yield Finding("delivery.volume-items", row.cell("item_count"), said, str(len(own)))
        pages = [item.page_count for item in own]
        if own and not strays and row.page_count is not None and None not in pages:
            total = sum(count or 0 for count in pages)
            if total != row.page_count:
                yield Finding("delivery.volume-pages", row.cell("page_count"), str(row.page_count), str(total))


def _arranged(
    volumes: Sequence[Row],
    items: Sequence[Row],
    paths: Sequence[str],
    findings: list[Finding],
    sheets: Sequence[CatalogueSheet],
    profile: Profile,
) -> CatalogueFile:
    """Which rows are packages: of each volume either its items, where these have files of their own, or itself."""
    whole = _whole(items, paths)
    # An item without 档号 and files has its fault already; it would only be told again that it has no files.
    rows = [item for item in items if item.volume not in whole and (item.reference_code or item.files)]
    rows += [_as_secret(volume, items) for volume in volumes if volume.reference_code in whole]
    inside = list(_with_last_pages([item for item in items if item.volume in whole], volumes))
    findings += _judge_pages(inside, volumes)
    first = sheets[0] if sheets else None
    return CatalogueFile(
        tuple(rows),
        tuple(findings),
        first.name if first else "",
        first.sheet if first else "",
        profile,
        first.mapped if first else None,
        volumes=tuple(volume for volume in volumes if volume.reference_code not in whole),
        items=tuple(inside),
        sheets=tuple(sheets),
    )


def _as_secret(volume: Row, items: Sequence[Row]) -> Row:
    """A volume that is a package is as secret as its most secret item."""
    classes = [row.secrecy_class for row in items if row.volume == volume.reference_code and row.secrecy_class]
    highest = max([volume.secrecy_class or SecrecyClass.OPEN, *classes], key=lambda secrecy: secrecy.rank)
    return msgspec.structs.replace(volume, secrecy_class=highest)


def _whole(items: Sequence[Row], paths: Sequence[str]) -> set[str]:
    """The volumes of which no item has files of its own, and which have files: they are packages as a whole.

    A page of a volume and an item of it may bear one name (卷-003): it is an item's only where every item has one.
    """
    folders = {part for path in paths for part in PurePosixPath(same_code(path)).parts[:-1]}
    stems = Counter(PurePosixPath(same_code(path)).stem for path in paths)
    before = Counter(stem.rpartition(joint)[0] for stem in stems.elements() for joint in "-_" if joint in stem)
    within: dict[str, list[Row]] = defaultdict(list)
    for item in items:
        if item.volume is not None:
            within[item.volume].append(item)
    found = set()
    for volume, own in within.items():
        code, codes = same_code(volume), [same_code(item.reference_code or "") for item in own]
        has_own = any(item.files for item in own) or any(each in folders or before[each] for each in codes)
        has_one_each = all(stems[each] for each in codes) and before[code] == len(codes)
        if not has_own and not has_one_each and (code in folders or before[code] or stems[code]):
            found.add(volume)
    return found


def _with_last_pages(items: Sequence[Row], volumes: Sequence[Row]) -> Iterator[Row]:
    """Items of which 页号 gives the first page alone have 页数 pages, else all up to the next item, or to the end."""
    ends = {volume.reference_code: volume.page_count for volume in volumes}
    for item, following in zip_longest(items, items[1:]):
        last: int | None = None
        if item.pages is not None and item.pages[0] == item.pages[1]:
            if item.page_count:
                last = item.pages[0] + item.page_count - 1
            elif following is None or following.volume != item.volume:
                last = ends.get(item.volume)
            elif following.pages is not None:
                last = following.pages[0] - 1
        if item.pages is None or last is None or last < item.pages[0]:
            yield item
        else:
            yield msgspec.structs.replace(item, pages=(item.pages[0], last))


def _judge_pages(items: Sequence[Row], volumes: Sequence[Row]) -> Iterator[Finding]:
    """The items whose pages cannot be told, or lie beyond their volume's last."""
    ends = {volume.reference_code: volume.page_count for volume in volumes}
    for item in items:
        end = ends.get(item.volume)
        if item.pages is None:
            yield Finding("delivery.item-pages", item.cell("page_numbers"), found="-")
        elif end is not None and item.pages[1] > end:
            said = f"{item.pages[0]}-{item.pages[1]}"
            yield Finding("delivery.item-pages", item.cell("page_numbers"), str(end), said)
