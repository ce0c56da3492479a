"""`jingui revise`: put other words into fields of a description, with the reason."""

from typing import Annotated

import typer

from cli.commands.describe import named, parsed, say_report
from cli.language import text
from cli.options import Archive, Credential, Json, Lang
from repository.archive import open_archive
from repository.services.description import revise_record


def command(
    record: Annotated[str, typer.Argument(help=text("show.record"))],
    put: Annotated[list[str], typer.Option("--set", metavar="FIELD=WORDS", help=text("describe.set"))],
    reason: Annotated[str, typer.Option("--reason", help=text("option.reason"))],
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Revise it."""
    with open_archive(archive, credential) as session:
        report = revise_record(session, record, words=parsed(put), reason=reason)
    say_report(report, text("revise.done", record=named(report), position=report.position), as_json=as_json)
