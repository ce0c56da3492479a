"""A golden vault: its files and one sealed field, which every later version must read.

`python -m tests.golden_vault` makes it where it does not exist. The master key in it belongs to nobody's archive.
"""

import shutil
from pathlib import Path
from uuid import UUID

import msgspec

from repository.crypto import Place, Vault, seal
from repository.domain.values import Sealed
from tests.histories import identity

FOLDER = Path(__file__).parents[1] / "fixtures" / "vault"
WORDS = "欧阳查档 Ouyang 13900001111"
PAPER = ("identity-card", "430102193001011234")
PLACE = Place(stream=identity("golden reader"), version=1, field="name")


class Golden(msgspec.Struct, frozen=True):
    """What the golden file says: the subject, and its field."""

    subject: UUID
    field: Sealed


def opened(place: Path, *, key: Path | None = None) -> Vault:
    """A copy of the golden vault in a folder, with the modes that keys have."""
    shutil.copytree(FOLDER / "archive", place / "archive")
    master = place / "master.vault-key"
    shutil.copyfile(FOLDER / "master.vault-key", master)
    master.chmod(0o600)
    return Vault(place / "archive", key or master, lambda: identity("never made"))


def read() -> Golden:
    """The golden field."""
    return msgspec.json.decode((FOLDER / "sealed.json").read_bytes(), type=Golden)


def make() -> None:
    """Make it, once."""
    if FOLDER.exists():
        return
    (FOLDER / "archive").mkdir(parents=True)
    ids = iter(identity(f"golden {number}") for number in range(10))
    vault = Vault(FOLDER / "archive", FOLDER / "master.vault-key", lambda: next(ids))
    (FOLDER / "archive" / "vault").mkdir()
    subject = vault.found_or_make(*PAPER)
    golden = Golden(subject=subject, field=seal(WORDS, vault.key(subject), PLACE))
    (FOLDER / "sealed.json").write_bytes(msgspec.json.encode(golden) + b"\n")


if __name__ == "__main__":
    make()
