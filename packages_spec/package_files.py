"""The files of a package as they lie on disk: in little memory, each read when somebody asks for its digest.

A package may hold a million files, so a file costs some two hundred bytes here: names stand by folder, sizes, SHA-256
digests and marks in columns. Only regular files are files: a link is never followed and never entered.
"""

import hashlib
import os
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator
from enum import IntFlag
from functools import lru_cache, partial
from pathlib import Path
from typing import Protocol

from packages_spec.bagit.tree import open_regular
from packages_spec.digests import CHUNK, Digested
from packages_spec.findings import Finding
from packages_spec.paths import same_name, shown


class Mark(IntFlag):
    """What is known of a file."""

    HASHED = 1
    LISTED = 2
    DESCRIBED = 4


class Hash(Protocol):
    """What `hashlib` makes."""

    def update(self, data: bytes, /) -> None:
        """Take more bytes."""

    def hexdigest(self) -> str:
        """Lower-case hex of what was taken."""


class _Checksum:
    """A checksum of zlib's: 32 bits, as eight hex digits."""

    def __init__(self, function: Callable[[bytes, int], int], start: int) -> None:
        self._function, self._value = function, start

    def update(self, data: bytes, /) -> None:
        self._value = self._function(data, self._value)

    def hexdigest(self) -> str:
        return f"{self._value:08x}"


def _named(name: str) -> Callable[[], Hash]:
    return partial(hashlib.new, name, usedforsecurity=False)


ALGORITHMS: dict[str, Callable[[], Hash]] = {
    "md5": _named("md5"),
    "sha1": _named("sha1"),
    "sha224": _named("sha224"),
    "sha256": _named("sha256"),
    "sha384": _named("sha384"),
    "sha512": _named("sha512"),
    "crc32": partial(_Checksum, zlib.crc32, 0),
    "adler32": partial(_Checksum, zlib.adler32, 1),
}
"""The algorithms that can be computed here, by their names in lower case without hyphens."""

DIGEST_BYTES = {
    "md5": 16,
    "sha1": 20,
    "sha224": 28,
    "sha256": 32,
    "sha384": 48,
    "sha512": 64,
    "crc32": 4,
    "adler32": 4,
}


@lru_cache(maxsize=64)
def algorithm_of(name: str) -> str | None:
    """Our name of an algorithm as METS or PREMIS spells it; None for one that cannot be computed here."""
    plain = name.strip().lower().replace("-", "").replace("_", "").replace(" ", "")
    return plain if plain in ALGORITHMS else None


class PackageFiles:
    """The files below a folder by their paths relative to it, `/` between parts; `folders` are its folders."""

    def __init__(self, root: Path, known: Iterable[Digested] | None = None) -> None:
        self.root = root
        self.folders: set[str] = set()
        self.findings: list[Finding] = []
        self._names: dict[str, dict[str, int]] = {}
        self._sizes, self._digests, self._marks = array("q"), bytearray(), bytearray()
        self._alike: dict[str, str] | None = None
        if known is None:
            self._walk()
        else:
            for entry in known:
                self._add(entry.path, entry.size, bytes.fromhex(entry.sha256))

    def __contains__(self, path: str) -> bool:
        return self._row(path) is not None

    def __len__(self) -> int:
        return len(self._sizes)

    def __iter__(self) -> Iterator[str]:
        for folder, names in self._names.items():
            for name in names:
                yield f"{folder}/{name}" if folder else name

    def size(self, path: str) -> int:
        """Size in bytes. KeyError if there is no such file."""
        return self._sizes[self._known(path)]

    def digest(self, path: str, algorithm: str = "sha256") -> str:
        """Hex digest by one of `ALGORITHMS`; SHA-256 is computed once. OSError when the file cannot be read."""
        row = self._known(path)
        if algorithm == "sha256" and self._marks[row] & Mark.HASHED:
            return self._digests[32 * row : 32 * row + 32].hex()
        value = self._hashed(path, ALGORITHMS[algorithm]())
        if algorithm == "sha256":
            self._digests[32 * row : 32 * row + 32] = bytes.fromhex(value)
            self._marks[row] |= Mark.HASHED
        return value

    def chunks(self, path: str) -> Iterator[bytes]:
        """The bytes of a file, never through a link."""
        with open_regular(f"{self.root}/{path}") as stream:
            while chunk := stream.read(CHUNK):
                yield chunk

    def mark(self, path: str, mark: Mark) -> bool:
        """Set a mark; whether it was set already. KeyError if there is no such file."""
        row = self._known(path)
        already = bool(self._marks[row] & mark)
        self._marks[row] |= mark
        return already

    def without(self, mark: Mark) -> Iterator[str]:
        """The files that lack a mark."""
        rows = iter(self._marks)
        return (path for path in self if not next(rows) & mark)

    def alike(self, path: str) -> str | None:
        """A file whose name differs from this one in case or Unicode form only."""
        if self._alike is None:
            self._alike = {same_name(each): each for each in self}
        return self._alike.get(same_name(path))

    def is_folder(self, path: str) -> bool:
        """Whether there is a folder of that path, whatever the case of its letters."""
        return path in self.folders or any(path.casefold() == folder.casefold() for folder in self.folders)

    def _hashed(self, path: str, value: Hash) -> str:
        for chunk in self.chunks(path):
            value.update(chunk)
        return value.hexdigest()

    def _row(self, path: str) -> int | None:
        folder, _, name = path.rpartition("/")
        return self._names.get(folder, {}).get(name)

    def _known(self, path: str) -> int:
        row = self._row(path)
        if row is None:
            raise KeyError(path)
        return row

    def _add(self, path: str, size: int, digest: bytes | None = None) -> None:
        folder, _, name = path.rpartition("/")
        self._names.setdefault(folder, {})[name] = len(self._sizes)
        self._sizes.append(size)
        self._digests += digest or bytes(32)
        self._marks.append(Mark.HASHED if digest else 0)
        while folder and folder not in self.folders:
            self.folders.add(folder)
            folder = folder.rpartition("/")[0]

    def _walk(self) -> None:
        waiting = [""]
        while waiting:
            prefix = waiting.pop()
            try:
                with os.scandir(self.root / prefix) as entries:
                    found = sorted(entries, key=lambda entry: entry.name)
            except OSError as error:
                self.findings.append(Finding("reference.unreadable", shown(prefix) or ".", found=str(error.strerror)))
                continue
            for entry in found:
                path = f"{prefix}/{entry.name}" if prefix else entry.name
                if entry.is_dir(follow_symlinks=False):
                    self.folders.add(path)
                    waiting.append(path)
                elif entry.is_file(follow_symlinks=False):
                    self._add(path, entry.stat(follow_symlinks=False).st_size)
                else:
                    self.findings.append(Finding("reference.not-a-file", shown(path)))
