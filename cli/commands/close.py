"""`jingui close`: close a fonds, series or volume, so that nothing more is placed below it."""

from typing import Annotated

import typer

from cli.commands.describe import named, say_report
from cli.language import text
from cli.options import Archive, Credential, Json, Lang
from repository.archive import open_archive
from repository.services.description import close_record


def command(
    record: Annotated[str, typer.Argument(help=text("show.record"))],
    reason: Annotated[str, typer.Option("--reason", help=text("option.reason"))],
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Close it."""
    with open_archive(archive, credential) as session:
        report = close_record(session, record, reason=reason)
    say_report(report, text("close.done", record=named(report), position=report.position), as_json=as_json)
