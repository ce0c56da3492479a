"""The auditor's verification (审计核验): the whole archive against itself, and its log against what is held elsewhere.

An archive that is true to itself proves nothing about the one who owns it: he can write all of it anew. So what counts
as proven is what a checkpoint covers that somebody else holds. All that came after it is `unproven`, however sound.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from packages_spec.findings import Finding
from repository.crypto import VerifyingKey, read_public_key
from repository.domain.values import Sha256
from repository.errors import ArchiveError
from repository.evidence import Checkpoint, Incomplete, Recount, Tiles
from repository.services.audit import AuditReport, Fault, fault_of
from repository.services.checkpoints import (
    CHECKPOINT,
    EVIDENCE,
    PUBLIC_KEY,
    checked_checkpoint,
    newest_checkpoint,
    published_key,
)
from repository.services.packaging import CHECKPOINT as PACKED
from repository.services.witness import held_by

_OF_COMMANDS = frozenset({"log.command", "log.clock", "archive.catalogue-ahead"})
"""Faults that stand at the beginning or the end of what they are about, not at an event that is false."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint that was compared: who holds it, how far it reaches, and whether the log is what it says."""

    holder: str
    size: int
    root: Sha256
    is_ours: bool
    agrees: bool


class AuditVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict. `false` where anything is not true, `proven` where a checkpoint held elsewhere covers every event.

    `first_false` is the position of the first event that is not what it was, where that can be told; else `between`
    are the positions between which it stands.
    """

    schema: str = "jingui.audit/1"
    verdict: str
    events: int
    proven: int
    unproven: int
    first_false: int | None
    between: tuple[int, int] | None
    checkpoints: tuple[Held, ...]
    packages: int
    files: int
    catalogue_sha256: str
    faults: tuple[Fault, ...]


class Comparison:
    """What is to be compared with the log: the archive's own checkpoint and tiles, and what others hold.

    Made before the log is read; `observe` then takes every leaf; `conclude` judges.
    """

    def __init__(self, archive: Path, held: tuple[Path, ...], log_key: str | None) -> None:
        self._folder = archive / EVIDENCE
        self._faults: list[Fault] = []
        self._keys = tuple(_trusted_keys(held, log_key))
        self._others = list(_others(self._folder, held, log_key))
        self._own = self._read_own()
        self._packed = list(self._read_packed(archive / "store"))
        size = self._own.size if self._own else 0
        self._tiles = Tiles.of_folder(self._folder, size) if size else None
        sizes = {one.size for _, one in (*self._others, *self._packed)} | {size}
        self._recount = Recount(sizes, self._tiles)
        self._end = 0

    def observe(self, position: int, leaf: bytes) -> None:
        """Take the event that stands at this position. Behind a gap nothing more can be counted."""
        if position == self._end + 1:
            self._end = position
            self._recount.add(leaf)

    def conclude(self, report: AuditReport) -> AuditVerdict:
        """The verdict on everything."""
        self._recount.finish()
        checkpoints = tuple(self._compared())
        bad = [one for one in checkpoints if not one.agrees]
        self._judge(bad)
        self._judge_tiles()
        faults = (*report.faults, *self._faults)
        proven = max((one.size for one in checkpoints if one.agrees and not one.is_ours), default=0)
        events = max(report.events, self._end)
        first, between = self._first_false(report, checkpoints)
        verdict = "false" if faults else "proven" if proven >= events else "unproven"
        return AuditVerdict(
            verdict=verdict,
            events=events,
            proven=min(proven, first - 1) if first else min(proven, between[0] - 1) if between else proven,
            unproven=max(events - proven, 0),
            first_false=first,
            between=between,
            checkpoints=checkpoints,
            packages=report.packages,
            files=report.files,
            catalogue_sha256=report.catalogue_sha256,
            faults=faults,
        )

    def _read_own(self) -> Checkpoint | None:
        """The archive's own checkpoint, where its published key signed it."""
        try:
            key = published_key(self._folder)
            for holder, trusted in self._keys:
                if key is not None and key != trusted:
                    self._faults.append(_of(Finding("evidence.key", holder, trusted.text, key.text)))
            return _checkpoint(newest_checkpoint(self._folder, key)) if key else None
        except ArchiveError as error:
            self._faults.append(_of(Finding("evidence.checkpoint", CHECKPOINT, "", str(error))))
            return None

    def _read_packed(self, store: Path) -> Iterator[tuple[str, Checkpoint]]:
        """The checkpoints that packages took along, each once: they are ours, but harder to reach than one file."""
        key = published_key(self._folder)
        if key is None:
            return
        seen: set[Checkpoint] = set()
        for path in sorted(store.rglob(PACKED)):
            place = str(path.relative_to(store))
            try:
                checkpoint, _ = checked_checkpoint(path.read_bytes(), key, place)
            except ArchiveError as error:
                self._faults.append(_of(Finding("evidence.checkpoint", place, "", str(error))))
                continue
            if checkpoint not in seen:
                seen.add(checkpoint)
                yield place, checkpoint

    def _compared(self) -> Iterator[Held]:
        own = [*([(CHECKPOINT, self._own)] if self._own else []), *self._packed]
        for place, (holder, one) in enumerate([*own, *self._others]):
            agrees = self._recount.roots.get(one.size) == one.root
            yield Held(holder=holder, size=one.size, root=one.root.hex(), is_ours=place < len(own), agrees=agrees)

    def _judge(self, bad: list[Held]) -> None:
        for one in bad:
            if one.size > self._end:
                finding = Finding("evidence.truncated", one.holder, str(one.size), str(self._end))
            else:
                found = self._recount.roots[one.size].hex()
                finding = Finding("evidence.contradicted", f"{one.holder} ({one.size})", one.root, found)
            self._faults.append(_of(finding))

    def _judge_tiles(self) -> None:
        if self._recount.differing is not None:
            position = str(self._recount.differing + 1)
            self._faults.append(_of(Finding("evidence.tile", position), position))
        elif self._recount.missing is not None:
            self._faults.append(fault_of("evidence", self._recount.missing, _missing(self._recount.missing)))
        elif self._own is not None and self._tiles is not None and self._root_of_tiles(self._own.size) is None:
            self._faults.append(fault_of("evidence", CHECKPOINT, _missing(CHECKPOINT)))

    def _root_of_tiles(self, size: int) -> bytes | None:
        if self._tiles is None or size > self._tiles.size:
            return None
        try:
            return self._tiles.root(size)
        except Incomplete:
            return None

    def _first_false(
        self, report: AuditReport, checkpoints: tuple[Held, ...]
    ) -> tuple[int | None, tuple[int, int] | None]:
        """The first false event, or between which two positions it stands.

        Tiles that have the root which somebody else holds are what was signed, and name it. Without them it stands
        behind the longest checkpoint that agrees, and not behind what is false in itself. What the archive holds of its
        own is asked only where nobody else holds anything: the owner can sign what he likes.
        """
        compared = [one for one in checkpoints if not one.is_ours] or checkpoints
        named = [int(one.thing) for one in report.faults if one.where == "log" and one.code not in _OF_COMMANDS]
        first = min((position for position in named if position > 0), default=None)
        bad = min((one for one in compared if not one.agrees), key=lambda one: one.size, default=None)
        if bad is None:
            return first, None
        if self._root_of_tiles(bad.size) == bytes.fromhex(bad.root):
            differing = self._recount.differing
            return (self._end if differing is None else differing) + 1, None
        good = max((one.size for one in compared if one.agrees and one.size < bad.size), default=0)
        last = min(bad.size, self._end + 1, first or bad.size)
        return (last, None) if good + 1 >= last else (None, (good + 1, last))


