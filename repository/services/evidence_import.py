"""Importing (迁入): a pack of everything becomes the log of a new archive - same bytes, same positions, same root.

What is moved is the log. The packages that it speaks of are not in the pack: the new archive says of each that it is
not there, until they are copied. Whoever had a credential has it here as well.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from uuid import UUID

import msgspec

from repository.catalogue import Catalogue
from repository.domain.values import Sha256
from repository.errors import ArchiveError
from repository.eventlog import CommandRow, EventLog, EventRow, restore_log, verify_log
from repository.evidence import Checkpoint, Recount, read_checkpoint
from repository.evidence.verify import FalseError, verify
from repository.services.checkpoints import CHECKPOINT, ORIGIN
from repository.services.session import SOFTWARE, SOFTWARE_VERSION
from repository.settings import Settings, write_settings
from repository.storage import Store


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What was made: where, how many events, and the root that is the pack's."""

    schema: str = "jingui.evidence-import/1"
    path: str
    events: int
    root: Sha256


class _PayloadLine(msgspec.Struct, frozen=True):
    position: int
    salt: str | None
    payload: str | None


class _About(msgspec.Struct, frozen=True):
    complete: bool


class _Said(msgspec.Struct, frozen=True):
    archive: str | None


def import_evidence(pack: Path, folder: Path, *, log_key: str | None, clock: Callable[[], datetime]) -> Imported:
    """Make an archive of a pack. `archive-exists`, `evidence-false`, `evidence-partial`; a failure leaves nothing."""
    folder = folder.resolve()
    if folder.exists() and any(folder.iterdir()):
        raise ArchiveError("archive-exists", folder)

    # 1 nothing is taken from a pack that is not true, or that is not all there was
    data = pack / "data"
    try:
        verify(pack, log_key, [])
        about = msgspec.json.decode((data / "pack.json").read_bytes(), type=_About)
        checkpoint, _ = read_checkpoint((data / CHECKPOINT).read_bytes())
    except (FalseError, OSError, ValueError, KeyError, TypeError) as error:
        raise ArchiveError("evidence-false", pack, reason=error) from error
    if not about.complete:
        raise ArchiveError("evidence-partial", pack)

    # 2 the archive around it, then the log, judged whole before the settings make a folder an archive
    was_there = folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with Store.create(folder):
            pass
        for room in ("log", "catalogue", "vault"):
            (folder / room).mkdir()
        _move(data, folder, checkpoint, clock)
    except BaseException:
        shutil.rmtree(folder)
        if was_there:
            folder.mkdir()
        raise
    return Imported(path=str(folder), events=checkpoint.size, root=checkpoint.root.hex())


def _move(data: Path, folder: Path, checkpoint: Checkpoint, clock: Callable[[], datetime]) -> None:
    path = folder / "log" / "events.sqlite"
    restore_log(path, _rows(data), _commands(data))
    recount = Recount([checkpoint.size], None)
    faults = list(verify_log(path, observe=lambda _, leaf: recount.add(leaf)))
    if faults or recount.roots.get(checkpoint.size) != checkpoint.root:
        raise ArchiveError("evidence-false", data, reason=faults[0].message("en") if faults else "root")
    with (
        closing(EventLog.open(path, clock=clock, software=f"{SOFTWARE}/{SOFTWARE_VERSION}")) as log,
        closing(Catalogue.open(folder / "catalogue")) as catalogue,
    ):
        catalogue.catch_up(log)
    codes = tuple(sorted({one.archive for one in _said(data) if one.archive is not None}))
    identity = UUID(checkpoint.origin.removeprefix(ORIGIN))
    write_settings(folder, Settings(id=identity, archives=codes or ("0",)))


def _rows(data: Path) -> Iterator[EventRow]:
    decode = msgspec.json.Decoder(_PayloadLine).decode
    for envelope, line in zip(_lines(data / "events.ndjson"), _lines(data / "payloads.ndjson"), strict=True):
        said = decode(line)
        yield envelope, said.salt, None if said.payload is None else said.payload.encode()


def _commands(data: Path) -> Iterator[CommandRow]:
    yield from map(msgspec.json.Decoder(CommandRow).decode, _lines(data / "commands.ndjson"))


def _said(data: Path) -> Iterator[_Said]:
    yield from map(msgspec.json.Decoder(_Said).decode, _lines(data / "events.ndjson"))


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        yield from (line.removesuffix(b"\n") for line in stream)
