"""A file that can be read only so far: readers look at headers, and this keeps them to it."""

import io
from pathlib import Path

WHOLE_BYTES = 32 << 20
"""Files up to this size may be read whole, twice over with what a reader seeks back for."""
HEADER_BYTES = 8 << 20
"""The most that is read of a larger one."""


class ReadTooMuch(Exception):  # noqa: N818 - named after what happened, not after being an error
    """The reader asked for more of the file than its budget."""


class Bounded(io.RawIOBase):
    """An open file with a budget. It has no descriptor to give away, so that nothing can map it or read past it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = path.open("rb", buffering=0)
        self.size = self._file.seek(0, io.SEEK_END)
        self._file.seek(0)
        self.budget = 2 * self.size + (1 << 20) if self.size <= WHOLE_BYTES else HEADER_BYTES

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override] # any writable buffer is
        """Read, as long as the budget lasts. ReadTooMuch after that."""
        count = self._file.readinto(buffer) or 0
        self.budget -= count
        if self.budget < 0:
            raise ReadTooMuch(f"more than the header had to be read of {self.size} bytes")
        return count

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """As any file."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """As any file."""
        return self._file.tell()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()


class Source:
    """One file for a reader: a buffered stream within its budget, its size, its first bytes and what it is called."""

    def __init__(self, path: Path, media_type: str, name: str) -> None:
        self._raw = Bounded(path)
        self.stream = io.BufferedReader(self._raw, 1 << 14)
        self.size = self._raw.size
        self.media_type = media_type
        self.name = name
        self.head = self.stream.read(4096)
        self.stream.seek(0)

    @property
    def is_small(self) -> bool:
        """Whether the budget is enough to read all of it."""
        return self.size <= WHOLE_BYTES

    def close(self) -> None:
        """Close the file."""
        self.stream.close()
