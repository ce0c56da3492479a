"""`jingui events`: the log itself, one event a line."""

from typing import Annotated

import msgspec
import typer

from cli.language import text
from cli.options import Archive, Credential, Json, Lang
from cli.render import emit_json, say, when
from repository.archive import open_archive
from repository.services.search import read_events


def command(
    record: Annotated[str | None, typer.Option("--record", help=text("events.record"))] = None,
    after: Annotated[int, typer.Option("--after", min=0, help=text("events.after"))] = 0,
    upto: Annotated[int | None, typer.Option("--upto", min=1, help=text("events.upto"))] = None,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Print them; with --json as NDJSON, envelope and payload as they are stored."""
    with open_archive(archive, credential) as session:
        for event in read_events(session, record=record, after=after, upto=upto):
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
