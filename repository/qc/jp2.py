"""The structure of JPEG 2000: boxes, tile parts and the end mark. OpenJPEG decodes what is left of a cut file."""

from repository.qc.page import Damaged

START, END = b"\xff\x4f\xff\x51", b"\xff\xd9"
_TILE = b"\xff\x90"
ZEROS = bytes(512)
"""Packets without anything are one byte each; more of these in a row than any page has are a lost block."""


def walk(content: bytes) -> None:
    """Raises Damaged for tile parts that are longer than the file, for a missing end, and for a block of zeros."""
    at = content.find(START)
    if at < 0:
        raise Damaged("corrupt", "no codestream")
    at += 2
    while True:
        mark = content[at : at + 2]
        if mark == END:
            return
        if len(mark) < 2 or mark[0] != 0xFF:
            raise Damaged("truncated" if len(mark) < 2 else "corrupt", "no marker where one must stand")
        length = int.from_bytes(content[at + 2 : at + 4])
        if mark != _TILE:
            at += 2 + length
            continue
        part = int.from_bytes(content[at + 6 : at + 10])
        end = at + part if part else len(content) - 2
        if end > len(content) or content[end - 1 : end + 1] == b"":
            raise Damaged("truncated", "a tile beyond the end of the file")
        if content.find(ZEROS, at, end) >= 0:
            raise Damaged("zero-block")
        at = end
