"""`jingui quality`: the four-property report, charts of defects, and another profile tried on what is stored."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from cli.language import language, text
from cli.options import Archive, AsOf, Credential, Json, Lang, needed
from cli.render import emit_json, progress, say, say_table, talk
from repository.archive import open_archive
from repository.errors import ArchiveError
from repository.services import quality_charts
from repository.services.fourfold import FourfoldReport, Moment, fourfold
from repository.services.fourfold_table import as_table
from repository.services.quality_charts import By
from repository.services.quality_rerun import RerunReport, rerun
from repository.services.returning import write_faults
from repository.services.session import Session
from repository.services.tables import FORMATS


class Action(StrEnum):
    """What to do."""

    REPORT = "report"
    PARETO = "pareto"
    TREND = "trend"
    RERUN = "rerun"


def command(
    action: Annotated[Action, typer.Argument(help=text("quality.action"))],
    accession: Annotated[UUID | None, typer.Argument(help=text("quality.accession"))] = None,
    at: Annotated[Moment, typer.Option("--at", help=text("quality.at"))] = Moment.RECEIPT,
    by: Annotated[By, typer.Option("--by", help=text("quality.by"))] = By.DEVICE,
    profile: Annotated[str | None, typer.Option("--profile", help=text("quality.profile"))] = None,
    to: Annotated[Path | None, typer.Option("--to", help=text("quality.to"))] = None,
    as_of: AsOf = None,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Report, draw, or try a profile."""
    with open_archive(archive, credential) as session:
        match action:
            case Action.REPORT:
                report = fourfold(session, needed(accession, "ACCESSION"), at, as_of=as_of)
                _say_report(report, to, as_json=as_json)
            case Action.RERUN:
                with progress(as_json=as_json) as watch:
                    done = rerun(session, needed(profile, "--profile"), watch)
                _say_rerun(done, as_json=as_json)
            case Action.PARETO | Action.TREND:
                _chart(session, action, by, to, as_of, as_json=as_json)


def _say_report(report: FourfoldReport, to: Path | None, *, as_json: bool) -> None:
    table = as_table(report, language())
    if to is not None:
        form = FORMATS.get(to.suffix.lower().removeprefix("."))
        if form is None:
            raise ArchiveError("sheet-form", to, known=", ".join(f".{name}" for name in FORMATS))
        write_faults(to, form(table))
    if as_json:
        emit_json(report)
        return
    for note in table.notes:
        say(note)
    say_table(table.header, table.rows)
    if to is not None:
        talk(text("quality.written", path=to))


def _say_rerun(report: RerunReport, *, as_json: bool) -> None:
    if as_json:
        emit_json(report)
        return
    say(text("quality.rerun", profile=report.profile, pages=report.pages, changed=report.changed))
    rows = [(check, step, count) for check, steps in report.by_check.items() for step, count in steps.items()]
    if rows:
        say_table([text(f"column.{name}") for name in ("checks", "step", "pages")], rows)


def _chart(session: Session, action: Action, by: By, to: Path | None, as_of: str | None, *, as_json: bool) -> None:
    found = quality_charts.figures(session, by, as_of=as_of)
    if to is not None:
        write_faults(to, quality_charts.CHARTS[action.value](found, language()))
    if as_json:
        emit_json(found)
        return
    say(text("quality.figures", pages=found.pages, bad=found.bad))
    rows = [
        (one.name, one.pages, one.bad, "、".join(f"{check} {count}" for check, count in one.checks.items()))
        for one in found.groups
    ]
    say_table([text(f"column.{name}") for name in ("group", "pages", "bad", "checks")], rows)
    if to is not None:
        talk(text("quality.written", path=to))
