"""What lies in the folder of a bag: looked at without following a link or opening a file, and opened with care."""

import os
import stat
from io import FileIO
from typing import Final

import msgspec

from packages_spec.findings import Finding
from packages_spec.paths import shown

OPEN_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""To read a file that is a file itself: not through a link, and never waiting for the other end of a pipe."""


class Tree(msgspec.Struct, frozen=True):
    """The size of each regular file by its path, and the paths of the folders."""

    payload: dict[str, int]
    tags: dict[str, int]
    folders: set[str]


def walk(root: str, findings: list[Finding]) -> Tree:
    """Every file below `root`; links, devices and what cannot be looked at become findings and are not entered."""
    tree = Tree({}, {}, set())
    waiting = [""]
    while waiting:
        prefix = waiting.pop()
        try:
            with os.scandir(f"{root}/{prefix}") as entries:
                for entry in entries:
                    _place(entry, prefix + entry.name, tree, waiting, findings)
        except OSError as error:
            findings.append(Finding("bag.unreadable", shown(prefix) or ".", found=error.strerror or str(error)))
    return tree


def _place(entry: "os.DirEntry[str]", path: str, tree: Tree, waiting: list[str], findings: list[Finding]) -> None:
    if entry.is_symlink():
        findings.append(Finding("bag.link", shown(path)))
    elif entry.is_dir(follow_symlinks=False):
        tree.folders.add(path)
        waiting.append(path + "/")
    elif not entry.is_file(follow_symlinks=False):
        findings.append(Finding("bag.not-a-file", shown(path)))
    else:
        files = tree.payload if path.startswith("data/") else tree.tags
        files[path] = entry.stat(follow_symlinks=False).st_size


def open_regular(path: str) -> FileIO:
    """Open a file of which nobody has looked yet whether it is one. Raises `OSError` when it is a link or no file."""
    descriptor = os.open(path, OPEN_FLAGS)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError("not a regular file")
    return FileIO(descriptor)
