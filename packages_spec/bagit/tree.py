"""What lies in the folder of a bag: looked at without following a link or opening a file, and opened with care."""

import os
import stat
from collections.abc import Iterator
from io import FileIO
from typing import Final

import msgspec

from packages_spec.findings import Finding
from packages_spec.paths import shown

OPEN_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""To read a file that is a file itself: not through a link, and never waiting for the other end of a pipe."""
_BATCH: Final = 1000


class Tree(msgspec.Struct, frozen=True):
    """The paths of regular files, in the order they were met, and those of the folders."""

    payload: dict[str, None]
    tags: dict[str, None]
    folders: dict[str, None]

    def add(self, seen: "Seen") -> None:
        """Take in what was seen in one folder."""
        files = self.payload if seen.in_payload else self.tags
        files.update(dict.fromkeys(seen.files))
        self.folders.update(dict.fromkeys(seen.folders))


class Seen(msgspec.Struct, frozen=True):
    """Some of what lies in one folder, which is in the payload or beside it."""

    in_payload: bool
    files: list[str]
    folders: list[str]


def walk(root: str, findings: list[Finding]) -> Iterator[Seen]:
    """Every file below `root`; links, devices and what cannot be looked at become findings and are not entered."""
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        try:
            with os.scandir(f"{root}/{prefix}") as entries:
                for seen in _look(entries, prefix, findings):
                    waiting += [f"{folder}/" for folder in seen.folders]
                    yield seen
        except OSError as error:
            findings.append(Finding("bag.unreadable", shown(prefix) or ".", found=error.strerror or str(error)))


def _look(entries: Iterator["os.DirEntry[str]"], prefix: str, findings: list[Finding]) -> Iterator[Seen]:
    in_payload = prefix.startswith("data/")
    seen = Seen(in_payload, [], [])
    for entry in entries:
        path = prefix + entry.name
        if entry.is_file(follow_symlinks=False):
            seen.files.append(path)
            if len(seen.files) == _BATCH:
                yield seen
                seen = Seen(in_payload, [], [])
        elif entry.is_symlink():
            findings.append(Finding("bag.link", shown(path)))
        elif entry.is_dir(follow_symlinks=False):
            seen.folders.append(path)
        else:
            findings.append(Finding("bag.not-a-file", shown(path)))
    yield seen


def open_regular(path: str) -> FileIO:
    """Open a file of which nobody has looked yet whether it is one. Raises `OSError` when it is a link or no file."""
    descriptor = os.open(path, OPEN_FLAGS)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError("not a regular file")
    return FileIO(descriptor)
