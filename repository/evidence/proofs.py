"""Proofs (证明) as C2SP `tlog-proof`: one event's place in the tree, with the checkpoint that it is proven by."""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error

import msgspec

from repository.evidence.checkpoints import Checkpoint, Note, read_checkpoint
from repository.evidence.merkle import verify_inclusion

MARK = "c2sp.org/tlog-proof@v1"
HASH = 32


class Proof(msgspec.Struct, frozen=True):
    """Where an event stands (`index` is its position less one), the way up to the root, and the signed root."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: Checkpoint
    note: Note

    def holds_for(self, leaf: bytes) -> bool:
        """Whether it leads from this leaf to the checkpoint's root. Says nothing about who signed that."""
        return verify_inclusion(self.index, self.checkpoint.size, leaf, self.checkpoint.root, self.path)


def write_proof(proof: Proof) -> bytes:
    """Content of a `.tlog-proof` file."""
    path = "".join(f"{b64encode(one).decode()}\n" for one in proof.path)
    return f"{MARK}\nindex {proof.index}\n{path}\n".encode() + proof.note.encode()


def read_proof(data: bytes) -> Proof:
    """Read one. `ValueError` for bytes that are not exactly what `write_proof` would write (`extra` data included)."""
    head, _, rest = data.partition(b"\n\n")
    mark, _, lines = head.decode("utf-8").partition("\n")
    index, *path = lines.split("\n")
    number = index.removeprefix("index ")
    if mark != MARK or not number.isdecimal():
        raise ValueError("not a proof")
    checkpoint, note = read_checkpoint(rest)
    try:
        hashes = tuple(b64decode(one, validate=True) for one in path)
    except Base64Error as error:
        raise ValueError("not a proof") from error
    proof = Proof(index=int(number), path=hashes, checkpoint=checkpoint, note=note)
    if any(len(one) != HASH for one in hashes) or write_proof(proof) != data:
        raise ValueError("not a proof")
    return proof
