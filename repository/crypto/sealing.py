"""Sealing (密封): one field of one event under the key of the one whom it concerns.

Version 1, stored for ever: ChaCha20-Poly1305 (RFC 8439) with a random nonce of 12 bytes over the words in UTF-8. The
associated data are `jingui.sealed/1`, stream, version and field, each preceded by its length in bytes (decimal) and a
colon. `nonce` and `ct` (ciphertext, then the tag of 16 bytes) are base64url without padding.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from repository.domain.values import Sealed, SealedValue
from repository.errors import ArchiveError

NONCE, KEY = 12, 32
"""Bytes of a nonce and of a key."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a field stands: the event's stream and version, and the field's name."""

    stream: UUID
    version: int
    field: str


class SubjectKey(msgspec.Struct, frozen=True, kw_only=True):
    """A subject's key. Its bytes are never printed."""

    subject: UUID
    key: UUID
    material: bytes

    def __repr__(self) -> str:
        return f"SubjectKey({self.subject}, {self.key})"


def seal(words: str, key: SubjectKey, place: Place) -> Sealed:
    """The words, sealed for this place."""
    nonce = secrets.token_bytes(NONCE)
    sealed = ChaCha20Poly1305(key.material).encrypt(nonce, words.encode("utf-8"), _bound(place))
    return Sealed(sealed=SealedValue(key=key.key, subject=key.subject, nonce=encoded(nonce), ct=encoded(sealed)))


def unseal(field: Sealed, key: SubjectKey, place: Place) -> str:
    """The words of a sealed field.

    `sealed-damaged` when it was changed, moved from another place, or sealed under another key: nothing of it is told.
    """
    sealed = field.sealed
    if (sealed.subject, sealed.key) != (key.subject, key.key):
        raise ArchiveError("sealed-damaged", f"{place.stream} {place.version} {place.field}")
    try:
        return ChaCha20Poly1305(key.material).decrypt(decoded(sealed.nonce), decoded(sealed.ct), _bound(place)).decode()
    except (InvalidTag, ValueError) as error:
        raise ArchiveError("sealed-damaged", f"{place.stream} {place.version} {place.field}") from error


def keyed_digest(key: SubjectKey, mark: str, words: str) -> str:
    """HMAC-SHA-256 of words under a subject's key, in hex: compared as long as the key lives, and never guessed."""
    return hmac.new(key.material, bound(mark, words), hashlib.sha256).hexdigest()


def bound(*parts: str) -> bytes:
    """Associated data: every part with its length, so that no two lists of parts are the same bytes."""
    return b"".join(b"%d:%b" % (len(part.encode()), part.encode()) for part in parts)


def encoded(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decoded(text: str) -> bytes:
    """The bytes of base64url without padding. `ValueError` for anything else."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64url") from error
    if encoded(data) != text:
        raise ValueError("not base64url in its one spelling")
    return data


def _bound(place: Place) -> bytes:
    return bound("jingui.sealed/1", str(place.stream), str(place.version), place.field)
