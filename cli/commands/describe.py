"""`jingui describe`: describe a fonds, series, volume or item, before there are files or without any."""

from typing import Annotated

import typer

from cli.language import text
from cli.options import Archive, Credential, Json, Lang
from cli.render import emit_json, say
from repository.archive import open_archive
from repository.services.description import DescriptionReport, Level, describe_record


def command(
    level: Annotated[Level, typer.Argument(help=text("describe.level"))],
    code: Annotated[str | None, typer.Option("--reference-code", help=text("describe.code"))] = None,
    title: Annotated[str | None, typer.Option("--title", help=text("describe.title"))] = None,
    parent: Annotated[str | None, typer.Option("--parent", help=text("describe.parent"))] = None,
    put: Annotated[list[str] | None, typer.Option("--set", metavar="FIELD=WORDS", help=text("describe.set"))] = None,
    archive_code: Annotated[str | None, typer.Option("--code", help=text("describe.archive"))] = None,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Describe it."""
    words = parsed(put) | ({"title": title} if title else {})
    with open_archive(archive, credential) as session:
        report = describe_record(
            session, level=level, parent=parent, reference_code=code, words=words, archive=archive_code
        )
    say_report(report, text("describe.done", record=named(report), position=report.position), as_json=as_json)


def parsed(put: list[str] | None) -> dict[str, str]:
    """Fields and their words, as `--set FIELD=WORDS` gives them."""
    for one in put or ():
        if "=" not in one:
            raise typer.BadParameter(one, param_hint="--set")
    pairs = (one.partition("=") for one in put or ())
    return {name.strip(): words for name, _, words in pairs}


def named(report: DescriptionReport) -> str:
    """The entry by its 档号, else by its id."""
    return report.reference_code or str(report.description)


def say_report(report: DescriptionReport, words: str, *, as_json: bool) -> None:
    """What became of an entry, or that nothing had to."""
    if as_json:
        emit_json(report)
    else:
        say(words if report.changed else text("describe.same", record=named(report)))
