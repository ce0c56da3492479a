"""`jingui ingest`: take in a delivery."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import msgspec
import typer

from cli.language import text
from cli.options import Archive, Credential, Json, Lang
from cli.render import emit_json, findings_json, progress, say, say_findings, say_table, size
from packages_spec.findings import is_valid
from repository.archive import open_archive
from repository.services.ingest import AccessionKind, IngestReport, IngestRequest, ingest
from repository.services.preview import PreviewReport, Understood, UnderstoodSheet, preview
from repository.services.returning import write_faults

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
    rework: Annotated[UUID | None, typer.Option("--rework", help=text("ingest.rework"), show_default=False)] = None,
    agreement: Annotated[
        str | None, typer.Option("--agreement", help=text("ingest.agreement"), show_default=False)
    ] = None,
    medium: Annotated[str | None, typer.Option("--medium", help=text("ingest.medium"), show_default=False)] = None,
    opinion: Annotated[
        str | None, typer.Option("--opening-opinion", help=text("ingest.opinion"), show_default=False)
    ] = None,
    mapping: Annotated[Path | None, typer.Option("--mapping", help=text("ingest.mapping"), show_default=False)] = None,
    faults: Annotated[Path | None, typer.Option("--faults", help=text("ingest.faults"), show_default=False)] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help=text("ingest.dry-run"))] = False,
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
        mapping=mapping,
        faults=faults,
        accession=rework,
        agreement=agreement,
        medium=medium,
        opening_opinion=opinion,
    )
    if dry_run:
        return _dry_run(request, archive, credential, as_json=as_json)
    with open_archive(archive, credential) as session, progress(as_json=as_json) as show:
        report = ingest(session, request, show)
    if as_json:
        emit_json(msgspec.to_builtins(report) | {"findings": findings_json(report.findings)})
    else:
        _say(report)
        if faults is not None and report.outcome != "already-recorded":
            say(text("ingest.faults-written", path=faults))
    return INVALID if report.outcome == "rejected" else 0


def _dry_run(request: IngestRequest, archive: Path | None, credential: Path | None, *, as_json: bool) -> int:
    """Show what would come of it; nothing is changed but the file that was asked for."""
    with open_archive(archive, credential) as session, progress(as_json=as_json) as show:
        report, workbook = preview(session, request, show)
    if request.faults is not None:
        write_faults(request.faults, workbook)
    if as_json:
        emit_json(msgspec.to_builtins(report) | {"findings": findings_json(report.findings)})
    else:
        _say_preview(report)
        if request.faults is not None:
            say(text("ingest.faults-written", path=request.faults))
    return 0 if is_valid(report.findings) else INVALID


def _say_preview(report: PreviewReport) -> None:
    if (found := report.catalogue) is not None:
        for sheet in found.sheets or (found,):
            _say_sheet(sheet, found.profile)
        say(text("preview.rows", rows=found.rows, declared=found.declared))
        if found.sheets:
            say(text("preview.entries", volumes=found.volumes, items=found.items))
        say()
    units = [(one.reference_code, one.title, one.files, one.unit) for one in report.units[:SHOWN]]
    say_table([text(f"column.{name}") for name in ("code", "title", "files", "unit")], units)
    if len(report.units) > SHOWN:
        say(text("preview.more", count=len(report.units) - SHOWN))
    say_findings(report.findings)
    errors = sum(finding.severity == "error" for finding in report.findings)
    say(text("preview.total", units=len(report.units), files=report.files, size=size(report.bytes), count=errors))


def _say_sheet(sheet: Understood | UnderstoodSheet, profile: str) -> None:
    """How one sheet was understood, column by column."""
    place = f"{sheet.file}:{sheet.sheet}" if sheet.sheet else sheet.file
    if isinstance(sheet, UnderstoodSheet):
        place = text("preview.level", place=place, level=text(f"mapped.level.{sheet.level}"), rows=sheet.rows)
    say(text("preview.catalogue", file=place, profile=profile, row=sheet.header_row))
    rows = [
        (one.letters, one.header, text(f"mapped.{one.field}") if one.field else text("mapped.none"))
        for one in sheet.columns
    ]
    say_table([text(f"column.{name}") for name in ("column", "header", "meaning")], rows)


def _say(report: IngestReport) -> None:
    if report.outcome in ("completed", "part-completed"):
        rows = [(one.reference_code, one.title, one.files, one.package) for one in report.packages[:SHOWN]]
        say_table([text(f"column.{name}") for name in ("code", "title", "files", "package")], rows)
        if len(report.packages) > SHOWN:
            say(text("ingest.more", count=len(report.packages) - SHOWN))
    if report.system:
        say(text("ingest.recognised", system=text(f"system.{report.system}")))
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
    if report.pages_waiting or report.pages_failed:
        say(
            text(
                "ingest.to-review", pages=report.pages_judged, waiting=report.pages_waiting, failed=report.pages_failed
            )
        )
    if report.outcome == "completed":
        say(text("ingest.next"))
