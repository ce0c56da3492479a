"""`jingui rescan`: replace pages of a stored record that were scanned again; the old ones stay in the old version."""

from pathlib import Path
from typing import Annotated

import typer

from cli.language import text
from cli.options import Archive, Credential, Json, Lang
from cli.render import emit_json, findings_json, progress, say, say_findings
from repository.archive import open_archive
from repository.services.rescan import rescan

INVALID = 22


def command(
    record: Annotated[str, typer.Argument(help=text("show.record"))],
    pages: Annotated[Path, typer.Argument(help=text("rescan.pages"))],
    reason: Annotated[str, typer.Option("--reason", help=text("option.reason"))],
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Replace them."""
    with open_archive(archive, credential) as session, progress(as_json=as_json) as show:
        report = rescan(session, record, pages, reason=reason, progress=show)
    if as_json:
        plain = {name: getattr(report, name) for name in report.__struct_fields__}
        emit_json({**plain, "findings": findings_json(report.findings)})
    else:
        say_findings(report.findings)
        say(text(f"rescan.{report.outcome}", pages=len(report.replaced), version=report.version))
    if report.findings:
        raise typer.Exit(INVALID)
