"""`jingui statement`: what a contractor delivered in a period, and what of it is payable."""

from pathlib import Path
from typing import Annotated

import typer

from cli.language import text
from cli.options import Archive, AsOf, Credential, Json, Lang
from cli.render import emit_json, say, say_table
from repository.archive import open_archive
from repository.services.statement import StatementReport, statement, write_statement

COLUMNS = ("delivered", "returned", "passed", "payable")


def command(
    contractor: Annotated[str, typer.Option("--contractor", help=text("statement.contractor"))],
    first: Annotated[str | None, typer.Option("--from", help=text("statement.from"), show_default=False)] = None,
    last: Annotated[str | None, typer.Option("--to", help=text("statement.to"), show_default=False)] = None,
    xlsx: Annotated[Path | None, typer.Option("--xlsx", help=text("statement.xlsx"), show_default=False)] = None,
    as_of: AsOf = None,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Account for it."""
    with open_archive(archive, credential) as session:
        report = statement(session, contractor=contractor, first=first, last=last, as_of=as_of)
    if xlsx is not None:
        write_statement(xlsx, report)
    if as_json:
        emit_json(report)
        return
    _say(report)
    if xlsx is not None:
        say(text("statement.written", path=xlsx))


def _say(report: StatementReport) -> None:
    say(text("statement.head", contractor=report.contractor, first=report.first or "…", last=report.last or "…"))
    rows: list[tuple[object, ...]] = [
        (one.delivered, one.returned, one.passed_first_time, one.payable, one.accession) for one in report.lines
    ]
    rows.append((report.delivered, report.returned, report.passed_first_time, report.payable, text("statement.total")))
    say_table([text(f"column.{name}") for name in (*COLUMNS, "accession")], rows)
