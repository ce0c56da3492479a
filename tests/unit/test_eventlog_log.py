import multiprocessing
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing as closing_connection
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
import pytest
from eventsourcing.persistence import IntegrityError

from repository.domain.aggregate import Aggregate, New
from repository.domain.corrections import Annulled, PayloadExpunged
from repository.domain.envelope import OccurredAt
from repository.domain.values import Value
from repository.errors import ArchiveError
from repository.eventlog import Answer, EventLog, Streams, payload_digest, verify_log
from tests.event_logs import (
    COUNTER,
    SOFTWARE,
    START,
    Counted,
    TestClock,
    append,
    closing,
    codec,
    command,
    count,
    create,
    reopen,
)

ONE, TWO = UUID(int=101), UUID(int=102)
ENVELOPE = (
    "event_id",
    "archive",
    "position",
    "stream",
    "version",
    "type",
    "schema",
    "recorded_at",
    "occurred_at",
    "actor",
    "authenticated_by",
    "on_behalf_of",
    "command_id",
    "correlation_id",
    "causation_id",
    "software",
    "payload_sha256",
)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EventLog]:
    with closing(create(tmp_path / "events.sqlite")) as log:
        yield log


def test_a_stream_that_has_not_begun_is_in_its_initial_state(log: EventLog) -> None:
    loaded = log.load(COUNTER, ONE)
    assert (loaded.stream, loaded.version, loaded.state) == (ONE, 0, 0)
    assert (log.position(), list(log.events()), log.stream(ONE)) == (0, [], [])


def test_events_are_appended_in_order_across_streams(log: EventLog) -> None:
    assert count(log, ONE, 1, 2) == Answer(1, 2, already=False)
    assert count(log, TWO, 3) == Answer(3, 3, already=False)
    assert count(log, ONE, 4) == Answer(4, 4, already=False)
    assert [(e.envelope.position, e.envelope.stream, e.envelope.version) for e in log.events()] == [
        (1, ONE, 1),
        (2, ONE, 2),
        (3, TWO, 1),
        (4, ONE, 3),
    ]
    assert (log.load(COUNTER, ONE).state, log.load(COUNTER, ONE).version) == (7, 3)


def test_an_envelope_says_who_did_what_when_and_by_which_command(log: EventLog) -> None:
    asked = command()
    count(log, ONE, 5, by=asked, note="题名")
    (event,) = log.stream(ONE)
    envelope = event.envelope
    assert event.payload == Counted(amount=5, note="题名")
    assert (envelope.type, envelope.schema, envelope.software) == ("Counter.Counted", 1, SOFTWARE)
    assert (envelope.actor, envelope.authenticated_by) == (asked.actor.agent, asked.actor.authenticated_by)
    assert (envelope.command_id, envelope.correlation_id) == (asked.command_id, asked.correlation_id)
    assert (envelope.occurred_at, envelope.archive) == (asked.occurred_at, "431001")
    assert envelope.recorded_at == "2026-03-01T08:00:01.000000Z"


def test_an_envelope_says_on_whose_behalf_and_from_which_cause(log: EventLog) -> None:
    actor = msgspec.structs.replace(command().actor, on_behalf_of=UUID(int=8))
    count(log, ONE, 5, by=msgspec.structs.replace(command(), actor=actor, causation_id=UUID(int=7)))
    (event,) = log.stream(ONE)
    assert (event.envelope.on_behalf_of, event.envelope.causation_id) == (UUID(int=8), UUID(int=7))


def test_records_are_the_exact_bytes_and_the_payload_is_bound_by_its_salt(log: EventLog) -> None:
    count(log, ONE, 5, note="题名")
    (record,) = log.records(ONE)
    assert [record] == list(log.raw())
    assert record.payload == '{"amount":5,"note":"题名"}'.encode()
    assert record.salt is not None
    assert len(record.salt) == 16
    raw = msgspec.json.decode(record.envelope)
    assert tuple(raw) == ENVELOPE
    assert raw["payload_sha256"] == payload_digest(record.salt, record.payload)
    assert b" " not in record.envelope.replace(b"paper form", b"")


