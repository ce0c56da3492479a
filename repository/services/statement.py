"""Statement (加工结算单): how many pages a contractor delivered in a period, and what went back, passed and is payable.

A page is one serial of one record of one accession, as one contractor made it; whatever happens to it, it counts once
in each column: delivered when it first came, returned when it first went back, passed at once when it was accepted and
had never gone back, payable when it was accepted - which happens to a page once, whoever made it in the end. A period
has what first happened in it, so the statements of periods that follow one another add up.

Of a record that went back because of its pages (质检), only those pages count as returned that machines refused or a
person sent back; where nothing of it was found bad, all of it went back for another reason and all of it counts.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from uuid import UUID

import msgspec

from packages_spec.tables import Sheet, write_returned
from repository.domain.accession import Accepted, DeliveryRejected, Planned, Returned, WorkEntry, WorkSheetRecorded
from repository.domain.assessment import BAD, Assessment, QualityAssessed, QualityReviewed, evolve
from repository.domain.corrections import Annulled, annulled_among
from repository.domain.envelope import Event
from repository.domain.values import time_of
from repository.errors import ArchiveError
from repository.services.returning import write_faults
from repository.services.search import position_of
from repository.services.session import Session

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_TYPES = (
    *(f"Accession.{name}" for name in ("Planned", "WorkSheetRecorded", "DeliveryRejected", "Returned", "Accepted")),
    *("Accession.Annulled", "ArchivalPackage.Annulled"),
    *("ArchivalPackage.QualityAssessed", "ArchivalPackage.QualityReviewed"),
)


class StatementLine(msgspec.Struct, frozen=True, kw_only=True):
    """The pages of one accession."""

    accession: UUID
    delivered: int
    returned: int
    passed_first_time: int
    payable: int


class StatementReport(msgspec.Struct, frozen=True, kw_only=True):
    """The statement; `first` and `last` are days of the machine's own time zone, null where the period is open."""

    schema: str = "jingui.statement/1"
    contractor: str
    first: str | None
    last: str | None
    delivered: int
    returned: int
    passed_first_time: int
    payable: int
    lines: tuple[StatementLine, ...]


class PageLife(msgspec.Struct):
    """What first happened to a page, and when."""

    delivered: str
    returned: str | None = None
    accepted: str | None = None

    @property
    def passed_first_time(self) -> str | None:
        """When it was accepted, if it had never gone back."""
        return self.accepted if self.returned is None else None


PageKey = tuple[UUID, str, int, str]
"""Accession, 档号, serial, contractor."""


def statement(
    session: Session, *, contractor: str, first: str | None, last: str | None, as_of: str | None = None
) -> StatementReport:
    """The contractor's statement, from the events themselves, now or as it would have read then. `time-invalid`."""
    session.require("account")
    begin, end = _begin(first), _end(last)
    lives = page_lives(session.log.events(types=_TYPES, upto=position_of(session, as_of)))
    counts: dict[UUID, list[int]] = {}
    for (stream, _, _, whose), page in lives.items():
        if whose == contractor:
            moments = (page.delivered, page.returned, page.passed_first_time, page.accepted)
            row = counts.setdefault(stream, [0, 0, 0, 0])
            for column, moment in enumerate(moments):
                row[column] += moment is not None and begin <= moment < end
    lines = tuple(
        StatementLine(accession=stream, delivered=row[0], returned=row[1], passed_first_time=row[2], payable=row[3])
        for stream, row in counts.items()
        if any(row)
    )
    return StatementReport(
        contractor=contractor,
        first=first,
        last=last,
        delivered=sum(line.delivered for line in lines),
        returned=sum(line.returned for line in lines),
        passed_first_time=sum(line.passed_first_time for line in lines),
        payable=sum(line.payable for line in lines),
        lines=lines,
    )


def page_lives(events: Iterable[Event]) -> dict[PageKey, PageLife]:
    """Every page of every work sheet, once, with what first happened to it; what was annulled never did.

    A unit that comes again without a work sheet of its own is the work of those who made it before.
    """
    events = list(events)
    annulments = [(one.envelope.event_id, one.payload.event) for one in events if isinstance(one.payload, Annulled)]
    gone = annulled_among(annulments)
    lives: dict[PageKey, PageLife] = {}
    current: dict[UUID, dict[str, set[PageKey]]] = defaultdict(dict)
    before: dict[UUID, dict[str, set[PageKey]]] = defaultdict(dict)
    verdicts: dict[UUID, Assessment] = defaultdict(Assessment)
    packages: dict[tuple[UUID, str], UUID] = {}
    for event in events:
        if event.envelope.event_id in gone:
            continue
        stream, payload = event.envelope.stream, event.payload
        if isinstance(payload, QualityAssessed | QualityReviewed):
            verdicts[stream] = evolve(verdicts[stream], payload)
            continue
        if isinstance(payload, Planned):
            packages |= {(stream, unit.path): unit.package for unit in payload.units}
        back = payload.units if isinstance(payload, Returned) else ()
        bad = {path: _bad(verdicts.get(packages.get((stream, path), stream))) for path in back}
        _live(event, lives, current[stream], before[stream], bad)
    return lives


