"""`jingui init`: make an archive."""

from pathlib import Path
from typing import Annotated

import typer

from cli.language import text
from cli.options import Credential, Json, Lang
from cli.render import emit_json, say
from repository.archive import SecrecyClass, create_archive


def command(
    folder: Annotated[Path, typer.Argument(help=text("init.folder"))],
    code: Annotated[list[str], typer.Option("--code", help=text("init.code"))],
    name: Annotated[str, typer.Option("--name", help=text("init.name"))],
    administrator: Annotated[str, typer.Option("--administrator", help=text("init.administrator"))],
    ceiling: Annotated[SecrecyClass, typer.Option("--secrecy-ceiling", help=text("init.ceiling"))] = (
        SecrecyClass.INTERNAL
    ),
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Make it, and say where the first credential lies."""
    keep = create_archive(
        folder, codes=tuple(code), administrator=administrator, name=name, ceiling=ceiling, credential=credential
    )
    if as_json:
        emit_json({"schema": "jingui.init/1", "archive": str(folder), "credential": str(keep)})
        return
    say(text("init.done", folder=folder))
    say(text("init.credential", path=keep))
    say(text("init.next", folder=folder))