def test_salts_and_event_ids_are_never_the_same(log: EventLog) -> None:
    count(log, ONE, 1, 1, 1)
    records = log.records(ONE)
    assert len({record.salt for record in records}) == 3
    assert len({event.envelope.event_id for event in log.stream(ONE)}) == 3


def test_what_looks_like_a_hole_in_an_envelope_stays_as_it_is(log: EventLog) -> None:
    odd = '","position":0,"0000-00-00T00:00:00.000000Z'
    never = OccurredAt(time="0000-00-00T00:00:00.000000Z", precision="year", source="legacy system")
    count(log, ONE, 1, by=msgspec.structs.replace(command(), archive=odd, occurred_at=never))
    (event,) = log.stream(ONE)
    assert (event.envelope.archive, event.envelope.position, event.envelope.occurred_at) == (odd, 1, never)
    assert event.envelope.recorded_at == "2026-03-01T08:00:01.000000Z"


def test_the_same_command_again_answers_what_it_answered(log: EventLog) -> None:
    asked = command()
    first = count(log, ONE, 1, 2, by=asked)
    again = log.perform(asked, lambda _: pytest.fail("decided a second time"))
    assert again == Answer(first.first, first.last, already=True)
    assert log.position() == 2


def test_one_id_cannot_stand_for_two_requests(log: EventLog) -> None:
    count(log, ONE, 1, by=command(UUID(int=9), "this"))
    with pytest.raises(ArchiveError) as refusal:
        count(log, ONE, 1, by=command(UUID(int=9), "that"))
    assert refusal.value.code == "command-reused"
    assert log.position() == 1


def test_a_command_without_events_is_remembered_too(log: EventLog) -> None:
    asked = command()
    count(log, ONE, 1)
    assert log.perform(asked, lambda _: []) == Answer(2, 1, already=False)
    count(log, ONE, 1)
    assert log.perform(asked, lambda _: []) == Answer(2, 1, already=True)
    assert list(verify_log(log, codec())) == []


def test_what_a_decision_refuses_leaves_nothing_behind(log: EventLog) -> None:
    def decide(streams: Streams) -> Iterator[New]:
        streams.load(COUNTER, ONE)
        yield New(ONE, Counted(amount=1, note=""))
        raise ArchiveError("reason-missing", ONE)

    with pytest.raises(ArchiveError, match="reason"):
        log.perform(command(), decide)
    assert (log.position(), log.load(COUNTER, ONE).version) == (0, 0)
    count(log, ONE, 1)  # its lock was given back


def test_a_refused_command_whose_twin_was_performed_answers_like_the_twin(log: EventLog) -> None:
    asked = command()

    def decide(streams: Streams) -> list[New]:
        if not log.position():
            count(log, TWO, 1, by=asked)
        raise ArchiveError("accession-exists", ONE)

    assert log.perform(asked, decide) == Answer(1, 1, already=True)


def test_a_command_whose_twin_commits_first_answers_like_the_twin(log: EventLog) -> None:
    asked = command()

    def decide(streams: Streams) -> list[New]:
        if not log.position():
            count(log, TWO, 1, by=asked)
        streams.load(COUNTER, ONE)
        return [New(ONE, Counted(amount=1, note=""))]

    assert log.perform(asked, decide) == Answer(1, 1, already=True)
    assert log.load(COUNTER, ONE).version == 0


def test_a_stream_loaded_twice_in_one_command_is_the_same(log: EventLog) -> None:
    def decide(streams: Streams) -> list[New]:
        before = streams.load(COUNTER, ONE)
        with closing(reopen(log.path)) as other:
            count(other, ONE, 1)
        assert streams.load(COUNTER, ONE) is before
        return []

    log.perform(command(), decide)


