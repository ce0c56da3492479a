"""`jingui pack`: make a SIP of a folder."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from cli.language import text
from cli.options import Json, Lang
from cli.render import emit_json, findings_json, say, say_findings, size
from repository.services.submission import pack

INVALID = 22


def command(
    source: Annotated[Path, typer.Argument(help=text("pack.source"))],
    to: Annotated[Path, typer.Option("--to", help=text("pack.to"))],
    title: Annotated[str | None, typer.Option("--title", help=text("pack.title"))] = None,
    code: Annotated[str | None, typer.Option("--reference-code", help=text("pack.code"))] = None,
    producer: Annotated[str, typer.Option("--producer", help=text("pack.producer"))] = "-",
    as_json: Json = False,
    lang: Lang = None,
) -> int:
    """Make it; a folder that cannot be packed ends with 22 and says why."""
    report = pack(source, to, title=title, reference_code=code, producer=producer)
    if as_json:
        emit_json(msgspec.to_builtins(report) | {"findings": findings_json(report.findings)})
    else:
        say_findings(report.findings)
        key = "pack.done" if report.path else "pack.refused"
        say(text(key, path=report.path, files=report.files, size=size(report.bytes)))
    return 0 if report.path else INVALID
