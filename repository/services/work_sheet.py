"""The work sheet (工作单): who digitised which pages, on which device, in which shift; by record or by pages of one."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from packages_spec.findings import Finding
from packages_spec.tables import Sheet, place_of
from repository.domain.accession import WorkEntry
from repository.domain.archival_package import Digitisation, Digitised
from repository.domain.batches import parts
from repository.services.catalogue_file import page_range, same_code
from repository.services.delivery import UnitPlan
from repository.services.linking import PICTURES, PageCount, codes_known, named_page, runs
from repository.services.mapping import Profile, cells_of, understand

MOST_PAGES = 999_999
"""The largest serial that a page's name can have."""
FIELDS = ("reference_code", "page_numbers", "contractor", "operator", "device", "shift")


class WorkLine(msgspec.Struct, frozen=True):
    """One line: of which record which pages (null: all of it), and by whom."""

    reference_code: str
    pages: tuple[int, int] | None
    contractor: str
    operator: str | None
    device: str | None
    shift: str | None
    place: str


def read_work_sheet(name: str, sheet: Sheet, profile: Profile) -> tuple[list[WorkLine], list[Finding]]:
    """What one sheet says. A line that cannot be understood is a finding."""
    mapped = understand(sheet, profile, ("reference_code", "contractor"), FIELDS)
    if mapped is None:
        header = ",".join(sheet.rows[0]) if sheet.rows else ""
        return [], [Finding("delivery.work-sheet-header", name, "档号,页号,加工单位,操作员,设备,班次", header)]
    lines, findings, names = [], [], mapped.names()
    for number, row in enumerate(sheet.rows[mapped.header_row :], mapped.header_row + 1):
        if not any(row):
            continue
        cells, place = cells_of(row, mapped, profile), place_of(name, sheet.name, number)
        pages, said = page_range(cells.get("page_numbers", "")), cells.get("page_numbers", "")
        wrong = [field for field in ("reference_code", "contractor") if not cells[field]]
        if wrong or (said and pages is None):
            column = names[wrong[0] if wrong else "page_numbers"]
            findings.append(Finding("delivery.work-sheet-line", f"{place}:{column}", found=said if not wrong else ""))
            continue
        extra = {field: cells.get(field) or None for field in ("operator", "device", "shift")}
        lines.append(WorkLine(cells["reference_code"], pages, cells["contractor"], **extra, place=place))
    return lines, findings


def unclear_work(lines: Sequence[WorkLine], units: Sequence[UnitPlan]) -> Iterator[Finding]:
    """Lines for records that the catalogue does not have, and pages that two lines claim: nobody pays them twice."""
    codes = codes_known(units)
    claimed: dict[str, list[WorkLine]] = {}
    for line in lines:
        code = same_code(line.reference_code)
        if code not in codes:
            yield Finding("delivery.work-sheet-unknown", line.place, found=line.reference_code)
            continue
        for other in claimed.setdefault(code, []):
            if _overlap(line.pages, other.pages):
                yield Finding("delivery.work-sheet-twice", line.place, other.place, line.reference_code)
                break
        claimed[code].append(line)


def work_entries(
    lines: Sequence[WorkLine], units: Sequence[UnitPlan], counts: Mapping[str, PageCount]
) -> list[WorkEntry]:
    """The sheet as an event keeps it: of every line the pages that were really delivered."""
    coded = [(unit.row.reference_code, unit) for unit in units if unit.row and unit.files]
    plans = {same_code(code): unit for code, unit in reversed(coded) if code}
    entries: list[WorkEntry] = []
    for line in lines:
        unit = plans.get(same_code(line.reference_code))
        if unit is None:
            continue
        first, last = line.pages or (0, MOST_PAGES)
        serials = [serial for serial in _serials(unit, counts) if first <= serial <= last]
        entries += [
            WorkEntry(
                unit=unit.path,
                reference_code=line.reference_code,
                first=start,
                last=end,
                pages=end - start + 1,
                contractor=line.contractor,
                operator=line.operator,
                device=line.device,
                shift=line.shift,
            )
            for start, end in runs(serials)
        ]
    return entries


def digitised(delivery: int, entries: Sequence[WorkEntry]) -> dict[str, list[Digitised]]:
    """The same by unit, as each record's own history keeps it."""
    by_unit: dict[str, list[Digitisation]] = {}
    for one in entries:
        by_unit.setdefault(one.unit, []).append(
            Digitisation(
                first=one.first,
                last=one.last,
                pages=one.pages,
                contractor=one.contractor,
                operator=one.operator,
                device=one.device,
                shift=one.shift,
            )
        )
    return {unit: [Digitised(delivery=delivery, work=part) for part in parts(work)] for unit, work in by_unit.items()}


def _overlap(one: tuple[int, int] | None, other: tuple[int, int] | None) -> bool:
    return one is None or other is None or (one[0] <= other[1] and other[0] <= one[1])


def _serials(unit: UnitPlan, counts: Mapping[str, PageCount]) -> list[int]:
    """The pages of a record by their serials, a page of several pictures once; without serials they are counted."""
    code = same_code(unit.row.reference_code or "") if unit.row else ""
    named = [named_page(code, file.delivered.path) for file in unit.files]
    if any(named):
        return sorted({page[0] for page in named if page})
    counted = [
        counts.get(file.delivered.path, 1)
        for file in unit.files
        if file.delivered.path.lower().endswith((*PICTURES, ".pdf"))
    ]
    return list(range(1, sum(pages for pages in counted if isinstance(pages, int)) + 1))
