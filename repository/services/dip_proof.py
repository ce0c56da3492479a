"""The proof of what a dissemination package was made from: delivered beside its bag, never inside.

Inside it would change the manifests that it stands by. What is proven is the event that stored the version: its
envelope, the way from there to the root of the tree, and the checkpoint that the log's key signed.
"""

from pathlib import Path
from uuid import UUID

import msgspec

from repository.errors import ArchiveError
from repository.services.checkpoints import (
    EVIDENCE,
    attest_after,
    attested_size,
    newest_checkpoint,
    published_key,
)
from repository.services.proving import prove_under
from repository.services.session import Session
from repository.storage import write_atomic

PROVEN, UNPROVEN = "proven", "unproven"


class DipProof(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader needs to check where their copy comes from; `unproven` where no checkpoint covers it yet.

    `envelope` is the event exactly as it is hashed, `proof` a `tlog-proof`, `key` the log's public key. A key that
    comes with the proof only shows that both agree: whoever doubts the archive has had its key from elsewhere.
    """

    schema: str = "jingui.dip-proof/1"
    state: str
    stored_event: UUID
    position: int
    envelope: str
    size: int | None = None
    proof: str | None = None
    checkpoint: str | None = None
    key: str | None = None


def prove_stored(session: Session, stored_event: UUID) -> DipProof:
    """Prove the event that stored a version, attesting first where it came after the last checkpoint.

    Who cannot sign here gets what is known, and `unproven`. `event-unknown-here`; `checkpoint-contradicts` where log
    and tree are not what was signed: a copy of that is handed to nobody as if nothing were the matter.
    """
    position = session.log.identified(stored_event)
    if position is None:
        raise ArchiveError("event-unknown-here", stored_event)
    covered = attested_size(session)
    if covered < position:
        attest_after(session, covered)
    folder = session.folder / EVIDENCE
    key = published_key(folder)
    newest = newest_checkpoint(folder, key) if key else None
    if key is None or newest is None or newest[0].size < position:
        (record,) = session.log.at([position])
        envelope = record.envelope.decode()
        return DipProof(state=UNPROVEN, stored_event=stored_event, position=position, envelope=envelope)
    proven = prove_under(session, position, *newest)
    return DipProof(
        state=PROVEN,
        stored_event=stored_event,
        position=position,
        envelope=proven.envelope,
        size=proven.size,
        proof=proven.proof,
        checkpoint=newest[1].encode().decode(),
        key=key.text,
    )


def lay_beside(proof: DipProof, target: Path, dip: UUID) -> Path | None:
    """Write it beside what was handed out; the `.tlog-proof`, or null where there is none.

    `uuid-<dip>.stored.json` is the envelope byte for byte, `.checkpoint` the signed head, `.log.vkey` the public key.
    """
    stem = f"uuid-{dip}"
    write_atomic(target / f"{stem}.stored.json", proof.envelope.encode())
    if proof.proof is None or proof.checkpoint is None or proof.key is None:
        return None
    write_atomic(target / f"{stem}.checkpoint", proof.checkpoint.encode())
    write_atomic(target / f"{stem}.log.vkey", f"{proof.key}\n".encode())
    path = target / f"{stem}.tlog-proof"
    write_atomic(path, proof.proof.encode())
    return path
