"""Sealing a file (加密): one pass over the bytes, in memory that does not grow, with the digests of both sides.

The payload is age's STREAM: chunks of 64 KiB, each under the payload key with its number and a mark on the last one, so
that none can be left out, moved or added. The last chunk is never empty unless the file is.
"""

import secrets
from collections.abc import Sequence
from hashlib import sha256
from typing import BinaryIO, Protocol

import msgspec
from cryptography.hazmat.primitives.hashes import Hash

from repository.crypto.age.context import Context
from repository.crypto.age.header import Stanza, write_header
from repository.crypto.age.recipients import FILE_KEY, Recipient
from repository.crypto.age.suites import GM_1, TAG, Buffer, Suite
from repository.errors import ArchiveError

CHUNK = 64 * 1024
SEALED_CHUNK = CHUNK + TAG
NONCE = 16
"""Bytes of the nonce between header and chunks, from which the payload's key is derived."""

LAST = b"\x01"
_BATCH = 16 * CHUNK
"""Bytes that are hashed and written together: few calls for much work."""


class Sink(Protocol):
    """Where sealed bytes go."""

    def write(self, data: Buffer, /) -> object:
        """Take all of them."""


class SealedFile(msgspec.Struct, frozen=True, kw_only=True):
    """What was sealed: sizes and digests of the plaintext and of the file. The SM3 ones in suite `gm-1` only."""

    suite: str
    plain_size: int
    plain_sha256: str
    sealed_size: int
    sealed_sha256: str
    plain_sm3: str | None = None
    sealed_sm3: str | None = None


class _Digests:
    """The digests of one side."""

    def __init__(self, suite: Suite) -> None:
        self.size = 0
        self._sha256 = sha256()
        self._sm3 = Hash(GM_1.digest()) if suite is GM_1 else None

    def update(self, data: Buffer) -> None:
        self.size += len(data)
        self._sha256.update(data)
        if self._sm3 is not None:
            self._sm3.update(data)

    def end(self) -> tuple[str, str | None]:
        return self._sha256.hexdigest(), None if self._sm3 is None else self._sm3.finalize().hex()


class SealingWriter:
    """Takes plaintext piece by piece and writes the sealed file; the file is whole only once `finish` was called.

    A writer that is left without it leaves a file that every reader refuses.
    """

    def __init__(self, sink: Sink, recipients: Sequence[Recipient], context: Context | None = None, *extra: Stanza):
        """Write the header. `sealed-recipients` for none, for two suites, or for a passphrase that is not alone."""
        if not recipients or len({one.suite.name for one in recipients}) != 1:
            raise ArchiveError("sealed-recipients", len(recipients))
        if any(one.alone for one in recipients) and (len(recipients) > 1 or context is not None or extra):
            raise ArchiveError("sealed-recipients", len(recipients))
        suite = recipients[0].suite
        file_key, nonce = secrets.token_bytes(FILE_KEY), secrets.token_bytes(NONCE)
        stanzas = [one.wrap(file_key) for one in recipients]
        stanzas += extra
        if context is not None:
            stanzas.append(context.stanza(suite, file_key))
        self._suite = suite
        self._aead = suite.aead(suite.derive(file_key, salt=nonce, info=b"payload"))
        self._sink = sink
        self._plain, self._sealed = _Digests(suite), _Digests(suite)
        self._waiting = memoryview(bytearray(_BATCH))
        self._filled = 0
        self._out = memoryview(bytearray(_BATCH // CHUNK * SEALED_CHUNK))
        self._number = 0
        self._write(write_header(suite, tuple(stanzas), file_key) + nonce)

    def write(self, data: Buffer) -> int:
        """Take more plaintext."""
        view = memoryview(data).cast("B")
        taken = 0
        while taken < len(view):
            if self._filled == _BATCH:
                self._seal(last=False)
            room = min(_BATCH - self._filled, len(view) - taken)
            self._waiting[self._filled : self._filled + room] = view[taken : taken + room]
            self._filled += room
            taken += room
        return taken

    def read_from(self, source: BinaryIO) -> None:
        """Take everything that a file holds, without copying it once more."""
        while True:
            if self._filled == _BATCH:
                self._seal(last=False)
            got = source.readinto(self._waiting[self._filled :])  # type: ignore[attr-defined]  # typeshed leaves it out
            if not got:
                return
            self._filled += got

    def finish(self) -> SealedFile:
        """Seal what is left, as the last chunk."""
        self._seal(last=True)
        plain, sealed = self._plain.end(), self._sealed.end()
        return SealedFile(
            suite=self._suite.name,
            plain_size=self._plain.size,
            plain_sha256=plain[0],
            sealed_size=self._sealed.size,
            sealed_sha256=sealed[0],
            plain_sm3=plain[1],
            sealed_sm3=sealed[1],
        )

    def _seal(self, *, last: bool) -> None:
        """Seal what waits; unless it is the end, one chunk is kept back, for it might be the last."""
        ready = self._filled if last else self._filled - CHUNK
        self._plain.update(self._waiting[:ready])
        made = 0
        for place in range(0, max(ready, 1), CHUNK):
            chunk = self._waiting[place : min(place + CHUNK, ready)]
            ends = last and place + CHUNK >= ready
            nonce = self._number.to_bytes(11) + (LAST if ends else b"\0")
            made += self._aead.encrypt_into(nonce, chunk, None, self._out[made : made + len(chunk) + TAG])
            self._number += 1
        self._write(self._out[:made])
        left = self._filled - ready
        self._waiting[:left] = self._waiting[ready : self._filled]
        self._filled = left

    def _write(self, data: Buffer) -> None:
        self._sealed.update(data)
        self._sink.write(data)


def encrypt(
    source: BinaryIO, sink: Sink, recipients: Sequence[Recipient], context: Context | None = None
) -> SealedFile:
    """Seal everything that `source` holds for the recipients, bound to its place if one is given."""
    writer = SealingWriter(sink, recipients, context)
    writer.read_from(source)
    return writer.finish()
