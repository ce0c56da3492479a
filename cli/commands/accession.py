"""`jingui accession`: the accessions with what became of their deliveries, or how one stands, unit by unit."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

import typer

from cli.language import text
from cli.options import After, Archive, AsOf, Credential, Json, Lang, Limit, needed
from cli.render import emit_json, say, say_table, when
from repository.archive import open_archive
from repository.services.accessions import AccessionReport, show_accession
from repository.services.attempts import AccessionPage, Attempt, list_attempts


class Action(StrEnum):
    """What to do."""

    LIST = "list"
    SHOW = "show"


def command(
    action: Annotated[str, typer.Argument(help=text("accession.action"), metavar="list|show|ID")] = Action.LIST,
    accession: Annotated[UUID | None, typer.Argument(help=text("accession.which"))] = None,
    failed: Annotated[bool, typer.Option("--failed", help=text("accession.failed"))] = False,
    as_of: AsOf = None,
    limit: Limit = 50,
    after: After = None,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """List them, or show one; an id alone shows it."""
    chosen = accession if action in (Action.LIST, Action.SHOW) else _id(action)
    with open_archive(archive, credential) as session:
        if action == Action.LIST:
            page = list_attempts(session, as_of=as_of, limit=limit, after=after, failed=failed)
            _say_list(page, as_json=as_json)
            return
        report = show_accession(session, needed(chosen, "ACCESSION"), as_of=as_of)
    _say(report, as_json=as_json)


def _id(words: str) -> UUID:
    try:
        return UUID(words)
    except ValueError as error:
        raise typer.BadParameter(text("accession.unknown", value=words), param_hint="ACCESSION") from error


def _say_list(page: AccessionPage, *, as_json: bool) -> None:
    if as_json:
        emit_json(page)
        return
    rows = [
        (
            when(one.opened),
            text(f"stage.{one.stage}"),
            text(f"next.{one.next}") if one.next else "-",
            one.attempts,
            one.failed,
            ", ".join(one.last.reasons) or "-",
            one.source,
            one.accession,
        )
        for one in page.entries
    ]
    names = ("opened", "stage", "next", "attempts", "failed", "why", "source", "accession")
    say_table([text(f"column.{name}") for name in names], rows)
    say(text("list.total", total=page.total, more=""))
    if page.after:
        say(text("list.more", after=page.after))


def _say(report: AccessionReport, *, as_json: bool) -> None:
    if as_json:
        emit_json(report)
        return
    say(
        text(
            "accession.head",
            accession=report.accession,
            number=report.transfer_number or "-",
            stage=text(f"stage.{report.stage}"),
            delivery=report.delivery,
            handover=text(f"handover.{report.handover}"),
        )
    )
    if report.next is not None:
        say(text("accession.next", step=text(f"next.{report.next}")))
    if (terms := report.terms) is not None:
        opinion = terms.opening_opinion if isinstance(terms.opening_opinion, str) else None
        say(
            text(
                "accession.terms",
                agreement=terms.agreement or "-",
                medium=terms.medium or "-",
                opinion=opinion or "-",
            )
        )
    say_table(
        [text(f"column.{name}") for name in ("delivery", "began", "actor", "outcome", "ended", "findings", "why")],
        map(_attempt, report.attempts),
    )
    for reason in report.reasons:
        say(text("accession.reason", reason=reason))
    rows = [(one.reference_code, one.unit, text(f"stage.{one.standing}"), one.package) for one in report.units]
    say_table([text(f"column.{name}") for name in ("code", "unit", "stage", "package")], rows)


def _attempt(one: Attempt) -> tuple[object, ...]:
    return (
        one.delivery,
        when(one.began),
        one.by_name or one.by,
        text(f"attempt.{one.outcome}"),
        when(one.ended) if one.ended else "-",
        one.findings,
        ", ".join(one.reasons) or "-",
    )
