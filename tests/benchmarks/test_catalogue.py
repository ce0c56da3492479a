"""How fast the catalogue is made and asked. Figures are printed; the bounds are those that the archive promises."""

import random
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from msgspec.structs import replace

from repository.catalogue import Catalogue
from repository.domain import accession, description, reservation
from repository.domain.envelope import Envelope, Event
from repository.domain.values import Level, Outcome, SecrecyClass
from repository.eventlog.registry import event_types
from tests.catalogue_events import created, fields, formats, opened, received, stored, virus_checked
from tests.histories import MemoryLog, identity

pytestmark = pytest.mark.bench

RECORDS = 10_000
PER_ACCESSION = 1_000
PLACES = "杭州宁波温州嘉兴湖州绍兴金华衢州舟山台州丽水萧山余杭富阳临安建德桐庐淳安"
KINDS = ("地契", "民国户籍册", "土地房产所有证存根", "县政府训令", "来往信函", "会议记录", "任免通知", "统计年报")


class RawLog:
    """The same events as undecoded rows of a SQLite table, decoded as they are read."""

    def __init__(self, path: Path, log: MemoryLog) -> None:
        self._db = sqlite3.connect(path)
        self._db.execute("CREATE TABLE events (position INTEGER PRIMARY KEY, type TEXT, envelope BLOB, payload BLOB)")
        encode = msgspec.json.encode
        rows = ((e.envelope.position, e.envelope.type, encode(e.envelope), encode(e.payload)) for e in log.recorded)
        self._db.executemany("INSERT INTO events VALUES (?, ?, ?, ?)", rows)
        self._db.commit()
        self._envelope = msgspec.json.Decoder(Envelope).decode
        self._payload = {name: msgspec.json.Decoder(kind.payload).decode for name, kind in event_types().items()}

    def rows(self, after: int, upto: int | None, limit: int | None) -> Iterator[tuple[str, bytes, bytes]]:
        where = (
            "SELECT type, envelope, payload FROM events WHERE position > ? AND position <= ? ORDER BY position LIMIT ?"
        )
        return self._db.execute(where, (after, upto or 2**62, limit or -1))

    def events(
        self, *, after: int = 0, upto: int | None = None, types: Sequence[str] = (), limit: int | None = None
    ) -> Iterator[Event]:
        for kind, envelope, payload in self.rows(after, upto, limit):
            yield Event(envelope=self._envelope(envelope), payload=self._payload[kind](payload))

    def position(self) -> int:
        position: int = self._db.execute("SELECT max(position) FROM events").fetchone()[0]
        return position


