"""`jingui restore`: an archive comes back from one store alone."""

from pathlib import Path
from typing import Annotated

import typer

from cli.language import text
from cli.options import Json, Lang
from cli.render import emit_json, progress, say
from repository.archive import clock
from repository.services.restoring import restore_archive

LACKING = 20


def command(
    from_store: Annotated[Path, typer.Option("--from-store", help=text("restore.from-store"), show_default=False)],
    to: Annotated[Path, typer.Option("--to", help=text("restore.to"), show_default=False)],
    share: Annotated[list[Path] | None, typer.Option("--share", help=text("restore.share"), show_default=False)] = None,
    log_key: Annotated[str | None, typer.Option("--log-key", help=text("audit.log-key"), show_default=False)] = None,
    as_json: Json = False,
    lang: Lang = None,
) -> int:
    """Bring it back; 20 when something that the log speaks of did not come back, 23 when the history is false."""
    with progress(as_json=as_json) as show:
        done = restore_archive(from_store, to, shares=tuple(share or ()), log_key=log_key, clock=clock, progress=show)
    if as_json:
        emit_json(done)
    else:
        say(text("restore.log", events=done.events, proven=done.proven, root=done.root))
        say(text("restore.packages", versions=done.versions, files=done.files, path=done.path))
        if done.opened is not None:
            say(text("restore.opened", count=done.opened))
        for one in done.lacking:
            words = text(f"restore.lacks.{one.what}"), text(f"restore.why.{one.why.replace(' ', '-')}")
            say(f"  {words[0]} {one.thing}: {words[1]} {one.path}".rstrip())
        say(text("restore.whole" if done.is_whole else "restore.lacking", count=len(done.lacking)))
    return 0 if done.is_whole else LACKING
