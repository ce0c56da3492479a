"""Copies of records and of wrapped keys (密钥备份), never both in one place: what opens and what is opened stay apart.

<place>/jingui-backup.json      {"schema":1,"backup":<id>,"copy_of":"records"|"keys"}
<place>/...                     the files, as they lie in vault/ or in the folder of keys
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal
from uuid import UUID

import msgspec

from repository.crypto.durable import create_durably, replace_all_durably, sync_names
from repository.domain.key_ring import CopyOf
from repository.errors import ArchiveError

MARK = "jingui-backup.json"
AT_ONCE = 500
"""Files that are written and synced together."""


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
    targets = [(path, place / path.relative_to(root)) for path in files]
    folders = {folder for _, target in targets for folder in target.parents if folder.is_relative_to(place)}
    for folder in sorted(folders):
        folder.mkdir(exist_ok=True, mode=0o700)
    for start in range(0, len(targets), AT_ONCE):
        replace_all_durably([(target, path.read_bytes()) for path, target in targets[start : start + AT_ONCE]])
    for folder in sorted({*folders, place}):
        sync_names(folder)
    mark = _Mark(schema=1, backup=backup, copy_of=copy_of)
    create_durably(place / MARK, msgspec.json.encode(mark) + b"\n")
    return len(targets)


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
