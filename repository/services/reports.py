"""Reports (统计报表): figures as of any date and over any period, every one of which can be followed to what it counts.

What is held is asked of the catalogue as of a position. What happened is read from the events themselves, by the time
at which it happened (a slip entered later counts for the day on it), those annulled left out. Where the events on which
a figure rests never happened there is no data, which is no zero.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from repository.catalogue import REPORTS as REPORTS
from repository.catalogue import Figure, figures
from repository.catalogue import Thing as Thing
from repository.domain.envelope import Event
from repository.domain.values import time_of
from repository.errors import ArchiveError
from repository.eventlog.registry import event_types
from repository.services.search import position_of
from repository.services.session import Session

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_PLACES = Decimal("0.0001")


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """What a report is about: the holdings `at` a position, and what happened from one time to another.

    Only events up to `known` are considered; `since` and `until` null are the beginning and the end of the log.
    """

    at: int
    known: int
    since: str | None
    until: str | None


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One figure. `value` is a whole number, of a ratio a decimal of four places; null when there is no data."""

    id: str
    zh: str
    en: str
    unit_zh: str
    unit_en: str
    value: str | None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A table of figures."""

    schema: str = "jingui.report/1"
    name: str
    period: Period
    items: tuple[Item, ...]


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """One figure with its definition and everything that it counts; of a ratio, nothing but the two figures."""

    schema: str = "jingui.report.item/1"
    item: Item
    period: Period
    counted_zh: str
    counted_en: str
    rests_on: tuple[str, ...]
    question: str
    things: tuple[Thing, ...]


def period_of(session: Session, *, as_of: str | None, since: str | None, until: str | None) -> Period:
    """The period that the options mean: days of the machine's time zone, or times. `time-invalid`, `range-invalid`.

    Holdings are those at the end of the period, or as of the moment where that is earlier.
    """
    last = session.catch_up()
    end = None if until is None else _time(until, end=True)
    begin = None if since is None else _time(since, end=False)
    if begin and end and begin > end:
        raise ArchiveError("range-invalid", f"{since}..{until}")
    position = position_of(session, as_of)
    known = last if position is None else min(position, last)
    at = known if end is None else min(known, session.log.position_at(end))
    return Period(at=at, known=known, since=begin, until=end)


def report(session: Session, name: str, period: Period) -> Report:
    """A report by its name. `report-unknown` when there is none of that name."""
    session.require("inspect")
    if name not in REPORTS:
        raise ArchiveError("report-unknown", name, known=", ".join(REPORTS))
    counting = _Counting(session, period)
    items = tuple(counting.item(figure) for figure in figures().values() if name in figure.reports)
    return Report(name=name, period=period, items=items)


def explain(session: Session, item: str, period: Period) -> Explanation:
    """A figure, how it is counted, and the things counted. `report-unknown` when there is none of that id."""
    session.require("inspect")
    figure = figures().get(item)
    if figure is None:
        raise ArchiveError("report-unknown", item, known=", ".join(figures()))
    counting = _Counting(session, period)
    return Explanation(
        item=counting.item(figure),
        period=period,
        counted_zh=figure.counted_zh,
        counted_en=figure.counted_en,
        rests_on=figure.rests_on,
        question=_question(figure),
        things=tuple(counting.things(figure)),
    )


class _Counting:
    """Figures of one period. Each is counted once, and events of a type are read once for all figures."""

    def __init__(self, session: Session, period: Period) -> None:
        self._session = session
        self._period = period
        self._annulled = session.catalogue.annulled(as_of=period.known)
        self._events: dict[str, list[Event]] = {}
        self._happened = session.log.counts(after=0, upto=period.known)

    def item(self, figure: Figure) -> Item:
        """A figure with its value."""
        value = self._value(figure)
        return Item(
            id=figure.id,
            zh=figure.zh,
            en=figure.en,
            unit_zh=figure.unit_zh,
            unit_en=figure.unit_en,
            value=None if value is None else str(value),
        )

    def things(self, figure: Figure) -> Iterator[Thing]:
        """Everything that a figure counts."""
        if figure.things is not None:
            yield from self._session.catalogue.things(figure.things, as_of=self._period.at)
        for name in _types(figure.events):
            for event in (one for one in self._of_type(name) if _is_meant(one, figure.only)):
                label = f"{event.envelope.position} {event.envelope.type}"
                yield Thing(str(event.envelope.event_id), label, _amount(event, figure.amount))

    def _value(self, figure: Figure) -> int | Decimal | None:
        if not any(self._happened.get(name) for name in _types(figure.rests_on)):
            return None
        if figure.ratio is not None:
            above, below = (self._value(figures()[name]) for name in figure.ratio)
            return None if above is None or not below else (Decimal(above) / Decimal(below)).quantize(_PLACES)
        if figure.things is not None:
            things, known, total = self._session.catalogue.sum_of(figure.things, as_of=self._period.at)
            return None if things and not known else total
        return sum(thing.amount or 0 for thing in self.things(figure))

    def _of_type(self, name: str) -> list[Event]:
        if name not in self._events:
            happened = self._session.log.events(types=[name], upto=self._period.known)
            self._events[name] = [event for event in happened if self._counts(event)]
        return self._events[name]

    def _counts(self, event: Event) -> bool:
        time = event.envelope.occurred_at.time
        begin, end = self._period.since, self._period.until
        is_within = (begin is None or begin <= time) and (end is None or time <= end)
        return is_within and event.envelope.position not in self._annulled


def _types(names: tuple[str, ...]) -> Iterator[str]:
    """The types that are meant; a type that this version cannot record never happened."""
    for name in names:
        own = name.removeprefix("*")
        yield from (known for known in event_types() if known == name or (own != name and known.endswith(own)))


def _is_meant(event: Event, only: dict[str, int]) -> bool:
    return all(getattr(event.payload, field) == value for field, value in only.items())


def _amount(event: Event, field: str | None) -> int:
    if field is None:
        return 1
    many = field.removeprefix("number:")
    value = getattr(event.payload, many)
    return len(value) if many != field else int(value)


def _question(figure: Figure) -> str:
    if figure.things is not None:
        return figure.things
    if figure.ratio is not None:
        return " / ".join(figure.ratio)
    only = "".join(f" [{field} = {value}]" for field, value in figure.only.items())
    return f"{figure.amount or 1} <- {', '.join(figure.events)}{only}"


def _time(moment: str, *, end: bool) -> str:
    """The first or the last instant that a day or a time means, as events write it."""
    try:
        if _DAY.fullmatch(moment):
            midnight = datetime.fromisoformat(moment).astimezone()
            return time_of(midnight + timedelta(days=1, microseconds=-1) if end else midnight)
        time = datetime.fromisoformat(moment)
    except ValueError as error:
        raise ArchiveError("time-invalid", moment) from error
    if time.tzinfo is None:
        raise ArchiveError("time-invalid", moment)
    return time_of(time)