class PassingLog:
    """A log too long for memory: each event is made when it is read, once, in order."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._next = self._made()

    def events(
        self, *, after: int = 0, upto: int | None = None, types: Sequence[str] = (), limit: int | None = None
    ) -> Iterator[Event]:
        return islice(self._next, (upto or self.position()) - after)

    def position(self) -> int:
        return 6 * self._count + 7 * -(-self._count // PER_ACCESSION)

    def _made(self) -> Iterator[Event]:
        chance, log = random.Random(7), MemoryLog()
        for start in range(0, self._count, PER_ACCESSION):
            _accession(log, chance, start, min(PER_ACCESSION, self._count - start))
            yield from log.forget()


def title(chance: random.Random) -> str:
    """A title as catalogues have them: a place, a year, a kind of record, a number."""
    place, year, number = chance.randrange(0, len(PLACES), 2), chance.randrange(1900, 1990), chance.randrange(1, 400)
    return f"{PLACES[place : place + 2]}县{year}年{chance.choice(KINDS)}第{number}号"


def records(count: int, seed: int = 7) -> MemoryLog:
    """A log of accessions of three-page records, in the order in which ingest writes it."""
    chance = random.Random(seed)
    log = MemoryLog()
    for start in range(0, count, PER_ACCESSION):
        _accession(log, chance, start, min(PER_ACCESSION, count - start))
    return log


def _accession(log: MemoryLog, chance: random.Random, start: int, count: int) -> None:
    stream, fonds = uuid4(), f"J{start // PER_ACCESSION:04d}"
    codes = [f"{fonds}-WS-Y-{number:05d}" for number in range(count)]
    units = [accession.Unit(path=code, package=uuid4(), description=uuid4(), reference_code=code) for code in codes]
    validated = accession.DeliveryValidated(delivery=1, producer_digests=(), findings=(), findings_total=0)
    accepted = accession.Accepted(delivery=1, policy="automatic", packages=count, quality=Outcome.NOT_CHECKED)
    completed = accession.Completed(delivery=1, packages=count, files=count * 3, bytes=count * 135_000)
    plan = accession.Planned(delivery=1, part=1, parts=1, units=tuple(units))
    log.record("Accession", stream, opened(), received(1), plan)
    for unit in units:
        log.record("ReferenceCode", uuid4(), reservation.Reserved(code=unit.path, holder=unit.description))
    log.record("Accession", stream, validated)
    for unit in units:
        made = replace(created(0), accession=stream, unit=unit.path, description=unit.description)
        log.record("ArchivalPackage", unit.package, made, formats(), virus_checked(Outcome.NOT_CHECKED))
    log.record("Accession", stream, accepted)
    volume = identity(fonds)
    log.record("Description", volume, description.Described(fields=_volume(fonds)))
    for unit in units:
        described = description.Described(fields=replace(_fields(chance, unit, fonds), parent=volume))
        log.record("Description", unit.description, described)
        log.record("ArchivalPackage", unit.package, stored(1))
    log.record("Accession", stream, completed)


def _fields(chance: random.Random, unit: accession.Unit, fonds: str) -> description.Fields:
    return fields(
        package=unit.package,
        reference_code=unit.reference_code,
        fonds_code=fonds,
        title=title(chance),
        year=chance.randrange(1900, 1990),
        secrecy_class=chance.choice((SecrecyClass.OPEN, SecrecyClass.OPEN, SecrecyClass.INTERNAL)),
    )


def _volume(fonds: str) -> description.Fields:
    """The volume below which a fonds' items stand."""
    return fields(
        level=Level.VOLUME, reference_code=f"{fonds}-WS", fonds_code=fonds, title=f"{fonds} 文书卷", page_count=3_000
    )


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds of some work."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def test_rebuilds_at_30_000_events_a_second(tmp_path: Path) -> None:
    log = records(RECORDS)
    raw = RawLog(tmp_path / "log.sqlite", log)
    events = len(log.recorded)
    catalogue = Catalogue.open(tmp_path / "catalogue")

    reading, _ = timed(lambda: sum(1 for _ in raw.rows(0, None, None)))
    decoding, _ = timed(lambda: sum(1 for _ in raw.events()))
    live, live_cpu = timed(lambda: catalogue.catch_up(raw))
    whole, whole_cpu = timed(lambda: catalogue.rebuild(raw))
    memory, memory_cpu = timed(lambda: catalogue.rebuild(log))

    print(f"\n{events} events: raw rows {events / reading:,.0f}/s, decoded {events / decoding:,.0f}/s")
    for name, wall, cpu in (
        ("catch_up", live, live_cpu),
        ("rebuild", whole, whole_cpu),
        ("rebuild, decoded beforehand", memory, memory_cpu),
    ):
        print(f"{name}: {events / wall:,.0f} events/s, {cpu / events * 1e6:.1f} us CPU an event")
    assert events / whole >= 30_000
    assert memory_cpu / events <= 20e-6


ENTRIES = 200_000
Question = Callable[[Catalogue, random.Random, int], object]


def _walk(catalogue: Catalogue, chance: random.Random, position: int) -> object:
    first = catalogue.search(as_of=position)
    return catalogue.search(after=first.after)


QUESTIONS: dict[str, tuple[float, Question]] = {
    "as-of page of all": (0.050, lambda c, r, p: c.search(as_of=p)),
    "as-of second page": (0.100, _walk),
    "as-of packages": (0.050, lambda c, r, p: c.packages(as_of=p)),
    "档号 whole": (0.010, lambda c, r, p: c.by_reference_code(_code(r))),
    "档号 prefix": (0.010, lambda c, r, p: c.search(reference_code_prefix=_code(r)[:-2])),
    "fonds and secrecy": (0.010, lambda c, r, p: c.search(fonds=_code(r)[:5], secrecy_max=SecrecyClass.OPEN)),
    "a whole title": (0.010, lambda c, r, p: c.search(title(r))),
    "narrow words": (
        0.010,
        lambda c, r, p: c.search(f"{r.choice(KINDS)} 第{r.randrange(1, 400)}号"),
    ),
    "地契": (0.010, lambda c, r, p: c.search("地契")),
    "民国 as of": (0.010, lambda c, r, p: c.search("民国", as_of=p)),
    "one character": (0.020, lambda c, r, p: c.search(r.choice("年县契杭第号"))),
    "words, fonds and secrecy": (
        0.020,
        lambda c, r, p: c.search("地契", fonds=_code(r)[:5], secrecy_max=SecrecyClass.OPEN),
    ),
    "words that are everywhere, of one year": (0.020, lambda c, r, p: c.search("县 年", year_from=1950, year_to=1950)),
    "year": (0.020, lambda c, r, p: c.search(year_from=1950, year_to=1951, secrecy_max=SecrecyClass.OPEN)),
    "accession": (0.010, lambda c, r, p: c.accessions(as_of=p, limit=1)),
}


