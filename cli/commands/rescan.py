"""`jingui rescan`: pages of a stored record are replaced, added, removed; the old ones stay in the old version."""

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
    reason: Annotated[str, typer.Option("--reason", help=text("option.reason"))],
    pages: Annotated[Path | None, typer.Argument(help=text("rescan.pages"))] = None,
    add: Annotated[bool, typer.Option("--add", help=text("rescan.add"))] = False,
    remove: Annotated[list[str] | None, typer.Option("--remove", help=text("rescan.remove"))] = None,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Replace, add or remove them."""
    if pages is None and not remove:
        raise typer.BadParameter(text("rescan.nothing"), param_hint="PAGES")
    with open_archive(archive, credential) as session, progress(as_json=as_json) as show:
        report = rescan(session, record, pages, reason=reason, progress=show, add=add, remove=remove or ())
    if as_json:
        plain = {name: getattr(report, name) for name in report.__struct_fields__}
        emit_json({**plain, "findings": findings_json(report.findings)})
    else:
        say_findings(report.findings)
        counts = {name: len(getattr(report, name)) for name in ("replaced", "added", "removed")}
        say(text(f"rescan.{report.outcome}", version=report.version, **counts))
    if report.findings:
        raise typer.Exit(INVALID)
