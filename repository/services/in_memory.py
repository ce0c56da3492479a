"""Plaintext in memory (内存中的明文): files of a controlled delivery as programs read them, on no disk at all.

A program wants a path. It gets one that leads to anonymous memory of this process: a link, under a number and the
file's own suffix, to a descriptor that dies with the process. At most so many are held; the oldest make way.
"""

import os
import shutil
import tempfile
import weakref
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import BinaryIO

MOST = 32
"""Files that are held at once."""


class MemoryFiles:
    """Files of which nothing but numbers and suffixes is ever written down."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="jingui-numbers-"))
        self._held: OrderedDict[str, tuple[int, Path]] = OrderedDict()
        self._made = 0
        self.close = weakref.finalize(self, _forget, self._folder, self._held)
        """Let go of everything; also done when nobody knows of it any more."""

    def path_of(self, name: str, fill: Callable[[BinaryIO], object]) -> Path:
        """Where a file can be read now, filled when it is not held. Good until `MOST` others were asked for."""
        if name not in self._held:
            while len(self._held) >= MOST:
                _let_go(*self._held.popitem(last=False)[1])
            self._held[name] = self._filled(name, fill)
        self._held.move_to_end(name)
        return self._held[name][1]

    def _filled(self, name: str, fill: Callable[[BinaryIO], object]) -> tuple[int, Path]:
        descriptor = os.memfd_create("jingui", os.MFD_CLOEXEC)
        with os.fdopen(os.dup(descriptor), "wb") as sink:
            fill(sink)
        self._made += 1
        link = self._folder / f"{self._made:06d}{PurePosixPath(name).suffix.lower()}"
        link.symlink_to(f"/proc/{os.getpid()}/fd/{descriptor}")
        return descriptor, link


def _let_go(descriptor: int, link: Path) -> None:
    link.unlink(missing_ok=True)
    os.close(descriptor)


def _forget(folder: Path, held: "OrderedDict[str, tuple[int, Path]]") -> None:
    while held:
        _let_go(*held.popitem()[1])
    shutil.rmtree(folder, ignore_errors=True)  # numbers alone: whoever cleans the machine may have been faster
