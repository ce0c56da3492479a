"""`jingui annul`: put right an event that should not have happened, with a second person's agreement."""

from pathlib import Path
from typing import Annotated

import typer

from cli.language import text
from cli.options import Archive, Credential, Json, Lang
from cli.render import emit_json, say
from repository.archive import identify_actor, open_archive
from repository.services.administration import annul


def command(
    position: Annotated[int, typer.Argument(min=1, help=text("annul.position"))],
    reason: Annotated[str, typer.Option("--reason", help=text("option.reason"))],
    approver: Annotated[Path, typer.Option("--approver-credential", help=text("annul.approver"))],
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Annul it."""
    with open_archive(archive, credential) as session:
        second = identify_actor(session.log, session.settings, approver)
        annul(session, position, reason=reason, approver=second)
    if as_json:
        emit_json({"schema": "jingui.annul/1", "position": position})
    else:
        say(text("annul.done", position=position))
