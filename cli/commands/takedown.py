"""`jingui takedown`: take a record out of use at once; a second person confirms it later, or restores what was."""

from typing import Annotated

import typer

from cli.language import text
from cli.options import Archive, Credential, Json, Lang, OnBehalfOf
from cli.render import emit_json, say
from repository.archive import open_archive
from repository.services.opening import settle, take_down


def command(
    record: Annotated[str, typer.Argument(help=text("show.record"))],
    reason: Annotated[str, typer.Option("--reason", help=text("option.reason"))],
    confirm: Annotated[bool, typer.Option("--confirm", help=text("takedown.confirm"))] = False,
    restore: Annotated[bool, typer.Option("--restore", help=text("takedown.restore"))] = False,
    on_behalf_of: OnBehalfOf = None,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Take it down, confirm, or restore."""
    if confirm and restore:
        raise typer.BadParameter(text("takedown.either"), param_hint="--confirm")
    with open_archive(archive, credential, on_behalf_of=on_behalf_of) as session:
        if confirm or restore:
            package = settle(session, record, confirm=confirm, reason=reason)
        else:
            package = take_down(session, record, reason)
    outcome = "confirmed" if confirm else "restored" if restore else "taken-down"
    if as_json:
        emit_json({"schema": "jingui.takedown/1", "package": package, "outcome": outcome})
    else:
        say(text(f"takedown.{outcome}", package=package))
