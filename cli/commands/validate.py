"""`jingui validate`: judge a bag, a package, a document or an OCFL object, with no archive at hand."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from cli.language import text
from cli.options import Json, Lang
from cli.render import emit_json, findings_json, say, say_findings
from packages_spec.findings import Severity
from repository.services.validation import validate

INVALID = 22


def command(
    path: Annotated[Path, typer.Argument(help=text("validate.path"))],
    schemas: Annotated[Path | None, typer.Option(help=text("validate.schemas"), exists=True, file_okay=False)] = None,
    profile: Annotated[Path | None, typer.Option(help=text("validate.profile"), exists=True, dir_okay=False)] = None,
    as_json: Json = False,
    lang: Lang = None,
) -> int:
    """Judge it; 22 when it is invalid."""
    report = validate(path, schemas=schemas, profile=profile)
    if as_json:
        emit_json(msgspec.to_builtins(report) | {"findings": findings_json(report.findings)})
    else:
        weighty = [finding for finding in report.findings if finding.severity is not Severity.INFO]
        say_findings(weighty)
        if len(weighty) < len(report.findings):
            say("  " + text("validate.more", count=len(report.findings) - len(weighty)))
        say(text(f"validate.{report.verdict}", path=path, kind=text(f"kind.{report.kind}")))
    return INVALID if report.verdict == "invalid" else 0
