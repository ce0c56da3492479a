"""Copies of records and of wrapped keys (密钥备份), never both in one place: what opens and what is opened stay apart.

<place>/jingui-backup.json      {"schema":1,"backup":<id>,"copy_of":"records"|"keys"}
<place>/...                     the files, as they lie in vault/ or in the folder of keys
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal
from uuid import UUID

import msgspec

from repository.crypto.durable import create_durably, sync_names
from repository.domain.key_ring import CopyOf
from repository.errors import ArchiveError

MARK = "jingui-backup.json"


class _Mark(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    schema: Literal[1]
    backup: UUID
    copy_of: CopyOf


def copy_files(files: Iterable[Path], root: Path, place: Path, backup: UUID, copy_of: CopyOf) -> int:
    """Copy files below `root` into a new folder, durable when this returns; how many.

    `archive-exists` for a place that is not empty. The mark comes last: a folder without it is no backup.
    """
    if place.exists() and any(place.iterdir()):
        raise ArchiveError("archive-exists", place)
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    count, folders = 0, {place}
    for path in files:
        target = place / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        create_durably(target, path.read_bytes())
        folders.add(target.parent)
        count += 1
    for folder in folders:
        sync_names(folder)
    mark = _Mark(schema=1, backup=backup, copy_of=copy_of)
    create_durably(place / MARK, msgspec.json.encode(mark) + b"\n")
    return count


def delete_copy(place: Path, backup: UUID) -> bool:
    """Delete a backup's files, its mark last. False where it does not lie there, or something else does."""
    try:
        mark = msgspec.json.decode((place / MARK).read_bytes(), type=_Mark)
    except (OSError, msgspec.DecodeError):
        return False
    if mark.backup != backup:
        return False
    for path in sorted(place.rglob("*"), reverse=True):
        if path.is_dir():
            path.rmdir()
        elif path != place / MARK:
            path.unlink()
    sync_names(place)
    (place / MARK).unlink()
    sync_names(place)
    return True
