"""`jingui witness`: watch somebody's log from outside, with nothing of the archive."""

from pathlib import Path
from typing import Annotated

import typer

from cli.language import text
from cli.options import Json, Lang
from cli.render import emit_json, say
from repository.archive import clock
from repository.services.witness import witness


def command(
    source: Annotated[str, typer.Argument(help=text("witness.source"))],
    memory: Annotated[Path, typer.Option("--memory", help=text("witness.memory"))],
    log_key: Annotated[str | None, typer.Option("--log-key", help=text("witness.log-key"), show_default=False)] = None,
    name: Annotated[str, typer.Option("--name", help=text("witness.name"))] = "witness",
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Look once, cosign and remember; 23 where history was cut short or rewritten."""
    seen = witness(source, memory, clock=clock, log_key=log_key, name=name)
    if as_json:
        emit_json(seen)
        return
    say(text("witness.seen", origin=seen.origin, before=seen.before, size=seen.size))
    say(text("witness.kept", path=memory, key=seen.key))
