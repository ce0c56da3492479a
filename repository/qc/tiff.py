"""The structure of a TIFF, walked before any decoder sees it: directories, and what their strips must hold.

libtiff follows what is written and mends what it finds, in silence. Cycles of directories, strips beyond the end of
the file, and blocks of zeros where no code of the compression is all zeros, are found here.
"""

import re
import struct
import zlib
from collections.abc import Iterator

import msgspec

from repository.qc.page import Damaged

DIRECTORIES = 10_000
ENTRIES = 4_096
VALUES = 1 << 20
WIDTH, HEIGHT, BITS, COMPRESSION, STRIPS, SAMPLES, ROWS, COUNTS = 256, 257, 258, 259, 273, 277, 278, 279
RESOLUTION, TILE_WIDTH, TILE_HEIGHT, TILES, TILE_COUNTS, TABLES, FILL_ORDER = 282, 322, 323, 324, 325, 347, 266
NONE, CCITT_RLE, G3, G4, LZW, OLD_JPEG, JPEG = 1, 2, 3, 4, 5, 6, 7
DEFLATE = (8, 32946)
PIECE = 1 << 20
"""Bytes that are unpacked at a time."""
ZEROS_OF_FAX = bytes(8)
"""No code of T.4 or T.6 holds more than eleven zero bits, and none is followed by more than it begins with: eight zero
bytes in a strip are a block that was lost. (T.4 may fill a line with zeros up to its end, hence not three.)"""
ZEROS_OF_LZW = bytes(64)
"""A code of all zeros is one black pixel: forty in a row would have become one longer code."""
_ZEROS = re.compile(rb"\0{512,}")
SECTOR = 512
"""Bytes in which storage loses what it loses."""
PAPER, BESIDE = 128, 32
"""The darkest byte that counts as bright, and how many are looked at above and below."""
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_WHOLE = {1: "B", 3: "H", 4: "L", 13: "L", 16: "Q", 18: "Q"}


class Directory(msgspec.Struct, frozen=True):
    """What one directory says of its picture."""

    width: int
    height: int
    compression: int
    bits: int
    samples: int
    rows: int
    strips: tuple[tuple[int, int], ...]
    tables: tuple[int, int]
    tiled: bool


class _Reader:
    def __init__(self, content: bytes) -> None:
        self.content = content
        self.order = "<" if content[:2] == b"II" else ">"
        self.big = content[2:4] in (b"+\0", b"\0+")

    def number(self, at: int, code: str) -> int:
        try:
            return int(struct.unpack_from(self.order + code, self.content, at)[0])
        except struct.error as error:
            raise Damaged("truncated", error) from error

    def numbers(self, at: int, kind: int, count: int) -> tuple[int, ...]:
        """The values of an entry at `at`, of whole numbers only."""
        if kind not in _WHOLE or count > VALUES:
            return ()
        return struct.unpack_from(f"{self.order}{count}{_WHOLE[kind]}", self.content, at)


def walk(content: bytes) -> list[Directory]:
    """The directories in order. Raises Damaged for a cycle, for too many, and for one beyond the end of the file."""
    reader = _Reader(content)
    if content[:4] not in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        raise Damaged("corrupt", "no TIFF")
    at, seen, found = (reader.number(8, "Q") if reader.big else reader.number(4, "L")), set(), []
    while at:
        if at in seen:
            raise Damaged("directory-cycle")
        seen.add(at)
        directory, at = _directory(reader, at)
        found.append(directory)
        if len(found) > DIRECTORIES:
            raise Damaged("too-many-frames")
    if not found:
        raise Damaged("corrupt", "no directory")
    return found


def _directory(reader: _Reader, at: int) -> tuple[Directory, int]:
    entry_size, head = (20, 8) if reader.big else (12, 2)
    count = reader.number(at, "Q" if reader.big else "H")
    if count > ENTRIES:
        raise Damaged("corrupt", f"{count} entries")
    tags: dict[int, tuple[int, ...]] = {}
    tables = (0, 0)
    for start in range(at + head, at + head + count * entry_size, entry_size):
        tag, values, span = _entry(reader, start)
        tags[tag] = values
        if tag == TABLES:
            tables = span
    after = reader.number(at + head + count * entry_size, "Q" if reader.big else "L")

    def one(tag: int, default: int) -> int:
        return (tags.get(tag) or (default,))[0]

    tiled = TILES in tags
    offsets, counts = tags.get(TILES if tiled else STRIPS, ()), tags.get(TILE_COUNTS if tiled else COUNTS, ())
    if not one(WIDTH, 0) or not one(HEIGHT, 0) or not offsets:
        raise Damaged("corrupt", "no size or no strips")
    if len(counts) != len(offsets):
        counts = (len(reader.content) - offsets[0],) if len(offsets) == 1 else ()
    strips = tuple(zip(offsets, counts, strict=False))
    rows = one(TILE_HEIGHT, 0) if tiled else one(ROWS, one(HEIGHT, 0))
    found = Directory(
        width=one(WIDTH, 0),
        height=one(HEIGHT, 0),
        compression=one(COMPRESSION, 1),
        bits=one(BITS, 1),
        samples=one(SAMPLES, 1),
        rows=rows,
        strips=strips,
        tables=tables,
        tiled=tiled,
    )
    return found, after