def _others(folder: Path, held: tuple[Path, ...], log_key: str | None) -> Iterator[tuple[str, Checkpoint]]:
    """What is held elsewhere: checkpoints in files, and in the memories of witnesses (folders)."""
    given = read_public_key(log_key) if log_key else None
    for path in held:
        if path.is_dir():
            for checkpoint, _ in held_by(path):
                yield str(path), checkpoint
            continue
        if not path.is_file():
            raise ArchiveError("checkpoint-missing", path)
        key = given or published_key(folder)
        if key is None:
            raise ArchiveError("checkpoint-missing", folder / PUBLIC_KEY)
        yield str(path), checked_checkpoint(path.read_bytes(), key, str(path))[0]


def _trusted_keys(held: tuple[Path, ...], log_key: str | None) -> Iterator[tuple[str, VerifyingKey]]:
    """The log's key as others hold it."""
    if log_key:
        yield "--log-key", read_public_key(log_key)
    for path in held:
        if path.is_dir() and (path / PUBLIC_KEY).exists():
            yield str(path), read_public_key((path / PUBLIC_KEY).read_text("utf-8"))


def _checkpoint(found: tuple[Checkpoint, object] | None) -> Checkpoint | None:
    return found[0] if found else None


def _missing(path: str) -> Finding:
    return Finding("evidence.tile-missing", path)


def _of(finding: Finding, thing: str = EVIDENCE) -> Fault:
    return fault_of("log", thing, finding)
