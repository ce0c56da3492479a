"""`jingui events`: the log itself, one event a line."""

from typing import Annotated

import msgspec
import typer

from cli.language import text
from cli.options import Archive, Credential, Json, Lang
from cli.render import emit_json, flush, say, when
from repository.archive import open_archive
from repository.services.feed import read_events


def command(
    record: Annotated[str | None, typer.Option("--record", help=text("events.record"))] = None,
    after: Annotated[str, typer.Option("--after", help=text("events.after"))] = "0",
    until: Annotated[str | None, typer.Option("--until", "--upto", help=text("events.until"))] = None,
    types: Annotated[str, typer.Option("--types", help=text("events.types"), show_default=False)] = "",
    follow: Annotated[bool, typer.Option("--follow", help=text("events.follow"))] = False,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Print them; with --json as NDJSON, envelope and payload as they are stored."""
    if follow and record is not None:
        raise typer.BadParameter(text("events.follow.record"), param_hint="--follow")
    named = [name.strip() for name in types.split(",") if name.strip()]
    with open_archive(archive, credential) as session:
        for event in read_events(session, record=record, after=after, upto=until, types=named, follow=follow):
            if as_json:
                emit_json(
                    {
                        "schema": "jingui.event/1",
                        "envelope": msgspec.Raw(event.envelope),
                        "salt": event.salt.hex() if event.salt else None,
                        "payload": msgspec.Raw(event.payload) if event.payload else None,
                    }
                )
            else:
                envelope = msgspec.json.decode(event.envelope)
                say(f"{event.position:>8}  {when(envelope['recorded_at'])}  {event.type:<32}  {envelope['stream']}")
                if follow:
                    flush()