def _code(chance: random.Random) -> str:
    record = chance.randrange(ENTRIES)
    return f"J{record // PER_ACCESSION:04d}-WS-Y-{record % PER_ACCESSION:05d}"


CPU = 0.020
"""Seconds of CPU that the server spends at most on one of these, in 99 of 100."""
ON_CPU: dict[str, Question] = {
    "search, two words": lambda c, r, p: c.search(f"{r.choice(KINDS)} 第{r.randrange(1, 400)}号"),
    "search, a word in a quarter of the titles": lambda c, r, p: c.search(r.choice(("地契", "民国", "县政府", "信函"))),
    "prefix of the 档号": lambda c, r, p: c.search(reference_code_prefix=_code(r)[: r.choice((5, 8, 13))]),
    "filter by fonds and years": lambda c, r, p: c.search(fonds=_code(r)[:5], year_from=1930, year_to=1949),
    "filter by level": lambda c, r, p: c.search(fonds=_code(r)[:5], level=Level.ITEM),
    "words and filter": lambda c, r, p: c.search("地契", fonds=_code(r)[:5]),
    "below a volume": lambda c, r, p: c.search(parent=identity(_code(r)[:5])),
    "page far inside a list": lambda c, r, p: c.search(after=_far(c, r), limit=50),
    "page of a search": lambda c, r, p: c.search("地契", after=c.search("地契", limit=20).after, limit=20),
    "one entry by its 档号": lambda c, r, p: c.by_reference_code(_code(r)),
}


def _far(catalogue: Catalogue, chance: random.Random) -> str:
    """The marker of a page somewhere in the whole list."""
    (match,) = catalogue.by_reference_code(_code(chance))
    return f"{catalogue.position()}.{match.description.opened.position}"


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    catalogue = Catalogue(tmp_path_factory.mktemp("catalogue"))
    log = PassingLog(ENTRIES)
    wall, _ = timed(lambda: catalogue.rebuild(log))
    size = sum(path.stat().st_size for path in catalogue.folder.iterdir())
    print(f"\n{log.position():,} events of {ENTRIES:,} records, made as read: {wall:.0f} s, {size / 2**20:.0f} MiB")
    return catalogue


@pytest.mark.parametrize("name", QUESTIONS)
def test_answers_in_time(large: Catalogue, name: str) -> None:
    bound, ask = QUESTIONS[name]
    chance, position, taken = random.Random(3), large.position(), []
    for _ in range(100):
        at = chance.randrange(position // 2, position)
        taken.append(timed(partial(ask, large, chance, at))[0])
    taken.sort()
    print(f"{name}: p50 {taken[50] * 1e3:.2f} ms, p99 {taken[98] * 1e3:.2f} ms")
    assert taken[98] <= bound


@pytest.mark.parametrize("name", ON_CPU)
def test_search_prefix_filter_and_page_cost_little_cpu(large: Catalogue, name: str) -> None:
    chance, position = random.Random(5), large.position()
    taken = sorted(timed(partial(ON_CPU[name], large, chance, position))[1] for _ in range(200))
    print(f"{name}: p50 {taken[100] * 1e3:.2f} ms, p99 {taken[197] * 1e3:.2f} ms of CPU")
    assert taken[197] <= CPU


def test_lagging_packages_and_the_digitisation_rate_are_counted_in_seconds(large: Catalogue) -> None:
    """Questions of a day's work, not of a reader: each looks at every entry once."""
    for name, ask in (("lagging", large.lagging), ("digitised", partial(large.digitised, "fonds"))):
        _, cpu = timed(ask)
        print(f"{name}: {cpu:.2f} s of CPU")
        assert cpu <= 10
