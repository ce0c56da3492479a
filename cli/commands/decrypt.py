"""`jingui decrypt`: a record's files as they are to read, for those who may see them."""

from pathlib import Path
from typing import Annotated

import typer

from cli.language import text
from cli.options import Archive, Credential, Json, Lang, OnBehalfOf
from cli.render import emit_json, say, size
from repository.archive import open_archive
from repository.services.decryption import decrypt


def command(
    record: Annotated[str, typer.Argument(help=text("show.record"))],
    to: Annotated[Path, typer.Option("--to", help=text("decrypt.to"))],
    purpose: Annotated[str, typer.Option("--purpose", help=text("decrypt.purpose"))],
    file: Annotated[list[str] | None, typer.Option("--file", help=text("decrypt.file"))] = None,
    on_behalf_of: OnBehalfOf = None,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Write them into a folder."""
    with open_archive(archive, credential, on_behalf_of=on_behalf_of) as session:
        report = decrypt(session, record, to, paths=file or (), purpose=purpose)
    if as_json:
        emit_json(report)
    else:
        say(text("decrypt.done", path=report.path, files=report.files, size=size(report.bytes)))
        say(text("view.recorded", request=report.request))
