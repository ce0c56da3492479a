"""Recipients and identities (接收方与身份): for whom a file key is wrapped, and who unwraps it.

X25519 and scrypt are age's own; `Sm4Key` is the symmetric one of suite `gm-1`. An identity answers None for a stanza
that is not for it, the file key for one that is, and refuses one of its kind that breaks the kind's rules.
"""

import re
import secrets
from collections.abc import Sequence
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from repository.crypto.age.bech32 import read_bech32, write_bech32
from repository.crypto.age.header import Stanza, decoded, encoded
from repository.crypto.age.suites import AGE_V1, GM_1, TAG, Suite
from repository.errors import ArchiveError

FILE_KEY = 16
"""Bytes of a file key."""

WORK_FACTOR, MOST_WORK = 18, 20
"""log2 of scrypt's cost: what is written, and the most that is computed (one GiB of memory). Above it: refused."""

_X25519 = b"age-encryption.org/v1/X25519"
_SCRYPT = b"age-encryption.org/v1/scrypt"
_SM4 = b"jingui.sealed-file/gm-1/SM4"
_KEY = 32
_SALT = 16


class Recipient(Protocol):
    """Somebody for whom a file can be sealed."""

    suite: Suite
    alone: bool
    """Whether it must be the only one of its file (a passphrase authenticates only what nobody else could make)."""

    def wrap(self, file_key: bytes) -> Stanza:
        """The file key, for them only."""


class Identity(Protocol):
    """Somebody who can open files."""

    suite: Suite

    def unwrap(self, stanzas: Sequence[Stanza], name: str) -> bytes | None:
        """The file key, if one of the stanzas is for them. `sealed-header` for one that breaks the rules."""


class X25519Recipient:
    """An age recipient, `age1...`."""

    suite, alone = AGE_V1, False

    def __init__(self, public: bytes) -> None:
        self.public = public
        self._key = X25519PublicKey.from_public_bytes(public)

    def __str__(self) -> str:
        return write_bech32("age", self.public)

    def wrap(self, file_key: bytes) -> Stanza:
        """Wrap under a key agreed with an ephemeral one."""
        ephemeral = X25519PrivateKey.generate()
        share = ephemeral.public_key().public_bytes_raw()
        key = AGE_V1.derive(ephemeral.exchange(self._key), salt=share + self.public, info=_X25519)
        return Stanza(("X25519", encoded(share)), AGE_V1.wrap(key, file_key))


class X25519Identity:
    """An age identity, `AGE-SECRET-KEY-1...`. Its secret is given by `secret_text` only, and never printed."""

    suite = AGE_V1

    def __init__(self, secret: bytes) -> None:
        self.secret = secret
        self._key = X25519PrivateKey.from_private_bytes(secret)
        self.recipient = X25519Recipient(self._key.public_key().public_bytes_raw())

    @classmethod
    def generate(cls) -> "X25519Identity":
        """A new one."""
        return cls(secrets.token_bytes(_KEY))

    def __repr__(self) -> str:
        return f"X25519Identity({self.recipient})"

    def secret_text(self) -> str:
        """As age writes it in an identity file."""
        return write_bech32("age-secret-key-", self.secret).upper()

    def unwrap(self, stanzas: Sequence[Stanza], name: str) -> bytes | None:
        """The file key of the first stanza that this identity opens."""
        for stanza in stanzas:
            if stanza.words[0] == "X25519":
                found = self._opened(stanza, name)
                if found is not None:
                    return found
        return None

    def _opened(self, stanza: Stanza, name: str) -> bytes | None:
        if len(stanza.words) != 2:
            raise ArchiveError("sealed-header", name)
        share = decoded(stanza.words[1].encode("ascii"), name)
        if len(share) != _KEY or len(stanza.body) != FILE_KEY + TAG:
            raise ArchiveError("sealed-header", name)
        try:
            shared = self._key.exchange(X25519PublicKey.from_public_bytes(share))
        except ValueError as error:  # a share of low order: the secret would be known to everybody
            raise ArchiveError("sealed-header", name) from error
        key = AGE_V1.derive(shared, salt=share + self.recipient.public, info=_X25519)
        return AGE_V1.unwrap(key, stanza.body)


