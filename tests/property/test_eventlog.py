"""Any sequence of commands leaves a sound log; any single change to a stored row is found."""

import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repository.domain.aggregate import New, fold
from repository.eventlog import EventLog, Streams, leaf_hash, payload_digest, verify_log
from tests.event_logs import COUNTER, Counted, TestClock, closing, codec, command, count, create

STREAMS = [UUID(int=number) for number in range(1, 4)]
TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
APPENDS = st.lists(st.tuples(st.sampled_from(STREAMS), st.integers(-(2**63), 2**63 - 1), TEXT), max_size=4)
COMMANDS = st.lists(st.tuples(st.integers(1, 6), APPENDS), max_size=8)
Append = tuple[UUID, int, str]


@contextmanager
def new_log() -> Iterator[EventLog]:
    with tempfile.TemporaryDirectory() as folder, closing(create(Path(folder) / "log")) as log:
        yield log


def perform(log: EventLog, number: int, appends: Sequence[Append]) -> bool:
    def decide(streams: Streams) -> list[New]:
        for stream, _, _ in appends:
            streams.load(COUNTER, stream)
        return [New(stream, Counted(amount=amount, note=note)) for stream, amount, note in appends]

    return log.perform(command(UUID(int=number), "the same"), decide).already


@settings(max_examples=40, deadline=None)
@given(COMMANDS)
def test_any_sequence_of_commands(commands: list[tuple[int, list[Append]]]) -> None:
    performed: dict[int, list[Append]] = {}
    with new_log() as log:
        for number, appends in commands:
            assert perform(log, number, appends) is (number in performed)
            performed.setdefault(number, appends)
        expected = [append for appends in performed.values() for append in appends]
        events = list(log.events())
        assert [(e.envelope.stream, e.payload) for e in events] == [
            (stream, Counted(amount=amount, note=note)) for stream, amount, note in expected
        ]
        assert [event.envelope.position for event in events] == list(range(1, log.position() + 1))
        for stream in STREAMS:
            own = [event for event in events if event.envelope.stream == stream]
            assert log.stream(stream) == own
            assert [event.envelope.version for event in own] == list(range(1, len(own) + 1))
            assert log.load(COUNTER, stream).state == fold(COUNTER, own)
        for record, event in zip(log.raw(), events, strict=True):
            assert record.salt is not None
            assert record.payload is not None
            assert payload_digest(record.salt, record.payload) == event.envelope.payload_sha256
            assert len(leaf_hash(record.envelope)) == 32
        assert list(verify_log(log, codec())) == []


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 10), min_size=1, max_size=12), st.integers(-1, 11))
def test_position_at_is_the_last_position_not_later(seconds: list[int], asked: int) -> None:
    clock = TestClock()
    start = clock.now
    with tempfile.TemporaryDirectory() as folder, closing(create(Path(folder) / "log", clock)) as log:
        for second in seconds:
            clock.now = start.replace(second=20 + second)
            count(log, STREAMS[0], 1)
        time = f"2026-03-01T08:00:{21 + asked:02}.000000Z"
        assert log.position_at(time) == max((p for p, second in enumerate(seconds, 1) if second <= asked), default=0)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A sound log's file: three streams, a command without events and a clock that went back."""
    path = tmp_path_factory.mktemp("sound") / "log"
    clock = TestClock()
    with closing(create(path, clock)) as log:
        for stream in STREAMS:
            count(log, stream, 1, 2, note="卷宗")
        count(log, STREAMS[0])
        clock.now = clock.now.replace(year=2025)
        count(log, STREAMS[0], 3)
    return path.read_bytes()


COLUMNS = {
    "events": ("position", "stream", "version", "type", "schema", "recorded_at", "envelope", "leaf"),
    "payloads": ("position", "salt", "payload"),
    "commands": ("command_id", "request_sha256", "first", "last", "digest"),
    "high_water": ("one", "position", "recorded_at", "commands"),
    "clock_back": ("position",),
}
CELLS = [
    (table, column)
    for table, columns in COLUMNS.items()
    for column in columns
    if (table, column) != ("high_water", "one")
]


def changed(value: object, at: int, bit: int) -> object:
    """The value with one bit of one byte of it changed (a number: by a power of two)."""
    match value:
        case int():
            return value ^ (1 << bit)
        case bytes():
            at %= len(value)
            return value[:at] + bytes([value[at] ^ (1 << bit)]) + value[at + 1 :]
        case str():
            at %= len(value)
            return value[:at] + chr(ord(value[at]) ^ (1 << bit % 7)) + value[at + 1 :]
        case _:
            raise TypeError(type(value))


@contextmanager
def unguarded(content: bytes) -> Iterator[tuple[Path, sqlite3.Connection]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        path.write_bytes(content)
        connection = sqlite3.connect(path, isolation_level=None)
        guards = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        connection.execute("PRAGMA ignore_check_constraints = ON")
        for name, _ in guards:
            connection.execute(f"DROP TRIGGER {name}")
        yield path, connection
        for _, sql in guards:
            connection.execute(sql)
        connection.close()
        assert list(verify_log(path, codec())) != []


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(CELLS), st.integers(0, 20), st.integers(0, 2000), st.integers(0, 7))
def test_any_single_byte_that_is_changed_is_found(
    sound: bytes, cell: tuple[str, str], row: int, at: int, bit: int
) -> None:
    table, column = cell
    with unguarded(sound) as (_, connection):
        rows = connection.execute(f"SELECT * FROM {table}").fetchall()
        keys = COLUMNS[table]
        old = dict(zip(keys, rows[row % len(rows)], strict=True))
        where = " AND ".join(f"{key} IS ?" for key in keys)
        connection.execute(
            f"UPDATE OR REPLACE {table} SET {column} = ? WHERE {where}", (changed(old[column], at, bit), *old.values())
        )


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(COLUMNS)), st.integers(0, 20))
def test_any_single_row_that_is_removed_is_found(sound: bytes, table: str, row: int) -> None:
    with unguarded(sound) as (_, connection):
        key = COLUMNS[table][0]
        keys = [value for (value,) in connection.execute(f"SELECT {key} FROM {table}")]
        connection.execute(f"DELETE FROM {table} WHERE {key} = ?", (keys[row % len(keys)],))
