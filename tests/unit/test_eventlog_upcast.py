from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from repository.domain.description import Described, Revised
from repository.errors import ArchiveError
from repository.eventlog import Codec, EventLog, verify_log
from repository.eventlog.registry import EventType, event_types
from repository.eventlog.upcast import UPCASTS
from tests.event_logs import COUNTER, SOFTWARE, TYPES, Counted, TestClock, closing, count, create
from tests.golden_events import FOLDER

ONE = UUID(int=101)


def _from_first(raw: dict[str, Any]) -> Counted:
    """Schema 1 had tens of what schema 2 counts singly."""
    return Counted(amount=raw["amount"] * 10, note=raw["note"])


NEWER = Codec(
    TYPES | {"Counter.Counted": EventType("Counter.Counted", 2, Counted, "Counter.Annulled")},
    {("Counter.Counted", 1): _from_first},
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with closing(create(tmp_path / "log")) as log:
        count(log, ONE, 1, 2, note="旧")
    return tmp_path / "log"


def newer(path: Path) -> EventLog:
    return EventLog.open(path, clock=TestClock(), software=SOFTWARE, codec=NEWER)


def test_an_old_event_is_read_as_the_newest_and_its_bytes_stay(path: Path) -> None:
    with closing(newer(path)) as log:
        assert [event.payload for event in log.events()] == [
            Counted(amount=10, note="旧"),
            Counted(amount=20, note="旧"),
        ]
        assert log.records(ONE)[0].payload == '{"amount":1,"note":"旧"}'.encode()
        assert log.load(COUNTER, ONE).state == 30


def test_old_and_new_stand_in_one_stream(path: Path) -> None:
    with closing(newer(path)) as log:
        count(log, ONE, 5)
        assert [event.envelope.schema for event in log.stream(ONE)] == [1, 1, 2]
        assert log.load(COUNTER, ONE).state == 35
        assert list(verify_log(log, NEWER)) == []


def test_what_cannot_be_upcast_is_a_fault(path: Path) -> None:
    codec = Codec(NEWER.types, {("Counter.Counted", 1): lambda raw: Counted(amount=raw["missing"], note="")})
    with pytest.raises(ArchiveError) as fault:
        codec.event("Counter.Counted", 1, b"{}", b'{"amount":1}')
    assert fault.value.code == "log-fault"
    assert {fault.code for fault in verify_log(path, codec)} == {"log.payload-form"}


def test_every_upcast_is_of_a_known_type_and_an_older_schema() -> None:
    for name, schema in UPCASTS:
        assert schema < event_types()[name].schema
    for kind in event_types().values():
        assert {schema for name, schema in UPCASTS if name == kind.name} == set(range(1, kind.schema))


@pytest.mark.parametrize("name", ["Described", "Revised"])
def test_descriptions_of_schema_1_are_read_with_nothing_in_what_is_new(name: str) -> None:
    key = f"Description.{name}.1"
    old = (FOLDER / f"{key}.payload.json").read_bytes()
    read = Codec().decode(f"Description.{name}", 1, old)
    assert isinstance(read, Described | Revised)
    now, then = msgspec.to_builtins(read.fields), msgspec.json.decode(old)["fields"]
    assert {field: now[field] for field in then} == then
    assert {field for field, value in now.items() if field not in then and value not in (None, ())} == set()
