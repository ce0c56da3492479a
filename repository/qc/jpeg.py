"""The structure of a JPEG: its scans, and blocks of zeros that no encoder wrote.

A lost block in the middle of a scan is zeros, which Huffman's codes may happen to read as something: no decoder warns.
Where the code of all zeros cannot stand many times in a row, so many zeros are a loss. In a baseline scan that is so
unless it means the end of a block, as on a page of nothing but white; in a progressive scan of details it is always
so, for an encoder counts ends of blocks instead of repeating them.
"""

import re
from collections.abc import Iterator

from repository.qc.page import Damaged

SCANS = 100
"""Scans of one progressive JPEG: each costs a pass over the page, and an encoder writes about ten."""
ZEROS = bytes(256)
_TABLE, _SCAN, _END = 0xC4, 0xDA, 0xD9
_ALONE = {0x01, *range(0xD0, 0xD9)}
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def walk(content: bytes) -> None:
    """Raises Damaged for too many scans, and for a block of zeros in a scan that cannot hold one."""
    ends_first: set[int] = set()
    at, scans = 2, 0
    while at + 4 <= len(content):
        if content[at] != 0xFF:
            return  # what stands here is no marker: the decoder says so, or mends it by the standard
        kind = content[at + 1]
        if kind == 0xFF or kind in _ALONE:
            at += 1 if kind == 0xFF else 2
            continue
        if kind == _END:
            return
        end = at + 2 + int.from_bytes(content[at + 2 : at + 4])
        if kind == _TABLE:
            _tables(content[at + 4 : end], ends_first)
        at = end
        if kind == _SCAN:
            scans += 1
            if scans > SCANS:
                raise Damaged("too-many-scans")
            after = _MARKER.search(content, end)
            at = after.start() if after else len(content)
            if _holds_no_zeros(content[:end], ends_first) and content.find(ZEROS, end, at) >= 0:
                raise Damaged("zero-block")


def _tables(segment: bytes, ends_first: set[int]) -> None:
    """Which tables of details have the end of a block as their code of all zeros."""
    for number, counts, symbols in _each(segment):
        if number & 0x10:
            (ends_first.add if counts and symbols[:1] == b"\0" else ends_first.discard)(number & 0x0F)


def _each(segment: bytes) -> Iterator[tuple[int, int, bytes]]:
    at = 0
    while at + 17 <= len(segment):
        count = sum(segment[at + 1 : at + 17])
        yield segment[at], count, segment[at + 17 : at + 17 + count]
        at += 17 + count


def _holds_no_zeros(before: bytes, ends_first: set[int]) -> bool:
    """Whether the scan whose header ends here cannot hold many zeros in a row."""
    start = before.rfind(b"\xff\xda")
    components = before[start + 4]
    header = before[start + 5 : start + 5 + 2 * components + 3]
    first, last = header[-3], header[-2]
    if first == 0 and last == 0:
        return False  # a progressive scan of mean tones: level paper is zeros
    if first > 0:
        return True
    return not {header[2 * n + 1] & 0x0F for n in range(components)} <= ends_first  # one of a block's colours breaks it
