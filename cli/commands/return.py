"""`jingui return`: a person gives a delivery, or volumes of it, back."""  # noqa: N999 - the command is called so, and loaded by its name

from typing import Annotated
from uuid import UUID

import typer

from cli.decisions import say_decided
from cli.language import text
from cli.options import Archive, Credential, Json, Lang
from cli.render import progress
from repository.archive import open_archive
from repository.services.accessions import return_delivery


def command(
    accession: Annotated[UUID, typer.Argument(help=text("accession.which"))],
    reason: Annotated[str, typer.Option("--reason", help=text("option.reason"))],
    volume: Annotated[list[str] | None, typer.Option("--volume", help=text("return.volume"))] = None,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Give it back."""
    with open_archive(archive, credential) as session, progress(as_json=as_json) as show:
        report = return_delivery(session, accession, volume or [], reason, show)
    say_decided(report, as_json=as_json)
