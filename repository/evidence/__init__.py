"""Evidence (凭证): a history that anybody can check without trusting whoever keeps it.

The events' leaves are hashed into one Merkle tree (RFC 9162). Its head, signed, is a checkpoint; whoever holds one, on
paper or on another machine, can have every event up to it proven, and every later checkpoint shown to be its
continuation. Forms are the public ones of C2SP - `tlog-tiles`, `tlog-checkpoint`, `signed-note`, `tlog-cosignature`,
`tlog-proof` - so that programs which are not ours can judge.

Promised: an event covered by a checkpoint that is held elsewhere cannot be changed, left out, added or moved unseen.
Not promised: anything about events after that checkpoint, and that one who holds the signing key tells the truth.
"""

from repository.evidence.checkpoints import (
    Checkpoint,
    Key,
    Note,
    Signature,
    Signer,
    cosign,
    cosigned_at,
    read_checkpoint,
    sign_checkpoint,
    signed_by,
)
from repository.evidence.merkle import (
    EMPTY,
    Frontier,
    consistency_path,
    inclusion_path,
    leaf_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from repository.evidence.proofs import Proof, read_proof, write_proof
from repository.evidence.recount import Recount
from repository.evidence.tiles import WIDTH, Incomplete, Tiles, extend_tiles, tile_path

__all__ = [
    "EMPTY",
    "WIDTH",
    "Checkpoint",
    "Frontier",
    "Incomplete",
    "Key",
    "Note",
    "Proof",
    "Recount",
    "Signature",
    "Signer",
    "Tiles",
    "consistency_path",
    "cosign",
    "cosigned_at",
    "extend_tiles",
    "inclusion_path",
    "leaf_hash",
    "read_checkpoint",
    "read_proof",
    "root_of",
    "sign_checkpoint",
    "signed_by",
    "tile_path",
    "verify_consistency",
    "verify_inclusion",
    "write_proof",
]
