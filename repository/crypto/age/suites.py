"""Suites (密码套件): which primitives a sealed file was made with. Data, named in the file's first line.

`age-v1` is the age format as everybody has it. `gm-1` is the same framing on the national algorithms: chunks and file
keys under SM4-GCM, HKDF and HMAC over SM3, an SM3 digest beside SHA-256. It is symmetric: SM2 is not in the library,
and comes in through PKCS#11 or an external program only. A hybrid post-quantum suite would be one more row.
"""

from collections.abc import Callable
from typing import Protocol

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import constant_time
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM
from cryptography.hazmat.primitives.hashes import SHA256, SM3, HashAlgorithm
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from repository.errors import ArchiveError

TAG = 16
"""Bytes of an authentication tag, in every suite."""

Buffer = bytes | bytearray | memoryview


class Aead(Protocol):
    """Authenticated encryption from one buffer into another; `InvalidTag` for what was changed."""

    def encrypt_into(self, nonce: Buffer, data: Buffer, associated_data: Buffer | None, buf: Buffer, /) -> int:
        """Ciphertext and tag into `buf`, which has exactly their length."""

    def decrypt_into(self, nonce: Buffer, data: Buffer, associated_data: Buffer | None, buf: Buffer, /) -> int:
        """Plaintext into `buf`, which has exactly its length."""


class Sm4Gcm:
    """SM4 in Galois/counter mode, in the shape that the library gives its own."""

    def __init__(self, key: bytes) -> None:
        self._key = SM4(key)

    def encrypt_into(self, nonce: Buffer, data: Buffer, associated_data: Buffer | None, buf: Buffer, /) -> int:
        """Encrypt."""
        encryptor = Cipher(self._key, GCM(bytes(nonce))).encryptor()
        if associated_data:
            encryptor.authenticate_additional_data(associated_data)
        view, size = memoryview(buf), len(data)
        view[:size] = encryptor.update(data)
        encryptor.finalize()
        view[size:] = encryptor.tag
        return size + TAG

    def decrypt_into(self, nonce: Buffer, data: Buffer, associated_data: Buffer | None, buf: Buffer, /) -> int:
        """Decrypt; nothing stands in `buf` when the tag is wrong."""
        view, size = memoryview(data), len(data) - TAG
        decryptor = Cipher(self._key, GCM(bytes(nonce), bytes(view[size:]))).decryptor()
        if associated_data:
            decryptor.authenticate_additional_data(associated_data)
        plain = decryptor.update(view[:size])
        decryptor.finalize()
        memoryview(buf)[:] = plain
        return size


class Suite(msgspec.Struct, frozen=True, kw_only=True):
    """One suite. `key` is the length of the payload's key in bytes."""

    name: str
    first_line: bytes
    key: int
    aead: Callable[[bytes], Aead]
    digest: Callable[[], HashAlgorithm]

    def derive(self, secret: bytes, *, salt: bytes, info: bytes, length: int | None = None) -> bytes:
        """HKDF."""
        return HKDF(self.digest(), length or self.key, salt or None, info).derive(secret)

    def mac(self, key: bytes, data: bytes) -> bytes:
        """HMAC."""
        made = HMAC(key, self.digest())
        made.update(data)
        return made.finalize()

    def wrap(self, key: bytes, secret: bytes) -> bytes:
        """A file key under a key that is used for nothing else, hence the nonce of zeros."""
        wrapped = bytearray(len(secret) + TAG)
        self.aead(key).encrypt_into(bytes(12), secret, None, wrapped)
        return bytes(wrapped)

    def unwrap(self, key: bytes, wrapped: bytes) -> bytes | None:
        """The file key, or None for one that was wrapped under another key."""
        secret = bytearray(len(wrapped) - TAG)
        try:
            self.aead(key).decrypt_into(bytes(12), wrapped, None, secret)
        except InvalidTag:
            return None
        return bytes(secret)


AGE_V1 = Suite(name="age-v1", first_line=b"age-encryption.org/v1", key=32, aead=ChaCha20Poly1305, digest=SHA256)
GM_1 = Suite(name="gm-1", first_line=b"jingui.sealed-file/gm-1", key=16, aead=Sm4Gcm, digest=SM3)

SUITES: dict[str, Suite] = {suite.name: suite for suite in (AGE_V1, GM_1)}
"""Every suite by its name."""


def suite_named(name: str) -> Suite:
    """A suite by its name. `suite-unknown`."""
    if name not in SUITES:
        raise ArchiveError("suite-unknown", name, known=", ".join(SUITES))
    return SUITES[name]


def suite_of(first_line: bytes) -> Suite | None:
    """The suite of a file by its first line. None for no sealed file at all, `suite-unknown` for another version."""
    for suite in SUITES.values():
        if suite.first_line == first_line:
            return suite
    for known in (b"age-encryption.org/", b"jingui.sealed-file/"):
        if first_line.startswith(known):
            raise ArchiveError("suite-unknown", first_line.decode("ascii", "replace"), known=", ".join(SUITES))
    return None


def same(one: bytes, other: bytes) -> bool:
    """Whether two authenticators are the same, in a time that does not depend on where they differ."""
    return constant_time.bytes_eq(one, other)
