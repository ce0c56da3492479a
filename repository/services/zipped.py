"""A bag as one zip64 file, written as a stream from its first byte to its last, its files stored as they are."""

import io
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from packages_spec.digests import Digested, chunks_of

MEDIA_TYPE = "application/zip"


class _Stream(io.RawIOBase):
    """Takes what the archiver writes; nothing can be sought in it, so the archiver goes back nowhere."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override] # what the archiver gives
        """Take bytes."""
        self._waiting.append(bytes(data))
        return len(data)

    def taken(self) -> Iterator[bytes]:
        """What was written since it was last asked."""
        yield from self._waiting
        self._waiting.clear()


def zip_of(root: Path, folder: str, files: Iterable[Digested], moment: str) -> Iterator[bytes]:
    """The bag at `root` as a zip in which everything stands in `folder`; every member bears the `moment` (RFC 3339)."""
    stream = _Stream()
    date = tuple(int(moment[at : at + size]) for at, size in ((0, 4), (5, 2), (8, 2), (11, 2), (14, 2), (17, 2)))
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for file in sorted(files):
            member = zipfile.ZipInfo(f"{folder}/{file.path}", (date[0], date[1], date[2], date[3], date[4], date[5]))
            member.external_attr = 0o644 << 16
            member.file_size = file.size
            with archive.open(member, "w", force_zip64=file.size >= zipfile.ZIP64_LIMIT) as inside:
                for chunk in chunks_of(root / file.path):
                    inside.write(chunk)
                    yield from stream.taken()
            yield from stream.taken()
    yield from stream.taken()
