"""Vault records (密钥记录): one wrapped key in one small file.

Version 1, stored for ever: a JSON object `schema, use, id, key, master, nonce, wrapped` and a line feed. `use` is
`subject` (the key of the reader `id`) or `reader-index` (the key under which returning readers are found). `wrapped` is
the key's 32 bytes under the master key named, ChaCha20-Poly1305, with `jingui.vault/1`, use, id, key and master as
associated data in the form of `sealing.bound`.
"""

import secrets
from pathlib import Path
from typing import Literal
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from repository.crypto.sealing import KEY, NONCE, bound, decoded, encoded
from repository.errors import ArchiveError

Use = Literal["subject", "reader-index"]


class MasterKey(msgspec.Struct, frozen=True, kw_only=True):
    """The vault's master key. Its bytes are never printed."""

    identity: UUID
    material: bytes

    def __repr__(self) -> str:
        return f"MasterKey({self.identity})"


class KeyRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A wrapped key."""

    schema: Literal[1]
    use: Use
    id: UUID
    key: UUID
    master: UUID
    nonce: str
    wrapped: str


def wrap(material: bytes, master: MasterKey, *, use: Use, identity: UUID, key: UUID) -> KeyRecord:
    """A key under the master key."""
    nonce = secrets.token_bytes(NONCE)
    wrapped = ChaCha20Poly1305(master.material).encrypt(nonce, material, _bound(use, identity, key, master.identity))
    return KeyRecord(
        schema=1,
        use=use,
        id=identity,
        key=key,
        master=master.identity,
        nonce=encoded(nonce),
        wrapped=encoded(wrapped),
    )


def unwrap(record: KeyRecord, master: MasterKey, path: Path) -> bytes:
    """The key in a record. `vault-key-wrong` under another master key, `key-record-damaged` when it was changed."""
    if record.master != master.identity:
        raise ArchiveError("vault-key-wrong", path, master=record.master)
    try:
        material = ChaCha20Poly1305(master.material).decrypt(
            decoded(record.nonce),
            decoded(record.wrapped),
            _bound(record.use, record.id, record.key, record.master),
        )
    except (InvalidTag, ValueError) as error:
        raise ArchiveError("key-record-damaged", path) from error
    if len(material) != KEY:
        raise ArchiveError("key-record-damaged", path)
    return material


def write(record: KeyRecord) -> bytes:
    """The bytes of a record."""
    return msgspec.json.encode(record) + b"\n"


def read(path: Path, *, use: Use, identity: UUID) -> KeyRecord:
    """The record in a file. `key-record-missing`, or `key-record-damaged` for what is no record of this key."""
    try:
        record = msgspec.json.decode(path.read_bytes(), type=KeyRecord)
    except FileNotFoundError as error:
        raise ArchiveError("key-record-missing", path) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ArchiveError("key-record-damaged", path) from error
    if (record.use, record.id) != (use, identity):
        raise ArchiveError("key-record-damaged", path)
    return record


def _bound(use: Use, identity: UUID, key: UUID, master: UUID) -> bytes:
    return bound("jingui.vault/1", use, str(identity), str(key), str(master))
