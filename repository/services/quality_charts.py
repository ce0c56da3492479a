"""Charts (质检统计): which defects are most frequent, and how the share of bad pages goes, by scanner, operator, batch.

The figures come from the verdicts as they were given, each page of each delivery once: what a person overruled later
was the machine's finding all the same, and is counted apart.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from enum import StrEnum
from html import escape
from uuid import UUID

import msgspec

from repository.domain.archival_package import Created, Digitised, Redelivered
from repository.domain.assessment import FAIL, REVIEW, JudgedPage, QualityAssessed
from repository.domain.corrections import Annulled, annulled_among
from repository.domain.envelope import Event
from repository.services.quality_words import check_words
from repository.services.search import position_of
from repository.services.session import Session

UNSAID = "-"
_TYPES = tuple(
    f"ArchivalPackage.{name}" for name in ("Created", "Redelivered", "Digitised", "QualityAssessed", "Annulled")
)


class By(StrEnum):
    """What pages are told apart by."""

    DEVICE = "device"
    OPERATOR = "operator"
    CONTRACTOR = "contractor"
    BATCH = "batch"


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """The pages of one scanner, operator, contractor or batch: how many, and the bad ones by check and by day."""

    name: str
    pages: int
    bad: int
    checks: dict[str, int]
    days: dict[str, tuple[int, int]]


class QualityFigures(msgspec.Struct, frozen=True, kw_only=True):
    """All of them; `checks` counts the pages that each check refused or sent to a person."""

    schema: str = "jingui.quality.figures/1"
    by: By
    position: int
    pages: int
    bad: int
    checks: dict[str, int]
    groups: tuple[Group, ...]


class _Tally:
    """What was counted of one group."""

    def __init__(self) -> None:
        self.pages = self.bad = 0
        self.checks: Counter[str] = Counter()
        self.days: dict[str, list[int]] = defaultdict(lambda: [0, 0])


def figures(session: Session, by: By, *, as_of: str | None = None) -> QualityFigures:
    """The figures, as of a moment."""
    session.require("account")
    at = position_of(session, as_of)
    events = list(session.log.events(types=_TYPES, upto=at))
    tallies = _counted(events, by)
    groups = tuple(
        Group(
            name=name,
            pages=one.pages,
            bad=one.bad,
            checks=dict(one.checks.most_common()),
            days={day: (pages, bad) for day, (pages, bad) in sorted(one.days.items())},
        )
        for name, one in sorted(tallies.items(), key=lambda pair: (-pair[1].bad, pair[0]))
    )
    total: Counter[str] = Counter()
    for group in groups:
        total.update(group.checks)
    return QualityFigures(
        by=by,
        position=at if at is not None else session.log.position(),
        pages=sum(one.pages for one in groups),
        bad=sum(one.bad for one in groups),
        checks=dict(total.most_common()),
        groups=groups,
    )


def _counted(events: Iterable[Event], by: By) -> dict[str, _Tally]:
    events = list(events)
    gone = annulled_among(
        [(one.envelope.event_id, one.payload.event) for one in events if isinstance(one.payload, Annulled)]
    )
    made: dict[UUID, Digitised] = {}
    batch: dict[UUID, str] = {}
    tallies: dict[str, _Tally] = defaultdict(_Tally)
    for event in events:
        stream, payload = event.envelope.stream, event.payload
        if event.envelope.event_id in gone:
            continue
        match payload:
            case Created():
                batch[stream] = f"{str(payload.accession)[:8]}-{payload.delivery}"
            case Redelivered():
                batch[stream] = f"{batch.get(stream, UNSAID).partition('-')[0]}-{payload.delivery}"
            case Digitised():
                made[stream] = payload
            case QualityAssessed():
                day = event.envelope.recorded_at[:10]
                for page in payload.pages:
                    name = batch.get(stream, UNSAID) if by is By.BATCH else _maker(made.get(stream), page, by)
                    _count(tallies[name], payload, page, day)
            case _:
                pass
    return tallies


def _maker(made: Digitised | None, page: JudgedPage, by: By) -> str:
    """Who or what made a page, by the work sheet; a sealed name is not read for a chart."""
    for work in made.work if made else ():
        if page.serial is not None and work.first <= page.serial <= work.last:
            said = {By.DEVICE: work.device, By.OPERATOR: work.operator, By.CONTRACTOR: work.contractor}[by]
            return said if isinstance(said, str) else UNSAID
    return UNSAID


def _count(tally: _Tally, event: QualityAssessed, page: JudgedPage, day: str) -> None:
    stopped = {column.id for column, letter in zip(event.columns, page.checks, strict=True) if letter in (FAIL, REVIEW)}
    tally.pages += 1
    tally.days[day][0] += 1
    tally.bad += bool(stopped)
    tally.days[day][1] += bool(stopped)
    tally.checks.update(stopped)


WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 760, 420, 64, 56, 96
_INK = ("#1565c0", "#ef6c00", "#2e7d32", "#6a1b9a", "#c62828", "#00838f", "#5d4037", "#455a64")
_WORDS = {
    "zh": {
        "pareto": "缺陷排列图",
        "trend": "不合格页所占比例",
        "of": "{bad}/{pages} 页",
        "nothing": "没有不合格页",
        "device": "按设备",
        "operator": "按操作员",
        "contractor": "按加工单位",
        "batch": "按批次",
    },
    "en": {
        "pareto": "Pareto of defects",
        "trend": "Share of bad pages",
        "of": "{bad} of {pages} pages",
        "nothing": "no bad pages",
        "device": "by scanner",
        "operator": "by operator",
        "contractor": "by contractor",
        "batch": "by batch",
    },
}


def pareto(found: QualityFigures, language: str) -> bytes:
    """Bars of the checks that stopped most pages, and the line of their sum."""
    words = _WORDS["en" if language == "en" else "zh"]
    told = words["of"].format(bad=found.bad, pages=found.pages)
    bars, total = list(found.checks.items())[:12], sum(found.checks.values())
    if not bars:
        return _svg(f"{words['pareto']} · {told}", _text(WIDTH / 2, HEIGHT / 2, words["nothing"], "middle"))
    room, high = (WIDTH - 2 * LEFT) / len(bars), HEIGHT - TOP - BOTTOM
    parts, sum_so_far, line = [_axis(bars[0][1], high)], 0, []
    for number, (check, count) in enumerate(bars):
        x, tall = LEFT + number * room, high * count / bars[0][1]
        wide = min(room * 0.7, 90)
        middle = x + room / 2
        parts.append(
            f'<rect x="{middle - wide / 2:.1f}" y="{TOP + high - tall:.1f}" width="{wide:.1f}" height="{tall:.1f}" '
            f'fill="{_INK[0]}"/>'
        )
        parts.append(_text(middle, TOP + high - tall - 5, str(count), "middle"))
        parts.append(_text(middle, TOP + high + 18, check, "middle"))
        parts.append(_text(middle, TOP + high + 34, check_words(check, language), "middle", size=11))
        sum_so_far += count
        line.append((middle, TOP + high * (1 - sum_so_far / total)))
    parts.append(_line(line, _INK[1]))
    parts += [
        _text(WIDTH - LEFT + 6, TOP + high * (1 - share / 100) + 4, f"{share}%", "start", size=11)
        for share in (0, 50, 100)
    ]
    return _svg(f"{words['pareto']} · {told}", "".join(parts))


def trend(found: QualityFigures, language: str) -> bytes:
    """The share of bad pages of each group from day to day; of a batch, which has one day, from batch to batch."""
    words = _WORDS["en" if language == "en" else "zh"]
    title = f"{words['trend']} · {words[found.by]} · {words['of'].format(bad=found.bad, pages=found.pages)}"
    shares = _shares(found)
    ticks = list(dict.fromkeys(tick for line in shares.values() for tick, _ in line))
    if found.by is not By.BATCH:
        ticks.sort()
    most = max((share for line in shares.values() for _, share in line), default=0.0)
    if not ticks or not most:
        return _svg(title, _text(WIDTH / 2, HEIGHT / 2, words["nothing"], "middle"))
    high, room = HEIGHT - TOP - BOTTOM, (WIDTH - 2 * LEFT) / max(1, len(ticks))
    places = {tick: LEFT + (number + 0.5) * room for number, tick in enumerate(ticks)}
    parts = [_axis(f"{100 * most:.0f}%", high)]
    for number, (name, line) in enumerate(list(shares.items())[: len(_INK)]):
        points = [(places[tick], TOP + high * (1 - share / most)) for tick, share in line]
        parts.append(_line(points, _INK[number]))
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{_INK[number]}"/>' for x, y in points]
        if found.by is not By.BATCH:
            x = LEFT + number % 4 * 165
            parts.append(_text(x, HEIGHT - 40 + number // 4 * 18, f"■ {name}", "start", colour=_INK[number]))
    step = max(1, len(ticks) // 8)
    parts += [_text(places[tick], TOP + high + 18, tick, "middle", size=11) for tick in ticks[::step]]
    return _svg(title, "".join(parts))


def _shares(found: QualityFigures) -> dict[str, list[tuple[str, float]]]:
    if found.by is By.BATCH:
        order = sorted(found.groups, key=lambda group: (min(group.days), group.name))
        return {"": [(group.name, group.bad / group.pages) for group in order]}
    return {group.name: [(day, bad / pages) for day, (pages, bad) in group.days.items()] for group in found.groups}


CHARTS: dict[str, Callable[[QualityFigures, str], bytes]] = {"pareto": pareto, "trend": trend}


def _axis(most: object, high: float) -> str:
    base = TOP + high
    return (
        f'<path d="M{LEFT} {TOP}V{base:.1f}H{WIDTH - LEFT}" fill="none" stroke="#888"/>'
        + _text(LEFT - 8, TOP + 4, str(most), "end")
        + _text(LEFT - 8, base + 4, "0", "end")
    )


def _line(points: list[tuple[float, float]], colour: str) -> str:
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="2.5"/>'


def _text(x: float, y: float, words: str, anchor: str, *, size: int = 13, colour: str = "#222") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} font-size="{size}" fill="{colour}">{escape(words)}</text>'


def _svg(title: str, inside: str) -> bytes:
    font = "'Noto Sans CJK SC','Microsoft YaHei',sans-serif"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'font-family="{font}"><title>{escape(title)}</title><rect width="100%" height="100%" fill="#fff"/>'
        f"{_text(LEFT, 30, title, 'start', size=16)}{inside}</svg>\n"
    ).encode()
