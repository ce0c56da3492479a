"""`jingui merge`: two descriptions that are one record become one; the other leads to it for ever."""

from typing import Annotated

import typer

from cli.commands.describe import named, say_report
from cli.language import text
from cli.options import Archive, Credential, Json, Lang
from repository.archive import open_archive
from repository.services.description import merge_records


def command(
    record: Annotated[str, typer.Argument(help=text("merge.record"))],
    into: Annotated[str, typer.Option("--into", help=text("merge.into"))],
    reason: Annotated[str, typer.Option("--reason", help=text("option.reason"))],
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Merge them."""
    with open_archive(archive, credential) as session:
        report = merge_records(session, record, into=into, reason=reason)
    say_report(report, text("merge.done", record=named(report), into=into, position=report.position), as_json=as_json)
