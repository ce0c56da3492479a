"""The library's application with our infrastructure in it. Nothing here reads `os.environ`."""

import os
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import msgspec
from eventsourcing.application import Application
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import (
    ApplicationRecorder,
    InfrastructureFactory,
    JSONTranscoder,
    Mapper,
    ProcessRecorder,
    StoredEvent,
    TrackingRecorder,
    Transcoder,
)
from eventsourcing.utils import Environment, EnvType

from repository.domain.envelope import Command, Envelope
from repository.domain.values import Value
from repository.eventlog.codec import UNPLACED, UNTIMED, Codec, Frame, encode, envelope_parts
from repository.eventlog.digests import SALT_BYTES, payload_digest
from repository.eventlog.recorder import Recorder
from repository.eventlog.registry import EventType

_decode_frame = msgspec.msgpack.Decoder(Frame).decode
_encode_frame = msgspec.msgpack.Encoder().encode


class Pending(msgspec.Struct, frozen=True):
    """An event about to be appended: everything of its envelope but position and time."""

    originator_id: UUID
    originator_version: int
    kind: EventType
    payload: Value
    command: Command


class Changes(msgspec.Struct, frozen=True):
    """All events of one command; to the library, one thing that has pending events."""

    id: UUID
    events: Sequence[Pending]

    def collect_events(self) -> Sequence[Pending]:
        """The events, in the order in which they are appended."""
        return self.events


class FrameMapper(Mapper[UUID]):
    """From events to frames and back."""

    def __init__(self, codec: Codec, software: str) -> None:
        super().__init__(transcoder=JSONTranscoder())  # the library wants one; frames need none
        self._codec = codec
        self._software = software

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> StoredEvent:
        """Encode an event whose position and time are still open."""
        pending: Any = domain_event
        return self._stored(pending)

    def _stored(self, pending: Pending) -> StoredEvent:
        payload = encode(pending.payload)
        salt = os.urandom(SALT_BYTES)
        envelope = self._envelope(pending, payload_digest(salt, payload))
        frame = Frame(pending.kind.schema, envelope_parts(envelope), salt, payload)
        return StoredEvent(pending.originator_id, pending.originator_version, pending.kind.name, _encode_frame(frame))

    def _envelope(self, pending: Pending, payload_sha256: str) -> Envelope:
        command = pending.command
        return Envelope(
            event_id=uuid4(),
            archive=command.archive,
            position=UNPLACED,
            stream=pending.originator_id,
            version=pending.originator_version,
            type=pending.kind.name,
            schema=pending.kind.schema,
            recorded_at=UNTIMED,
            occurred_at=command.occurred_at,
            actor=command.actor.agent,
            authenticated_by=command.actor.authenticated_by,
            on_behalf_of=command.actor.on_behalf_of,
            command_id=command.command_id,
            correlation_id=command.correlation_id,
            causation_id=command.causation_id,
            software=self._software,
            payload_sha256=payload_sha256,
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        """Decode a recorded event, at the newest schema of its type."""
        frame = _decode_frame(stored_event.state)
        (envelope,) = frame.envelope
        return self._codec.event(stored_event.topic, frame.schema, envelope, frame.payload)


class Factory(InfrastructureFactory[TrackingRecorder]):
    """Hands the library what was made for it. There are no tracking records: projections have a runner of their own."""

    def __init__(self, env: Environment | EnvType | None, recorder: Recorder, mapper: FrameMapper) -> None:
        super().__init__(env)
        self._recorder = recorder
        self._mapper = mapper

    def mapper(self, *_: object, **__: object) -> Mapper[Any]:
        """The frame mapper; no other can be asked for."""
        return self._mapper

    def aggregate_recorder(self, purpose: str = "events") -> Recorder:
        """The recorder. There are no snapshots."""
        if purpose != "events":
            raise NotImplementedError(purpose)
        return self._recorder

    def application_recorder(self) -> ApplicationRecorder:
        """The recorder."""
        return self._recorder

    def tracking_recorder(self, tracking_recorder_class: type[TrackingRecorder] | None = None) -> TrackingRecorder:
        """Refused."""
        raise NotImplementedError

    def process_recorder(self) -> ProcessRecorder:
        """Refused."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the recorder and its file."""
        self._recorder.close()


class LogApplication(Application[UUID]):
    """The library's application: `save` appends, `repository.get` loads."""

    name = "jingui"

    def __init__(self, recorder: Recorder, mapper: FrameMapper) -> None:
        self._given = (recorder, mapper)
        super().__init__()

    def construct_env(self, name: str, env: EnvType | None = None) -> Environment:
        """Nothing: what the environment says to other programs must not reach the log."""
        return Environment(name, dict(env or {}))

    def construct_factory(self, env: Environment) -> InfrastructureFactory[TrackingRecorder]:
        """Our factory."""
        return Factory(env, *self._given)

    def construct_transcoder(self) -> Transcoder:
        """One that is never used."""
        return JSONTranscoder()
