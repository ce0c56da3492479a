"""Keepers (密钥保管方): what wraps the secrets of class keys - a passphrase here, a token in `tokens`.

One port, two real adapters. A keeper wraps 32 bytes for a label, which is bound in, and unwraps them; what it needs to
know again (salt, cost, the token's key) it puts into `how`, beside the wrapped bytes.
"""

import secrets
from collections.abc import Callable
from typing import Protocol

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from repository.crypto.sealing import NONCE, bound, decoded, encoded
from repository.domain.key_ring import KeptBy
from repository.errors import ArchiveError

MARK = "jingui.class-key/1"
"""First part of what every keeper binds in, before the label."""

_SALT = 16
_KEY = 32


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What Argon2id costs: passes, lanes, memory in KiB. The default is RFC 9106's for most machines."""

    iterations: int = 3
    lanes: int = 4
    memory: int = 64 * 1024


MOST = Cost(iterations=64, lanes=64, memory=4 * 1024 * 1024)
"""Above it a file is refused and not computed: it would take the machine's memory."""


class Wrapped(msgspec.Struct, frozen=True, kw_only=True):
    """A wrapped secret: by what, how, and the bytes (base64url)."""

    kept_by: KeptBy
    how: dict[str, str | int]
    wrapped: str


class Keeper(Protocol):
    """Wraps and unwraps secrets."""

    kept_by: KeptBy

    def wrap(self, secret: bytes, label: str) -> Wrapped:
        """The secret, wrapped for this label."""

    def unwrap(self, wrapped: Wrapped, label: str) -> bytes:
        """The secret. `key-passphrase-wrong`, `key-token`, or `key-record-damaged` for what was changed."""

    def forget(self, label: str) -> None:
        """Destroy whatever the keeper itself holds for this label; nothing when it holds nothing."""


class PassphraseKeeper:
    """A key stretched from a passphrase by Argon2id (RFC 9106), with a salt for every secret; ChaCha20-Poly1305."""

    kept_by = KeptBy.PASSPHRASE

    def __init__(self, ask: Callable[[], bytes], cost: Cost) -> None:
        self._ask = ask
        self._cost = cost
        self._words: bytes | None = None

    def wrap(self, secret: bytes, label: str) -> Wrapped:
        """Wrap under the passphrase."""
        salt, nonce = secrets.token_bytes(_SALT), secrets.token_bytes(NONCE)
        key = self._stretched(salt, self._cost)
        sealed = ChaCha20Poly1305(key).encrypt(nonce, secret, bound(MARK, label))
        cost = self._cost
        how: dict[str, str | int] = {
            "kdf": "argon2id",
            "salt": encoded(salt),
            "iterations": cost.iterations,
            "lanes": cost.lanes,
            "memory": cost.memory,
            "nonce": encoded(nonce),
        }
        return Wrapped(kept_by=self.kept_by, how=how, wrapped=encoded(sealed))

    def unwrap(self, wrapped: Wrapped, label: str) -> bytes:
        """Unwrap. A wrong passphrase and a changed file look the same; the words say both."""
        how = wrapped.how
        try:
            cost = Cost(**{name: int(how[name]) for name in ("iterations", "lanes", "memory")})
            salt, nonce, sealed = (decoded(str(text)) for text in (how["salt"], how["nonce"], wrapped.wrapped))
            known = how["kdf"] == "argon2id" and len(nonce) == NONCE and len(salt) == _SALT
        except (KeyError, ValueError, TypeError) as error:
            raise ArchiveError("key-record-damaged", label) from error
        fits = 0 < cost.iterations <= MOST.iterations and 0 < cost.lanes <= MOST.lanes
        if not known or not fits or not 8 * cost.lanes <= cost.memory <= MOST.memory:
            raise ArchiveError("key-record-damaged", label)
        try:
            return ChaCha20Poly1305(self._stretched(salt, cost)).decrypt(nonce, sealed, bound(MARK, label))
        except InvalidTag as error:
            self._words = None  # whoever is asked may mistype once
            raise ArchiveError("key-passphrase-wrong", label) from error

    def forget(self, label: str) -> None:
        """It holds nothing."""

    def _stretched(self, salt: bytes, cost: Cost) -> bytes:
        if self._words is None:
            self._words = self._ask()
        kdf = Argon2id(salt=salt, length=_KEY, iterations=cost.iterations, lanes=cost.lanes, memory_cost=cost.memory)
        return kdf.derive(self._words)
