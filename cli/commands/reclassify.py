"""`jingui reclassify`: let a record lie in the store as its class asks, after two people changed the class."""

from typing import Annotated

import typer

from cli.language import text
from cli.options import Archive, Credential, Json, Lang
from cli.render import emit_json, progress, say
from repository.archive import open_archive
from repository.services.reclassification import reclassify


def command(
    record: Annotated[str, typer.Argument(help=text("show.record"))],
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Carry it out, or go on with it."""
    with open_archive(archive, credential) as session, progress(as_json=as_json) as show:
        report = reclassify(session, record, show)
    if as_json:
        emit_json(report)
        return
    say(text(f"reclassify.{report.outcome}", count=len(report.packages)))
    for one in report.unreached:
        say(text(f"unreached.{one.place}", thing=one.thing))
