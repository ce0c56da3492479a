"""`jingui serve`: the archive over HTTP, for programs."""

import os
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from cli.language import language, text
from cli.options import Archive, Credential, Json, Lang


def command(
    host: Annotated[str, typer.Option("--host", help=text("serve.host"))] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help=text("serve.port"))] = 8080,
    tls_cert: Annotated[Path | None, typer.Option("--tls-cert", help=text("serve.tls-cert"))] = None,
    tls_key: Annotated[Path | None, typer.Option("--tls-key", help=text("serve.tls-key"))] = None,
    behind_proxy: Annotated[bool, typer.Option("--behind-proxy", help=text("serve.behind-proxy"))] = False,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Become the server: this process turns into it, so that whoever started this one can stop that one."""
    serving = {
        "archive": archive,
        "credential": credential,
        "host": host,
        "port": port,
        "tls_cert": tls_cert,
        "tls_key": tls_key,
        "behind_proxy": behind_proxy,
        "language": language(),
        "as_json": as_json,
    }
    wish = msgspec.json.encode(serving, enc_hook=str).decode()
    os.execv(sys.executable, [sys.executable, "-m", "api", wish])  # noqa: S606 - this very interpreter, no shell
