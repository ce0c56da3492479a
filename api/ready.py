"""Answers that are ready (现成的回答): while the log stands where it stood, a question has one answer.

Everything that can be read is made of the log, so the same question of the same key has the same answer, byte for byte.

A handler says that its answer is of this kind (`reads`). What depends on the time too - a key that ends, an opening
date - may be late by one second, no more. Looking anything up here asks the log for its position and nothing else.
"""

import time
from collections import OrderedDict
from collections.abc import Callable

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.observing import take_down
from repository.archive import Served

KEPT = 1_024
"""Answers at most."""
LARGEST = 65_536
"""Bytes of an answer that is kept."""
LIFETIME = 1.0
"""Seconds."""

Question = tuple[bytes, bytes, bytes, bytes, bytes]
"""Path, query, key, in whose name, language."""


class Kept(msgspec.Struct, frozen=True):
    """An answer as it was sent, when and where in the log that was, and for whose log line."""

    position: int
    until: float
    start: Message
    body: Message
    route: object
    actor: object


class Ready:
    """A layer that answers what it answered a moment ago, while nothing has happened since."""

    def __init__(self, app: ASGIApp, served: Served, clock: Callable[[], float] = time.monotonic) -> None:
        self._app, self._log, self._clock = app, served.base.log, clock
        self._kept: OrderedDict[Question, Kept] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer at once, or pass the question on and keep the answer if it may be kept."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        started, question = time.perf_counter(), _question(scope)
        kept = self._kept.get(question)
        if kept is not None and self._clock() < kept.until and kept.position == self._log.position():
            scope["route"] = kept.route
            scope.setdefault("state", {})["actor"] = kept.actor
            await send(kept.start)
            await send(kept.body)
            take_down(scope, 200, len(kept.body["body"]), time.perf_counter() - started)
            return
        parts: list[Message] = []

        async def watched(message: Message) -> None:
            parts.append(message)
            await send(message)

        await self._app(scope, receive, watched)
        self._keep(question, scope, parts)

    def _keep(self, question: Question, scope: Scope, parts: list[Message]) -> None:
        """Keep an answer that says of itself at which position it was begun; not streams, not refusals."""
        position = scope.get("state", {}).get("position")
        if position is None or len(parts) != 2 or parts[0]["status"] != 200 or len(parts[1]["body"]) > LARGEST:
            return
        until = self._clock() + LIFETIME
        start, body = parts
        self._kept[question] = Kept(position, until, start, body, scope.get("route"), scope["state"].get("actor"))
        self._kept.move_to_end(question)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)


def _question(scope: Scope) -> Question:
    key = principal = language = b""
    for name, value in scope["headers"]:
        if name == b"authorization":
            key = value
        elif name == b"on-behalf-of":
            principal = value
        elif name == b"accept-language":
            language = value
    return scope.get("raw_path") or scope["path"].encode(), scope["query_string"], key, principal, language
