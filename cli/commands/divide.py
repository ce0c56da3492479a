"""`jingui divide`: one description that was several records becomes several, each with its pages."""

from typing import Annotated

import typer

from cli.commands.describe import named, say_report
from cli.language import text
from cli.options import Archive, Credential, Json, Lang
from repository.archive import open_archive
from repository.services.description import PartRequest, divide_record


def command(
    record: Annotated[str, typer.Argument(help=text("show.record"))],
    part: Annotated[list[str], typer.Option("--part", metavar="档号|PAGES|TITLE", help=text("divide.part"))],
    reason: Annotated[str, typer.Option("--reason", help=text("option.reason"))],
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Divide it."""
    parts = [_part(words) for words in part]
    with open_archive(archive, credential) as session:
        report = divide_record(session, record, parts=parts, reason=reason)
    words = text("divide.done", record=named(report), parts=len(report.others), position=report.position)
    say_report(report, words, as_json=as_json)


def _part(words: str) -> PartRequest:
    """One part, its title last: a title may hold anything."""
    pieces = words.split("|", 2)
    if len(pieces) < 3:
        raise typer.BadParameter(words, param_hint="--part")
    code, pages, title = (piece.strip() for piece in pieces)
    return PartRequest(reference_code=code, pages=pages, title=title)
