"""The vault's master key (主密钥): a file of mode 0600 outside the archive's folder, and so outside its copies.

Version 1: one line of ASCII, `jingui-vault-1.<id>.<64 hex digits>`. What it opens is worth nothing without it: it is to
be kept in two places, neither of them a copy of the archive.
"""

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

from repository.crypto.durable import create_durably
from repository.crypto.records import MasterKey
from repository.crypto.sealing import KEY
from repository.errors import ArchiveError

MARK = "jingui-vault-1"


def create_master(path: Path, new_id: Callable[[], UUID]) -> MasterKey:
    """Make a master key and keep it where only its holder can read it. `vault-key-exists` when the file is there."""
    key = MasterKey(identity=new_id(), material=secrets.token_bytes(KEY))
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        create_durably(path, f"{MARK}.{key.identity}.{key.material.hex()}\n".encode("ascii"))
    except FileExistsError as error:
        raise ArchiveError("vault-key-exists", path) from error
    return key


def read_master(path: Path) -> MasterKey:
    """Read it. `vault-key-missing`, `vault-key-open` (others may read it) or `vault-key-invalid`."""
    try:
        mode = path.stat().st_mode
        text = path.read_text("ascii").strip()
    except FileNotFoundError as error:
        raise ArchiveError("vault-key-missing", path) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ArchiveError("vault-key-invalid", path) from error
    if mode & 0o077:
        raise ArchiveError("vault-key-open", path)
    mark, _, rest = text.partition(".")
    identity, _, material = rest.partition(".")
    try:
        key = MasterKey(identity=UUID(identity), material=bytes.fromhex(material))
    except ValueError:
        raise ArchiveError("vault-key-invalid", path) from None  # the cause would repeat what the file holds
    if mark != MARK or len(key.material) != KEY:
        raise ArchiveError("vault-key-invalid", path)
    return key


def outside(path: Path, archive: Path) -> Path:
    """The path, unless it lies inside the archive's folder, which is copied as a whole (`vault-key-inside`)."""
    place = Path(os.path.realpath(path))
    if place.is_relative_to(Path(os.path.realpath(archive))):
        raise ArchiveError("vault-key-inside", path)
    return place
