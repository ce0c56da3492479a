"""The statement adds up: whatever comes, goes back and comes again, each page counts once."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from repository.domain.accession import (
    Accepted,
    DeliveryRejected,
    Planned,
    Returned,
    Unit,
    WorkEntry,
    WorkSheetRecorded,
)
from repository.domain.envelope import Event
from repository.domain.values import Outcome, Value
from repository.services.statement import PageKey, PageLife, page_lives
from tests.histories import MemoryLog, identity

CONTRACTORS = ("甲", "乙")
UNITS = ("u1", "u2", "u3")
STREAM = identity("accession 0")


def unit(path: str) -> Unit:
    return Unit(path=path, package=identity(f"p {path}"), description=identity(f"d {path}"), reference_code=path)


@st.composite
def works(draw: st.DrawFn) -> list[WorkEntry]:
    """A work sheet in which no page is claimed twice, some units lack and some are divided."""
    entries = []
    for path in UNITS:
        last = draw(st.integers(0, 6))
        cut = draw(st.integers(0, last))
        for first, end in ((1, cut), (cut + 1, last)):
            if first <= end:
                whose = draw(st.sampled_from(CONTRACTORS))
                entries.append(
                    WorkEntry(
                        unit=path,
                        reference_code=path,
                        first=first,
                        last=end,
                        pages=end - first + 1,
                        contractor=whose,
                        operator=None,
                        device=None,
                        shift=None,
                    )
                )
    return entries


@st.composite
def lives(draw: st.DrawFn) -> list[Value]:
    """One accession: deliveries, each rejected or decided unit by unit, until everything is accepted or time is up."""
    events: list[Value] = []
    open_units = list(UNITS)
    for number in range(1, draw(st.integers(1, 4)) + 1):
        if not open_units:
            break
        events.append(Planned(delivery=number, part=1, parts=1, units=tuple(map(unit, open_units))))
        sheet = [entry for entry in draw(works()) if entry.unit in open_units]
        if draw(st.booleans()) and sheet:
            events.append(WorkSheetRecorded(delivery=number, part=1, parts=1, entries=tuple(sheet)))
        if draw(st.booleans()):
            events.append(DeliveryRejected(delivery=number, findings=(), findings_total=1))
            continue
        back = [path for path in open_units if draw(st.booleans())]
        if back:
            whole = len(back) == len(open_units)
            events.append(Returned(delivery=number, whole=whole, units=tuple(back), reason="返工"))
        if len(back) < len(open_units):
            kept = len(open_units) - len(back)
            events.append(Accepted(delivery=number, policy="person", packages=kept, quality=Outcome.NOT_CHECKED))
        open_units = back
    return events


def told(payloads: list[Value]) -> list[Event]:
    log = MemoryLog()
    for payload in payloads:
        log.record("Accession", STREAM, payload)
    return log.recorded


def columns(page: PageLife) -> tuple[str | None, ...]:
    return page.delivered, page.returned, page.passed_first_time, page.accepted


@settings(deadline=None)
@given(lives())
def test_each_page_counts_once_and_periods_add_up(payloads: list[Value]) -> None:
    events = told(payloads)
    pages = page_lives(events)
    sheets = [payload for payload in payloads if isinstance(payload, WorkSheetRecorded)]
    named: set[PageKey] = {
        (STREAM, entry.reference_code, serial, entry.contractor)
        for sheet in sheets
        for entry in sheet.entries
        for serial in range(entry.first, entry.last + 1)
    }
    assert pages.keys() == named
    paid = [key[:3] for key, page in pages.items() if page.accepted]
    assert len(paid) == len(set(paid)), "a page is payable once, whoever made it"
    for page in pages.values():
        assert page.passed_first_time in (None, page.accepted)
        assert page.accepted is None or page.delivered <= page.accepted
        assert page.returned is None or page.delivered <= page.returned
        gone_before = page.returned is None or page.accepted is None or page.returned < page.accepted
        assert gone_before, "what is kept does not go back"
    times = sorted({event.envelope.recorded_at for event in events})
    for column in range(4):
        moments = [columns(page)[column] for page in pages.values()]
        by_period = sum(moments.count(time) for time in times)
        assert by_period == sum(moment is not None for moment in moments)


def test_a_page_that_came_again_is_paid_once_and_did_not_pass_at_once() -> None:
    entry = WorkEntry(
        unit="u1",
        reference_code="u1",
        first=1,
        last=3,
        pages=3,
        contractor="甲",
        operator=None,
        device=None,
        shift=None,
    )
    sheet = WorkSheetRecorded(delivery=1, part=1, parts=1, entries=(entry,))
    plan = Planned(delivery=1, part=1, parts=1, units=(unit("u1"),))
    back = Returned(delivery=1, whole=True, units=("u1",), reason="返工")
    accepted = Accepted(delivery=2, policy="person", packages=1, quality=Outcome.NOT_CHECKED)
    pages = page_lives(told([plan, sheet, back, plan, accepted]))
    assert len(pages) == 3
    assert all(page.accepted and page.returned and page.passed_first_time is None for page in pages.values())
    assert [page.accepted for page in page_lives(told([plan, sheet, back])).values()] == [None] * 3
    rejected = DeliveryRejected(delivery=2, findings=(), findings_total=1)
    kept = page_lives(told([plan, sheet, msgspec.structs.replace(accepted, delivery=1), rejected]))
    assert [(page.returned, page.passed_first_time is None) for page in kept.values()] == [(None, False)] * 3
