"""Byte search: where, below a folder, planted words or bytes stand in clear - files, databases and journals alike."""

import json
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

ENCODINGS = ("utf-8", "gb18030", "utf-16-le")


def found(folder: Path, *planted: str | bytes) -> list[str]:
    """Every file below the folder, by path, whose bytes or whose name hold one of the planted; members of zips too."""
    wanted = set(_spelled(planted))
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and any(piece in text for text in _texts(path) for piece in wanted)
    )


def _spelled(planted: Iterable[str | bytes]) -> Iterator[bytes]:
    for one in planted:
        if isinstance(one, bytes):
            yield one
        else:
            yield from (one.encode(encoding) for encoding in ENCODINGS)
            yield json.dumps(one)[1:-1].encode()


def _texts(path: Path) -> Iterator[bytes]:
    yield path.read_bytes()
    yield str(path).encode()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield from (archive.read(name) for name in archive.namelist())
