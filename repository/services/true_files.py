"""True files (完好的文件): a stored file is hashed once for all the parts in which it is read.

A player asks for a film in hundreds of ranges, each a request of its own. The file is read whole and compared with the
log's digest for the first of them; for the others it is enough that it is still the very same file: the system changes
a file's times with every write, and nobody can set the one of its status back. What differs in anything is read again.
"""

import hashlib
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from packages_spec.digests import chunks_of
from repository.errors import ArchiveError

KEPT = 4_096
"""Files at most that are remembered."""

SETTLED = 1_000_000_000
"""Nanoseconds since its last change after which a file can be remembered: times are coarse, and a write that follows
another at once may leave them as they are."""

Identity = tuple[int, int, int, int, int]
"""Device, inode, size, time of the last write, time of the last change of status."""


class TrueFiles:
    """What one process has found true. Used by all of its threads."""

    def __init__(self, kept: int = KEPT, clock: Callable[[], int] = time.time_ns) -> None:
        self._kept, self._clock = kept, clock
        self._guard = threading.Lock()
        self._known: OrderedDict[tuple[str, str], Identity] = OrderedDict()

    def expect(self, place: Path, sha256: str, name: str) -> None:
        """Refuse a file that is not what the log says of it (`fixity-mismatch`), or not there."""
        try:
            before = _identity(place)
        except FileNotFoundError as error:
            raise ArchiveError("fixity-mismatch", name, expected=sha256, found="-") from error
        key = str(place), sha256
        with self._guard:
            if self._known.get(key) == before:
                self._known.move_to_end(key)
                return
            self._known.pop(key, None)
        found = _sha256(place)
        if found != sha256:
            raise ArchiveError("fixity-mismatch", name, expected=sha256, found=found)
        if _identity(place) == before and self._clock() - max(before[3:]) > SETTLED:
            with self._guard:
                self._known[key] = before
                while len(self._known) > self._kept:
                    self._known.popitem(last=False)


def _identity(place: Path) -> Identity:
    seen = os.stat(place)  # noqa: PTH116 - one call of the system, for the fields that it has
    return seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns


def _sha256(place: Path) -> str:
    digest = hashlib.sha256()
    for chunk in chunks_of(place):
        digest.update(chunk)
    return digest.hexdigest()
