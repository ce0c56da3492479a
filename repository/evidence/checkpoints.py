"""Checkpoints (检查点): the head of the tree as C2SP `tlog-checkpoint`, signed as a `signed-note`.

    <origin>                       the log's name
    <size>                         how many events it covers
    <root, base64>

    — <name> <key id and signature, base64>        one line for the log, one for each witness

A witness signs by `tlog-cosignature` version 1, which includes the time at which it saw the checkpoint. What signs and
what verifies is handed in: keys are another room's business.
"""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import Protocol

import msgspec

KEY_ID = 4
ROOT = 32
TIME = 8
LOG, WITNESS = 1, 4
"""Algorithm bytes of `signed-note`: Ed25519 over the text, and the Ed25519 of a cosignature."""
_DASH = "— "
MOST = 1_000_000
"""A note that is longer is none: it is read from strangers."""


class Key(Protocol):
    """A public key with its name."""

    @property
    def name(self) -> str:
        """Whose it is."""

    @property
    def key_id(self) -> bytes:
        """The four bytes by which a signature names it."""

    @property
    def algorithm(self) -> int:
        """`LOG` or `WITNESS`."""

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether it made this signature of this message."""


class Signer(Protocol):
    """A private key."""

    @property
    def public(self) -> Key:
        """Its public half."""

    def sign(self, message: bytes) -> bytes:
        """Sign."""


class Signature(msgspec.Struct, frozen=True):
    """One signature line: who signed, with which key, and what came of it."""

    name: str
    key_id: bytes
    data: bytes


class Note(msgspec.Struct, frozen=True):
    """A signed text. Nothing in it is true because it can be read: see `signed_by`."""

    text: str
    signatures: tuple[Signature, ...]

    def encode(self) -> bytes:
        """Its bytes."""
        lines = (f"{_DASH}{one.name} {b64encode(one.key_id + one.data).decode()}\n" for one in self.signatures)
        return f"{self.text}\n{''.join(lines)}".encode()


class Checkpoint(msgspec.Struct, frozen=True):
    """Head of a tree: whose log it is, how many events it covers, and the root over them."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"


def sign_checkpoint(checkpoint: Checkpoint, signer: Signer) -> Note:
    """The checkpoint as a note with the log's own signature."""
    return Note(text=checkpoint.text, signatures=(_signed(signer, signer.sign(checkpoint.text.encode())),))


def cosign(note: Note, signer: Signer, seconds: int) -> Note:
    """The note with a witness's signature added, which says when it was seen (seconds since 1970, UTC)."""
    data = seconds.to_bytes(TIME, "big") + signer.sign(_cosigned(note.text, seconds))
    others = tuple(one for one in note.signatures if one.key_id != signer.public.key_id)
    return Note(text=note.text, signatures=(*others, _signed(signer, data)))


def _signed(signer: Signer, data: bytes) -> Signature:
    return Signature(name=signer.public.name, key_id=signer.public.key_id, data=data)


def _cosigned(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def signed_by(note: Note, key: Key) -> bool:
    """Whether the note bears a good signature of this key, and none of it that is false."""
    own = [one for one in note.signatures if (one.name, one.key_id) == (key.name, key.key_id)]
    return bool(own) and all(_is_good(note, one, key) for one in own)


def _is_good(note: Note, signature: Signature, key: Key) -> bool:
    if key.algorithm == LOG:
        return key.verify(note.text.encode(), signature.data)
    seconds = int.from_bytes(signature.data[:TIME], "big")
    return key.verify(_cosigned(note.text, seconds), signature.data[TIME:])


def cosigned_at(note: Note, key: Key) -> int | None:
    """When the witness says that it saw the note (seconds since 1970); null where it does not say so."""
    if key.algorithm != WITNESS or not signed_by(note, key):
        return None
    (first, *_) = (one for one in note.signatures if (one.name, one.key_id) == (key.name, key.key_id))
    return int.from_bytes(first.data[:TIME], "big")


def read_checkpoint(data: bytes) -> tuple[Checkpoint, Note]:
    """A checkpoint and the note that it is. `ValueError` for bytes that are not exactly what `encode` would write."""
    if len(data) > MOST:
        raise ValueError("too long")
    text, gap, lines = data.decode("utf-8").rpartition("\n\n")
    note = Note(text=f"{text}\n", signatures=tuple(map(_signature, lines.splitlines())))
    origin, size, root, *_ = [*text.split("\n"), "", ""]
    checkpoint = Checkpoint(origin=origin, size=int(size) if size.isdecimal() else -1, root=_base64(root))
    if not gap or not note.signatures or note.encode() != data:
        raise ValueError("not a signed note")
    is_head = checkpoint.size >= 0 and len(checkpoint.root) == ROOT and checkpoint.text == note.text
    if not origin or not is_head:
        raise ValueError("not a checkpoint")
    return checkpoint, note


def _signature(line: str) -> Signature:
    if not line.startswith(_DASH):
        raise ValueError("not a signature")
    name, _, data = line.removeprefix(_DASH).partition(" ")
    raw = _base64(data)
    if not name or len(raw) <= KEY_ID:
        raise ValueError("not a signature")
    return Signature(name=name, key_id=raw[:KEY_ID], data=raw[KEY_ID:])


def _base64(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (Base64Error, UnicodeEncodeError) as error:
        raise ValueError("not base64") from error
