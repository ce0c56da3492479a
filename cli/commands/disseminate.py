"""`jingui disseminate`: hand out a record as a dissemination package."""

from pathlib import Path
from typing import Annotated

import typer

from cli.language import text
from cli.options import Archive, AsOf, Credential, Json, Lang
from cli.render import emit_json, say, size
from repository.archive import open_archive
from repository.services.access import disseminate
from repository.services.dip_forms import FORMS, Wish, read_pages


def command(
    record: Annotated[str, typer.Argument(help=text("show.record"))],
    purpose: Annotated[str, typer.Option("--purpose", help=text("disseminate.purpose"))],
    to: Annotated[Path, typer.Option("--to", help=text("disseminate.to"))] = Path(),
    file: Annotated[list[str] | None, typer.Option("--file", help=text("disseminate.file"))] = None,
    form: Annotated[str, typer.Option("--form", help=text("disseminate.form"), metavar="|".join(FORMS))] = "bag",
    pages: Annotated[str | None, typer.Option("--pages", help=text("disseminate.pages"))] = None,
    width: Annotated[int | None, typer.Option("--width", help=text("disseminate.width"))] = None,
    recipient: Annotated[str | None, typer.Option("--recipient", help=text("disseminate.recipient"))] = None,
    as_of: AsOf = None,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Hand it out."""
    wish = Wish(form=form, pages=read_pages(pages) if pages is not None else (), width=width)
    with open_archive(archive, credential) as session:
        report = disseminate(
            session,
            record,
            paths=file or (),
            purpose=purpose,
            target=to,
            wish=wish,
            as_of=as_of,
            recipient=recipient,
        )
    if as_json:
        emit_json(report)
        return
    say(text("disseminate.done", path=report.path, files=report.files, size=size(report.bytes)))
    say(text("disseminate.source", package=report.package, version=report.version, event=report.stored_event))
    if report.proof is None:
        say(text("disseminate.unproven", event=report.stored_event))
    else:
        say(text("disseminate.proof", path=report.proof))
