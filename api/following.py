"""Following (跟踪) a piece of work: server-sent events made of the log's, so that none is lost or told twice."""

from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

import msgspec
from fastapi import Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from api.endpoints import Call
from repository.errors import ArchiveError
from repository.services.dissemination import Happening, history_of

LAST = frozenset({"AccessRequest.DipRendered", "AccessRequest.Closed"})
"""After one of these there is nothing to wait for."""


async def stream_of(call: Call, request: UUID) -> Response:
    """The events of a request, after the one that `Last-Event-ID` names, until it is ready or closed."""
    seen = call.request.headers.get("last-event-id", "").strip()
    if seen and not (seen.isascii() and seen.isdigit() and len(seen) <= 18):
        raise ArchiveError("request-invalid", "Last-Event-ID", reason=seen[:20])
    await run_in_threadpool(history_of, call.session, request)
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(_told(call, request, int(seen or 0)), headers=headers, media_type="text/event-stream")


async def _told(call: Call, request: UUID, seen: int) -> AsyncIterator[bytes]:
    yield b": jingui\n\n"
    last: tuple[str, int, int] | None = None
    async for progress in call.work.follow(request):
        events = await run_in_threadpool(history_of, call.session, request)
        for event in events:
            if event.position > seen:
                seen = event.position
                yield _line(event.type, {"position": seen, "time": event.time}, seen)
        if _is_over(events):
            return
        if progress != last and progress is not None:
            last = progress
            yield _line("progress", dict(zip(("step", "done", "total"), progress, strict=True)), None)
        else:
            yield b":\n\n"


def _is_over(events: Sequence[Happening]) -> bool:
    return any(event.type in LAST for event in events)


def _line(kind: str, data: dict[str, Any], identifier: int | None) -> bytes:
    number = b"" if identifier is None else b"id: %d\n" % identifier
    return number + b"event: %s\ndata: %s\n\n" % (kind.encode(), msgspec.json.encode(data))
