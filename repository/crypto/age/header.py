"""The header (文件头) of a sealed file: its first line, stanzas that wrap the file key for somebody, and their MAC.

Read as strictly as it is written: one spelling of every base64, body lines of 64 columns and a last one that is
shorter, line feeds only. What is read with tolerance can be changed without being noticed.
"""

import base64
import binascii
import re
from typing import BinaryIO

import msgspec

from repository.crypto.age.suites import Suite, same, suite_of
from repository.errors import ArchiveError

COLUMNS, MAC_BYTES = 64, 32
MOST = 64 * 1024
"""Bytes of the longest header that is read."""

_ARGUMENT = re.compile(rb"[\x21-\x7e]+")
_MAC_LINE = re.compile(rb"--- ([A-Za-z0-9+/]{43})\n")


class Stanza(msgspec.Struct, frozen=True):
    """One stanza: the words of its first line, and its body."""

    words: tuple[str, ...]
    body: bytes

    def written(self) -> bytes:
        """Its bytes."""
        text = encoded(self.body).encode("ascii")
        lines = [text[place : place + COLUMNS] for place in range(0, len(text) + 1, COLUMNS)]
        return b"-> " + " ".join(self.words).encode("ascii") + b"\n" + b"".join(line + b"\n" for line in lines)


class Header(msgspec.Struct, frozen=True):
    """A header as it was read: `signed` are the bytes that the MAC is over, `size` those of the whole."""

    suite: Suite
    stanzas: tuple[Stanza, ...]
    signed: bytes
    mac: bytes
    size: int

    def proven_by(self, file_key: bytes) -> bool:
        """Whether the MAC is that of this file key."""
        return same(_mac(self.suite, file_key, self.signed), self.mac)


def write_header(suite: Suite, stanzas: tuple[Stanza, ...], file_key: bytes) -> bytes:
    """The bytes of a header."""
    signed = suite.first_line + b"\n" + b"".join(stanza.written() for stanza in stanzas) + b"---"
    return signed + b" " + encoded(_mac(suite, file_key, signed)).encode("ascii") + b"\n"


def read_header(source: BinaryIO, name: str) -> Header:
    """Read a header and stop behind it. `sealed-header` for what is none, `suite-unknown` for one of another suite."""
    lines = _Lines(source, name)
    first = lines.next()
    suite = suite_of(first[:-1])
    if suite is None:
        raise ArchiveError("sealed-header", name)
    stanzas: list[Stanza] = []
    while True:
        start, line = lines.read, lines.next()
        if line.startswith(b"-> "):
            stanzas.append(Stanza(_words(line, name), _body(lines, name)))
            continue
        found = _MAC_LINE.fullmatch(line)
        if not stanzas or not found:
            raise ArchiveError("sealed-header", name)
        mac = decoded(found[1], name)
        signed = bytes(lines.seen[: start + len(b"---")])
        return Header(suite, tuple(stanzas), signed, mac, lines.read)


def encoded(data: bytes) -> str:
    """Base64 without padding."""
    return base64.b64encode(data).rstrip(b"=").decode("ascii")


def decoded(text: bytes, name: str) -> bytes:
    """The bytes of base64 without padding, in its one spelling (`sealed-header` for another)."""
    try:
        data = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error as error:
        raise ArchiveError("sealed-header", name) from error
    if encoded(data).encode("ascii") != text:
        raise ArchiveError("sealed-header", name)
    return data


class _Lines:
    """Lines of a header, up to the most that is read."""

    def __init__(self, source: BinaryIO, name: str) -> None:
        self.seen = bytearray()
        self._source = source
        self._name = name

    @property
    def read(self) -> int:
        return len(self.seen)

    def next(self) -> bytes:
        line = self._source.readline(MOST + 1 - len(self.seen))
        self.seen += line
        if not line.endswith(b"\n") or len(self.seen) > MOST:
            raise ArchiveError("sealed-header", self._name)
        return line


def _words(line: bytes, name: str) -> tuple[str, ...]:
    words = line[3:-1].split(b" ")
    if not all(_ARGUMENT.fullmatch(word) for word in words):
        raise ArchiveError("sealed-header", name)
    return tuple(word.decode("ascii") for word in words)


def _body(lines: _Lines, name: str) -> bytes:
    text = b""
    while True:
        line = lines.next()[:-1]
        text += line
        if len(line) > COLUMNS:
            raise ArchiveError("sealed-header", name)
        if len(line) < COLUMNS:
            return decoded(text, name)


def _mac(suite: Suite, file_key: bytes, signed: bytes) -> bytes:
    return suite.mac(suite.derive(file_key, salt=b"", info=b"header", length=32), signed)
