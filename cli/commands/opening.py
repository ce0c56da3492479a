"""`jingui opening`: which controlled records are due to be opened, two reviewers, the unit, and the decision."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import UUID

import msgspec
import typer

from cli.commands.list import say_more
from cli.language import text
from cli.options import After, Archive, AsOf, Credential, Json, Lang, Limit, OnBehalfOf, needed
from cli.render import emit_json, say, say_table, when
from repository.archive import identify_actor, open_archive
from repository.services import opening
from repository.services.opening import AccessStatus, Answer, Ground, ReviewReport, SecrecyClass
from repository.services.search import position_of
from repository.services.session import Session


class Action(StrEnum):
    """What to do."""

    QUEUE = "queue"
    DUE = "due"
    LIST = "list"
    PROPOSE = "propose"
    REVIEW = "review"
    UNIT = "unit"
    DECIDE = "decide"
    WITHDRAW = "withdraw"
    CORRECT = "correct"


def command(
    action: Annotated[Action, typer.Argument(help=text("opening.action"))] = Action.QUEUE,
    review: Annotated[UUID | None, typer.Argument(help=text("opening.review"))] = None,
    rule: Annotated[str, typer.Option("--rule", help=text("opening.rule"))] = "term",
    record: Annotated[list[str] | None, typer.Option("--record", help=text("opening.record"))] = None,
    control: Annotated[list[str] | None, typer.Option("--control", help=text("opening.control"))] = None,
    ground: Annotated[Ground | None, typer.Option("--ground", help=text("opening.ground"))] = None,
    until: Annotated[str | None, typer.Option("--until", help=text("opening.until"))] = None,
    answer: Annotated[Answer, typer.Option("--answer", help=text("opening.answer"))] = Answer.AGREES,
    letter: Annotated[str | None, typer.Option("--letter", help=text("opening.letter"))] = None,
    note: Annotated[str | None, typer.Option("--note", help=text("opening.note"))] = None,
    opening_date: Annotated[str | None, typer.Option("--opening-date", help=text("opening.date"))] = None,
    status: Annotated[AccessStatus | None, typer.Option("--status", help=text("opening.status"))] = None,
    secrecy: Annotated[SecrecyClass | None, typer.Option("--secrecy", help=text("opening.secrecy"))] = None,
    approver: Annotated[Path | None, typer.Option("--approver-credential", help=text("annul.approver"))] = None,
    reason: Annotated[str, typer.Option("--reason", help=text("option.reason"))] = "",
    as_of: AsOf = None,
    limit: Limit = 1000,
    after: After = None,
    on_behalf_of: OnBehalfOf = None,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Show what waits, or take the next step."""
    with open_archive(archive, credential, on_behalf_of=on_behalf_of) as session:
        match action:
            case Action.QUEUE:
                _say_queue(opening.queue(session, as_of=as_of), as_json=as_json)
            case Action.DUE:
                _say_due(opening.list_due(session, rule, limit=limit, as_of=as_of), as_json=as_json)
            case Action.LIST:
                _say_reviews(session, as_of, limit, after, as_json=as_json)
            case Action.PROPOSE:
                proposed = (
                    opening.propose_records(session, record) if record else opening.propose(session, rule, limit=limit)
                )
                _say_review(proposed, as_json=as_json)
            case Action.CORRECT:
                keep = needed(approver, "--approver-credential")
                for one in record or ():
                    opening.correct_status(
                        session,
                        one,
                        status=status,
                        secrecy=secrecy,
                        ground=ground,
                        reason=reason,
                        approver=identify_actor(session.log, session.settings, keep),
                        until=until,
                    )
                _say_queue(opening.queue(session), as_json=as_json)
            case _:
                chosen = needed(review, "REVIEW")
                kept = opening.controls(session, control or (), ground, until)
                done = ReviewReport(review=chosen)
                if action is Action.REVIEW:
                    opening.give_opinion(session, chosen, control=kept, note=note)
                elif action is Action.UNIT:
                    opening.hear_unit(session, chosen, answer=answer, control=kept, letter=letter)
                elif action is Action.DECIDE:
                    done = opening.decide(session, chosen, control=kept, opening_date=opening_date)
                else:
                    opening.withdraw(session, chosen, reason)
                _say_review(done, as_json=as_json)


def _say_queue(queue: opening.Queue, *, as_json: bool) -> None:
    if as_json:
        emit_json(queue)
        return
    say_table(
        [text(f"column.{name}") for name in ("opened", "state", "records", "review")],
        [(when(one.opened.time), text(f"opening.{one.state}"), len(one.packages), one.id) for one in queue.reviews],
    )
    for package in queue.taken_down:
        say(text("opening.taken-down", package=package.id, unit=package.unit))


def _say_due(due: opening.Due, *, as_json: bool) -> None:
    if as_json:
        emit_json(due)
        return
    rows = [(one.description.reference_code, one.description.title, one.description.date) for one in due.candidates]
    say_table([text(f"column.{name}") for name in ("code", "title", "date")], rows)
    say(text("opening.due", count=len(due.candidates), rule=due.rule.code, years=due.rule.years))


def _say_reviews(session: Session, as_of: str | None, limit: int, after: str | None, *, as_json: bool) -> None:
    page = opening.list_reviews(session, as_of=position_of(session, as_of), limit=limit, after=after)
    if as_json:
        emit_json({"schema": "jingui.opening.reviews/1", **msgspec.to_builtins(page)})
        return
    say_table(
        [text(f"column.{name}") for name in ("opened", "state", "records", "review")],
        [(when(one.opened.time), text(f"opening.{one.state}"), len(one.packages), one.id) for one in page.entries],
    )
    say_more(page)


def _say_review(report: ReviewReport, *, as_json: bool) -> None:
    if as_json:
        emit_json(report)
        return
    say(text("opening.recorded", review=report.review))
    if report.opened or report.controlled or report.passed_over:
        counts = {"opened": report.opened, "controlled": report.controlled, "passed": report.passed_over}
        say(text("opening.outcome", **{name: len(packages) for name, packages in counts.items()}))
