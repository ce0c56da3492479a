"""Checkpoints (检查点): the log's tree brought to its end on disk, and its head signed.

`evidence/` of the archive holds `checkpoint`, `tile/` and `log.vkey`; any web server can publish it as it stands, for
it holds hashes alone. All of it can be made again from the log and the signing key, but a history that contradicts a
checkpoint which was signed before is never signed.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from repository.crypto import SigningKey, VerifyingKey, create_signing_key, read_public_key, read_signing_key
from repository.domain.values import Sha256
from repository.errors import ArchiveError, storage_error
from repository.evidence import (
    EMPTY,
    WIDTH,
    Checkpoint,
    Frontier,
    Incomplete,
    Note,
    Tiles,
    extend_tiles,
    read_checkpoint,
    sign_checkpoint,
    signed_by,
)
from repository.services.session import Session
from repository.settings import log_key_file
from repository.storage import FileSystem, run_lock_in, write_atomic

EVIDENCE = "evidence"
CHECKPOINT, PUBLIC_KEY = "checkpoint", "log.vkey"
ORIGIN = "jingui/"


class Attested(msgspec.Struct, frozen=True, kw_only=True):
    """The newest checkpoint: how many events it covers, their root, and the key that signed it."""

    schema: str = "jingui.checkpoint/1"
    origin: str
    size: int
    root: Sha256
    key: str
    is_new: bool
    path: str


def origin_of(session: Session) -> str:
    """The log's name in checkpoints: this installation's id."""
    return f"{ORIGIN}{session.settings.id}"


def attest(session: Session) -> Attested:
    """Bring the tree to the end of the log and sign its head. Nothing changes where it stands there already.

    Errors: `log-key-missing`, `log-key-open`, `log-key-invalid`, `log-key-inside`; `log-key-differs` for another key
    than the one that signed before; `checkpoint-contradicts` where the log no longer is what was signed, `locked` while
    another process attests, and those of the storage.
    """
    session.require("inspect")
    return _attest(session)


def _attest(session: Session) -> Attested:
    folder = session.folder / EVIDENCE
    folder.mkdir(exist_ok=True)
    with run_lock_in(folder, "attesting"):
        # 1 the key: the one that has signed before; the first time, a new one
        key = _key(session, folder)

        # 2 what was signed before, and the log's end
        before = newest_checkpoint(folder, key.public)
        size = before[0].size if before else 0
        end = session.log.position()
        if end < size:
            raise ArchiveError("checkpoint-contradicts", size, found=end)
        if before and end == size:
            return _attested(before[0], key.public, folder, is_new=False)

        # 3 the tiles, durable before anything is said about them
        with FileSystem(folder, sync=session.settings.sync) as disk:
            _grow(session, folder, before[0] if before else None, end)
            disk.sync()

        # 4 the head, signed: from here on the archive stands by it
        checkpoint = Checkpoint(origin=origin_of(session), size=end, root=Tiles.of_folder(folder, end).root())
        write_atomic(folder / CHECKPOINT, sign_checkpoint(checkpoint, key).encode())
        return _attested(checkpoint, key.public, folder, is_new=True)


def signing_key(session: Session) -> SigningKey:
    """The key that signs for this log. Errors as `attest`'s."""
    return _key(session, session.folder / EVIDENCE)


def _key(session: Session, folder: Path) -> SigningKey:
    """The signing key. Its public half lies beside the checkpoints for whoever comes first; it proves nothing there."""
    path = log_key_file(session.settings)
    if path.resolve().is_relative_to(session.folder.resolve()):
        raise ArchiveError("log-key-inside", path)
    public = folder / PUBLIC_KEY
    if not public.exists() and not path.exists():
        key = create_signing_key(path, origin_of(session))
    else:
        key = read_signing_key(path)
    if not public.exists():
        write_atomic(public, f"{key.public.text}\n".encode())
    if read_public_key(public.read_text("utf-8")) != key.public:
        raise ArchiveError("log-key-differs", path)
    return key


def published_key(folder: Path) -> VerifyingKey | None:
    """The key that lies beside the checkpoints; null where nothing was ever signed."""
    path = folder / PUBLIC_KEY
    return read_public_key(path.read_text("utf-8")) if path.exists() else None


