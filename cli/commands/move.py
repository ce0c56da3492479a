"""`jingui move`: give a description another place, another 档号, or both; the old 档号 goes on leading to it."""

from typing import Annotated

import typer

from cli.commands.describe import named, say_report
from cli.language import text
from cli.options import Archive, Credential, Json, Lang
from repository.archive import open_archive
from repository.services.description import move_record


def command(
    record: Annotated[str, typer.Argument(help=text("show.record"))],
    reason: Annotated[str, typer.Option("--reason", help=text("option.reason"))],
    parent: Annotated[str | None, typer.Option("--parent", help=text("move.parent"))] = None,
    code: Annotated[str | None, typer.Option("--reference-code", help=text("move.code"))] = None,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Move it."""
    with open_archive(archive, credential) as session:
        report = move_record(session, record, parent=parent, reference_code=code, reason=reason)
    say_report(report, text("move.done", record=named(report), position=report.position), as_json=as_json)
