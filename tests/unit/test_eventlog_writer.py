import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from repository.errors import ArchiveError
from repository.eventlog import EventLog, verify_log
from repository.eventlog.database import Connection
from repository.eventlog.turnstile import Turnstile
from repository.eventlog.writer import Writer
from tests.event_logs import COUNTER, closing, codec, command, count, create, reopen

ONE = UUID(int=101)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EventLog]:
    with closing(create(tmp_path / "events.sqlite")) as log:
        yield log


def writer_of(log: EventLog) -> Writer:
    writer: Writer = log._application.recorder._writer  # type: ignore[attr-defined]  # ours, whatever it is typed
    return writer


def held_back(log: EventLog, calls: Sequence[Callable[[], object]]) -> list[object]:
    """Run the calls in threads of their own, all waiting before the first commit may begin; what each came to."""
    outcomes: list[object] = [None] * len(calls)

    def run(place: int) -> None:
        try:
            outcomes[place] = calls[place]()
        except Exception as error:  # noqa: BLE001 - the outcome is what is tested
            outcomes[place] = error

    other = Turnstile(log.path)
    threads = [threading.Thread(target=run, args=(place,), daemon=True) for place in range(len(calls))]
    with other.held():
        for thread in threads:
            thread.start()
        time.sleep(0.3)  # long enough for every one of them to wait
    for thread in threads:
        thread.join(30)
    other.close()
    return outcomes


def commits(log: EventLog, action: Callable[[], object]) -> int:
    """How many transactions the action took."""
    writer = writer_of(log)
    connected = writer._connected
    seen: list[str] = []

    def traced() -> Connection:
        connection = connected()
        connection.set_trace_callback(seen.append)
        return connection

    writer._connected = traced  # type: ignore[method-assign]  # listens to what is executed
    action()
    return seen.count("COMMIT")


def test_commands_that_wait_together_are_committed_together(log: EventLog) -> None:
    streams = [uuid4() for _ in range(20)]
    calls = [partial(count, log, stream, 1) for stream in streams]
    taken = commits(log, lambda: held_back(log, calls))
    assert taken <= 2
    assert sorted(event.envelope.position for event in log.events()) == list(range(1, 21))


def test_one_that_fails_in_a_group_fails_alone(log: EventLog) -> None:
    recorder = log._application.recorder

    def broken() -> object:
        return writer_of(log).write(lambda _: 1 / 0)  # type: ignore[arg-type, return-value]  # wrong on purpose

    def fault() -> object:
        stored = recorder.select_notifications(1, 1)[0]
        return writer_of(log).write(lambda connection: recorder._append(connection, [stored], None))  # type: ignore[attr-defined]

    def refused() -> object:
        return writer_of(log).write(lambda connection: connection.execute("DELETE FROM events").fetchall())

    count(log, ONE, 1)
    calls = [lambda: count(log, uuid4(), 1), broken, lambda: count(log, uuid4(), 1), refused, fault]
    good, division, also_good, trigger, again = held_back(log, calls)
    assert isinstance(division, ZeroDivisionError)
    assert isinstance(trigger, sqlite3.IntegrityError)
    assert isinstance(again, TypeError)
    assert {good.first, also_good.first} == {2, 3}  # type: ignore[attr-defined]  # answers
    assert list(verify_log(log, codec())) == []


def test_an_integrity_error_that_is_not_the_version_guard_is_a_fault(log: EventLog) -> None:
    count(log, ONE, 1)
    shell = sqlite3.connect(log.path, isolation_level=None)
    shell.execute("DROP TRIGGER high_water_rises")
    shell.execute("UPDATE high_water SET position = 0")
    shell.close()
    with pytest.raises(ArchiveError) as fault:
        count(log, ONE, 1)
    assert fault.value.code == "log-fault"


def limited(log: EventLog, **limits: int) -> None:
    writer_of(log).write(
        lambda connection: [
            connection.execute(f"PRAGMA {name} = {value}").fetchone()[0] for name, value in limits.items()
        ]
    )


def test_a_full_disk_acknowledges_nothing_and_the_log_goes_on(log: EventLog) -> None:
    count(log, ONE, 1)
    pages = sqlite3.connect(log.path).execute("PRAGMA page_count").fetchone()[0]
    limited(log, max_page_count=pages)
    with pytest.raises(ArchiveError) as failure:
        count(log, ONE, 2, note="长" * 100_000)
    assert failure.value.code == "storage-full"
    assert (log.position(), log.load(COUNTER, ONE).state) == (1, 1)
    assert count(log, ONE, 3).first == 2
    assert list(verify_log(log, codec())) == []


class Failing(Connection):
    """A connection whose disk fails at a commit."""

    def execute(self, statement: str, *values: object) -> sqlite3.Cursor:
        if statement == "COMMIT":
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR
            raise error
        return super().execute(statement, *values)  # type: ignore[arg-type]  # passed on


def test_a_disk_that_fails_at_the_commit_fails_every_command_of_the_group(
    log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [command() for _ in range(3)]
    count(log, ONE, 1)
    writer_of(log)._abandon()
    monkeypatch.setattr("repository.eventlog.database.Connection", Failing)
    calls = [partial(count, log, uuid4(), 1, by=one) for one in asked]
    outcomes = held_back(log, calls)
    assert [getattr(outcome, "code", outcome) for outcome in outcomes] == ["log-write-failed"] * 3
    assert len({id(outcome) for outcome in outcomes}) == 3
    monkeypatch.undo()
    assert log.position() == 1
    assert [count(log, uuid4(), 1, by=one).already for one in asked] == [False] * 3


def test_a_connection_that_is_not_durable_writes_nothing(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("repository.eventlog.database._ASSERTED", (("synchronous", 3),))
    with pytest.raises(ArchiveError) as fault:
        count(log, ONE, 1)
    assert fault.value.code == "log-fault"


def test_two_logs_of_one_file_write_in_turns(log: EventLog) -> None:
    def write(target: EventLog) -> None:
        for _ in range(25):
            count(target, ONE, 1)

    with closing(reopen(log.path)) as other:
        threads = [threading.Thread(target=write, args=(target,)) for target in (log, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert log.load(COUNTER, ONE).state == 50
    assert list(verify_log(log, codec())) == []


def test_what_waits_when_the_log_closes_is_still_written(log: EventLog) -> None:
    answers: list[object] = []
    other = Turnstile(log.path)
    thread = threading.Thread(target=lambda: answers.append(count(log, ONE, 1)))
    with other.held():
        thread.start()
        closer = threading.Thread(target=log.close)
        threading.Event().wait(0.1)
        closer.start()
    thread.join(30)
    closer.join(30)
    other.close()
    assert len(answers) == 1
