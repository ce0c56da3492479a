"""Tails (日志尾段): the newest events of the log, byte for byte, in small files beside the packages of every store.

    extensions/9001-jingui-log/store.json             which store of which archive this is
    extensions/9001-jingui-log/checkpoint, log.vkey   the newest signed head, and the key that signed it
    extensions/9001-jingui-log/tails/<first>-<last>.events.ndjson      the envelopes as they are stored, a line each
    extensions/9001-jingui-log/tails/<first>-<last>.payloads.ndjson    salts and payloads, apart: these can be expunged
    extensions/9001-jingui-log/tails/<first>-<last>.commands.ndjson    what was asked

A tail is there once its events are, which take their name last. How far a store has come is read from these names and
from nothing else, so that it can be killed anywhere, forgotten for a year, and goes on where it stands. A small tail is
replaced by one that begins with it; both may lie there for a moment, and say the same.
"""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple
from uuid import UUID

import msgspec

from repository.errors import ArchiveError
from repository.storage.durable import storage_errors, sync_folder, write_atomic
from repository.storage.locks import take
from repository.storage.wiping import wipe

EXTENSION = "9001-jingui-log"
EVENTS, PAYLOADS, COMMANDS = "events.ndjson", "payloads.ndjson", "commands.ndjson"
SMALL = 500
"""Events below which a tail is replaced by the next one, which begins with it."""
_NAME = re.compile(r"(\d{12})-(\d{12})\.events\.ndjson")
_BUFFER = 1 << 16


class Span(NamedTuple):
    """The positions of one tail."""

    first: int
    last: int

    def name(self, part: str) -> str:
        """The name of one of its files."""
        return f"{self.first:012d}-{self.last:012d}.{part}"


