"""Files sent by the kernel (零拷贝): the ASGI extension `http.response.zerocopysend` for uvicorn, which lacks it.

A big download then costs what the network costs and no copy through this process. Not for TLS, where every byte has to
be encrypted here. The server's own state of the answer - is it over, how much of it is to come - stays the server's.
"""

import asyncio
import os
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

EXTENSION = "http.response.zerocopysend"
AT_ONCE = 1 << 22
AHEAD = 1 << 23
"""Bytes that the kernel is asked to have read before they are sent, so that the loop need not wait for a disk."""
LOOK_AGAIN = 30.0
"""Seconds after which a peer that takes nothing is looked at: it may be gone."""


class _Cycle(RequestResponseCycle):
    """One request and its answer, whose content may be a stretch of an open file."""

    async def send(self, message: Any) -> None:
        """Send what the application says; a stretch of a file without reading it."""
        if message["type"] != EXTENSION:
            await super().send(message)
            return
        start, count = message["offset"], message["count"]
        try:
            await self._send_file(message["file"], start, count)
        except (BrokenPipeError, ConnectionResetError):
            self.disconnected = True  # the peer went away, as peers do
            self.transport.close()
            return
        self.expected_content_length -= count
        await super().send({"type": "http.response.body", "body": b"", "more_body": message.get("more_body", False)})

    async def _send_file(self, file: int, start: int, count: int) -> None:
        loop = asyncio.get_running_loop()
        # a second number of the same socket: the first is the transport's, which nobody else may wait on
        socket = os.dup(self.transport.get_extra_info("socket").fileno())
        over: asyncio.Future[None] = loop.create_future()
        stretch = _Stretch(self, over, socket, file, start, start + count)
        loop.add_writer(socket, stretch.go_on)
        try:
            await over
        finally:
            stretch.looking.cancel()
            loop.remove_writer(socket)
            os.close(socket)


class _Stretch:
    """A stretch of a file on its way; `go_on` is called whenever the peer takes more, `over` set at its end."""

    def __init__(
        self, cycle: _Cycle, over: "asyncio.Future[None]", socket: int, file: int, start: int, end: int
    ) -> None:
        self._cycle, self._over = cycle, over
        self._socket, self._file = socket, file
        self._start = self._asked = start
        self._end = end
        self.looking: asyncio.TimerHandle = over.get_loop().call_later(LOOK_AGAIN, self.look)

    def go_on(self) -> None:
        """Send as much as the peer takes now, once the headers before it have left."""
        if self._over.done() or (self._cycle.transport.get_write_buffer_size() and not self._cycle.disconnected):
            return
        try:
            self._send()
        except BlockingIOError:
            return
        except OSError as error:
            self._over.set_exception(error)
            return
        if self._start >= self._end or self._cycle.disconnected:
            self._over.set_result(None)

    def look(self) -> None:
        """A peer that takes nothing may be gone."""
        if self._cycle.disconnected and not self._over.done():
            self._over.set_result(None)
        self.looking = self._over.get_loop().call_later(LOOK_AGAIN, self.look)

    def _send(self) -> None:
        if self._asked < min(self._start + AHEAD // 2, self._end):
            os.posix_fadvise(self._file, self._asked, AHEAD, os.POSIX_FADV_WILLNEED)
            self._asked += AHEAD
        if self._start < self._end and not self._cycle.disconnected:
            sent = os.sendfile(self._socket, self._file, self._start, min(AT_ONCE, self._end - self._start))
            if not sent:
                raise ConnectionResetError("the file is shorter than it was")
            self._start += sent


class FileSendingProtocol(HttpToolsProtocol):
    """uvicorn's protocol with the extension."""

    def on_message_begin(self) -> None:
        """A request begins: say what can be done with its answer."""
        super().on_message_begin()
        if self.scheme == "http":
            self.scope["extensions"] = {EXTENSION: {}}

    def on_headers_complete(self) -> None:
        """The answer's state was made; from here on it knows of files. No part of it has run yet."""
        super().on_headers_complete()
        if type(self.cycle) is RequestResponseCycle:
            self.cycle.__class__ = _Cycle
