"""The structure of a PNG: its chunks, each with its checksum, up to its end. Decoders skip checksums."""

import zlib

from repository.qc.page import Damaged

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def walk(content: bytes) -> None:
    """Raises Damaged for a chunk whose checksum differs (`corrupt`), and for a file that ends early (`truncated`)."""
    if not content.startswith(SIGNATURE):
        raise Damaged("corrupt", "no PNG")
    view, at = memoryview(content), len(SIGNATURE)
    while at + 12 <= len(content):
        length = int.from_bytes(content[at : at + 4])
        end = at + 12 + length
        if end > len(content):
            break
        if zlib.crc32(view[at + 4 : end - 4]) != int.from_bytes(content[end - 4 : end]):
            raise Damaged("corrupt", "checksum of a chunk")
        if content[at + 4 : at + 8] == b"IEND":
            return
        at = end
    raise Damaged("truncated", "no end")
