import sqlite3
from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from repository.domain.corrections import PayloadExpunged
from repository.eventlog import LogFault, verify_log
from repository.eventlog.digests import command_digest, leaf_hash
from repository.eventlog.faults import fault_table
from repository.eventlog.schema import differences
from tests.event_logs import START, TestClock, append, closing, codec, count, create, verdicts

ONE, TWO = UUID(int=101), UUID(int=102)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A log of five events in two streams, written by four commands under a clock that went back once."""
    clock = TestClock()
    with closing(create(tmp_path / "events.sqlite", clock)) as log:
        count(log, ONE, 1, 2)
        count(log, TWO, 3)
        count(log, TWO)
        clock.now = START.replace(year=2025)
        count(log, ONE, 4, 5)
    return tmp_path / "events.sqlite"


def tampered(path: Path, *statements: str | Callable[[sqlite3.Connection], object]) -> list[LogFault]:
    """Faults after someone took the guards away, did this, and put the guards back."""
    connection = sqlite3.connect(path, isolation_level=None)
    guards = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in guards:
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        if callable(statement):
            statement(connection)
        else:
            connection.execute(statement)
    for _, sql in guards:
        connection.execute(sql)
    assert not differences(connection)
    connection.close()
    return list(verify_log(path, codec()))


def test_a_sound_log_has_no_fault(path: Path) -> None:
    assert list(verify_log(path, codec())) == []


def test_an_open_log_is_verified_while_it_is_written(tmp_path: Path) -> None:
    with closing(create(tmp_path / "log")) as log:
        count(log, ONE, 1)
        verifying = verify_log(log, codec())
        first = next(verifying, None)
        count(log, ONE, 2)
        assert (first, list(verifying), list(verify_log(log))) == (None, [], [])


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("UPDATE events SET stream = substr(stream, 1, 35) || 'f' WHERE position = 3", (3, "log.column")),
        ("UPDATE events SET version = 9 WHERE position = 5", (5, "log.column")),
        ("UPDATE events SET version = 9 WHERE position = 5", (5, "log.version")),
        ("UPDATE events SET type = 'Counter.Assessed' WHERE position = 2", (2, "log.column")),
        ("UPDATE events SET schema = 2 WHERE position = 2", (2, "log.column")),
        ("UPDATE events SET recorded_at = '2026-03-01T08:00:00.000000Z' WHERE position = 2", (2, "log.column")),
        ("UPDATE events SET envelope = CAST(replace(envelope, 'paper form', 'clock') AS BLOB) WHERE position = 4",
         (4, "log.leaf")),
        ("UPDATE events SET leaf = zeroblob(32) WHERE position = 4", (4, "log.leaf")),
        ("UPDATE payloads SET payload = CAST(replace(payload, '4', '9') AS BLOB) WHERE position = 4",
         (4, "log.payload")),
        ("UPDATE payloads SET salt = replace(salt, substr(salt, 1, 1), 'x') WHERE position = 4", (4, "log.payload")),
        ("DELETE FROM payloads WHERE position = 2", (2, "log.payload-missing")),
        ("DELETE FROM events WHERE position = 2", (2, "log.gap")),
        ("DELETE FROM events WHERE position = 2", (2, "log.payload-stray")),
        ("DELETE FROM events WHERE position = 1", (1, "log.gap")),
        ("DELETE FROM events WHERE position >= 4", (0, "log.tail")),
        ("DELETE FROM events", (0, "log.tail")),
        ("UPDATE high_water SET position = 4", (0, "log.tail")),
        ("UPDATE high_water SET recorded_at = ''", (0, "log.tail")),
        ("DELETE FROM high_water", (0, "log.tail")),
        ("UPDATE high_water SET commands = 3", (0, "log.command")),
        ("DELETE FROM commands WHERE first > last", (0, "log.command")),
        ("DELETE FROM commands WHERE first = 3 AND last = 3", (3, "log.command")),
        ("UPDATE commands SET request_sha256 = 'x' WHERE first = 3 AND last = 3", (3, "log.command")),
        ("UPDATE commands SET last = 9 WHERE first = 1", (1, "log.command")),
        ("UPDATE commands SET first = -99999999999 WHERE first = 1", (-99999999999, "log.command")),
        ("UPDATE commands SET last = 99999999999 WHERE first = 4 AND last = 5", (0, "log.command")),
        ("UPDATE commands SET digest = x'00' WHERE first = 1", (1, "log.command")),
        ("DELETE FROM clock_back", (4, "log.clock")),
        ("INSERT INTO clock_back VALUES (2)", (2, "log.clock")),
    ],
)  # fmt: skip
def test_what_was_tampered_with_is_named(path: Path, statement: str, expected: tuple[int, str]) -> None:
    found = [(fault.position, fault.code) for fault in tampered(path, statement)]
    assert expected in found


def test_exchanged_streams_are_found(path: Path) -> None:
    faults = tampered(
        path,
        "UPDATE events SET stream = 'x' WHERE position = 1",
        f"UPDATE events SET stream = '{ONE}' WHERE position = 3",
        f"UPDATE events SET stream = '{TWO}' WHERE position = 1",
    )
    assert {(1, "log.column"), (3, "log.column")} <= {(fault.position, fault.code) for fault in faults}


def test_exchanged_payloads_are_found(path: Path) -> None:
    def exchange(connection: sqlite3.Connection) -> None:
        for old, new in ((1, 9), (2, 1), (9, 2)):
            connection.execute("UPDATE payloads SET position = ? WHERE position = ?", (new, old))

    faults = tampered(path, exchange)
    assert [(fault.position, fault.code) for fault in faults] == [(1, "log.payload"), (2, "log.payload")]


def test_an_event_written_again_is_found(path: Path) -> None:
    faults = tampered(
        path,
        "UPDATE events SET (envelope, leaf) = "
        "(SELECT envelope, leaf FROM events WHERE position = 1) WHERE position = 2",
    )
    codes = {fault.code for fault in faults}
    assert {fault.position for fault in faults} == {2}
    assert "log.column" in codes


def test_a_tail_cut_off_with_its_payloads_commands_and_high_water_count_is_found(path: Path) -> None:
    faults = tampered(path, "DELETE FROM events WHERE position > 3", "DELETE FROM payloads WHERE position > 3")
    assert (0, "log.tail") in [(fault.position, fault.code) for fault in faults]


def test_every_false_event_is_named_not_only_the_first(path: Path) -> None:
    faults = tampered(path, "UPDATE events SET leaf = zeroblob(32) WHERE position IN (1, 3, 5)")
    assert [(fault.position, fault.code) for fault in faults] == [(1, "log.leaf"), (3, "log.leaf"), (5, "log.leaf")]


def _rewrite(connection: sqlite3.Connection, position: int, old: bytes, new: bytes) -> None:
    (envelope,) = connection.execute("SELECT envelope FROM events WHERE position = ?", (position,)).fetchone()
    changed = envelope.replace(old, new)
    assert changed != envelope
    connection.execute(
        "UPDATE events SET envelope = ?, leaf = ? WHERE position = ?", (changed, leaf_hash(changed), position)
    )


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b'{"event_id"', b'{ "event_id"', "log.envelope"),
        (b'"causation_id":null,', b"", "log.envelope"),
        (b'"causation_id":null', b'"causation_id":null,"causation_id":null', "log.envelope"),
        (b'"archive":"431001"', b'"archive":"\\u0034\\u00331001"', "log.envelope"),
        (b'"version":1', b'"version":"1"', "log.envelope"),
        (b'"position":1', b'"position":7', "log.column"),
        (b'"type":"Counter.Counted"', b'"type":"Counter.Uncounted"', "log.type"),
        (b'"schema":1', b'"schema":2', "log.type"),
        (b'"type":"Counter.Counted"', b'"type":"Counter.Assessed"', "log.payload-form"),
    ],
)
def test_an_envelope_of_another_form_is_found_even_with_its_leaf_recomputed(
    path: Path, old: bytes, new: bytes, code: str
) -> None:
    faults = tampered(path, lambda connection: _rewrite(connection, 1, old, new))
    assert (1, code) in [(fault.position, fault.code) for fault in faults]


def test_an_envelope_of_another_command_is_found_even_with_its_leaf_recomputed(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        (command_id,) = connection.execute("SELECT command_id FROM commands WHERE first = 1").fetchone()
    connection.close()
    faults = tampered(path, lambda shell: _rewrite(shell, 1, command_id.encode(), str(uuid4()).encode()))
    assert [(fault.position, fault.code) for fault in faults] == [(1, "log.command")]


def test_overlapping_commands_are_found_even_with_their_digests_recomputed(path: Path) -> None:
    def overlap(connection: sqlite3.Connection) -> None:
        (name, request) = connection.execute(
            "SELECT command_id, request_sha256 FROM commands WHERE first = 1"
        ).fetchone()
        digest = command_digest(name, request, 1, 3)
        connection.execute("UPDATE commands SET last = 3, digest = ? WHERE command_id = ?", (digest, name))

    assert "log.command" in {fault.code for fault in tampered(path, overlap)}


def test_a_guard_that_was_taken_away_is_named(path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("DROP TRIGGER events_no_update")
    connection.close()
    assert list(verify_log(path, codec())) == [LogFault(0, "log.guard", expected="events_no_update")]


def test_an_expunged_payload_is_missed_only_without_its_event(tmp_path: Path) -> None:
    word = PayloadExpunged(
        event=uuid4(),
        position=1,
        approvers=(uuid4(), uuid4()),
        legal_basis="依法",
        replacement='{"amount":1,"note":""}',
    )
    wrong = PayloadExpunged(
        event=uuid4(), position=2, approvers=(uuid4(), uuid4()), legal_basis="依法", replacement='{"note":""}'
    )
    with closing(create(tmp_path / "log")) as log:
        count(log, ONE, 1, 2, 3)
        append(log, ONE, word, wrong)
    faults = tampered(tmp_path / "log", "DELETE FROM payloads WHERE position <= 3")
    assert [(fault.position, fault.code) for fault in faults] == [(2, "log.payload-form"), (3, "log.payload-missing")]


def test_a_salt_in_another_spelling_is_found(path: Path) -> None:
    faults = tampered(path, "UPDATE payloads SET salt = upper(salt) WHERE salt != upper(salt)")
    assert {fault.code for fault in faults} == {"log.payload"}


def test_a_file_that_is_no_database_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"no database at all" * 400)
    assert {fault.code for fault in verify_log(tmp_path / "text")} == {"log.unreadable"}
    assert {fault.code for fault in verify_log(tmp_path / "missing")} == {"log.unreadable"}


@pytest.mark.parametrize("seed", range(60))
def test_a_damaged_file_is_judged_without_crashing(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "log"
    with closing(create(path)) as log:
        for _ in range(6):
            append(log, uuid4(), verdicts(40))
    content = bytearray(path.read_bytes())
    at = seed * len(content) // 60
    content[at : at + 64] = bytes(byte ^ 0xA5 for byte in content[at : at + 64])
    path.write_bytes(content)
    faults = list(verify_log(path, codec()))
    assert all(fault.message("zh") and fault.message("en") for fault in faults)


def test_a_truncated_file_is_a_fault(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "log.unreadable" in {fault.code for fault in verify_log(path, codec())}


def test_every_fault_has_words_in_both_languages() -> None:
    source = Path(__file__).parents[2] / "repository" / "eventlog"
    words = "".join((source / name).read_text("utf-8") for name in ("verification.py", "row.py"))
    for code, row in fault_table().items():
        assert f'"{code}"' in words, "a row that no fault names"
        assert row.zh, row.en
    assert set(fault_table()) == {part for part in words.split('"') if part.startswith("log.")}
