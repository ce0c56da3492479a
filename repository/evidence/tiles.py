"""The tree on disk, in the layout of C2SP `tlog-tiles`: static files that any web server can publish.

A tile holds up to 256 neighbouring hashes of one level; at level 0 they are the leaves' hashes, above it the roots of
full tiles. A tile that is not full lies beside, under its width (`.p/<W>`), and is never changed; it goes when the full
one is there. Everything here can be made again from the log.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path

from repository.evidence.merkle import complete_root, root_of

HEIGHT = 8
WIDTH = 1 << HEIGHT
HASH = 32
FULL = WIDTH * HASH
KEPT = 64
"""Tiles that a reader keeps in memory: half a megabyte."""

Fetch = Callable[[str], bytes]
"""Answers with the content of a file by its path; `Incomplete` where there is none."""


class Incomplete(Exception):  # noqa: N818 - not an error of ours: what somebody else published is not whole
    """A tile is missing, or does not have the size that it must have. Its argument is the tile's path."""


def tile_path(level: int, number: int, width: int = WIDTH) -> str:
    """Where a tile lies: `tile/<L>/<N>`, the number in groups of three digits, all but the last after an `x`."""
    groups = [f"{number % 1000:03d}"]
    while number := number // 1000:
        groups.append(f"x{number % 1000:03d}")
    path = f"tile/{level}/{'/'.join(reversed(groups))}"
    return path if width == WIDTH else f"{path}.p/{width}"


class Tiles:
    """Reads complete subtrees of a tree of a known size out of its tiles. What is read is not trusted, only hashed."""

    def __init__(self, size: int, fetch: Fetch) -> None:
        self.size = size
        self._fetch = fetch
        self._tile = lru_cache(KEPT)(self._read)

    @classmethod
    def of_folder(cls, folder: Path, size: int) -> "Tiles":
        """Tiles that lie in a folder."""
        return cls(size, lambda path: fetch_file(folder, path))

    def hash(self, level: int, index: int) -> bytes:
        """Root over the 2**level leaves from index * 2**level on."""
        tile_level, inner = divmod(level, HEIGHT)
        number, offset = divmod(index << inner, WIDTH)
        tile = self._tile(tile_level, number)
        width = 1 << inner
        if len(tile) < (offset + width) * HASH:
            raise Incomplete(tile_path(tile_level, number))
        return complete_root([tile[at : at + HASH] for at in range(offset * HASH, (offset + width) * HASH, HASH)])

    def root(self, size: int | None = None) -> bytes:
        """Root of the tree, or of an earlier one."""
        return root_of(self.size if size is None else size, self.hash)

    def leaves(self, number: int) -> bytes:
        """The leaves' hashes of one tile, as far as it goes."""
        return self._tile(0, number)

    def _read(self, level: int, number: int) -> bytes:
        width = min((self.size >> (HEIGHT * level)) - number * WIDTH, WIDTH)
        if width <= 0:
            raise Incomplete(tile_path(level, number))
        path = tile_path(level, number, width)
        try:
            tile = self._fetch(path)
        except Incomplete:
            if width == WIDTH:
                raise
            path = tile_path(level, number)  # the tree has grown meanwhile, and the full tile took the part's place
            tile = self._fetch(path)[: width * HASH]
        if len(tile) != width * HASH:
            raise Incomplete(path)
        return tile


def fetch_file(folder: Path, path: str) -> bytes:
    """A file below a folder. `Incomplete` where there is none."""
    try:
        return (folder / path).read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Incomplete(path) from error


def extend_tiles(folder: Path, size: int, leaves: Iterable[bytes]) -> int:
    """Add leaves' hashes to the tree of that size in a folder; the size that it has then. Nothing is synced here.

    Memory is flat: one tile for each level. `Incomplete` where a tile of the tree so far is missing.
    """
    grown = size
    before = Tiles.of_folder(folder, size)
    levels = [bytearray(_edge(before, level)) for level in range(_height(size))]
    for leaf in leaves:
        grown += 1
        _add(folder, levels, grown, leaf)
    if grown != size:
        for level, tile in enumerate(levels):
            if tile:
                number = (grown >> (HEIGHT * level)) // WIDTH
                _write(folder / tile_path(level, number, len(tile) // HASH), bytes(tile))
    return grown


def _height(size: int) -> int:
    """How many levels of tiles a tree has."""
    return -(-max(size.bit_length(), 1) // HEIGHT)


def _edge(tiles: Tiles, level: int) -> bytes:
    """What stands in the tile of a level that is not full yet."""
    count = tiles.size >> (HEIGHT * level)
    number, width = divmod(count, WIDTH)
    return b"".join(tiles.hash(HEIGHT * level, number * WIDTH + place) for place in range(width))


def _add(folder: Path, levels: list[bytearray], grown: int, leaf: bytes) -> None:
    """Put a hash at the end of level 0, and the root of each tile that it fills at the end of the next level."""
    level = 0
    while True:
        if level == len(levels):
            levels.append(bytearray())
        tile = levels[level]
        tile += leaf
        if len(tile) < FULL:
            return
        number = (grown >> (HEIGHT * level)) // WIDTH - 1
        full = bytes(tile)
        _write(folder / tile_path(level, number), full)
        _remove_parts(folder / f"{tile_path(level, number)}.p")
        leaf = complete_root([full[at : at + HASH] for at in range(0, FULL, HASH)])
        tile.clear()
        level += 1


def _write(path: Path, content: bytes) -> None:
    """Write a tile whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.new")
    temporary.write_bytes(content)
    temporary.rename(path)


def _remove_parts(folder: Path) -> None:
    if folder.is_dir():
        for part in folder.iterdir():
            part.unlink()
        folder.rmdir()
