"""An entry of an archive file as its format gives it, and how a format's own errors become refusals."""

import gzip
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Final

import msgspec

from packages_spec.findings import Finding
from packages_spec.paths import shown

FOLDER: Final = ""
FILE: Final = "file"
BROKEN: Final = (
    *(tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, struct.error),
    *(EOFError, ValueError, NotImplementedError),
)
"""What the readers of the standard library trip over; errors of the disk are not among them."""


class RefusedArchive(Exception):  # noqa: N818 - it says what became of the archive file, like `StopIteration`
    """The archive file cannot be taken; `finding` says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding)
        self.finding = finding


class Entry(msgspec.Struct, frozen=True):
    """One entry as the format gives it; `kind` is empty for a folder, `file`, or the code of why it is refused."""

    path: str
    size: int
    kind: str
    open: Callable[[], IO[bytes]]


@contextmanager
def refusing(path: str) -> Iterator[None]:
    """Turn what the format's reader trips over into a refusal; faults of the disk stay what they are.

    `tarfile` calls itself for each header that only prepares another, and these may have no end.
    """
    try:
        yield
    except RecursionError as error:
        raise RefusedArchive(Finding("archive-file.headers", shown(path))) from error
    except BROKEN as error:
        code = "path.not-utf8" if isinstance(error, UnicodeDecodeError) else "archive-file.broken"
        raise RefusedArchive(Finding(code, shown(path), found=str(error))) from error
