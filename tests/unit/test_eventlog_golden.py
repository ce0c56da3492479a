import msgspec
import pytest

from repository.eventlog import Codec
from repository.eventlog.codec import decode_envelope, encode
from repository.eventlog.registry import event_types
from repository.eventlog.upcast import UPCASTS
from tests.golden_events import FOLDER, Golden, golden_events, read, read_digests

STORED = read()


def test_every_type_and_every_old_schema_has_a_golden_event() -> None:
    newest = {f"{kind.name}.{kind.schema}" for kind in event_types().values()}
    older = {f"{name}.{schema}" for name, schema in UPCASTS}
    assert set(STORED) == newest | older


def test_nothing_else_lies_among_the_golden_events() -> None:
    parts = {f"{key}.{part}.json" for key in STORED for part in ("envelope", "payload")}
    assert {path.name for path in FOLDER.iterdir()} == parts | {"digests.json"}


@pytest.mark.parametrize("key", STORED)
def test_a_golden_event_is_read_and_bound(key: str) -> None:
    golden = STORED[key]
    envelope = decode_envelope(golden.envelope)
    assert f"{envelope.type}.{envelope.schema}" == key
    assert encode(envelope) == golden.envelope
    assert envelope.payload_sha256 == golden.digests["payload_sha256"]
    payload = Codec().decode(envelope.type, envelope.schema, golden.payload)
    assert type(payload) is event_types()[envelope.type].payload


@pytest.mark.parametrize("key", STORED)
def test_a_golden_event_has_the_digests_that_it_always_had(key: str) -> None:
    assert STORED[key].digests == read_digests()[key]


@pytest.mark.parametrize(("key", "golden"), golden_events().items())
def test_this_version_writes_the_bytes_that_were_always_written(key: str, golden: Golden) -> None:
    assert STORED[key] == golden


@pytest.mark.parametrize("key", STORED)
def test_a_golden_payload_is_in_canonical_form(key: str) -> None:
    golden = STORED[key]
    assert msgspec.json.encode(msgspec.json.decode(golden.payload)) == golden.payload
    assert not _floats(msgspec.json.decode(golden.payload))


def _floats(value: object) -> bool:
    match value:
        case float():
            return True
        case dict():
            return any(_floats(part) for part in value.values())
        case list():
            return any(_floats(part) for part in value)
        case _:
            return False
