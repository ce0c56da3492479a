"""Files that are made for one answer (临时文件): laid out in a folder of their own, sent, and gone."""

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from fastapi import Response
from starlette.responses import StreamingResponse

CHUNK = 1 << 18
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV, HTML, PDF = "text/csv; charset=utf-8", "text/html; charset=utf-8", "application/pdf"
MEDIA_TYPES = {"xlsx": XLSX, "csv": CSV, "html": HTML}
"""By the name of a table's form."""


def made_file(make: Callable[[Path], object], name: str, media_type: str) -> Response:
    """Have a file made at a place that is there for this answer only, and send it."""
    folder = TemporaryDirectory(prefix="jingui-answer-")
    try:
        place = Path(folder.name) / f"file{Path(name).suffix}"
        make(place)
        headers = _headers(name) | {"content-length": str(place.stat().st_size)}
        return StreamingResponse(_then_gone(folder, place), headers=headers, media_type=media_type)
    except BaseException:
        folder.cleanup()
        raise


def made_bytes(content: bytes, name: str, media_type: str) -> Response:
    """Send a small file that was made whole."""
    return Response(content, headers=_headers(name), media_type=media_type)


def _headers(name: str) -> dict[str, str]:
    return {
        "content-disposition": f"attachment; filename*=UTF-8''{quote(name)}",
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
    }


def _then_gone(folder: "TemporaryDirectory[str]", place: Path) -> Iterator[bytes]:
    with folder, place.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk
