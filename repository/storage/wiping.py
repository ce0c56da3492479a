"""Wiping (擦除): removing files so that their bytes are overwritten first, where that can be done.

Promised: after `wipe` returns and the file system was synced, none of the files' names lead anywhere and the blocks
that they occupied were overwritten in place. Not promised: what a copy-on-write or log-structured file system, a
solid-state disk or a snapshot keeps of a block that was written over; encryption at first write is what helps there.
"""

import os
import stat
from pathlib import Path

CHUNK = 1 << 20
_ZEROS = bytes(CHUNK)


def wipe(place: Path) -> None:
    """Overwrite and remove a file, or a folder with all that is in it. What is not there any more is passed over.

    In a folder the file whose name begins with `0=`, which declares what the folder is, goes last: until then it can be
    seen that something was begun here. A link is removed, never followed; a file with a second name keeps its bytes.
    """
    try:
        found = os.lstat(place)
    except FileNotFoundError:
        return
    if stat.S_ISDIR(found.st_mode):
        for inner in sorted(place.iterdir(), key=lambda path: path.name.startswith("0=")):
            wipe(inner)
        place.rmdir()
        return
    if stat.S_ISREG(found.st_mode) and found.st_nlink == 1 and found.st_size:
        place.chmod(0o600)
        _overwrite(place, found.st_size)
    place.unlink(missing_ok=True)


def _overwrite(place: Path, size: int) -> None:
    descriptor = os.open(place, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        done = 0
        while done < size:
            done += os.pwrite(descriptor, _ZEROS[: min(CHUNK, size - done)], done)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
