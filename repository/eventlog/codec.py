"""Codec: events as they are stored, and back. Field order of a Struct is the order of the bytes.

An envelope is encoded before its position and its `recorded_at` are known: it travels to the writer in three parts,
and the two holes between them are filled under the write lock.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from repository.domain.envelope import Envelope, Event
from repository.domain.values import Value
from repository.errors import ArchiveError
from repository.eventlog.registry import EventType, event_types
from repository.eventlog.upcast import UPCASTS, Upcast

PARTS = 3
UNPLACED = 0
UNTIMED = "0000-00-00T00:00:00.000000Z"
_POSITION_HOLE = b'"position":0,'
_TIME_HOLE = UNTIMED.encode()

NOT_AN_EVENT = (msgspec.DecodeError, UnicodeDecodeError)
"""What decoding raises for bytes that are no envelope, or no payload of their type."""

_encoder = msgspec.json.Encoder()
_envelope_decoder = msgspec.json.Decoder(Envelope)


class Frame(msgspec.Struct, array_like=True, frozen=True):
    """An event between the mapper and the recorder.

    `envelope` is in three parts before it is recorded, in one afterwards; `salt` is null once the payload was expunged,
    and `payload` is then its replacement.
    """

    schema: int
    envelope: tuple[bytes, ...]
    salt: bytes | None
    payload: bytes


def envelope_parts(envelope: Envelope) -> tuple[bytes, bytes, bytes]:
    """Bytes of an envelope that has neither position nor time, cut at the two holes.

    The holes are found for certain: a quotation mark inside a JSON string is always preceded by a backslash, and the
    time's hole comes after every free string (`archive`) that could spell it.
    """
    head, rest = _encoder.encode(envelope).split(_POSITION_HOLE, 1)
    middle, tail = rest.split(_TIME_HOLE, 1)
    return head, middle, tail


def fill(parts: tuple[bytes, ...], position: int, recorded_at: str) -> bytes:
    """The envelope's bytes for ever."""
    head, middle, tail = parts
    return b'%b"position":%d,%b%b%b' % (head, position, middle, recorded_at.encode(), tail)


def encode(value: Value) -> bytes:
    """Canonical JSON of a value: raw UTF-8, no spaces, declared order."""
    return _encoder.encode(value)


def decode_envelope(envelope: bytes) -> Envelope:
    """Read an envelope. Raises one of `NOT_AN_EVENT` when it is none."""
    return _envelope_decoder.decode(envelope)


class Codec:
    """The types that a log can hold, and how each of their schemas is read."""

    def __init__(
        self, types: Mapping[str, EventType] | None = None, upcasts: Mapping[tuple[str, int], Upcast] = UPCASTS
    ) -> None:
        self.types = event_types() if types is None else types
        self._readers: dict[tuple[str, int], Callable[[bytes], Value]] = {
            (kind.name, kind.schema): msgspec.json.Decoder(kind.payload).decode for kind in self.types.values()
        }
        for key, upcast in upcasts.items():
            self._readers[key] = _upcasting(upcast)

    def type_of(self, aggregate: str, payload: Value) -> EventType:
        """Type of a payload in a stream of this aggregate. `KeyError` for one that such a stream cannot carry."""
        kind = self.types[f"{aggregate}.{type(payload).__name__}"]
        if kind.payload is not type(payload):
            raise KeyError(kind.name)
        return kind

    def knows(self, name: str, schema: int) -> bool:
        """Whether a stored event of this type and schema can be read."""
        return (name, schema) in self._readers

    def decode(self, name: str, schema: int, payload: bytes) -> Value:
        """The payload at the newest schema of its type. A type that is not known here is an error."""
        try:
            read = self._readers[name, schema]
        except KeyError:
            raise ArchiveError("event-unknown", f"{name} {schema}") from None
        return read(payload)

    def event(self, name: str, schema: int, envelope: bytes, payload: bytes) -> Event:
        """A recorded event. Raises `log-fault` for bytes that are none, and `event-unknown` as `decode` does."""
        try:
            return Event(envelope=decode_envelope(envelope), payload=self.decode(name, schema, payload))
        except NOT_AN_EVENT as error:
            raise ArchiveError("log-fault", name, reason=error) from error


def _upcasting(upcast: Upcast) -> Callable[[bytes], Value]:
    raw = msgspec.json.Decoder(dict[str, Any])

    def read(payload: bytes) -> Value:
        try:
            return upcast(raw.decode(payload))
        except (KeyError, TypeError, ValueError) as error:
            raise msgspec.ValidationError(str(error)) from error

    return read
