"""`jingui ingest`: take in a delivery."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from cli.language import text
from cli.options import Archive, Credential, Json, Lang
from cli.render import emit_json, findings_json, progress, say, say_findings, say_table, size
from repository.archive import open_archive
from repository.services.ingest import AccessionKind, IngestReport, IngestRequest, ingest

INVALID = 22
SHOWN = 20


def command(
    source: Annotated[Path, typer.Argument(help=text("ingest.source"))],
    per_folder: Annotated[bool, typer.Option("--per-folder", help=text("ingest.per-folder"))] = False,
    producer: Annotated[str | None, typer.Option("--producer", help=text("ingest.producer"))] = None,
    number: Annotated[str | None, typer.Option("--transfer-number", help=text("ingest.number"))] = None,
    kind: Annotated[AccessionKind, typer.Option("--kind", help=text("ingest.kind"))] = AccessionKind.TRANSFER,
    code: Annotated[str | None, typer.Option("--code", help=text("ingest.code"))] = None,
    new: Annotated[bool, typer.Option("--new", help=text("ingest.new"))] = False,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> int:
    """Take it in; a delivery that cannot be taken ends with 22 and says why."""
    request = IngestRequest(
        source=source,
        archive=code,
        producer=producer,
        transfer_number=number,
        kind=kind,
        per_folder=per_folder,
        new=new,
    )
    with open_archive(archive, credential) as session, progress(as_json=as_json) as show:
        report = ingest(session, request, show)
    if as_json:
        emit_json(msgspec.to_builtins(report) | {"findings": findings_json(report.findings)})
    else:
        _say(report)
    return INVALID if report.outcome == "rejected" else 0


def _say(report: IngestReport) -> None:
    if report.outcome == "completed":
        rows = [(one.reference_code, one.title, one.files, one.package) for one in report.packages[:SHOWN]]
        say_table([text(f"column.{name}") for name in ("code", "title", "files", "package")], rows)
        if len(report.packages) > SHOWN:
            say(text("ingest.more", count=len(report.packages) - SHOWN))
    errors = sum(finding.severity == "error" for finding in report.findings)
    say_findings(report.findings)
    say(
        text(
            f"ingest.{report.outcome}",
            packages=len(report.packages),
            files=report.files,
            size=size(report.bytes),
            accession=report.accession,
            count=errors,
        )
    )
    if report.outcome == "completed":
        say(text("ingest.next"))
