"""Which kind of file lies before us: by its first bytes, and by its name only where those say nothing."""

from pathlib import PurePath
from typing import Literal

Kind = Literal["jpeg", "tiff", "png", "jp2", "pdf", "gif", "bmp", "webp", "audio", "video"]

HEAD = 1024
"""Bytes of a file's beginning by which it is told."""

_STARTS: tuple[tuple[bytes, Kind], ...] = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
    (b"\0\0\0\x0cjP  ", "jp2"),
    (b"\xffO\xffQ", "jp2"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"BM", "bmp"),
    (b"fLaC", "audio"),
    (b"OggS", "audio"),
    (b"ID3", "audio"),
    (b"\x1aE\xdf\xa3", "video"),
    (b"\0\0\1\xba", "video"),
    (b"\0\0\1\xb3", "video"),
    (b"FLV\1", "video"),
)
_CONTAINERS: dict[bytes, dict[bytes, Kind]] = {
    b"RIFF": {b"WAVE": "audio", b"AVI ": "video", b"WEBP": "webp"},
    b"RF64": {b"WAVE": "audio"},
    b"FORM": {b"AIFF": "audio", b"AIFC": "audio"},
}
_NAMES: dict[str, Kind] = {
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".png": "png",
    ".jp2": "jp2",
    ".j2k": "jp2",
    ".j2c": "jp2",
    ".jpf": "jp2",
    ".jpx": "jp2",
    ".pdf": "pdf",
    ".gif": "gif",
    ".bmp": "bmp",
    ".webp": "webp",
    ".wav": "audio",
    ".bwf": "audio",
    ".mp3": "audio",
    ".flac": "audio",
    ".m4a": "audio",
    ".aif": "audio",
    ".aiff": "audio",
    ".ogg": "audio",
    ".mp4": "video",
    ".mov": "video",
    ".avi": "video",
    ".mkv": "video",
    ".mpg": "video",
    ".mpeg": "video",
    ".mxf": "video",
    ".m4v": "video",
    ".wmv": "video",
}
_ISO_SOUND, _ISO_STILL = (b"M4A ", b"M4B "), (b"heic", b"heix", b"mif1", b"avif")


def kind_of(head: bytes, name: str) -> Kind | None:
    """The kind, or None for a file that is no page, sound or film.

    A name that promises one (`.tif` over nothing but zeros) is taken at its word: then the file is a damaged page.
    """
    return told_by(head) or named(name)


def named(name: str) -> Kind | None:
    """The kind that a name promises."""
    return _NAMES.get(PurePath(name).suffix.lower())


def told_by(head: bytes) -> Kind | None:
    """The kind that the first bytes show."""
    for start, kind in _STARTS:
        if head.startswith(start):
            return kind
    if held := _CONTAINERS.get(head[:4], {}).get(head[8:12]):
        return held
    if head[4:8] == b"ftyp" and head[8:12] not in _ISO_STILL:
        return "audio" if head[8:12] in _ISO_SOUND else "video"
    return "pdf" if b"%PDF-" in head else None


def media_of(kind: Kind) -> Literal["page", "audio", "video"]:
    """By which sort of profile it is judged."""
    return kind if kind in ("audio", "video") else "page"
