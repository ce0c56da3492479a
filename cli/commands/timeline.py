"""`jingui timeline`: everything that happened to a record, or was done by or to a person."""

from typing import Annotated

import typer

from cli.language import text
from cli.options import Archive, AsOf, Credential, Json, Lang
from cli.render import emit_json, say, say_table, when
from repository.archive import open_archive
from repository.services.timeline import Happening, timeline

DATES = {"month": 7, "day": 10, "year": 4}
"""How much of a time is known, by its precision."""


def command(
    named: Annotated[str, typer.Argument(help=text("timeline.named"))],
    as_of: AsOf = None,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Show it in the order of the log, each event with its marks."""
    with open_archive(archive, credential) as session:
        report = timeline(session, named, as_of=as_of)
    if as_json:
        emit_json(report)
        return
    header = [text(f"column.{name}") for name in ("position", "recorded", "occurred", "event", "actor", "mark")]
    say_table(header, map(_row, report.entries))
    say(text("timeline.total", count=len(report.entries), position=report.position))


def _row(entry: Happening) -> tuple[object, ...]:
    marks = [text("timeline.annulled", position=position) for position in entry.annulled]
    marks += [text("timeline.annuls", position=entry.annuls)] if entry.annuls is not None else []
    name = text(f"event.{entry.name}")
    return entry.position, when(entry.recorded_at), _occurred(entry), name, entry.actor_name, ", ".join(marks)


def _occurred(entry: Happening) -> str:
    """When it happened, as exactly as that is known; nothing where the clock that recorded it says so too."""
    if not entry.late:
        return ""
    said = entry.occurred_at
    length = DATES.get(said.precision)
    time = when(said.time) if length is None else said.time[:length]
    source = said.source.replace(" ", "-")
    return f"{time} ({text(f'source.{source}')})"
