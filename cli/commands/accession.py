"""`jingui accession`: how an accession stands, unit by unit."""

from typing import Annotated
from uuid import UUID

import typer

from cli.language import text
from cli.options import Archive, AsOf, Credential, Json, Lang
from cli.render import emit_json, say, say_table
from repository.archive import open_archive
from repository.services.accessions import show_accession


def command(
    accession: Annotated[UUID, typer.Argument(help=text("accession.which"))],
    as_of: AsOf = None,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Show it."""
    with open_archive(archive, credential) as session:
        report = show_accession(session, accession, as_of=as_of)
    if as_json:
        emit_json(report)
        return
    say(
        text(
            "accession.head",
            accession=report.accession,
            number=report.transfer_number or "-",
            stage=text(f"stage.{report.stage}"),
            delivery=report.delivery,
            handover=text(f"handover.{report.handover}"),
        )
    )
    if (terms := report.terms) is not None:
        opinion = terms.opening_opinion if isinstance(terms.opening_opinion, str) else None
        say(
            text(
                "accession.terms",
                agreement=terms.agreement or "-",
                medium=terms.medium or "-",
                opinion=opinion or "-",
            )
        )
    for reason in report.reasons:
        say(text("accession.reason", reason=reason))
    rows = [(one.reference_code, one.unit, text(f"stage.{one.standing}"), one.package) for one in report.units]
    say_table([text(f"column.{name}") for name in ("code", "unit", "stage", "package")], rows)
