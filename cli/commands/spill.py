"""`jingui spill`: files that should never have come into the archive are taken out of every copy within reach."""

from typing import Annotated

import typer

from cli.commands.expunge import say_removal
from cli.language import text
from cli.options import Archive, Credential, Json, Lang, OnBehalfOf
from repository.archive import open_archive
from repository.services.spill import propose_spill


def command(
    record: Annotated[str | None, typer.Argument(help=text("show.record"))] = None,
    file: Annotated[list[str] | None, typer.Option("--file", help=text("spill.file"))] = None,
    sha256: Annotated[list[str] | None, typer.Option("--sha256", help=text("spill.sha256"))] = None,
    words: Annotated[list[str] | None, typer.Option("--words", help=text("expunge.words"))] = None,
    basis: Annotated[str, typer.Option("--legal-basis", help=text("expunge.basis"))] = "",
    reason: Annotated[str, typer.Option("--reason", help=text("option.reason"))] = "",
    on_behalf_of: OnBehalfOf = None,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Ask for it; somebody else approves with `jingui expunge approve`."""
    with open_archive(archive, credential, on_behalf_of=on_behalf_of) as session:
        report = propose_spill(
            session,
            record,
            files=file or (),
            digests=sha256 or (),
            words=words or (),
            legal_basis=basis,
            reason=reason,
        )
    say_removal(report, as_json=as_json)
