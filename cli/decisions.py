"""What a decision on a delivery came to, for people and programs."""

import msgspec

from cli.language import text
from cli.render import emit_json, findings_json, say
from repository.services.ingest import IngestReport


def say_decided(report: IngestReport, *, as_json: bool) -> None:
    """How the delivery stands after the decision, and what comes next."""
    if as_json:
        emit_json(msgspec.to_builtins(report) | {"findings": findings_json(report.findings)})
        return
    say(text(f"decided.{report.outcome}", accession=report.accession, packages=len(report.packages)))
