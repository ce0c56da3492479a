"""Evidence of the first version is read for ever: its tiles, checkpoint, proof, keys and cosignature."""

import shutil
from pathlib import Path

from repository.crypto import read_public_key, read_signing_key
from repository.evidence import (
    Tiles,
    cosigned_at,
    extend_tiles,
    leaf_hash,
    read_checkpoint,
    read_proof,
    sign_checkpoint,
    signed_by,
)
from tests.golden_evidence import FOLDER, INDEX, LOG, SEEN, TYPES, entries


def test_golden_evidence_is_read_and_true() -> None:
    checkpoint, note = read_checkpoint((FOLDER / "checkpoint").read_bytes())
    log = read_public_key((FOLDER / "log.vkey").read_text("utf-8"))
    witness = read_public_key((FOLDER / "witness.vkey").read_text("utf-8"))
    assert (checkpoint.size, signed_by(note, log), cosigned_at(note, witness)) == (TYPES, True, SEEN)
    assert Tiles.of_folder(FOLDER, TYPES).root() == checkpoint.root
    proof = read_proof((FOLDER / f"{INDEX}.tlog-proof").read_bytes())
    assert proof.holds_for(leaf_hash(entries()[INDEX]))


def test_golden_evidence_is_written_again_byte_for_byte(tmp_path: Path) -> None:
    extend_tiles(tmp_path, 0, map(leaf_hash, entries()))
    for path in (FOLDER / "tile").rglob("*"):
        if path.is_file():
            assert (tmp_path / path.relative_to(FOLDER)).read_bytes() == path.read_bytes()
    checkpoint, note = read_checkpoint((FOLDER / "checkpoint").read_bytes())
    assert sign_checkpoint(checkpoint, LOG).signatures[0] == note.signatures[0]
    kept = tmp_path / "log-key"
    shutil.copyfile(FOLDER / "log-key", kept)
    kept.chmod(0o600)
    assert read_signing_key(kept).public == LOG.public
    LOG.keep(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == kept.read_bytes()
