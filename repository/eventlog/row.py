"""One stored event judged by itself: envelope, columns, leaf, payload, type and command must agree."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from repository.domain.envelope import Envelope
from repository.errors import ArchiveError
from repository.eventlog.codec import NOT_AN_EVENT, Codec, decode_envelope, encode
from repository.eventlog.digests import leaf_hash, payload_digest
from repository.eventlog.faults import LogFault


class StoredRow(NamedTuple):
    """The columns of an event and of its payload."""

    position: int
    stream: str
    version: int
    type: str
    schema: int
    recorded_at: str
    envelope: bytes
    leaf: bytes
    salt: str | None
    payload: bytes | None


def row_faults(row: StoredRow, owner: str, codec: Codec, replaced: Callable[[], bytes | None]) -> Iterator[LogFault]:
    """Every fault of one row.

    `owner` is the command that its position belongs to, and `replaced` finds what stands for an expunged payload.
    """
    if leaf_hash(row.envelope) != row.leaf:
        yield LogFault(row.position, "log.leaf")
    try:
        envelope = decode_envelope(row.envelope)
    except NOT_AN_EVENT as error:
        yield LogFault(row.position, "log.envelope", found=str(error))
        return
    if encode(envelope) != row.envelope:
        yield LogFault(row.position, "log.envelope", found="other bytes than its own encoding")
    yield from _column_faults(row, envelope)
    if str(envelope.command_id) != owner:
        yield LogFault(row.position, "log.command", str(envelope.command_id), owner)
    yield from _payload_faults(row, envelope, codec, replaced)


def _column_faults(row: StoredRow, envelope: Envelope) -> Iterator[LogFault]:
    for name in ("position", "stream", "version", "type", "schema", "recorded_at"):
        expected, found = str(getattr(envelope, name)), str(getattr(row, name))
        if expected != found:
            yield LogFault(row.position, "log.column", f"{name} {expected}", f"{name} {found}")


def _payload_faults(
    row: StoredRow, envelope: Envelope, codec: Codec, replaced: Callable[[], bytes | None]
) -> Iterator[LogFault]:
    payload = row.payload
    if payload is None:
        payload = replaced()
        if payload is None:
            yield LogFault(row.position, "log.payload-missing")
            return
    elif not _bound(row.salt, payload, envelope.payload_sha256):
        yield LogFault(row.position, "log.payload")
    try:
        codec.decode(envelope.type, envelope.schema, payload)
    except ArchiveError:
        yield LogFault(row.position, "log.type", found=f"{envelope.type} {envelope.schema}")
    except NOT_AN_EVENT as error:
        yield LogFault(row.position, "log.payload-form", found=str(error))


def _bound(salt: str | None, payload: bytes, digest: str) -> bool:
    """Whether the payload is the envelope's. A salt in any but its one spelling binds nothing."""
    try:
        raw = bytes.fromhex(salt or "")
    except ValueError:
        return False
    return raw.hex() == salt and payload_digest(raw, payload) == digest