def _entry(reader: _Reader, start: int) -> tuple[int, tuple[int, ...], tuple[int, int]]:
    tag, kind = reader.number(start, "H"), reader.number(start + 2, "H")
    count = reader.number(start + 4, "Q" if reader.big else "L")
    place, room = (start + 12, 8) if reader.big else (start + 8, 4)
    size = _SIZES.get(kind, 1) * count
    at = place if size <= room else reader.number(place, "Q" if reader.big else "L")
    if at + size > len(reader.content):
        raise Damaged("truncated", f"tag {tag} beyond the end of the file")
    return tag, reader.numbers(at, kind, count), (at, size)


def judge(content: bytes, directory: Directory) -> None:
    """Whether the strips can hold the picture. Raises Damaged: `truncated`, or `corrupt` with what was found."""
    if directory.compression == OLD_JPEG:
        raise Damaged("withdrawn-compression", "TIFF compression 6")
    if not directory.strips:
        raise Damaged("corrupt", "strips without their sizes")
    for offset, size in directory.strips:
        if offset + size > len(content) or not size:
            raise Damaged("truncated", "a strip beyond the end of the file")
    _measure(directory)
    zeros = {G3: ZEROS_OF_FAX, G4: ZEROS_OF_FAX, LZW: ZEROS_OF_LZW}.get(directory.compression)
    for offset, size in directory.strips:
        if zeros is not None and content.find(zeros, offset, offset + size) >= 0:
            raise Damaged("zero-block")
        if directory.compression in DEFLATE:
            _inflate(content[offset : offset + size])
        if directory.compression == NONE and not directory.tiled:
            _expect_no_lost_block(content, offset, offset + size, directory)


def _expect_no_lost_block(content: bytes, begin: int, end: int, directory: Directory) -> None:
    """Refuse zeros that no picture has where pixels stand as they are: black may be right, its place gives it away.

    A black area begins and ends where its shape does, in the rows beside it too. Zeros that begin or end in the middle
    of a row, between bright bytes with bright ones above and below, and run on over a row or fill whole sectors, are a
    block that was lost. What is shorter than a row and lies across sectors cannot be told from a line.
    """
    row = -(-directory.width * directory.bits * directory.samples // 8)
    for found in _ZEROS.finditer(content, begin, end) if directory.bits >= 8 else ():
        first, last = found.span()
        if first - row < begin or last + row > end or not ((first - begin) % row or (last - begin) % row):
            continue
        above, below = content[first - row : first - row + BESIDE], content[last + row - BESIDE : last + row]
        bright = min(content[first - 1], content[last], max(above), max(below)) > PAPER
        if bright and (last - first >= row or not (first % SECTOR or last % SECTOR)):
            raise Damaged("zero-block")


def _inflate(strip: bytes) -> None:
    """Whether a strip unpacks to its own checksum, a piece at a time: libtiff gives out what it has, and a warning."""
    unpacking = zlib.decompressobj()
    try:
        while strip and not unpacking.eof:
            unpacking.decompress(strip, PIECE)
            strip = unpacking.unconsumed_tail
    except zlib.error as error:
        raise Damaged("corrupt", error) from error
    if not unpacking.eof:
        raise Damaged("truncated", "a strip that does not end")


def _measure(directory: Directory) -> None:
    """Whether there are strips enough, and bytes enough where nothing is compressed."""
    if not directory.tiled and directory.rows:
        needed = -(-directory.height // min(directory.rows, directory.height))
        if len(directory.strips) < needed:
            raise Damaged("truncated", f"{len(directory.strips)} strips of {needed}")
    if directory.compression == NONE and not directory.tiled:
        whole = -(-directory.width * directory.bits * directory.samples // 8) * directory.height
        if sum(size for _, size in directory.strips) < whole and directory.bits * directory.samples in (1, 8, 24, 32):
            raise Damaged("truncated", "fewer bytes than pixels")


def jpeg_streams(content: bytes, directory: Directory) -> Iterator[bytes]:
    """The strips or tiles as JPEG files of their own, with the tables that they share."""
    at, size = directory.tables
    tables = content[at : at + size] if size else b""
    for offset, length in directory.strips:
        stream = content[offset : offset + length]
        yield tables[:-2] + stream[2:] if tables.endswith(b"\xff\xd9") else stream
