"""`jingui export`: records in a form that other systems read, in a new folder."""

from pathlib import Path
from typing import Annotated

import typer

from cli.language import text
from cli.options import Archive, Credential, Json, Lang
from cli.render import emit_json, say, size
from repository.archive import open_archive
from repository.services.exports import Form, export


def command(
    records: Annotated[list[str], typer.Argument(metavar="RECORD...", help=text("export.records"))],
    form: Annotated[Form, typer.Option("--form", help=text("export.form"))],
    to: Annotated[Path, typer.Option("--to", help=text("export.to"))] = Path(),
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Export them."""
    with open_archive(archive, credential) as session:
        report = export(session, records, form, to)
    if as_json:
        emit_json(report)
    else:
        count = len(report.records)
        say(text("export.done", path=report.path, records=count, files=report.files, size=size(report.bytes)))
