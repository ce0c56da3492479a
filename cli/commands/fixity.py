"""`jingui fixity`: read stored packages again, those first that were read longest ago."""

from typing import Annotated

import typer

from cli.language import language, text
from cli.options import Archive, Credential, Json, Lang
from cli.render import emit_json, progress, say, size
from repository.archive import open_archive
from repository.services.fixity import verify_fixity

MISMATCH = 20


def command(
    record: Annotated[str | None, typer.Argument(help=text("fixity.record"), show_default=False)] = None,
    budget: Annotated[
        int | None, typer.Option("--budget", min=1, help=text("fixity.budget"), show_default=False)
    ] = None,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> int:
    """Verify; 20 when a package is not what the log says of it."""
    with open_archive(archive, credential) as session, progress(as_json=as_json) as show:
        report = verify_fixity(session, record=record, budget=budget, progress=show)
    if as_json:
        emit_json(report)
    else:
        for one in report.damaged:
            say(text("fixity.damaged", package=one.package))
            for finding in one.findings:
                say(f"  {finding.message(language())} ({finding.code})")
        key = "fixity.failed" if report.damaged else "fixity.passed"
        say(text(key, packages=report.packages, files=report.files, size=size(report.bytes), bad=len(report.damaged)))
        if report.left:
            say(text("fixity.left", count=report.left))
    return MISMATCH if report.damaged else 0
