import sqlite3
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from repository.domain.corrections import PayloadExpunged
from repository.errors import ArchiveError
from repository.eventlog import EventLog
from tests.event_logs import append, closing, count, create

ONE, TWO = UUID(int=101), UUID(int=102)
TABLES = ("events", "payloads", "commands", "high_water", "clock_back")
SECOND = "SELECT 3, stream, 2, type, schema, recorded_at, envelope, leaf FROM events WHERE position = 1"


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EventLog]:
    with closing(create(tmp_path / "events.sqlite")) as log:
        count(log, ONE, 1)
        count(log, TWO, 2)
        yield log


@pytest.fixture
def shell(log: EventLog) -> Iterator[sqlite3.Connection]:
    """Somebody with a database shell."""
    connection = sqlite3.connect(log.path, isolation_level=None)
    yield connection
    connection.close()


def contents(connection: sqlite3.Connection) -> list[list[tuple[object, ...]]]:
    return [connection.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET stream = 'x'",
        "UPDATE events SET envelope = x'00' WHERE position = 2",
        "UPDATE OR REPLACE events SET position = 1 WHERE position = 2",
        "UPDATE OR IGNORE events SET type = 'x'",
        "UPDATE payloads SET payload = x'00'",
        "UPDATE payloads SET salt = salt",
        "UPDATE commands SET last = 9",
        "UPDATE commands SET request_sha256 = 'x'",
        "UPDATE high_water SET position = 1",
        "UPDATE high_water SET position = 3",
        "UPDATE high_water SET recorded_at = ''",
        "UPDATE high_water SET commands = 1",
        "DELETE FROM events WHERE position = 2",
        "DELETE FROM events",
        "DELETE FROM payloads WHERE position = 2",
        "DELETE FROM payloads",
        "DELETE FROM commands",
        "DELETE FROM high_water",
        "REPLACE INTO events SELECT * FROM events WHERE position = 2",
        "INSERT OR IGNORE INTO events SELECT * FROM events WHERE position = 2",
        f"REPLACE INTO events {SECOND.replace(', 2,', ', 1,')}",
        "REPLACE INTO payloads SELECT position, salt, x'00' FROM payloads WHERE position = 2",
        "INSERT OR REPLACE INTO payloads SELECT position, salt, x'00' FROM payloads WHERE position = 1",
        "REPLACE INTO commands SELECT command_id, 'x', first, last, digest FROM commands",
        "REPLACE INTO high_water VALUES (1, 0, '', 0)",
        "INSERT INTO high_water VALUES (2, 0, '', 0)",
        "INSERT INTO clock_back VALUES (1)",
        "INSERT INTO payloads SELECT 3, salt, payload FROM payloads WHERE position = 1",
        f"INSERT INTO events {SECOND.replace('3,', '4,')}",
        f"INSERT INTO events {SECOND.replace('3,', '0,')}",
        f"INSERT INTO events {SECOND.replace(', 2,', ', 3,')}",
        f"INSERT INTO events {SECOND.replace(', 2,', ', 0,')}",
        f"INSERT INTO events {SECOND.replace('leaf', 'NULL')}",
        f"INSERT INTO events {SECOND.replace('envelope', 'CAST(envelope AS TEXT)')}",
        f"INSERT INTO events {SECOND.replace('schema', '0')}",
        f"INSERT INTO events {SECOND.replace('stream', 'NULL', 1)}",
    ],
)
def test_the_database_refuses(shell: sqlite3.Connection, statement: str) -> None:
    before = contents(shell)
    with pytest.raises(sqlite3.IntegrityError):
        shell.execute(statement)
    assert contents(shell) == before


def test_the_next_event_in_order_is_not_refused(shell: sqlite3.Connection) -> None:
    shell.execute(f"INSERT INTO events {SECOND}")
    assert shell.execute("SELECT position FROM high_water").fetchone() == (3,)


def test_a_deleted_tail_cannot_be_issued_again(shell: sqlite3.Connection) -> None:
    shell.execute("DROP TRIGGER events_no_delete")
    row = shell.execute("SELECT * FROM events WHERE position = 2").fetchone()
    shell.execute("DELETE FROM events WHERE position = 2")
    with pytest.raises(sqlite3.IntegrityError, match="out of order"):
        shell.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)


def expunge(position: int) -> PayloadExpunged:
    return PayloadExpunged(
        event=uuid4(),
        position=position,
        approvers=(uuid4(), uuid4()),
        legal_basis="依法",
        replacement='{"amount":1,"note":""}',
    )


def test_only_the_payload_that_its_own_stream_expunged_may_go(log: EventLog, shell: sqlite3.Connection) -> None:
    append(log, ONE, expunge(1))
    append(log, ONE, expunge(2))  # in another stream than the one that it names
    for position in (2, 3, 4):
        with pytest.raises(sqlite3.IntegrityError):
            shell.execute("DELETE FROM payloads WHERE position = ?", (position,))
    with pytest.raises(sqlite3.IntegrityError):
        shell.execute("DELETE FROM payloads")
    shell.execute("DELETE FROM payloads WHERE position = 1")
    assert shell.execute("SELECT position FROM payloads").fetchall() == [(2,), (3,), (4,)]


def test_an_expunging_event_cannot_itself_be_expunged(log: EventLog, shell: sqlite3.Connection) -> None:
    append(log, ONE, expunge(1))
    append(log, ONE, expunge(3))
    with pytest.raises(sqlite3.IntegrityError):
        shell.execute("DELETE FROM payloads WHERE position = 3")


def test_an_expunged_payload_leaves_no_bytes_in_the_file(log: EventLog) -> None:
    append(log, ONE, expunge(1))
    count(log, ONE, 1, note="不可留存的文字" * 40)
    append(log, ONE, expunge(4))
    connection = log._application.recorder._database.connect()  # type: ignore[attr-defined]  # the log's own settings
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert "不可留存的文字".encode() in log.path.read_bytes()
    connection.execute("DELETE FROM payloads WHERE position = 4")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert "不可留存的文字".encode() not in log.path.read_bytes()


def test_a_reader_of_the_log_can_write_nothing(log: EventLog) -> None:
    with pytest.raises(ArchiveError, match="readonly"):
        log._reader._fetch("CREATE TABLE mine (x)")
