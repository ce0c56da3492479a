"""`jingui hold`: keep a record from being destroyed, or release it."""

from typing import Annotated
from uuid import UUID

import typer

from cli.language import text
from cli.options import Archive, Credential, Json, Lang
from cli.render import emit_json, say
from repository.archive import open_archive
from repository.services.opening import place_hold, release_hold


def command(
    record: Annotated[str, typer.Argument(help=text("show.record"))],
    reason: Annotated[str, typer.Option("--reason", help=text("option.reason"))],
    release: Annotated[UUID | None, typer.Option("--release", help=text("hold.release"))] = None,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Place it or release it."""
    with open_archive(archive, credential) as session:
        if release is None:
            hold = place_hold(session, record, reason)
        else:
            hold = release
            release_hold(session, record, release, reason)
    if as_json:
        emit_json({"schema": "jingui.hold/1", "hold": hold, "released": release is not None})
    else:
        say(text("hold.placed" if release is None else "hold.released", hold=hold))