class StoreMark(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which store this is, and of which archive."""

    schema: Literal[1] = 1
    store: UUID
    archive: UUID


class Tails:
    """The tails in one store."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "extensions" / EXTENSION
        self.place = self.folder / "tails"

    def prepare(self, archive: UUID, new: UUID) -> StoreMark:
        """Make the folders and the mark of a new store; answers with the mark. `store-of-another`."""
        with storage_errors(self.folder):
            self.place.mkdir(parents=True, exist_ok=True)
            path = self.folder / "store.json"
            if not path.exists():
                write_atomic(path, msgspec.json.encode(StoreMark(store=new, archive=archive)) + b"\n")
                sync_folder(self.folder.parent)
        mark = self.mark()
        if mark is None or mark.archive != archive:
            raise ArchiveError("store-of-another", self.root)
        return mark

    def mark(self) -> StoreMark | None:
        """The store's mark; null where it has none, or one that cannot be read."""
        try:
            return msgspec.json.decode((self.folder / "store.json").read_bytes(), type=StoreMark)
        except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError, UnicodeDecodeError):
            return None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the only one that writes here. `locked`."""
        with storage_errors(self.folder):
            lock = take(self.folder / "keeping.lock")
        try:
            yield
        finally:
            lock.release()

    def spans(self) -> list[Span]:
        """Every tail that is there, by where it begins, of several the longest first."""
        names = [path.name for path in self.place.iterdir()] if self.place.is_dir() else []
        found = [Span(int(match[1]), int(match[2])) for match in map(_NAME.fullmatch, names) if match]
        return sorted(found, key=lambda one: (one.first, -one.last))

    def covering(self) -> list[Span]:
        """Those that lead from the first event as far as nothing is missing."""
        chosen: list[Span] = []
        reached = 0
        for one in self.spans():
            if one.first > reached + 1:
                break
            if one.last > reached:
                chosen.append(one)
                reached = one.last
        return chosen

    def reached(self) -> int:
        """The last position up to which no event is missing."""
        covering = self.covering()
        return covering[-1].last if covering else 0

    def write(
        self, span: Span, envelopes: Iterable[bytes], payloads: Iterable[bytes], commands: Iterable[bytes]
    ) -> None:
        """Write one tail, durable when this returns, and remove the smaller ones that it begins with.

        `tails-contradict` where such a smaller one holds other events: what a store once kept is not overwritten.
        """
        with storage_errors(self.place):
            self._sweep()
            for part, lines in ((PAYLOADS, payloads), (COMMANDS, commands), (EVENTS, envelopes)):
                _write_synced(self.place / f"{span.name(part)}.new", lines)
            smaller = [one for one in self.spans() if one != span and span.first <= one.first and one.last <= span.last]
            told = set(self.covering())  # one that a longer tail tells already was being wiped when its writer died
            for one in told.intersection(smaller):
                self._expect_within(one, span)
            for part in (PAYLOADS, COMMANDS, EVENTS):
                (self.place / f"{span.name(part)}.new").rename(self.place / span.name(part))
            sync_folder(self.place)
            for one in smaller:
                for part in (EVENTS, PAYLOADS, COMMANDS):
                    wipe(self.place / one.name(part))
            sync_folder(self.place)

    def _expect_within(self, old: Span, new: Span) -> None:
        with (self.place / f"{new.name(EVENTS)}.new").open("rb") as longer:
            for _ in range(old.first - new.first):
                longer.readline()
            for position, line in enumerate(self.lines(old, EVENTS), old.first):
                if longer.readline() != line:
                    raise ArchiveError("tails-contradict", self.root, position=position)

    def lines(self, span: Span, part: str) -> Iterator[bytes]:
        """The lines of one of a tail's files, with their ends."""
        with (self.place / span.name(part)).open("rb") as stream:
            yield from stream

    def events(self) -> Iterator[tuple[int, bytes, bytes]]:
        """Position, envelope and line of the payload of every event up to the first that is missing."""
        reached = 0
        for span in self.covering():
            both = zip(self.lines(span, EVENTS), self.lines(span, PAYLOADS), strict=True)
            for position, (envelope, payload) in enumerate(both, span.first):
                if position > reached:
                    yield position, envelope.removesuffix(b"\n"), payload.removesuffix(b"\n")
            reached = span.last

    def commands(self) -> Iterator[bytes]:
        """What was asked, as far as the events go, each once."""
        reached = 0
        for span in self.covering():
            for line in self.lines(span, COMMANDS):
                if msgspec.json.decode(line)["first"] > reached:
                    yield line
            reached = span.last

    def blank(self, lines: dict[int, bytes]) -> int:
        """Let these lines stand for the payloads at their positions, overwriting what stood there; how many tails.

        Done already, it changes nothing; killed in between, the same call finishes it.
        """
        changed = 0
        with storage_errors(self.place):
            self._sweep()
            for span in self.spans():
                wanted = {at - span.first: line for at, line in lines.items() if span.first <= at <= span.last}
                path = self.place / span.name(PAYLOADS)
                old = list(self.lines(span, PAYLOADS)) if wanted else []
                new = [wanted.get(index, line) for index, line in enumerate(old)]
                if new != old:
                    changed += 1
                    _write_synced(path.with_name(f"{path.name}.new"), new)
                    gone = path.with_name(f"{path.name}.gone")
                    os.link(path, gone)
                    path.with_name(f"{path.name}.new").rename(path)
                    sync_folder(self.place)
                    wipe(gone)
            sync_folder(self.place)
        return changed

    def holding(self, words: bytes) -> bool:
        """Whether these bytes stand in any tail's file."""
        for path in sorted(self.place.iterdir()) if self.place.is_dir() else ():
            with path.open("rb") as stream:
                if any(words in line for line in stream):
                    return True
        return False

    def _sweep(self) -> None:
        """Remove what a writer that died left; the lock is held, so that nobody else is writing.

        That is also a tail within a longer one, which may be half overwritten, and parts whose events are gone.
        """
        spans = self.spans()
        whole = [
            one
            for one in spans
            if not any(other != one and other.first <= one.first and one.last <= other.last for other in spans)
        ]
        kept = {one.name(part) for one in whole for part in (EVENTS, PAYLOADS, COMMANDS)}
        for path in self.place.iterdir():
            if path.name not in kept:
                wipe(path)


def _write_synced(path: Path, lines: Iterable[bytes]) -> None:
    with path.open("wb", buffering=_BUFFER) as stream:
        stream.writelines(lines)
        stream.flush()
        os.fsync(stream.fileno())
