"""Armour (文本封装): a sealed file as text between two lines. We read it, for it comes by mail; we write none."""

import base64
import binascii
import io
from typing import BinaryIO

from repository.errors import ArchiveError

_BEGIN, _END = b"-----BEGIN AGE ENCRYPTED FILE-----", b"-----END AGE ENCRYPTED FILE-----"
_COLUMNS = 64
_MOST = 64 * 1024 * 1024
"""Bytes of the longest text that is read: what comes by mail is held in memory."""

_BLANK = b" \t\r\n"


def is_armored(source: BinaryIO) -> bool:
    """Whether a file that one stands at the beginning of looks like armour. One stands there still."""
    start = source.read(1024)
    source.seek(-len(start), io.SEEK_CUR)
    return start.lstrip(_BLANK).startswith(b"-----BEGIN")


def read_armor(source: BinaryIO, name: str) -> BinaryIO:
    """The file within. `sealed-armor` for text that breaks any rule of the form."""
    text = source.read(_MOST + 1)
    lines = text.lstrip(_BLANK).rstrip(_BLANK).replace(b"\r\n", b"\n").split(b"\n")
    if len(text) > _MOST or len(lines) < 3 or lines[0] != _BEGIN or lines[-1] != _END:
        raise ArchiveError("sealed-armor", name)
    body = lines[1:-1]
    whole = all(len(line) == _COLUMNS for line in body[:-1]) and 0 < len(body[-1]) <= _COLUMNS
    try:
        data = base64.b64decode(b"".join(body), validate=True)
    except binascii.Error as error:
        raise ArchiveError("sealed-armor", name) from error
    if not whole or base64.b64encode(data) != b"".join(body):
        raise ArchiveError("sealed-armor", name)
    return io.BytesIO(data)
