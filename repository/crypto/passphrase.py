"""The passphrase (口令) that keeps class keys: from a file of mode 0600, from a descriptor, or asked for on a terminal.

Never an argument of a command: those can be read by everybody on the machine.
"""

import getpass
import os
import sys
from pathlib import Path

from repository.errors import ArchiveError

_DESCRIPTOR = "fd:"
_LONGEST = 4096


def read_passphrase(source: str | None, prompt: str) -> bytes:
    """The passphrase without its line feed, in UTF-8.

    `source` names a file, or a descriptor as `fd:3`; None asks whoever sits at the terminal. Raises
    `key-passphrase-missing` for none at all, `vault-key-open` for a file that others may read.
    """
    if source is None:
        words = _asked(prompt)
    elif source.startswith(_DESCRIPTOR):
        words = _from_descriptor(source)
    else:
        words = _from_file(Path(source))
    words = words.removesuffix(b"\n").removesuffix(b"\r")
    if not words or len(words) > _LONGEST:
        raise ArchiveError("key-passphrase-missing", source or "-")
    return words


def _asked(prompt: str) -> bytes:
    if not sys.stdin.isatty():
        raise ArchiveError("key-passphrase-missing", "-")
    return getpass.getpass(prompt).encode("utf-8")


def _from_descriptor(source: str) -> bytes:
    try:
        with os.fdopen(int(source.removeprefix(_DESCRIPTOR)), "rb") as file:
            return file.read(_LONGEST + 2)
    except (OSError, ValueError) as error:
        raise ArchiveError("key-passphrase-missing", source) from error


def _from_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            mode, words = os.fstat(file.fileno()).st_mode, file.read(_LONGEST + 2)
    except OSError as error:
        raise ArchiveError("key-passphrase-missing", path) from error
    if mode & 0o077:
        raise ArchiveError("vault-key-open", path)
    return words
