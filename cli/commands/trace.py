"""`jingui trace`: the chain from a delivery to its readers, from any of its members."""

from typing import Annotated

import typer

from cli.language import text
from cli.options import Archive, AsOf, Credential, Json, Lang
from cli.render import emit_json, say, say_table, when
from repository.archive import open_archive
from repository.services.tracing import trace


def command(
    named: Annotated[str, typer.Argument(help=text("trace.named"))],
    as_of: AsOf = None,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Show what led to it and what came of it."""
    with open_archive(archive, credential) as session:
        report = trace(session, named, as_of=as_of)
    if as_json:
        emit_json(report)
        return
    for name, found in (
        ("accessions", report.accessions),
        ("packages", report.packages),
        ("requests", report.requests),
        ("dips", report.dips),
        ("readers", report.readers),
    ):
        say(text("show.field", name=text(f"trace.{name}"), value=", ".join(map(str, found)) or "-"))
    say()
    say_table(
        [text(f"column.{name}") for name in ("position", "time", "event", "actor", "stream", "follows")],
        [
            (
                step.position,
                when(step.recorded_at),
                text(f"event.{step.name}"),
                step.actor_name,
                step.stream,
                ", ".join(map(str, step.follows)),
            )
            for step in report.steps
        ],
    )
