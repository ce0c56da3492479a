"""`jingui witness`: watch somebody's log from outside, with nothing of the archive."""

import signal
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from cli.language import text
from cli.options import Json, Lang
from cli.render import emit_json, flush, say, talk_error
from repository.archive import clock
from repository.errors import ArchiveError
from repository.services.witness import Witnessed, keep_watch, witness


def command(
    source: Annotated[str, typer.Argument(help=text("witness.source"))],
    memory: Annotated[Path, typer.Option("--memory", help=text("witness.memory"))],
    log_key: Annotated[str | None, typer.Option("--log-key", help=text("witness.log-key"), show_default=False)] = None,
    name: Annotated[str, typer.Option("--name", help=text("witness.name"))] = "witness",
    every: Annotated[int | None, typer.Option("--every", min=1, help=text("witness.every"), show_default=False)] = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Look, cosign and remember, once or until told to stop; 23 where history was cut short or rewritten."""
    if every is None:
        _tell(witness(source, memory, clock=clock, log_key=log_key, name=name), memory, as_json=as_json)
        return
    rounds = keep_watch(source, memory, every=every, stop=_told_to_stop(), clock=clock, log_key=log_key, name=name)
    for seen in rounds:
        if isinstance(seen, ArchiveError):
            talk_error(seen, as_json=as_json)
        else:
            _tell(seen, memory, as_json=as_json)
        flush()


def _tell(seen: Witnessed, memory: Path, *, as_json: bool) -> None:
    if as_json:
        emit_json(seen)
        return
    say(text("witness.seen", origin=seen.origin, before=seen.before, size=seen.size))
    say(text("witness.kept", path=memory, key=seen.key))


def _told_to_stop() -> Event:
    """Set by the signals with which a service is stopped: a round that was begun is finished."""
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