def newest_checkpoint(folder: Path, key: VerifyingKey) -> tuple[Checkpoint, Note] | None:
    """The checkpoint in a folder of evidence; null where there is none. `checkpoint-invalid` for a false one."""
    path = folder / CHECKPOINT
    if not path.exists():
        return None
    return checked_checkpoint(path.read_bytes(), key, str(path))


def signed_head(session: Session) -> bytes:
    """The newest checkpoint as it stands; nothing where none was signed yet."""
    path = session.folder / EVIDENCE / CHECKPOINT
    return path.read_bytes() if path.exists() else b""


def attested_size(session: Session) -> int:
    """How many events the newest checkpoint says that it covers; 0 where there is none."""
    folder = session.folder / EVIDENCE
    key = published_key(folder)
    found = newest_checkpoint(folder, key) if key else None
    return found[0].size if found else 0


def checked_checkpoint(data: bytes, key: VerifyingKey, thing: str) -> tuple[Checkpoint, Note]:
    """A checkpoint that this key signed. `checkpoint-invalid` for anything else."""
    try:
        checkpoint, note = read_checkpoint(data)
    except ValueError as error:
        raise ArchiveError("checkpoint-invalid", thing, reason=error) from error
    if not signed_by(note, key) or checkpoint.origin != key.name:
        raise ArchiveError("checkpoint-invalid", thing, reason=f"not signed by {key.name}")
    return checkpoint, note


def _grow(session: Session, folder: Path, before: Checkpoint | None, end: int) -> None:
    """Extend the tiles. Where those of the last checkpoint are not whole, all are made again from the log."""
    size = before.size if before else 0
    tiles = Tiles.of_folder(folder, size)
    try:
        if before is None or tiles.root() == before.root:
            _expect_same_end(session, tiles)
            extend_tiles(folder, size, session.log.leaves(after=size, upto=end))
            return
    except Incomplete:
        pass  # a crash or a hand took a tile: the log has every leaf
    again = Frontier()
    for leaf in session.log.leaves(upto=size):
        again.append(leaf)
    if before is not None and again.root() != before.root:
        raise ArchiveError("checkpoint-contradicts", size, found=again.root().hex())
    extend_tiles(folder, 0, session.log.leaves(upto=end))


def _expect_same_end(session: Session, tiles: Tiles) -> None:
    """The last events that were signed must still be those of the log: a copy of another day has others there."""
    number, width = divmod(max(tiles.size - 1, 0), WIDTH)
    begin = number * WIDTH
    own = b"".join(session.log.leaves(after=begin, upto=tiles.size))
    if tiles.size and tiles.leaves(number)[: (width + 1) * len(EMPTY)] != own:
        raise ArchiveError("checkpoint-contradicts", tiles.size, found=own[-len(EMPTY) :].hex())


def _attested(checkpoint: Checkpoint, key: VerifyingKey, folder: Path, *, is_new: bool) -> Attested:
    return Attested(
        origin=checkpoint.origin,
        size=checkpoint.size,
        root=checkpoint.root.hex(),
        key=key.text,
        is_new=is_new,
        path=str(folder / CHECKPOINT),
    )


def attest_after(session: Session, position: int) -> None:
    """Attest what was appended since that position, if this person's machine can sign.

    Who has no signing key has none to miss: the next one who has it attests, and `status` shows the lag until then.
    """
    if session.log.position() == position:
        return
    folder = session.folder / EVIDENCE
    if (folder / PUBLIC_KEY).exists() and not log_key_file(session.settings).exists():
        return
    try:
        _attest(session)
    except ArchiveError as error:
        if error.code != "locked":  # another process attests at this moment, and what it leaves out the next one takes
            raise


@contextmanager
def attesting(session: Session) -> Iterator[None]:
    """Attest in a thread, as often as the settings say, for as long as a process serves many people.

    What fails is tried again the next time, `status` showing the lag; what failed to the last is raised at the end.
    """
    stop = threading.Event()
    failed: list[ArchiveError] = []

    def attend() -> None:
        reached = 0
        while not stop.wait(session.settings.checkpoint_seconds):
            try:
                end = session.log.position()
                attest_after(session, reached)
                reached = end
                failed.clear()
            except ArchiveError as error:
                failed[:] = [error]
            except OSError as error:
                failed[:] = [storage_error(error, session.folder)]

    thread = threading.Thread(target=attend, name="attesting", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    if failed:
        raise failed[0]
