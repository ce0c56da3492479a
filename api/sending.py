"""Sending (发送) a file: whole or in part, with a strong ETag that is the file's SHA-256 (RFC 9110 13, 14)."""

import os
import re
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from api.problems import answer
from api.zero_copy import EXTENSION
from repository.errors import ArchiveError
from repository.services.dissemination import Parcel

CHUNK = 1 << 20
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def send(request: Request, parcel: Parcel) -> Response:
    """Answer GET and HEAD. Called when the delivery is committed: nothing of the file was opened before."""
    tag = f'"{parcel.sha256}"'
    headers = {
        "etag": tag,
        "accept-ranges": "bytes",
        "cache-control": "private, no-transform",
        "content-disposition": f"attachment; filename*=UTF-8''{quote(parcel.name)}",
        "repr-digest": f"sha-256=:{_base64(parcel.sha256)}:",
        "x-content-type-options": "nosniff",
    }
    if _names(request.headers.get("if-none-match"), tag):
        return Response(None, HTTPStatus.NOT_MODIFIED, headers)
    part = _part(request, tag, parcel.bytes)
    if part is None:
        return answer(
            request,
            ArchiveError("bytes-invalid", request.headers.get("range", "")),
            {"content-range": f"bytes */{parcel.bytes}", "etag": tag},
        )
    start, end = part
    status = HTTPStatus.OK
    if (start, end) != (0, parcel.bytes) or _is_whole_range(request, tag):
        status = HTTPStatus.PARTIAL_CONTENT
        headers["content-range"] = f"bytes {start}-{end - 1}/{parcel.bytes}"
    headers["content-length"] = str(end - start)
    if request.method == "HEAD":
        return Response(None, status, headers, parcel.media_type)
    return FileAnswer(parcel, start, end, status, headers)


def _base64(sha256: str) -> str:
    from base64 import b64encode

    return b64encode(bytes.fromhex(sha256)).decode()


def _names(header: str | None, tag: str) -> bool:
    """Whether `If-None-Match` names this file."""
    if header is None:
        return False
    return header.strip() == "*" or tag in (one.strip().removeprefix("W/") for one in header.split(","))


def _range_of(request: Request, tag: str) -> str | None:
    """The range asked for, if it is one range and `If-Range` does not say that the file was another."""
    condition, wanted = request.headers.get("if-range"), request.headers.get("range")
    if wanted is None or (condition is not None and condition.strip() != tag):
        return None
    return wanted.strip() if _RANGE.fullmatch(wanted.strip()) else None


def _part(request: Request, tag: str, size: int) -> tuple[int, int] | None:
    """First byte and the one after the last; None where no byte of the file is asked for.

    What is no single range of bytes is ignored, as the standard allows, and the whole is sent.
    """
    wanted = _range_of(request, tag)
    found = _RANGE.fullmatch(wanted) if wanted else None
    if found is None or found.groups() == ("", ""):
        return 0, size
    first, last = found.groups()
    if not first:
        count = min(int(last), size)
        return (size - count, size) if count else None
    if last and int(last) < int(first):
        return 0, size  # not a valid range: as if it were not there
    start, end = int(first), min(int(last) + 1, size) if last else size
    return (start, end) if start < size else None


def _is_whole_range(request: Request, tag: str) -> bool:
    wanted = _range_of(request, tag)
    found = _RANGE.fullmatch(wanted) if wanted else None
    if found is None or found.groups() == ("", ""):
        return False
    first, last = found.groups()
    return not (first and last and int(last) < int(first))


def open_file(path: Path) -> int:
    """A descriptor to read from."""
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC)


class FileAnswer(StreamingResponse):
    """A stretch of a file: sent by the kernel where the server can have it do so, else read a chunk at a time."""

    def __init__(self, parcel: Parcel, start: int, end: int, status: int, headers: dict[str, str]) -> None:
        super().__init__(_chunks(parcel, start, end), status, headers, parcel.media_type)
        self._parcel, self._start, self._end = parcel, start, end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        if self._parcel.reader is not None or EXTENSION not in scope.get("extensions", {}):
            await super().__call__(scope, receive, send)
            return
        descriptor = await run_in_threadpool(open_file, self._parcel.path)
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            count = self._end - self._start
            await send({"type": EXTENSION, "file": descriptor, "offset": self._start, "count": count})
        finally:
            os.close(descriptor)


async def _opened(parcel: Parcel, start: int, end: int) -> AsyncIterator[bytes]:
    if parcel.reader is None:
        raise LookupError(parcel.name)
    reader = await run_in_threadpool(parcel.reader)
    try:
        while start < end:
            chunk = await run_in_threadpool(reader.read_at, start, min(CHUNK, end - start))
            if not chunk:
                raise ArchiveError("storage-failed", parcel.name, reason="shorter than the log says")
            start += len(chunk)
            yield chunk
    finally:
        reader.close()


async def _chunks(parcel: Parcel, start: int, end: int) -> AsyncIterator[bytes]:
    """The bytes, a chunk at a time, read beside the loop; of one that lies encrypted, opened there too."""
    if parcel.reader is not None:
        async for chunk in _opened(parcel, start, end):
            yield chunk
        return
    descriptor = await run_in_threadpool(open_file, parcel.path)
    try:
        os.posix_fadvise(descriptor, start, end - start, os.POSIX_FADV_SEQUENTIAL)
        while start < end:
            chunk = await run_in_threadpool(os.pread, descriptor, min(CHUNK, end - start), start)
            if not chunk:
                raise ArchiveError("storage-failed", parcel.name, reason="shorter than the log says")
            start += len(chunk)
            yield chunk
    finally:
        os.close(descriptor)
