"""Observing (观测): every request counted, timed and logged as one JSON line - without a name, an address or a word.

What a reader asked for stands in the event log under their identity, where it belongs; the server's own log knows the
route's template, never its values, and the agent's id.
"""

import logging
import os
import sys
import time
from datetime import UTC, datetime

import msgspec
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_encode = msgspec.json.Encoder().encode


class Metrics:
    """The counters of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self._requests = Counter("jingui_requests", "Requests answered", labels, registry=self.registry)
        self._seconds = Histogram("jingui_request_seconds", "Time to the last byte", ("route",), registry=self.registry)
        self._sent = Counter("jingui_sent_bytes", "Bytes of answers' contents", registry=self.registry)
        self.position = Gauge("jingui_log_position", "Last position of the event log", registry=self.registry)
        self.waiting = Gauge("jingui_work_waiting", "Pieces of work queued or under way", registry=self.registry)
        self._of: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def count(self, method: str, route: str, status: int, sent: int, took: float) -> None:
        """Take down one request."""
        place = method, route, status
        if place not in self._of:
            self._of[place] = self._requests.labels(method, route, str(status)), self._seconds.labels(route)
        requests, seconds = self._of[place]
        requests.inc()
        seconds.observe(took)
        self._sent.inc(sent)

    def text(self) -> bytes:
        """All of them, in the text form."""
        return generate_latest(self.registry)


class Observing:
    """The layer that sees every answer that is made."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and take down how it went."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status, sent = time.perf_counter(), 0, 0

        async def watched(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                sent += message["count"] if "count" in message else len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            take_down(scope, status, sent, time.perf_counter() - started)


def take_down(scope: Scope, status: int, sent: int, took: float) -> None:
    """Count a request that was answered, and write its line."""
    route = getattr(scope.get("route"), "path", "-")
    metrics_of(scope["app"]).count(scope["method"], route, status, sent, took)
    if _Lines.descriptor is not None:
        _tell(scope, route, status, sent, took)


def metrics_of(app: FastAPI) -> Metrics:
    """The application's counters, made when they are first asked for."""
    if not hasattr(app.state, "metrics"):
        app.state.metrics = Metrics()
    metrics: Metrics = app.state.metrics
    return metrics


class _Lines:
    """Where request lines go: nowhere, until a server has begun to log."""

    descriptor: int | None = None


def _tell(scope: Scope, route: str, status: int, sent: int, took: float) -> None:
    """One line for a request, written in one piece so that no other line can stand in the middle of it."""
    state = scope.get("state", {})
    line = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "level": "info",
        "logger": "jingui.request",
        "event": "request",
        "method": scope["method"],
        "route": route,
        "status": status,
        "bytes": sent,
        "ms": round(took * 1000, 1),
        "agent": state.get("actor"),
        "code": state.get("code"),
    }
    os.write(_Lines.descriptor or 2, _encode(line) + b"\n")


class JsonLines(logging.Formatter):
    """A log record as one JSON object; of an error its type and where it was raised, never its words."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line |= _trace(record.exc_info[1])
        return _encode(line).decode()


def _trace(error: BaseException) -> dict[str, object]:
    places = []
    at = error.__traceback__
    while at is not None:
        places.append(f"{at.tb_frame.f_code.co_qualname}:{at.tb_lineno}")
        at = at.tb_next
    return {"error": type(error).__name__, "cause": type(error.__cause__).__name__, "at": places[-6:]}


def start_logging() -> None:
    """Everything that this process and its server say goes to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(logging.INFO)
    _Lines.descriptor = sys.stderr.fileno()
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = name != "uvicorn.access"
