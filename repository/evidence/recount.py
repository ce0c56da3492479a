"""A recount (重算): the tree computed anew, leaf by leaf, and compared with its tiles on the way. Memory is flat."""

from collections.abc import Iterable

from repository.evidence.merkle import Frontier, complete_root
from repository.evidence.tiles import HASH, WIDTH, Incomplete, Tiles


class Recount:
    """Takes every leaf in order. `roots` has the root at each size that was asked for, once that many were taken.

    `differing` is the index of the first leaf that its tile does not have; `missing` the first tile that is not there.
    """

    def __init__(self, sizes: Iterable[int], tiles: Tiles | None) -> None:
        self.size = 0
        self.roots: dict[int, bytes] = {}
        self.differing: int | None = None
        self.missing: str | None = None
        self._wanted = sorted(set(sizes), reverse=True)
        self._tiles = tiles
        self._full = Frontier()
        self._rest: list[bytes] = []
        self._note_root()

    def add(self, leaf: bytes) -> None:
        """Take one."""
        self._rest.append(leaf)
        if len(self._rest) == WIDTH or (self._wanted and self._wanted[-1] == self.size + len(self._rest)):
            self._settle()

    def finish(self) -> None:
        """Compare what is left. To be called behind the last leaf."""
        self._compare()

    def _settle(self) -> None:
        rest = self._rest
        if self._wanted and self._wanted[-1] == self.size + len(rest):
            self._note_root()
        if len(rest) == WIDTH:
            self._compare()
            self._full.append(complete_root(rest))
            self.size += WIDTH
            rest.clear()

    def _note_root(self) -> None:
        at = self.size + len(self._rest)
        while self._wanted and self._wanted[-1] == at:
            self._wanted.pop()
            self.roots[at] = self._full.root(self._rest)

    def _compare(self) -> None:
        """Compare the leaves of one tile with what stands in it, as far as both go."""
        tiles = self._tiles
        if tiles is None or self.differing is not None or self.missing is not None or tiles.size <= self.size:
            return
        try:
            tile = tiles.leaves(self.size // WIDTH)
        except Incomplete as error:
            self.missing = str(error)
            return
        own = b"".join(self._rest)
        if tile[: len(own)] == own[: len(tile)]:
            return
        for place in range(min(len(tile), len(own)) // HASH):
            if tile[place * HASH : (place + 1) * HASH] != own[place * HASH : (place + 1) * HASH]:
                self.differing = self.size + place
                return
