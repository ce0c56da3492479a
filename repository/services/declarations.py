"""Declarations (备考表): what the producer says of single pages - missing, blank, inserted, folded out - and why.

What is declared passes with its reason, which the record keeps; what is not declared blocks. Columns: 档号, 页号
(`7` or `7-9`, several separated by `、` or `;`), 情况, 说明. In a record's own folder the 档号 may be left out.
"""

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum

import msgspec

from packages_spec.findings import Finding
from packages_spec.tables import Sheet, place_of
from repository.domain.archival_package import DeclaredPages, PagesDeclared
from repository.domain.batches import parts
from repository.services.catalogue_file import page_range, same_code
from repository.services.delivery import UnitPlan
from repository.services.mapping import Profile, cells_of, understand

FIELDS = ("reference_code", "page_numbers", "condition", "reason")
MOST_PAGES = 10_000
"""Pages that one line can name."""


class Condition(StrEnum):
    """What can be declared of a page (情况)."""

    MISSING = "缺页"
    BLANK = "空白页"
    INSERT = "插页"
    FOLDED = "折页"


_WORDS = {
    Condition.MISSING: ("缺", "跳号", "漏号", "空号"),
    Condition.BLANK: ("空白", "白页"),
    Condition.INSERT: ("插", "夹", "附页"),
    Condition.FOLDED: ("折", "大幅", "拼接"),
}


class Declared(msgspec.Struct, frozen=True):
    """One line: of which record which pages, in which condition, and the producer's reason."""

    reference_code: str
    pages: tuple[int, ...]
    condition: Condition
    reason: str
    place: str


def read_declarations(
    name: str, sheet: Sheet, profile: Profile, folder_code: str | None
) -> tuple[list[Declared], list[Finding]]:
    """What one sheet declares. A line that cannot be understood is a finding and excuses nothing."""
    mapped = understand(sheet, profile, ("page_numbers", "condition"), FIELDS)
    if mapped is None:
        header = ",".join(sheet.rows[0]) if sheet.rows else ""
        return [], [Finding("delivery.declarations-header", name, "档号,页号,情况,说明", header)]
    declared, findings, names = [], [], mapped.names()
    for number, line in enumerate(sheet.rows[mapped.header_row :], mapped.header_row + 1):
        if not any(line):
            continue
        cells, place = cells_of(line, mapped, profile), place_of(name, sheet.name, number)
        code = cells.get("reference_code") or folder_code or ""
        pages, condition = _pages(cells["page_numbers"]), _condition(cells["condition"])
        if not code:
            findings.append(Finding("delivery.declared-line", place, "档号"))
        elif pages is None:
            found = cells["page_numbers"]
            findings.append(Finding("delivery.declared-line", f"{place}:{names['page_numbers']}", "7、9-12", found))
        elif condition is None:
            wanted = "/".join(Condition)
            found = cells["condition"]
            findings.append(Finding("delivery.declared-line", f"{place}:{names['condition']}", wanted, found))
        else:
            declared.append(Declared(code, pages, condition, cells.get("reason", ""), place))
    return declared, findings


def declared_pages(
    delivery: int, declared: Sequence[Declared], units: Sequence[UnitPlan]
) -> dict[str, list[PagesDeclared]]:
    """What was declared, by unit, as each record's own history keeps it."""
    by_code: dict[str, list[DeclaredPages]] = {}
    for one in declared:
        said = DeclaredPages(pages=one.pages, condition=one.condition, reason=one.reason or None)
        by_code.setdefault(same_code(one.reference_code), []).append(said)
    return {
        unit.path: [PagesDeclared(delivery=delivery, declared=part) for part in parts(by_code[code])]
        for unit in units
        if unit.row and (code := same_code(unit.row.reference_code or "")) in by_code
    }


def unknown_codes(declared: Sequence[Declared], codes: frozenset[str]) -> Iterator[Finding]:
    """Declarations of records that the delivery does not have."""
    for one in declared:
        if same_code(one.reference_code) not in codes:
            yield Finding("delivery.declared-unknown", one.place, found=one.reference_code)


def _pages(text: str) -> tuple[int, ...] | None:
    pages: list[int] = []
    for part in re.split(r"[、,，;；\s]+", text.strip()):
        both = page_range(part)
        if both is None or len(pages) + both[1] - both[0] >= MOST_PAGES:
            return None
        pages += range(both[0], both[1] + 1)
    return tuple(pages)


def _condition(text: str) -> Condition | None:
    for condition, words in _WORDS.items():
        if text == condition or any(word in text for word in words):
            return condition
    return None
