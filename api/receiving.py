"""Receiving (接收上传) bytes that come in parts: those that came before a connection broke are kept, durable."""

from contextlib import AbstractContextManager
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from api.endpoints import Call
from repository.errors import ArchiveError

PARTS = "application/offset+octet-stream"
TOGETHER = 1 << 20
"""Bytes that are written together: a thread is changed for a megabyte and not for each packet."""


async def receive_part(call: Call, opened: AbstractContextManager[tuple[Any, int]]) -> None:
    """Write a request's body to what is opened, no more of it than there is room for. `media-type-unknown`."""
    if call.request.headers.get("content-type", "").partition(";")[0].strip() != PARTS:
        raise ArchiveError("media-type-unknown", PARTS)
    part, room_left = await run_in_threadpool(opened.__enter__)
    failure: BaseException | None = None
    try:
        await _write(call, part, room_left)
    except ClientDisconnect as error:
        failure = error
    except BaseException as error:
        failure = error
        raise
    finally:
        await run_in_threadpool(opened.__exit__, type(failure) if failure else None, failure, None)


async def _write(call: Call, part: Any, room_left: int) -> None:
    waiting, size = [], 0
    try:
        async for piece in call.request.stream():
            room_left -= len(piece)
            if room_left < 0:
                raise ArchiveError("upload-too-long", call.request.url.path.rsplit("/", 1)[-1])
            waiting.append(piece)
            size += len(piece)
            if size >= TOGETHER:
                await run_in_threadpool(part.write, b"".join(waiting))
                waiting, size = [], 0
    finally:
        if waiting:
            await run_in_threadpool(part.write, b"".join(waiting))
