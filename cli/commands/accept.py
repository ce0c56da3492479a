"""`jingui accept`: a person takes a delivery, or volumes of it, into custody."""

from typing import Annotated
from uuid import UUID

import typer

from cli.decisions import say_decided
from cli.language import text
from cli.options import Archive, Credential, Json, Lang
from cli.render import progress
from repository.archive import open_archive
from repository.services.accessions import accept_delivery


def command(
    accession: Annotated[UUID, typer.Argument(help=text("accession.which"))],
    volume: Annotated[list[str] | None, typer.Option("--volume", help=text("accept.volume"))] = None,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Accept it."""
    with open_archive(archive, credential) as session, progress(as_json=as_json) as show:
        report = accept_delivery(session, accession, volume or [], show)
    say_decided(report, as_json=as_json)
