"""`jingui rate`: how satisfied a reader was."""

from typing import Annotated
from uuid import UUID

import typer

from cli.language import text
from cli.options import Archive, Credential, Json, Lang
from cli.render import emit_json, say
from repository.archive import open_archive
from repository.services.requests import rate


def command(
    request: Annotated[UUID, typer.Argument(help=text("request.request"))],
    score: Annotated[int, typer.Argument(min=1, max=5, help=text("rate.score"))],
    comment: Annotated[str | None, typer.Option("--comment", help=text("rate.comment"))] = None,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Write it down."""
    with open_archive(archive, credential) as session:
        rate(session, request, score, comment)
    if as_json:
        emit_json({"schema": "jingui.rate/1", "request": request, "score": score})
    else:
        say(text("rate.done", score=score))