class Passphrase:
    """A passphrase (scrypt), both recipient and identity; alone in its file."""

    suite, alone = AGE_V1, True

    def __init__(self, words: str, *, work: int = WORK_FACTOR) -> None:
        self._words = words.encode("utf-8")
        self._work = work

    def __repr__(self) -> str:
        return "Passphrase()"

    def wrap(self, file_key: bytes) -> Stanza:
        """Wrap under a key stretched from the passphrase."""
        salt = secrets.token_bytes(_SALT)
        return Stanza(
            ("scrypt", encoded(salt), str(self._work)), AGE_V1.wrap(self._stretched(salt, self._work), file_key)
        )

    def unwrap(self, stanzas: Sequence[Stanza], name: str) -> bytes | None:
        """The file key. `sealed-work-factor` for a cost that is not computed."""
        if all(stanza.words[0] != "scrypt" for stanza in stanzas):
            return None
        (words, body), more = (stanzas[0].words, stanzas[0].body), stanzas[1:]
        if more or len(words) != 3 or not re.fullmatch(r"[1-9][0-9]*", words[2]):
            raise ArchiveError("sealed-header", name)
        salt = decoded(words[1].encode("ascii"), name)
        if len(salt) != _SALT or len(body) != FILE_KEY + TAG:
            raise ArchiveError("sealed-header", name)
        if len(words[2]) > 2 or int(words[2]) > MOST_WORK:
            raise ArchiveError("sealed-work-factor", name, found=words[2][:20], most=MOST_WORK)
        return AGE_V1.unwrap(self._stretched(salt, int(words[2])), body)

    def _stretched(self, salt: bytes, work: int) -> bytes:
        return Scrypt(salt=_SCRYPT + salt, length=AGE_V1.key, n=1 << work, r=8, p=1).derive(self._words)


class Sm4Key:
    """The symmetric key of suite `gm-1`, both recipient and identity, `JINGUI-GM-KEY-1...`. Never printed."""

    suite, alone = GM_1, False

    def __init__(self, secret: bytes) -> None:
        self.secret = secret

    @classmethod
    def generate(cls) -> "Sm4Key":
        """A new one."""
        return cls(secrets.token_bytes(_KEY))

    def __repr__(self) -> str:
        return "Sm4Key()"

    @property
    def recipient(self) -> "Sm4Key":
        """Itself: whoever opens can seal."""
        return self

    def secret_text(self) -> str:
        """As an identity file holds it."""
        return write_bech32("jingui-gm-key-", self.secret).upper()

    def wrap(self, file_key: bytes) -> Stanza:
        """Wrap under a key derived for this one stanza."""
        salt = secrets.token_bytes(_SALT)
        return Stanza(("SM4", encoded(salt)), GM_1.wrap(GM_1.derive(self.secret, salt=salt, info=_SM4), file_key))

    def unwrap(self, stanzas: Sequence[Stanza], name: str) -> bytes | None:
        """The file key of the first stanza that this key opens."""
        for stanza in stanzas:
            if stanza.words[0] == "SM4":
                salt = decoded(stanza.words[1].encode("ascii"), name) if len(stanza.words) == 2 else b""
                if len(salt) != _SALT or len(stanza.body) != FILE_KEY + TAG:
                    raise ArchiveError("sealed-header", name)
                found = GM_1.unwrap(GM_1.derive(self.secret, salt=salt, info=_SM4), stanza.body)
                if found is not None:
                    return found
        return None


PackageIdentity = X25519Identity | Sm4Key
"""What one package generation is sealed to."""


_KINDS: dict[str, type[PackageIdentity]] = {"age-secret-key-": X25519Identity, "jingui-gm-key-": Sm4Key}
"""By the prefix of their secret."""


def generate_identity(suite: Suite) -> PackageIdentity:
    """A new identity of a suite."""
    return Sm4Key.generate() if suite is GM_1 else X25519Identity.generate()


def parse_recipient(text: str) -> X25519Recipient:
    """Read `age1...`. `recipient-unknown` for any other text."""
    try:
        prefix, public = read_bech32(text.strip())
    except ValueError as error:
        raise ArchiveError("recipient-unknown", text.strip()[:80]) from error
    if prefix != "age" or len(public) != _KEY or text.strip() != text.strip().lower():
        raise ArchiveError("recipient-unknown", text.strip()[:80])
    return X25519Recipient(public)


def parse_identities(text: str, name: str) -> tuple[PackageIdentity, ...]:
    """Read an identity file: one secret on a line, blank lines and `#` comments between.

    `identity-invalid` for anything else; what the file holds is never repeated.
    """
    found: list[PackageIdentity] = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        try:
            prefix, secret = read_bech32(line.strip())
        except ValueError:
            raise ArchiveError("identity-invalid", name) from None  # the cause would repeat what the file holds
        kind = _KINDS.get(prefix)
        if kind is None or len(secret) != _KEY:
            raise ArchiveError("identity-invalid", name)
        found.append(kind(secret))
    if not found:
        raise ArchiveError("identity-invalid", name)
    return tuple(found)


def write_identity(identity: PackageIdentity) -> bytes:
    """An identity file."""
    public = f"# public key: {identity.recipient}\n" if isinstance(identity, X25519Identity) else ""
    return f"{public}{identity.secret_text()}\n".encode("ascii")
