"""The event log beside the plainest thing that SQLite can do for the same purpose, in the same run."""

import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from repository.domain.aggregate import New
from repository.eventlog import EventLog, Streams
from tests.event_logs import COUNTER, Assessed, closing, command, count, create, verdicts

pytestmark = pytest.mark.bench

BATCHES = 100
PAGES = 100
ROUNDS = 5
THREADS = 50
COMMANDS = 20
EVENTS = 40_000


def now() -> datetime:
    return datetime.now(UTC)


def cpu(action: Callable[[], object]) -> float:
    """Seconds of CPU of the whole process."""
    before = time.process_time()
    action()
    return time.process_time() - before


def plain(path: Path) -> sqlite3.Connection:
    """A database of one row of columns per page, as durable as the log."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=60)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS verdicts "
        "(package TEXT, page TEXT, skew INTEGER, dpi INTEGER, blank INTEGER, defects TEXT, outcome TEXT, at TEXT)"
    )
    return connection


def insert_rows(connection: sqlite3.Connection, batches: Sequence[Assessed]) -> None:
    """One `execute` per page, one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    for batch in batches:
        package = str(uuid4())
        for page in batch.verdicts:
            connection.execute(
                "INSERT INTO verdicts VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    package,
                    page.page,
                    page.skew_millidegrees,
                    page.dots_per_inch,
                    page.is_blank,
                    ",".join(page.defects),
                    page.outcome,
                    "2026-03-01T08:00:00.000000Z",
                ),
            )
    connection.execute("COMMIT")


def append_singly(log: EventLog, batches: Sequence[Assessed]) -> None:
    """One event per batch, each a command of its own."""
    for batch in batches:
        append_batches(log, [batch])


def append_batches(log: EventLog, batches: Sequence[Assessed]) -> None:
    """One event per batch, each in its package's stream, one command."""

    def decide(streams: Streams) -> list[New]:
        events = []
        for batch in batches:
            stream = streams.load(COUNTER, uuid4()).stream
            events.append(New(stream, batch))
        return events

    log.perform(command(), decide)


def test_batches_of_verdicts_cost_no_more_than_rows(tmp_path: Path) -> None:
    batches = [verdicts(PAGES) for _ in range(BATCHES)]
    pages = BATCHES * PAGES
    with closing(create(tmp_path / "log", now)) as log:
        connection = plain(tmp_path / "plain")
        rows, events, singly = [], [], []
        for _ in range(ROUNDS):
            rows.append(cpu(lambda: insert_rows(connection, batches)))
            events.append(cpu(lambda: append_batches(log, batches)))
            singly.append(cpu(lambda: append_singly(log, batches)))
        connection.close()
    row, event, single = (min(times) / pages * 1e6 for times in (rows, events, singly))
    print(
        f"\nverdicts, CPU per page: {row:.2f} us as a row; {event:.2f} us in events of {PAGES} pages, "
        f"{event / row:.2f}x; {single:.2f} us when each event is a synced command of its own, {single / row:.2f}x"
    )
    assert event <= row


def latencies(action: Callable[[int], Callable[[], object]]) -> list[float]:
    """Seconds of each call, of all threads together, sorted."""
    taken: list[float] = []
    start = threading.Barrier(THREADS)

    def run(number: int) -> None:
        call = action(number)
        start.wait()
        for _ in range(COMMANDS):
            began = time.perf_counter()
            call()
            taken.append(time.perf_counter() - began)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(taken)


def one_by_one(path: Path) -> Callable[[int], Callable[[], object]]:
    """Each thread commits what it appends by itself, synced."""
    plain(path).close()
    batch = [verdicts(1)]

    def action(_: int) -> Callable[[], object]:
        connection = plain(path)
        return lambda: insert_rows(connection, batch)

    return action


def test_fifty_threads_wait_a_twentieth_of_committing_one_by_one(tmp_path: Path) -> None:
    with closing(create(tmp_path / "log", now)) as log:

        def perform(_: int) -> Callable[[], object]:
            stream = uuid4()
            return lambda: count(log, stream, 1)

        together = latencies(perform)
    alone = latencies(one_by_one(tmp_path / "plain"))
    place = len(together) * 99 // 100
    print(
        f"\n{THREADS} threads, p99 end to end: {together[place] * 1e3:.1f} ms in groups, "
        f"{alone[place] * 1e3:.1f} ms one by one, 1/{alone[place] / together[place]:.0f}; "
        f"median {together[len(together) // 2] * 1e3:.1f} ms and {alone[len(alone) // 2] * 1e3:.1f} ms"
    )
    assert together[place] <= alone[place] / 20


def test_events_are_decoded_fast_enough_to_rebuild_from(tmp_path: Path) -> None:
    with closing(create(tmp_path / "log", now)) as log:
        for _ in range(EVENTS // 1000):
            count(log, uuid4(), *range(1000), note="县政府 1931 年土地卷宗")
        raw = min(cpu(lambda: sum(1 for _ in log.raw())) for _ in range(3))
        decoded = min(cpu(lambda: sum(1 for _ in log.events())) for _ in range(3))
    print(f"\nreading {EVENTS} events: raw rows {EVENTS / raw:,.0f}/s, decoded {EVENTS / decoded:,.0f}/s")
    assert EVENTS / decoded >= 100_000
