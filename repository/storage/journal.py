"""The journal of a delivery (接收日志): which files lie in quarantine for certain, so that receiving can go on.

One JSON line a file, written only after the bytes that it vouches for are durable; a last line closes the delivery.
The journal stands beside the delivery's folder and is of no use after its packages are stored.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Self

import msgspec

from packages_spec.digests import Digested
from packages_spec.findings import Finding
from repository.storage.durable import sync_folder, write_all


class ReceivedFile(Digested, frozen=True, tag="file", tag_field="line"):
    """A file in quarantine: with the time of its last change at the producer's, and digests that were asked for."""

    mtime_ns: int
    digests: Mapping[str, str]


class Closed(msgspec.Struct, frozen=True, tag="closed", tag_field="line"):
    """The last line: the delivery is whole. `listing_sha256` is the digest of its `delivery.sha256`."""

    files: int
    bytes: int
    listing_sha256: str
    findings: tuple[Finding, ...]


class Dropped(msgspec.Struct, frozen=True, tag="dropped", tag_field="line"):
    """A file that the producer took out of the delivery before it was whole. Its copy stays, of no account."""

    path: str


Line = ReceivedFile | Dropped | Closed
_read = msgspec.json.Decoder(Line).decode


def journal_path(target: Path) -> Path:
    """Where the journal of a delivery's folder stands: beside it."""
    return target.with_name(f"{target.name}.journal")


class Journal:
    """A delivery's journal, open for going on. What was half written when its writer died is cut off."""

    def __init__(self, path: Path) -> None:
        self.files: dict[str, ReceivedFile] = {}
        self.closed: Closed | None = None
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        sync_folder(path.parent)
        os.ftruncate(self._descriptor, self._load(path))

    def append(self, lines: Iterable[Line]) -> None:
        """Add lines, durable when this returns."""
        lines = list(lines)
        write_all(self._descriptor, b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
        os.fsync(self._descriptor)
        for line in lines:
            self._take(line)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _load(self, path: Path) -> int:
        """Read what stands there; returns the length of what is whole."""
        length = 0
        for raw in _whole_lines(path):
            length += len(raw)
            self._take(_read(raw))
        return length

    def _take(self, line: Line) -> None:
        match line:
            case ReceivedFile():
                self.files[line.path] = line
            case Dropped():
                self.files.pop(line.path, None)
            case Closed():
                self.closed = line


def _whole_lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        for raw in stream:
            if not raw.endswith(b"\n"):
                return
            yield raw
