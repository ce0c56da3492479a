"""Which reader a file is for, by its first bytes; PRONOM's media type where those say nothing."""

from typing import Literal

Kind = Literal["image", "pdf", "zip", "ole", "recording", "message"]

_STARTS: tuple[tuple[bytes, Kind], ...] = (
    (b"\xff\xd8\xff", "image"),
    (b"\x89PNG\r\n\x1a\n", "image"),
    (b"GIF87a", "image"),
    (b"GIF89a", "image"),
    (b"BM", "image"),
    (b"II*\0", "image"),
    (b"MM\0*", "image"),
    (b"II+\0", "image"),
    (b"MM\0+", "image"),
    (b"\0\0\0\x0cjP  ", "image"),
    (b"\xffO\xffQ", "image"),
    (b"PK\x03\x04", "zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
    (b"ID3", "recording"),
    (b"fLaC", "recording"),
    (b"OggS", "recording"),
    (b"\x1aE\xdf\xa3", "recording"),
    (b"0&\xb2u\x8ef\xcf\x11", "recording"),
    (b"\0\0\1\xba", "recording"),
    (b"\0\0\1\xb3", "recording"),
    (b"FLV\1", "recording"),
)
_CONTAINERS: dict[bytes, dict[bytes, Kind]] = {
    b"RIFF": {b"WAVE": "recording", b"AVI ": "recording", b"WEBP": "image"},
    b"RF64": {b"WAVE": "recording"},
    b"FORM": {b"AIFF": "recording", b"AIFC": "recording"},
}
_PDF_WITHIN = 1024


def kind_of(head: bytes, media_type: str, name: str) -> Kind | None:
    """The kind of reader, or None for a file that there is none for."""
    for start, kind in _STARTS:
        if head.startswith(start):
            return kind
    if held := _CONTAINERS.get(head[:4], {}).get(head[8:12]):
        return held
    if head[4:8] == b"ftyp":  # ISO 14496-12, also of still pictures (HEIF, AVIF), which no reader here knows
        return None if head[8:12] in (b"heic", b"heix", b"mif1", b"avif") else "recording"
    if b"%PDF-" in head[:_PDF_WITHIN] or name.lower().endswith(".pdf"):
        return "pdf"
    if media_type == "message/rfc822" or name.lower().endswith(".eml"):
        return "message"
    return "recording" if media_type.startswith(("audio/", "video/")) else None
