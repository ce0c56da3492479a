"""Tokens (密码机, 令牌): class keys kept by PKCS#11, tested with SoftHSM.

A module of its own: the library is loaded only where a token is used.
"""

import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pkcs11
from pkcs11.exceptions import PKCS11Error

from repository.crypto.keepers import MARK, Wrapped
from repository.crypto.sealing import NONCE, bound, decoded, encoded
from repository.domain.key_ring import KeptBy
from repository.errors import ArchiveError

_KEY_BITS, _TAG_BITS = 256, 128
_LOGIN = threading.Lock()
"""A token is logged in to once for a whole process: one thread at a time."""


class TokenKeeper:
    """An AES key of a PKCS#11 token for every secret, made there, which cannot be taken out; AES-GCM inside the token.

    The token's key is destroyed with the version that it keeps, and no copy of the wrapped bytes opens after that.
    """

    kept_by = KeptBy.TOKEN

    def __init__(self, module: Path, token: str, ask: Callable[[], bytes]) -> None:
        self._module = module
        self._token = token
        self._ask = ask
        self._pin: str | None = None

    def wrap(self, secret: bytes, label: str) -> Wrapped:
        """Make a key in the token and wrap under it."""
        nonce = secrets.token_bytes(NONCE)
        with self._session() as session:
            for left in session.get_objects(_named(label)):
                left.destroy()
            key = session.generate_key(
                pkcs11.KeyType.AES,
                _KEY_BITS,
                label=label,
                store=True,
                template={
                    pkcs11.Attribute.SENSITIVE: True,
                    pkcs11.Attribute.EXTRACTABLE: False,
                    pkcs11.Attribute.PRIVATE: True,
                },
            )
            sealed = key.encrypt(secret, mechanism=pkcs11.Mechanism.AES_GCM, mechanism_param=_gcm(nonce, label))
        how: dict[str, str | int] = {"token": self._token, "label": label, "nonce": encoded(nonce)}
        return Wrapped(kept_by=self.kept_by, how=how, wrapped=encoded(sealed))

    def unwrap(self, wrapped: Wrapped, label: str) -> bytes:
        """Unwrap in the token."""
        try:
            nonce, sealed = decoded(str(wrapped.how["nonce"])), decoded(wrapped.wrapped)
        except (KeyError, ValueError) as error:
            raise ArchiveError("key-record-damaged", label) from error
        with self._session() as session:
            found = list(session.get_objects(_named(label)))
            if len(found) != 1:
                raise ArchiveError("key-token", self._token, reason=f"{label}: {len(found)}")
            try:
                opened: bytes = found[0].decrypt(
                    sealed, mechanism=pkcs11.Mechanism.AES_GCM, mechanism_param=_gcm(nonce, label)
                )
            except (pkcs11.exceptions.EncryptedDataInvalid, pkcs11.exceptions.EncryptedDataLenRange) as error:
                raise ArchiveError("key-record-damaged", label) from error
            return opened

    def forget(self, label: str) -> None:
        """Destroy the token's key."""
        with self._session() as session:
            for key in session.get_objects(_named(label)):
                key.destroy()

    @contextmanager
    def _session(self) -> Iterator[Any]:
        """A session with the token; whatever it refuses or however it goes away is `key-token`."""
        if self._pin is None:
            self._pin = self._ask().decode("utf-8")
        try:
            library = pkcs11.lib(str(self._module))
            with _LOGIN, library.get_token(token_label=self._token).open(rw=True, user_pin=self._pin) as session:
                yield session
        except (pkcs11.exceptions.PinIncorrect, pkcs11.exceptions.PinLenRange) as error:
            self._pin = None  # another try would only bring the token nearer to locking itself
            raise ArchiveError("key-passphrase-wrong", self._token) from error
        except (PKCS11Error, RuntimeError) as error:
            raise ArchiveError("key-token", self._token, reason=type(error).__name__) from error


def _named(label: str) -> dict[Any, Any]:
    return {pkcs11.Attribute.LABEL: label, pkcs11.Attribute.CLASS: pkcs11.ObjectClass.SECRET_KEY}


def _gcm(nonce: bytes, label: str) -> Any:
    return pkcs11.GCMParams(nonce, bound(MARK, label), _TAG_BITS)
