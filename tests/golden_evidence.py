"""Golden evidence: a small log's envelopes, tiles, checkpoint, proof and keys, which every later version must read.

`python -m tests.golden_evidence` makes it where it does not exist. The keys in it are nobody's.
"""

from pathlib import Path

from repository.crypto import COSIGNATURE, SigningKey
from repository.evidence import (
    Checkpoint,
    Proof,
    Tiles,
    cosign,
    extend_tiles,
    inclusion_path,
    leaf_hash,
    sign_checkpoint,
    write_proof,
)

FOLDER = Path(__file__).parents[1] / "fixtures" / "evidence"
TYPES = 300
"""Leaves: more than one tile."""
INDEX, SEEN = 255, 1_767_225_600
LOG = SigningKey("jingui/9a768edc-18b5-4298-86eb-df672e235aac", 1, bytes(range(32)))
WITNESS = SigningKey("golden-witness", COSIGNATURE, bytes(range(32, 64)))


def entries() -> list[bytes]:
    """The golden envelopes of the types that were there first, as often as it takes."""
    first = (FOLDER / "entries.ndjson").read_bytes().splitlines()
    return [first[number % len(first)] for number in range(TYPES)]


def make() -> None:
    """Make it, once."""
    if FOLDER.exists():
        return
    FOLDER.mkdir()
    golden = sorted((FOLDER.parent / "events").glob("*.1.envelope.json"))[:20]
    (FOLDER / "entries.ndjson").write_bytes(b"".join(one.read_bytes().strip() + b"\n" for one in golden))
    size = extend_tiles(FOLDER, 0, map(leaf_hash, entries()))
    tiles = Tiles.of_folder(FOLDER, size)
    checkpoint = Checkpoint(origin=LOG.public.name, size=size, root=tiles.root())
    note = cosign(sign_checkpoint(checkpoint, LOG), WITNESS, SEEN)
    proof = Proof(INDEX, tuple(inclusion_path(INDEX, size, tiles.hash)), checkpoint, note)
    (FOLDER / "checkpoint").write_bytes(note.encode())
    (FOLDER / f"{INDEX}.tlog-proof").write_bytes(write_proof(proof))
    (FOLDER / "log.vkey").write_text(f"{LOG.public.text}\n", "utf-8")
    (FOLDER / "witness.vkey").write_text(f"{WITNESS.public.text}\n", "utf-8")
    LOG.keep(FOLDER / "log-key")


if __name__ == "__main__":
    make()
