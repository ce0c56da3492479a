"""Small files that survive a power cut before anything is said about them: written aside, synced, named, synced.

A room of its own does not reach into another's: storage writes packages, this writes keys, with their own mode.
"""

import os
import secrets
from pathlib import Path


def create_durably(path: Path, data: bytes) -> None:
    """Make a file of mode 0600. `FileExistsError` when one of that name is there: of two writers one wins."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        try:
            written = 0
            while written < len(data):
                written += os.write(descriptor, data[written:])
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.link(temporary, path)  # unlike a rename, it never takes the place of what is there
    finally:
        temporary.unlink()
    sync_names(path.parent)


def sync_names(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
