"""The event store library's own test cases, run against our recorder and factory.

They append opaque states, which an archive refuses: here, and only here, a recorder takes them, in a database whose
version guard asks for a version that is new instead of one that follows.
"""

import shutil
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import TestCase
from uuid import UUID, uuid4

import pytest
from eventsourcing.persistence import IntegrityError, Mapper, StoredEvent
from eventsourcing.utils import Environment

from repository.eventlog import database
from repository.eventlog.application import Factory, FrameMapper
from repository.eventlog.database import Connection
from repository.eventlog.digests import leaf_hash
from repository.eventlog.reader import Row
from repository.eventlog.recorder import Recorder
from tests.event_logs import SOFTWARE, codec, create

# The library's cases import its cipher, which needs a package that nothing here needs: its cases are not run.
sys.modules.setdefault("eventsourcing.cipher", ModuleType("eventsourcing.cipher")).__dict__.setdefault(
    "AESCipher", None
)

from eventsourcing.tests import persistence as library  # noqa: E402 - after the cipher's place was taken

_NEW_VERSION = """CREATE TRIGGER events_version BEFORE INSERT ON events
WHEN EXISTS (SELECT 1 FROM events WHERE stream = NEW.stream AND version = NEW.version)
BEGIN SELECT raise(ABORT, 'version guard'); END"""


class OpaqueRecorder(Recorder):
    """Takes any bytes for an event's state."""

    def _insert(self, connection: Connection, position: int, recorded_at: str, stored: StoredEvent) -> None:
        row = (str(stored.originator_id), stored.originator_version, stored.topic, 1, recorded_at)
        connection.execute(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (position, *row, stored.state, leaf_hash(stored.state)),
        )

    def _state(self, row: Row) -> bytes:
        return row[5]


def now() -> datetime:
    return datetime.now(UTC)


class Made(TestCase):
    """Makes recorders in a folder of its own and closes them."""

    def setUp(self) -> None:
        self.make_folder()
        super().setUp()

    def make_folder(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def create_recorder(self) -> OpaqueRecorder:
        path = self.folder / "events.sqlite"
        database.create(path)
        file = database.open_existing(path)
        connection = file.connect()
        connection.execute("DROP TRIGGER events_version")
        connection.execute(_NEW_VERSION)
        recorder = OpaqueRecorder(file, now)
        self.addCleanup(recorder.close)
        return recorder


class TestApplicationRecorder(Made, library.ApplicationRecorderTestCase[OpaqueRecorder]):
    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()

    def test_only_the_version_guard_is_a_conflict(self) -> None:
        recorder = self.create_recorder()
        events = _opaque()
        recorder.insert_events(events)
        with pytest.raises(IntegrityError, match="version guard"):
            recorder.insert_events(events)


class TestNonInterleaving(Made, library.NonInterleavingNotificationIDsBaseCase):
    pass


class TestFactory(Made, library.InfrastructureFactoryTestCase[Factory]):
    """Cipher, compressor, tracking and process recorders are refused or ignored: frames are stored as they are."""

    test_mapper_with_compressor = None  # type: ignore[assignment]  # a frame's bytes are public for ever
    test_mapper_with_cipher = None  # type: ignore[assignment]  # single fields are sealed, not events
    test_mapper_with_cipher_and_compressor = None  # type: ignore[assignment]  # as above
    test_mapper_with_wrong_cipher_key = None  # type: ignore[assignment]  # as above

    def expected_factory_class(self) -> type[Factory]:
        return Factory

    def expected_aggregate_recorder_class(self) -> type[OpaqueRecorder]:
        return OpaqueRecorder

    def expected_application_recorder_class(self) -> type[OpaqueRecorder]:
        return OpaqueRecorder

    def expected_tracking_recorder_class(self) -> Any:
        raise NotImplementedError

    def tracking_recorder_subclass(self) -> Any:
        raise NotImplementedError

    def expected_process_recorder_class(self) -> Any:
        raise NotImplementedError

    def setUp(self) -> None:
        self.make_folder()
        self.env = Environment("jingui")
        self.factory = Factory(self.env, self.create_recorder(), FrameMapper(codec(), SOFTWARE))
        self.transcoder = None  # type: ignore[assignment]  # frames need none

    def test_create_tracking_recorder(self) -> None:
        with pytest.raises(NotImplementedError):
            self.factory.tracking_recorder()

    def test_create_process_recorder(self) -> None:
        with pytest.raises(NotImplementedError):
            self.factory.process_recorder()

    def test_snapshots_are_refused(self) -> None:
        with pytest.raises(NotImplementedError):
            self.factory.aggregate_recorder("snapshots")

    def test_the_mapper_is_ours(self) -> None:
        mapper: Mapper[UUID] = self.factory.mapper()
        assert type(mapper) is FrameMapper


def _opaque() -> Sequence[StoredEvent]:
    return [StoredEvent(uuid4(), 1, "Counter.Counted", b"state")]


def test_an_archive_refuses_opaque_states(tmp_path: Path) -> None:
    with create(tmp_path / "log") as log:
        recorder = log._application.recorder
        with pytest.raises(TypeError):
            recorder.insert_events(_opaque())
        assert log.position() == 0
