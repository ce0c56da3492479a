"""The Merkle tree of RFC 9162 (2.1): roots, proofs and their verification. Pure; SHA-256 only.

A tree of n leaves is split at the largest power of two below n. So it consists of complete subtrees, whose roots never
change again; everything here is put together of those, read by `(level, index)`: the root over the 2**level leaves
from index * 2**level on.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256

EMPTY = sha256(b"").digest()
"""Root of the tree without leaves."""

Read = Callable[[int, int], bytes]
"""Answers with the root of a complete subtree, by level and index."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash of a leaf: SHA-256 of 0x00 and the entry."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node: SHA-256 of 0x01, its left and its right child."""
    return sha256(b"\x01" + left + right).digest()


def complete_root(hashes: Sequence[bytes]) -> bytes:
    """Root over a power of two of neighbours."""
    row = hashes
    while len(row) > 1:
        row = [sha256(b"\x01" + left + right).digest() for left, right in zip(row[::2], row[1::2], strict=True)]
    return row[0]


class Frontier:
    """A tree that grows leaf by leaf and remembers no more than one hash for each level."""

    def __init__(self) -> None:
        self.size = 0
        self._roots: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Add a leaf."""
        size, roots = self.size, self._roots
        self.size += 1
        while size & 1:
            leaf = sha256(b"\x01" + roots.pop() + leaf).digest()
            size >>= 1
        roots.append(leaf)

    def root(self, further: Sequence[bytes] = ()) -> bytes:
        """Root of the tree as it stands; or with further leaves, fewer than stand under each of those added so far."""
        end = Frontier()
        for leaf in further:
            end.append(leaf)
        return _joined([*self._roots, *end._roots])


def _joined(roots: Sequence[bytes]) -> bytes:
    """Root over complete subtrees that stand side by side, the largest first."""
    if not roots:
        return EMPTY
    root = roots[-1]
    for left in reversed(roots[:-1]):
        root = node_hash(left, root)
    return root


def root_of(size: int, read: Read) -> bytes:
    """Root of the tree of the first `size` leaves."""
    return _range_root(0, size, read) if size else EMPTY


def _range_root(begin: int, end: int, read: Read) -> bytes:
    """Root over the leaves from `begin` up to `end`, where both belong to one node of the tree, or its right edge."""
    width = end - begin
    if width & (width - 1) == 0:
        level = width.bit_length() - 1
        return read(level, begin >> level)
    split = begin + _split(width)
    return node_hash(_range_root(begin, split, read), _range_root(split, end, read))


def _split(width: int) -> int:
    """The largest power of two below a width of two or more."""
    return 1 << ((width - 1).bit_length() - 1)


def inclusion_path(index: int, size: int, read: Read) -> list[bytes]:
    """What proves that a leaf stands in the tree of that size, from its sibling upwards (2.1.3.1)."""
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    path: list[bytes] = []
    begin, end = 0, size
    while end - begin > 1:
        split = begin + _split(end - begin)
        if index < split:
            path.append(_range_root(split, end, read))
            end = split
        else:
            path.append(_range_root(begin, split, read))
            begin = split
    return path[::-1]


def consistency_path(old: int, new: int, read: Read) -> list[bytes]:
    """What proves that the tree of `new` leaves continues the tree of `old` (2.1.4.1); nothing where both are one."""
    if not 0 < old <= new:
        raise ValueError(f"no proof from {old} to {new}")
    path: list[bytes] = []
    begin, end, is_whole = 0, new, True
    while old < end:
        split = begin + _split(end - begin)
        if old <= split:
            path.append(_range_root(split, end, read))
            end = split
        else:
            path.append(_range_root(begin, split, read))
            begin, is_whole = split, False
    if not is_whole:
        path.append(_range_root(begin, end, read))
    return path[::-1]


def verify_inclusion(index: int, size: int, leaf: bytes, root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the path leads from the leaf to the root (2.1.3.2)."""
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node_hash(sibling, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the path shows that the new tree continues the old one (2.1.4.2). Every tree continues the empty one."""
    if old == new:
        return old_root == new_root and not path
    if old == 0:
        return old_root == EMPTY and not path
    if not old < new or not path:
        return False
    steps = [old_root, *path] if old & (old - 1) == 0 else list(path)
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    was = grown = steps[0]
    for sibling in steps[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            was, grown = node_hash(sibling, was), node_hash(sibling, grown)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            grown = node_hash(grown, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and was == old_root and grown == new_root