def _bad(verdict: Assessment | None) -> frozenset[int]:
    """Serials of the pages of a record that were refused or sent back, and not overruled."""
    pages = verdict.pages.values() if verdict else ()
    return frozenset(
        page.serial for page in pages if verdict and page.serial is not None and verdict.standing(page) in BAD
    )


def _live(
    event: Event,
    lives: dict[PageKey, PageLife],
    units: dict[str, set[PageKey]],
    before: dict[str, set[PageKey]],
    bad: Mapping[str, frozenset[int]],
) -> None:
    """One event of one accession: `units` are the pages of the delivery in hand, `before` all that were ever named.

    `bad` are the serials of the pages for which a unit went back, where it was for its pages.
    """
    when = event.envelope.recorded_at
    match event.payload:
        case Planned() as plan:
            units |= {unit.path: before[unit.path] for unit in plan.units if unit.path in before}
        case WorkSheetRecorded() as sheet:
            for unit in {entry.unit for entry in sheet.entries} if sheet.part == 1 else ():
                units[unit] = set()
            for entry in sheet.entries:
                keys = _keys(event.envelope.stream, entry)
                before[entry.unit] = units[entry.unit] = units.get(entry.unit, set()) | keys
                for key in keys:
                    lives.setdefault(key, PageLife(when))
        case DeliveryRejected():
            _mark_returned(lives, (key for keys in units.values() for key in keys), when)
            units.clear()
        case Returned() as back:
            _mark_returned(lives, _gone_back(back, units, bad), when)
        case Accepted():
            for key in (key for keys in units.values() for key in keys):
                lives[key].accepted = lives[key].accepted or when
            units.clear()


def _gone_back(back: Returned, units: dict[str, set[PageKey]], bad: Mapping[str, frozenset[int]]) -> Iterator[PageKey]:
    """The pages for which units went back; the units are in hand no longer."""
    for unit in back.units:
        serials = bad.get(unit, frozenset())
        yield from (key for key in units.pop(unit, ()) if not serials or key[2] in serials)


def _keys(stream: UUID, entry: WorkEntry) -> set[PageKey]:
    return {(stream, entry.reference_code, serial, entry.contractor) for serial in range(entry.first, entry.last + 1)}


def _mark_returned(lives: dict[PageKey, PageLife], keys: Iterator[PageKey], when: str) -> None:
    for key in keys:
        lives[key].returned = lives[key].returned or when


def _begin(day: str | None) -> str:
    return "" if day is None else _midnight(day, 0)


def _end(day: str | None) -> str:
    return "~" if day is None else _midnight(day, 1)


def _midnight(day: str, after: int) -> str:
    """The beginning of a day, or of the one `after` it, as events write times."""
    try:
        if not _DAY.fullmatch(day):
            raise ValueError(day)  # noqa: TRY301 - one way out for both ways in which it can be no day
        start = date.fromisoformat(day) + timedelta(days=after)
        return time_of(datetime(start.year, start.month, start.day).astimezone())
    except (ValueError, OverflowError) as error:
        raise ArchiveError("time-invalid", day) from error


def write_statement(target: Path, report: StatementReport) -> None:
    """The statement as a workbook of text cells. `file-exists`."""
    head = ("接收登记", "交付页数", "退回页数", "一次通过页数", "应付页数")
    lines = [
        (str(one.accession), one.delivered, one.returned, one.passed_first_time, one.payable) for one in report.lines
    ]
    total = ("合计", report.delivered, report.returned, report.passed_first_time, report.payable)
    period = (f"{report.contractor}，{report.first or '起'} 至 {report.last or '今'}",)
    rows = [tuple(map(str, row)) for row in (period, head, *lines, total)]
    stream = BytesIO()
    write_returned(stream, [Sheet("结算单", tuple(rows))], [0], ())
    write_faults(target, stream.getvalue())
