"""Following (跟踪) a piece of work: server-sent events made of what is recorded, so that none is lost or told twice."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from fastapi import Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from api.endpoints import Call
from repository.errors import ArchiveError
from repository.services.dissemination import Happening
from repository.services.session import Session

History = Callable[[Session, UUID], Sequence[Happening]]
"""What has happened to a piece of work, in order; refused to those who may not know of it."""


class Span(msgspec.Struct, frozen=True):
    """What a piece of work begins with, each time that it is asked for, and what it may end with."""

    begins: str
    ends: frozenset[str]

    def is_over(self, events: Sequence[Happening]) -> bool:
        """Whether it ended after it was begun last."""
        told = (event.type for event in reversed(events) if event.type == self.begins or event.type in self.ends)
        return next(told, self.begins) in self.ends


async def stream_of(call: Call, subject: UUID, history: History, span: Span) -> Response:
    """What happens to it, after what `Last-Event-ID` names, until there is nothing to wait for."""
    seen = call.request.headers.get("last-event-id", "").strip()
    if seen and not (seen.isascii() and seen.isdigit() and len(seen) <= 18):
        raise ArchiveError("request-invalid", "Last-Event-ID", reason=seen[:20])
    await run_in_threadpool(history, call.session, subject)
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    told = _told(call, subject, history, span, int(seen or 0))
    return StreamingResponse(told, headers=headers, media_type="text/event-stream")


async def _told(call: Call, subject: UUID, history: History, span: Span, seen: int) -> AsyncIterator[bytes]:
    yield b": jingui\n\n"
    before: tuple[str, int, int] | None = None
    async for progress in call.work.follow(subject):
        events = await run_in_threadpool(history, call.session, subject)
        for event in events:
            if event.position > seen:
                seen = event.position
                yield _line(event.type, {"position": seen, "time": event.time}, seen)
        if span.is_over(events):
            return
        if progress != before and progress is not None:
            before = progress
            yield _line("progress", dict(zip(("step", "done", "total"), progress, strict=True)), None)
        else:
            yield b":\n\n"


def _line(kind: str, data: dict[str, Any], identifier: int | None) -> bytes:
    number = b"" if identifier is None else b"id: %d\n" % identifier
    return number + b"event: %s\ndata: %s\n\n" % (kind.encode(), msgspec.json.encode(data))
