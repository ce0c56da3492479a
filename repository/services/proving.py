"""Proving (证明) one event: where it stands in the tree, under a checkpoint that was signed."""

from pathlib import Path
from uuid import UUID

import msgspec

from repository.crypto import VerifyingKey
from repository.domain.values import Sha256
from repository.errors import ArchiveError
from repository.evidence import (
    Checkpoint,
    Incomplete,
    Note,
    Proof,
    Tiles,
    inclusion_path,
    leaf_hash,
    write_proof,
)
from repository.services.checkpoints import CHECKPOINT, EVIDENCE, checked_checkpoint, newest_checkpoint, published_key
from repository.services.session import Session


class Proven(msgspec.Struct, frozen=True, kw_only=True):
    """An event, and the text that proves its place (`tlog-proof`) to whoever has its envelope and the log's key."""

    schema: str = "jingui.proof/1"
    event: UUID
    position: int
    leaf: Sha256
    size: int
    proof: str
    envelope: str


def prove(session: Session, event: str, *, held: Path | None = None) -> Proven:
    """Prove an event, named by its id or position, under the newest checkpoint or one that is held elsewhere.

    `event-unknown-here`, `checkpoint-missing`; `event-uncovered` for one that came after the checkpoint;
    `checkpoint-invalid`, and `checkpoint-contradicts` where tiles or log are not what was signed.
    """
    session.require("audit")
    folder = session.folder / EVIDENCE
    key = published_key(folder)
    checkpointed = newest_checkpoint(folder, key) if key else None
    if key is None or checkpointed is None:
        raise ArchiveError("checkpoint-missing", folder / CHECKPOINT)
    if held is not None:
        checkpointed = read_held(held, key)
    return prove_under(session, _position(session, event), *checkpointed)


def read_held(path: Path, key: VerifyingKey) -> tuple[Checkpoint, Note]:
    """A checkpoint that somebody kept."""
    try:
        data = path.read_bytes()
    except (FileNotFoundError, IsADirectoryError) as error:
        raise ArchiveError("checkpoint-missing", path) from error
    return checked_checkpoint(data, key, str(path))


def prove_under(session: Session, position: int, checkpoint: Checkpoint, note: Note) -> Proven:
    """Prove the event at a position under a checkpoint. A proof that would not hold is never given."""
    if position > checkpoint.size:
        raise ArchiveError("event-uncovered", position, size=checkpoint.size)
    (record,) = session.log.at([position])
    tiles = Tiles.of_folder(session.folder / EVIDENCE, checkpoint.size)
    try:
        path = tuple(inclusion_path(position - 1, checkpoint.size, tiles.hash))
    except Incomplete as error:
        raise ArchiveError("checkpoint-contradicts", checkpoint.size, found=f"{error}") from error
    proof = Proof(index=position - 1, path=path, checkpoint=checkpoint, note=note)
    leaf = leaf_hash(record.envelope)
    if not proof.holds_for(leaf):
        raise ArchiveError("checkpoint-contradicts", checkpoint.size, found=leaf.hex())
    return Proven(
        event=UUID(msgspec.json.decode(record.envelope)["event_id"]),
        position=position,
        leaf=leaf.hex(),
        size=checkpoint.size,
        proof=write_proof(proof).decode(),
        envelope=record.envelope.decode(),
    )


def _position(session: Session, event: str) -> int:
    position = int(event) if event.isdecimal() else _identified(session, event)
    if position is None or not 0 < position <= session.log.position():
        raise ArchiveError("event-unknown-here", event)
    return position


def _identified(session: Session, event: str) -> int | None:
    try:
        return session.log.identified(UUID(event))
    except ValueError:
        return None
