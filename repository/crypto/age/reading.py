"""Opening a sealed file (解密): all of it as a stream, or any range by going to its chunks.

Nothing of a chunk that fails is given out, and a file that was cut short is refused when it is opened: the chunk at its
end must say that it is the last.
"""

import io
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag

from repository.crypto.age.context import Context
from repository.crypto.age.header import Header, Stanza, read_header
from repository.crypto.age.recipients import Identity
from repository.crypto.age.suites import TAG, Buffer
from repository.crypto.age.writing import CHUNK, LAST, NONCE, SEALED_CHUNK, Sink
from repository.errors import ArchiveError

_BATCH = 4


class SealedReader(io.RawIOBase):
    """The plaintext of a sealed file: a file that can be read and sought in. For one thread at a time.

    `read_at` reads a range wherever one stands. Whatever was changed raises `sealed-payload` before a byte of it is
    given out; what was given out before stays true.
    """

    def __init__(self, source: BinaryIO, header: Header, file_key: bytes, name: str) -> None:
        super().__init__()
        self.header = header
        self.name = name
        self._source = source
        self._place = 0
        nonce = source.read(NONCE)
        if len(nonce) != NONCE:
            raise ArchiveError("sealed-header", name)
        suite = header.suite
        self._aead = suite.aead(suite.derive(file_key, salt=nonce, info=b"payload"))
        self._start = source.tell()
        sealed = source.seek(0, os.SEEK_END) - self._start
        self._chunks = max(-(-sealed // SEALED_CHUNK), 1)
        self.size = sealed - self._chunks * TAG
        """Bytes of the plaintext."""
        self._held: tuple[int, bytes] = (-1, b"")
        if self.size < 0 or (self._chunks > 1 and self.size <= (self._chunks - 1) * CHUNK):
            raise ArchiveError("sealed-payload", name, chunk=self._chunks)
        self._chunk(self._chunks - 1)

    @property
    def stanzas(self) -> tuple[Stanza, ...]:
        """What the header says, all of it under the MAC."""
        return self.header.stanzas

    def read_at(self, offset: int, length: int) -> bytes:
        """A range; as much of it as the file has. `ValueError` for one that is none."""
        if offset < 0 or length < 0:
            raise ValueError("a range has no negative end")
        end = min(offset + length, self.size)
        if offset >= end:
            return b""
        first, last = offset // CHUNK, (end - 1) // CHUNK
        plain = b"".join(self._chunk(number) for number in range(first, last + 1))
        return plain[offset - first * CHUNK : end - first * CHUNK]

    def batches(self) -> Iterator[memoryview]:
        """All of it from the beginning; each piece is good until the next one is asked for."""
        sealed = memoryview(bytearray(_BATCH * SEALED_CHUNK))
        plain = memoryview(bytearray(_BATCH * CHUNK))
        for first in range(0, self._chunks, _BATCH):
            self._source.seek(self._start + first * SEALED_CHUNK)
            got = _filled(self._source, sealed)
            made = 0
            for place in range(0, got, SEALED_CHUNK):
                chunk = sealed[place : min(place + SEALED_CHUNK, got)]
                made += self._open(first + place // SEALED_CHUNK, chunk, plain[made : made + len(chunk) - TAG])
            yield plain[:made]

    def copy_to(self, sink: Sink) -> int:
        """Write all of it to a sink; the number of bytes."""
        return sum(_given(sink, piece) for piece in self.batches())

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Where one stands."""
        return self._place

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to a place."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise ValueError("there is nothing before the beginning")
        self._place = base + offset
        return self._place

    def readinto(self, buffer: Buffer, /) -> int:  # type: ignore[override]  # the base class names its argument's type privately
        """Read on from where one stands."""
        view = memoryview(buffer).cast("B")
        data = self.read_at(self._place, len(view))
        view[: len(data)] = data
        self._place += len(data)
        return len(data)

    def close(self) -> None:
        """Close the file below."""
        if not self.closed:
            self._source.close()
            self._held = (-1, b"")
        super().close()

    def _chunk(self, number: int) -> bytes:
        """One chunk; the one read last is kept, for small reads that follow each other."""
        if self._held[0] != number:
            size = min(CHUNK, self.size - number * CHUNK)
            self._source.seek(self._start + number * SEALED_CHUNK)
            sealed = memoryview(bytearray(size + TAG))
            plain = bytearray(size)
            got = _filled(self._source, sealed)
            self._open(number, sealed[:got], plain)
            self._held = (number, bytes(plain))
        return self._held[1]

    def _open(self, number: int, sealed: memoryview, plain: Buffer) -> int:
        ends = number == self._chunks - 1
        try:
            return self._aead.decrypt_into(number.to_bytes(11) + (LAST if ends else b"\0"), sealed, None, plain)
        except (InvalidTag, ValueError) as error:
            raise ArchiveError("sealed-payload", self.name, chunk=number + 1) from error


def open_sealed(
    file: Path | BinaryIO,
    identities: Identity | Sequence[Identity],
    context: Context | None,
    *,
    name: str | None = None,
) -> SealedReader:
    """Open a sealed file. `context` None is for files that were not made for a place in a package.

    `sealed-header`, `suite-unknown`, `sealed-no-match` (none of the identities is its), `sealed-mac` (the header was
    changed), `sealed-context` (made for another place), `sealed-payload`; `sealed-missing` for no file at all.
    """
    named = name or str(file if isinstance(file, Path) else "-")
    try:
        source = file.open("rb") if isinstance(file, Path) else file
    except FileNotFoundError as error:
        raise ArchiveError("sealed-missing", named) from error
    try:
        header = read_header(source, named)
        many = identities if isinstance(identities, Sequence) else (identities,)
        file_key = unlock(header, many, named)
        if context is not None:
            context.expect(header.stanzas, header.suite, file_key, named)
        return SealedReader(source, header, file_key, named)
    except BaseException:
        if isinstance(file, Path):
            source.close()
        raise


def unlock(header: Header, identities: Sequence[Identity], name: str) -> bytes:
    """The file key, which the header's MAC proves. A passphrase's stanza stands alone, or the header is none."""
    if len(header.stanzas) > 1 and any(stanza.words[0] == "scrypt" for stanza in header.stanzas):
        raise ArchiveError("sealed-header", name)
    for identity in identities:
        file_key = identity.unwrap(header.stanzas, name) if identity.suite is header.suite else None
        if file_key is not None:
            if not header.proven_by(file_key):
                raise ArchiveError("sealed-mac", name)
            return file_key
    raise ArchiveError("sealed-no-match", name)


def _filled(source: BinaryIO, buffer: memoryview) -> int:
    got = 0
    while got < len(buffer):
        more = source.readinto(buffer[got:])  # type: ignore[attr-defined]  # typeshed leaves it out of BinaryIO
        if not more:
            break
        got += more
    return got


def _given(sink: Sink, piece: memoryview) -> int:
    sink.write(piece)
    return len(piece)
