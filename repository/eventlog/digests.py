"""Digests of an event: what binds a payload to its envelope, and an envelope to its place in the log."""

from hashlib import sha256

SALT_BYTES = 16


def payload_digest(salt: bytes, payload: bytes) -> str:
    """`payload_sha256`: lower-case hex SHA-256 of the salt followed by the payload's bytes."""
    return sha256(salt + payload).hexdigest()


def leaf_hash(envelope: bytes) -> bytes:
    """Leaf of an event: SHA-256 of 0x00 and the envelope's bytes exactly as stored (as a leaf in RFC 9162 2.1.1)."""
    return sha256(b"\x00" + envelope).digest()


def command_digest(command_id: str, request: str, first: int, last: int) -> bytes:
    """Digest of a row of `commands`, so that an edited row is found: SHA-256 of 0x02 and the row, space-separated."""
    return sha256(f"\x02{command_id} {request} {first} {last}".encode()).digest()