def test_a_decision_overtaken_by_another_process_is_made_again(log: EventLog) -> None:
    seen: list[int] = []

    def decide(streams: Streams) -> list[New]:
        state = streams.load(COUNTER, ONE).state
        seen.append(state)
        if state == 0:
            with closing(reopen(log.path)) as other:
                count(other, ONE, 10)
        return [New(ONE, Counted(amount=1, note=""))]

    assert log.perform(command(), decide) == Answer(2, 2, already=False)
    assert (seen, log.load(COUNTER, ONE).state) == ([0, 10], 11)


def test_who_is_overtaken_every_time_gives_up(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    def overtaken(*_: object, **__: object) -> None:
        raise IntegrityError

    monkeypatch.setattr(log._application.recorder, "insert_events", overtaken)
    with pytest.raises(ArchiveError) as refusal:
        count(log, ONE, 1)
    assert refusal.value.code == "conflict"
    assert log.position() == 0


def test_an_event_for_a_stream_that_was_not_loaded_is_a_bug(log: EventLog) -> None:
    with pytest.raises(LookupError):
        log.perform(command(), lambda _: [New(ONE, Counted(amount=1, note=""))])


def test_a_payload_that_the_stream_cannot_carry_is_a_bug(log: EventLog) -> None:
    class Foreign(Value, frozen=True, kw_only=True):
        pass

    namesake = type("Counted", (Foreign,), {}, frozen=True, kw_only=True)
    for payload in (Foreign(), namesake()):
        with pytest.raises(KeyError):
            append(log, ONE, payload)


def test_a_stream_is_one_aggregate_for_ever(log: EventLog) -> None:
    count(log, ONE, 1)
    with pytest.raises(ArchiveError) as refusal:
        log.load(Aggregate("Other", 0, lambda state, _: state), ONE)
    assert refusal.value.code == "stream-kind"


def test_all_events_of_a_command_or_none(log: EventLog) -> None:
    def decide(streams: Streams) -> list[New]:
        streams.load(COUNTER, ONE)
        streams.load(COUNTER, TWO)
        if log.position() == 0:
            with closing(reopen(log.path)) as other:
                count(other, TWO, 1)
        return [New(ONE, Counted(amount=1, note="")), New(TWO, Counted(amount=1, note=""))]

    assert log.perform(command(), decide) == Answer(2, 3, already=False)
    assert [event.envelope.stream for event in log.events()] == [TWO, ONE, TWO]


def test_two_threads_that_want_the_same_streams_in_opposite_order_both_come_through(log: EventLog) -> None:
    def cross(first: UUID, second: UUID) -> None:
        def decide(streams: Streams) -> list[New]:
            streams.load(COUNTER, first)
            streams.load(COUNTER, second)
            return [New(first, Counted(amount=1, note="")), New(second, Counted(amount=1, note=""))]

        for _ in range(30):
            log.perform(command(), decide)

    threads = [threading.Thread(target=cross, args=pair) for pair in ((ONE, TWO), (TWO, ONE), (ONE, TWO))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (log.load(COUNTER, ONE).state, log.load(COUNTER, TWO).state) == (90, 90)


def test_events_are_chosen_by_position_type_and_number(log: EventLog) -> None:
    count(log, ONE, *range(1200))
    reason = Annulled(event=uuid4(), position=1, reason="误", approver=uuid4())
    append(log, ONE, reason)

    def positions(**choice: int | tuple[str, ...]) -> list[int]:
        return [event.envelope.position for event in log.events(**choice)]  # type: ignore[arg-type]  # one of four kinds

    assert positions() == list(range(1, 1202))
    assert positions(after=1199) == [1200, 1201]
    assert positions(after=499, upto=502) == [500, 501, 502]
    assert positions(after=10, limit=600) == list(range(11, 611))
    assert positions(types=("Counter.Annulled",)) == [1201]
    assert positions(types=("Counter.Annulled", "Counter.Counted"), limit=1) == [1]
    assert positions(limit=0) == positions(after=1201) == []
    assert [record.position for record in log.raw(after=1198, upto=1200)] == [1199, 1200]


def test_annulled_events_count_as_never_having_happened(log: EventLog) -> None:
    count(log, ONE, 1, 10)
    wrong = log.stream(ONE)[0].envelope
    append(log, ONE, Annulled(event=wrong.event_id, position=1, reason="误", approver=uuid4()))
    loaded = log.load(COUNTER, ONE)
    assert (loaded.state, loaded.version) == (10, 3)


def _expunge(log: EventLog, position: int) -> PayloadExpunged:
    return PayloadExpunged(
        event=next(log.events(after=position - 1)).envelope.event_id,
        position=position,
        approvers=(uuid4(), uuid4()),
        legal_basis="依法",
        replacement='{"amount":7,"note":""}',
    )


def test_an_expunged_payload_is_replaced_wherever_it_is_read(log: EventLog) -> None:
    count(log, ONE, 7, 1, note="身份证号")
    append(log, ONE, _expunge(log, 1))
    with closing_connection(sqlite3.connect(log.path, isolation_level=None)) as shell:
        shell.execute("DELETE FROM payloads WHERE position = 1")
    blank = Counted(amount=7, note="")
    assert log.stream(ONE)[0].payload == next(log.events()).payload == blank
    assert log.load(COUNTER, ONE).state == 8
    record = log.records(ONE)[0]
    assert (record.salt, record.payload) == (None, None)
    assert list(verify_log(log, codec())) == []


def test_a_payload_that_is_simply_gone_is_a_fault(log: EventLog) -> None:
    count(log, ONE, 7)
    with closing_connection(sqlite3.connect(log.path, isolation_level=None)) as shell:
        shell.execute("DROP TRIGGER payloads_no_delete")
        shell.execute("DELETE FROM payloads")
    with pytest.raises(ArchiveError) as fault:
        log.load(COUNTER, ONE)
    assert fault.value.code == "log-fault"


def test_an_event_of_a_newer_version_is_refused_and_not_guessed(tmp_path: Path) -> None:
    with closing(create(tmp_path / "log")) as log:
        count(log, ONE, 1)
    with closing(EventLog.open(tmp_path / "log", clock=TestClock(), software=SOFTWARE)) as log:
        with pytest.raises(ArchiveError) as refusal:
            log.stream(ONE)
        assert refusal.value.code == "event-unknown"


def test_a_clock_that_goes_back_is_recorded_as_it_was_and_position_orders(tmp_path: Path) -> None:
    clock = TestClock()
    hours = [10, 11, 12, 9, 10, 13, 8, 14]
    with closing(create(tmp_path / "log", clock)) as log:
        for hour in hours:
            clock.now = START.replace(hour=hour)
            count(log, ONE, 1)
        assert [event.envelope.recorded_at[11:13] for event in log.events()] == [f"{hour:02}" for hour in hours]
        for hour in range(7, 16):
            time = f"2026-03-01T{hour:02}:30:00.000000Z"
            expected = max((place for place, at in enumerate(hours, 1) if at <= hour), default=0)
            assert log.position_at(time) == expected, hour
        assert log.position_at(next(log.events()).envelope.recorded_at) == 7
        assert list(verify_log(log, codec())) == []


def test_times_are_recorded_in_utc_with_six_digits_whatever_the_clock_says(tmp_path: Path) -> None:
    shanghai = datetime.fromisoformat("2026-03-01T08:00:00+08:00")
    with closing(create(tmp_path / "log", lambda: shanghai)) as log:
        count(log, ONE, 1)
        assert next(log.events()).envelope.recorded_at == "2026-03-01T00:00:00.000000Z"


def test_create_refuses_what_exists(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"something of value")
    with pytest.raises(ArchiveError) as refusal:
        create(path)
    assert refusal.value.code == "log-exists"
    assert path.read_bytes() == b"something of value"
    assert [entry.name for entry in tmp_path.iterdir()] == ["log"]


def test_open_refuses_what_is_not_there_and_what_is_no_log(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError) as refusal:
        reopen(tmp_path / "log")
    assert refusal.value.code == "log-missing"
    assert list(tmp_path.iterdir()) == []
    for name, content in (("text", b"no database" * 100), ("empty", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ArchiveError) as refusal:
            reopen(tmp_path / name)
        assert refusal.value.code == "log-fault"


@pytest.mark.parametrize(
    "harm",
    [
        "DROP TRIGGER events_no_update",
        "DROP TABLE clock_back",
        "CREATE TABLE mine (x)",
        "PRAGMA journal_mode = DELETE",
        "PRAGMA application_id = 7",
    ],
)
def test_open_refuses_a_log_without_all_of_its_guards(tmp_path: Path, harm: str) -> None:
    path = tmp_path / "log"
    create(path).close()
    with closing_connection(sqlite3.connect(path, isolation_level=None)) as shell:
        shell.execute(harm)
    with pytest.raises(ArchiveError) as refusal:
        reopen(path)
    assert refusal.value.code == "log-fault"


def test_what_was_written_is_there_after_opening_again(tmp_path: Path) -> None:
    with closing(create(tmp_path / "log")) as log:
        count(log, ONE, 1, 2)
        before = list(log.raw())
    with closing(reopen(tmp_path / "log")) as log:
        assert list(log.raw()) == before
        assert count(log, ONE, 3).first == 3


def test_a_closed_log_writes_nothing(log: EventLog) -> None:
    log.close()
    log.close()
    with pytest.raises(RuntimeError):
        count(log, ONE, 1)


def test_the_environment_of_other_programs_does_not_reach_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (
        ("PERSISTENCE_MODULE", "eventsourcing.popo"),
        ("COMPRESSOR_TOPIC", "zlib"),
        ("CIPHER_TOPIC", "eventsourcing.cipher:AESCipher"),
        ("IS_SNAPSHOTTING_ENABLED", "y"),
        ("AGGREGATE_CACHE_MAXSIZE", "1"),
        ("MAPPER_TOPIC", "no.such:Mapper"),
    ):
        monkeypatch.setenv(name, value)
    with closing(create(tmp_path / "log")) as log:
        count(log, ONE, 1)
        count(log, ONE, 1)
        assert log.load(COUNTER, ONE).state == 2
        assert log.records(ONE)[0].payload == b'{"amount":1,"note":""}'


def _in_child(log: EventLog, results: "multiprocessing.SimpleQueue[list[str]]") -> None:
    codes = []
    for use in (lambda: count(log, ONE, 1), log.position, lambda: list(log.events())):
        try:
            use()
        except ArchiveError as error:
            codes.append(error.code)
    log.close()
    results.put(codes)
    os._exit(0)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # newer Pythons warn of the very thing that is tested
def test_a_forked_process_is_refused(log: EventLog) -> None:
    count(log, ONE, 1)
    context = multiprocessing.get_context("fork")
    results: multiprocessing.SimpleQueue[list[str]] = context.SimpleQueue()
    child = context.Process(target=_in_child, args=(log, results))
    child.start()
    child.join(30)
    assert results.get() == ["log-forked"] * 3
    assert count(log, ONE, 1).first == 2


def test_durability_is_asserted_on_every_connection(log: EventLog) -> None:
    connection = log._application.recorder._database.connect()  # type: ignore[attr-defined]  # ours, whatever it is typed
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert connection.execute("PRAGMA secure_delete").fetchone() == (1,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_the_clock_must_know_its_time_zone_is_utc() -> None:
    assert TestClock()().tzinfo is UTC


def test_a_log_may_be_closed_while_others_read_it(tmp_path: Path) -> None:
    log = create(tmp_path / "log")
    count(log, ONE, *range(300))
    ended: list[str] = []

    def read() -> None:
        try:
            while True:
                list(log.events())
        except RuntimeError as error:
            ended.append(str(error))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    log.close()
    for thread in threads:
        thread.join(30)
    assert len(ended) == 4
