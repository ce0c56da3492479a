"""Witness (见证): somebody else, on another machine, who remembers what the archive signed and holds it to that.

It runs with nothing of the archive but its public key and a place - a folder, or an address over HTTP - where the
checkpoint and the tiles can be read. Its memory is a folder: `log.vkey`, the newest `checkpoint` that it cosigned and
every one of them under `seen/`, its own key `witness.key`, and the public half of it, `witness.vkey`.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit

import httpx2
import msgspec

from repository.crypto import (
    COSIGNATURE,
    SigningKey,
    VerifyingKey,
    create_signing_key,
    read_public_key,
    read_signing_key,
)
from repository.domain.values import Sha256
from repository.errors import ArchiveError
from repository.evidence import (
    Checkpoint,
    Incomplete,
    Note,
    Tiles,
    consistency_path,
    cosign,
    verify_consistency,
)
from repository.services.checkpoints import CHECKPOINT, PUBLIC_KEY, checked_checkpoint
from repository.services.session import Clock
from repository.storage import run_lock_in, write_atomic

SEEN, WITNESS_KEY, WITNESS_PUBLIC = "seen", "witness.key", "witness.vkey"
SECONDS = 20
MOST = 1_000_000
"""No checkpoint and no tile is longer; what a stranger sends beyond it is not read."""

PASSING = frozenset({"witness-source", "checkpoint-missing", "locked"})
"""Errors that say nothing of the history, only that it could not be looked at this time."""

Fetch = Callable[[str], bytes]


class Witnessed(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen: the checkpoint, how far the memory reached before it, and the time that was signed."""

    schema: str = "jingui.witness/1"
    origin: str
    before: int
    size: int
    root: Sha256
    time: int
    checkpoint: str
    key: str


def witness(source: str, memory: Path, *, clock: Clock, log_key: str | None = None, name: str = "witness") -> Witnessed:
    """Look once: compare what is published with what was seen, cosign it, remember it.

    `log_key` must be given the first time, and is remembered: whoever asks the archive itself for it is told what the
    archive likes. Errors: `witness-key-needed`, `log-key-invalid`, `checkpoint-invalid`; `witness-shrunk` for a log
    that is shorter than it was, `witness-forked` for another history than was seen; `witness-source`, `locked`.
    """
    # 1 the memory, the log's key in it, and the witness's own
    memory.mkdir(parents=True, exist_ok=True, mode=0o700)
    (memory / SEEN).mkdir(exist_ok=True)
    with run_lock_in(memory, "witness"):
        key = _remembered_key(memory, log_key)
        own = _own_key(memory, name)

        # 2 what the log says now, and what it said last
        fetch = _fetcher(source)
        checkpoint, note = checked_checkpoint(_fetched(fetch, CHECKPOINT, source), key, source)
        last = _last(memory, key)

        # 3 the one must continue the other
        if last is not None:
            _expect_continued(last, checkpoint, fetch, source)

        # 4 sign, and remember before anybody is told
        seconds = int(clock().timestamp())
        cosigned = cosign(note, own, seconds).encode()
        write_atomic(memory / SEEN / str(checkpoint.size), cosigned)
        write_atomic(memory / CHECKPOINT, cosigned)
    return Witnessed(
        origin=checkpoint.origin,
        before=last.size if last else 0,
        size=checkpoint.size,
        root=checkpoint.root.hex(),
        time=seconds,
        checkpoint=cosigned.decode(),
        key=own.public.text,
    )


def keep_watch(
    source: str,
    memory: Path,
    *,
    every: int,
    stop: Event,
    clock: Clock,
    log_key: str | None = None,
    name: str = "witness",
) -> Iterator[Witnessed | ArchiveError]:
    """Look every so many seconds until `stop` is set: what was seen, or why nothing was to be seen this time.

    The interval bounds how much of the log's end nobody outside vouches for. A place that cannot be reached is tried
    again; anything that speaks against the history ends the watch, raised as `witness` raises it.
    """
    while not stop.is_set():
        try:
            yield witness(source, memory, clock=clock, log_key=log_key, name=name)
        except ArchiveError as error:
            if error.code not in PASSING:
                raise
            yield error
        stop.wait(every)


def _remembered_key(memory: Path, given: str | None) -> VerifyingKey:
    path = memory / PUBLIC_KEY
    if not path.exists():
        if given is None:
            raise ArchiveError("witness-key-needed", memory)
        key = read_public_key(given)
        write_atomic(path, f"{key.text}\n".encode())
        return key
    key = read_public_key(path.read_text("utf-8"))
    if given is not None and read_public_key(given) != key:
        raise ArchiveError("log-key-differs", memory)
    return key


def _own_key(memory: Path, name: str) -> SigningKey:
    path = memory / WITNESS_KEY
    key = read_signing_key(path) if path.exists() else create_signing_key(path, name, COSIGNATURE)
    write_atomic(memory / WITNESS_PUBLIC, f"{key.public.text}\n".encode())
    return key


def _last(memory: Path, key: VerifyingKey) -> Checkpoint | None:
    path = memory / CHECKPOINT
    return checked_checkpoint(path.read_bytes(), key, str(path))[0] if path.exists() else None


def _expect_continued(last: Checkpoint, now: Checkpoint, fetch: Fetch, source: str) -> None:
    if now.size < last.size:
        raise ArchiveError("witness-shrunk", source, before=last.size, found=now.size)
    if now.size == last.size or last.size == 0:
        path: list[bytes] = []
    else:
        try:
            path = consistency_path(last.size, now.size, Tiles(now.size, fetch).hash)
        except Incomplete as error:
            raise ArchiveError("witness-source", source, reason=f"{error}") from error
    if not verify_consistency(last.size, now.size, last.root, now.root, path):
        raise ArchiveError("witness-forked", source, before=last.size, found=now.size)


def held_by(memory: Path) -> list[tuple[Checkpoint, Note]]:
    """Every checkpoint that a witness's memory holds, by size. Each must be the remembered key's."""
    path = memory / PUBLIC_KEY
    if not path.exists():
        raise ArchiveError("checkpoint-missing", memory)
    key = read_public_key(path.read_text("utf-8"))
    files = [one for one in (memory / SEEN).iterdir() if one.name.isdecimal()] if (memory / SEEN).is_dir() else []
    held = [checked_checkpoint(one.read_bytes(), key, str(one)) for one in files]
    return sorted(held, key=lambda one: one[0].size)


def _fetcher(source: str) -> Fetch:
    if urlsplit(source).scheme in ("http", "https"):
        return lambda path: _over_http(f"{source.rstrip('/')}/{path}")
    return lambda path: _from_folder(Path(source), path)


def _from_folder(folder: Path, path: str) -> bytes:
    try:
        with (folder / path).open("rb") as stream:
            return stream.read(MOST)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise Incomplete(path) from error


def _over_http(address: str) -> bytes:
    content = bytearray()
    try:
        with httpx2.stream("GET", address, timeout=SECONDS, follow_redirects=False) as answer:
            if answer.status_code == httpx2.codes.NOT_FOUND:
                raise Incomplete(address)
            answer.raise_for_status()
            for part in answer.iter_bytes():
                content += part
                if len(content) > MOST:
                    raise ArchiveError("witness-source", address, reason=f"> {MOST} B")
    except httpx2.HTTPError as error:
        raise ArchiveError("witness-source", address, reason=error) from error
    return bytes(content)


def _fetched(fetch: Fetch, path: str, source: str) -> bytes:
    try:
        return fetch(path)
    except Incomplete as error:
        raise ArchiveError("checkpoint-missing", source) from error
