"""Signing keys (签名密钥): Ed25519, written as `signed-note` writes them, so that other people's tools read them.

A public key is one line, `<name>+<key id>+<base64 of algorithm and key>`. A private key is a file of mode 0600 outside
the archive's folder: `PRIVATE+KEY+<name>+<key id>+<base64 of algorithm and seed>`. The key id is in hex the first four
bytes of SHA-256 over the name, a line feed, the algorithm and the public key.
"""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from hashlib import sha256
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from repository.crypto.durable import create_durably
from repository.errors import ArchiveError

ED25519, COSIGNATURE = 1, 4
"""The algorithms of `signed-note`: a log's signature, and a witness's, which bears a time."""
PRIVATE = "PRIVATE+KEY+"
KEY = 32


class VerifyingKey(msgspec.Struct, frozen=True):
    """A key that verifies."""

    name: str
    algorithm: int
    material: bytes

    @property
    def key_id(self) -> bytes:
        """The four bytes by which a signature names it."""
        return sha256(self.name.encode() + b"\n" + bytes([self.algorithm]) + self.material).digest()[:4]

    @property
    def text(self) -> str:
        """The key as it is published."""
        return _written(self.name, self.key_id, self.algorithm, self.material)

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether it made this signature of this message."""
        try:
            Ed25519PublicKey.from_public_bytes(self.material).verify(signature, message)
        except InvalidSignature:
            return False
        return True


class SigningKey:
    """A key that signs. What it holds never leaves it but into its file."""

    def __init__(self, name: str, algorithm: int, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = VerifyingKey(name=name, algorithm=algorithm, material=self._key.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """Sign."""
        return self._key.sign(message)

    def keep(self, path: Path) -> None:
        """Write the private key where only its holder can read it. `log-key-exists` when the file is there."""
        public = self.public
        text = _written(public.name, public.key_id, public.algorithm, self._key.private_bytes_raw())
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            create_durably(path, f"{PRIVATE}{text}\n".encode())
        except FileExistsError as error:
            raise ArchiveError("log-key-exists", path) from error


def create_signing_key(path: Path, name: str, algorithm: int = ED25519) -> SigningKey:
    """Make a key and keep it. `key-name-unfit` for a name that a signature line cannot hold."""
    if not name or "+" in name or any(letter.isspace() for letter in name):
        raise ArchiveError("key-name-unfit", name)
    key = SigningKey(name, algorithm, Ed25519PrivateKey.generate().private_bytes_raw())
    key.keep(path)
    return key


def read_signing_key(path: Path) -> SigningKey:
    """Read it. `log-key-missing`, `log-key-open` (others may read it) or `log-key-invalid`."""
    try:
        mode = path.stat().st_mode
        text = path.read_text("utf-8").removesuffix("\n")
    except FileNotFoundError as error:
        raise ArchiveError("log-key-missing", path) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ArchiveError("log-key-invalid", path) from error
    if mode & 0o077:
        raise ArchiveError("log-key-open", path)
    try:
        name, key_id, algorithm, seed = _parsed(text.removeprefix(PRIVATE))
    except ValueError:
        raise ArchiveError("log-key-invalid", path) from None  # the cause would repeat what the file holds
    key = SigningKey(name, algorithm, seed)
    if not text.startswith(PRIVATE) or key.public.key_id != key_id:
        raise ArchiveError("log-key-invalid", path)
    return key


def read_public_key(text: str) -> VerifyingKey:
    """A published key. `log-key-invalid` for a text that is none."""
    try:
        name, key_id, algorithm, material = _parsed(text.strip())
    except ValueError as error:
        raise ArchiveError("log-key-invalid", text.strip()) from error
    key = VerifyingKey(name=name, algorithm=algorithm, material=material)
    if key.key_id != key_id:
        raise ArchiveError("log-key-invalid", text.strip())
    return key


def _written(name: str, key_id: bytes, algorithm: int, material: bytes) -> str:
    return f"{name}+{key_id.hex()}+{b64encode(bytes([algorithm]) + material).decode()}"


def _parsed(text: str) -> tuple[str, bytes, int, bytes]:
    name, key_id, data = text.split("+", 2)
    try:
        raw = b64decode(data, validate=True)
    except Base64Error as error:
        raise ValueError("not base64") from error
    if not name or any(letter.isspace() for letter in name) or len(raw) != 1 + KEY:
        raise ValueError("not a key")
    if raw[0] not in (ED25519, COSIGNATURE):
        raise ValueError("an algorithm that is not known here")
    return name, bytes.fromhex(key_id), raw[0], raw[1:]
