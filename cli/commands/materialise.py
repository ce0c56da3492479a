"""`jingui materialise`: lay out a stored package as a bag, every byte checked on the way."""

from pathlib import Path
from typing import Annotated

import typer

from cli.language import text
from cli.options import Archive, AsOf, Credential, Json, Lang
from cli.render import emit_json, say, size
from repository.archive import open_archive
from repository.services.preservation import materialise


def command(
    record: Annotated[str, typer.Argument(help=text("show.record"))],
    to: Annotated[Path, typer.Option("--to", help=text("materialise.to"))] = Path(),
    as_of: AsOf = None,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Lay it out."""
    with open_archive(archive, credential) as session:
        report = materialise(session, record, to, as_of=as_of)
    if as_json:
        emit_json(report)
    else:
        say(text("materialise.done", path=report.path, files=report.files, size=size(report.bytes)))
