"""The server (服务器): one process on one address, in the clear only where nobody else can listen."""

import ipaddress
import logging
import os
import signal
import socket
import ssl
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType

import msgspec
import uvicorn

from api.application import application
from api.language import text
from api.link import MINUTES, Link
from api.observing import start_logging
from api.zero_copy import FileSendingProtocol
from repository.archive import serve_archive
from repository.errors import ArchiveError
from repository.services.keys import may_administer

GRACE = 30
"""Seconds that open answers have to end when the server is asked to stop."""

_log = logging.getLogger("jingui.server")


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """What is served, where, and to whom."""

    archive: Path | None
    credential: Path | None
    host: str = "127.0.0.1"
    port: int = 8080
    tls_cert: Path | None = None
    tls_key: Path | None = None
    behind_proxy: bool = False
    language: str = "zh"
    as_json: bool = False

    @property
    def scheme(self) -> str:
        """Of the addresses under which it is reached directly."""
        return "https" if self.tls_cert else "http"


def expect_private(serving: Serving) -> None:
    """Refuse to send records over a network in the clear (`serve-exposed`); `tls-invalid` for half a certificate."""
    encrypted = serving.tls_cert is not None and serving.tls_key is not None
    if (serving.tls_cert is None) != (serving.tls_key is None):
        raise ArchiveError("tls-invalid", serving.tls_cert or serving.tls_key, reason="--tls-cert + --tls-key")
    if encrypted:
        try:
            ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(serving.tls_cert or "", serving.tls_key)
        except (OSError, ssl.SSLError) as error:
            raise ArchiveError("tls-invalid", serving.tls_cert, reason=error.strerror or error) from error
    if not encrypted and not serving.behind_proxy and not is_loopback(serving.host):
        raise ArchiveError("serve-exposed", serving.host)


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's alone. A name is believed only if it is `localhost`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def serve(serving: Serving, say: Callable[[dict[str, object]], None]) -> None:
    """Serve until asked to stop (SIGTERM, SIGINT): answers under way end, then the archive is closed.

    `say` is told the address - with the port that the system chose for port 0 - and the one-time link.
    """
    expect_private(serving)
    start_logging()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _heard)
    with serve_archive(serving.archive, serving.credential) as served:
        served.base.require("work")
        link = Link(served.base.clock) if may_administer(served.base) else None
        app = application(served, link=link)
        with _listening(serving) as listener:
            port = listener.getsockname()[1]
            config = uvicorn.Config(
                app,
                http=FileSendingProtocol,
                loop="uvloop",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=True,
                proxy_headers=False,
                ssl_certfile=serving.tls_cert,
                ssl_keyfile=serving.tls_key,
                timeout_graceful_shutdown=GRACE,
                lifespan="on",
            )
            url = f"{serving.scheme}://{_written(serving.host)}:{port}"
            said: dict[str, object] = {"schema": "jingui.serve/1", "url": url, "port": port, "process": os.getpid()}
            if link is not None:
                said["link"] = f"{url}/link/{link.token}"
            _Server(config, lambda: say(said)).run(sockets=[listener])
    _log.info("stopped")


class _Server(uvicorn.Server):
    """Tells when it can be reached, not before."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        if self.started:
            self._ready()


def _heard(_number: int, _frame: FrameType | None) -> None:
    """The server itself listens to signals and repeats them when it has ended: then it is time to close the archive."""


def _listening(serving: Serving) -> socket.socket:
    family = socket.AF_INET6 if ":" in serving.host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((serving.host, serving.port))
    except OSError as error:
        listener.close()
        raise ArchiveError("serve-busy", f"{serving.host}:{serving.port}", reason=error.strerror) from error
    return listener


def _written(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def say_to(serving: Serving) -> Callable[[dict[str, object]], None]:
    """How to tell: one JSON object, or words."""

    def say(said: dict[str, object]) -> None:
        if serving.as_json:
            line = msgspec.json.encode(said).decode()
        else:
            line = text("serve.ready", serving.language, url=said["url"])
            if "link" in said:
                line += "\n" + text("serve.link", serving.language, minutes=MINUTES, url=said["link"])
        with suppress(BrokenPipeError):
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()

    return say
