"""`jingui handover`: print the form that both sides sign, or keep the signed one."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from cli.language import text
from cli.options import Archive, Credential, Json, Lang
from cli.render import emit_json, say
from repository.archive import open_archive
from repository.services.handover import print_handover, sign_handover


def command(
    accession: Annotated[UUID, typer.Argument(help=text("accession.which"))],
    out: Annotated[Path | None, typer.Option("--out", help=text("handover.out"), show_default=False)] = None,
    signed: Annotated[Path | None, typer.Option("--signed", help=text("handover.scan"), show_default=False)] = None,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Do the one or the other."""
    if (out is None) == (signed is None):
        raise typer.BadParameter(text("handover.either"), param_hint="--out, --signed")
    with open_archive(archive, credential) as session:
        if out is not None:
            report = print_handover(session, accession, out)
        elif signed is not None:
            report = sign_handover(session, accession, signed)
    if as_json:
        emit_json(report)
    else:
        where = report.path or report.package
        say(text(f"handover.done-{report.outcome}", where=where, accession=accession, sha256=report.sha256))
