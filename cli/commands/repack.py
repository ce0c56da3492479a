"""`jingui repack`: let packages tell what the log now knows of their descriptions, so many at a time."""

from typing import Annotated

import typer

from cli.language import text
from cli.options import Archive, Credential, Json, Lang
from cli.render import emit_json, progress, say
from repository.archive import open_archive
from repository.services.revision import repack


def command(
    budget: Annotated[int, typer.Option("--budget", min=1, max=1000, help=text("repack.budget"))] = 100,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Make their next versions."""
    with open_archive(archive, credential) as session, progress(as_json=as_json) as show:
        report = repack(session, budget=budget, progress=show)
    if as_json:
        emit_json(report)
        return
    say(text("repack.done", stored=report.stored, lagging=report.lagging))
    for package, code in report.passed_over.items():
        say(text("repack.passed-over", package=package, code=code))
