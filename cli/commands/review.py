"""`jingui review`: what machines refused or left to a person, the decisions on it, and the sample of a delivery."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from cli.language import language, text
from cli.options import After, Archive, AsOf, Credential, Json, Lang, Limit, OnBehalfOf, needed
from cli.render import emit_json, progress, say, say_table, talk
from repository.archive import open_archive
from repository.services import contact_sheet, review, sampling
from repository.services.review import Decision
from repository.services.sampling import SampleBy
from repository.services.session import Session


class Action(StrEnum):
    """What to do."""

    LIST = "list"
    SHOW = "show"
    DECIDE = "decide"
    SAMPLE = "sample"
    JUDGE = "judge"
    FINISH = "finish"


def command(
    action: Annotated[Action, typer.Argument(help=text("review.action"))] = Action.LIST,
    record: Annotated[str | None, typer.Argument(help=text("review.record"))] = None,
    unit: Annotated[str | None, typer.Argument(help=text("review.unit"))] = None,
    accept: Annotated[bool, typer.Option("--accept", help=text("review.accept"))] = False,
    give_back: Annotated[bool, typer.Option("--return", help=text("review.return"))] = False,
    overrule: Annotated[bool, typer.Option("--overrule", help=text("review.overrule"))] = False,
    file: Annotated[list[int] | None, typer.Option("--file", help=text("review.file"))] = None,
    check: Annotated[str | None, typer.Option("--check", help=text("review.check"))] = None,
    reason: Annotated[str | None, typer.Option("--reason", help=text("option.reason"))] = None,
    by: Annotated[SampleBy, typer.Option("--by", help=text("review.by"))] = SampleBy.ITEM,
    percent: Annotated[int | None, typer.Option("--percent", help=text("review.percent"))] = None,
    fault: Annotated[list[str] | None, typer.Option("--fault", help=text("review.fault"))] = None,
    unlinked: Annotated[bool, typer.Option("--unlinked", help=text("review.unlinked"))] = False,
    every: Annotated[bool, typer.Option("--all", help=text("review.all"))] = False,
    sheet: Annotated[Path | None, typer.Option("--sheet", help=text("review.sheet"))] = None,
    as_of: AsOf = None,
    limit: Limit = 50,
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
            case Action.LIST:
                queue = review.list_queue(
                    session, accession=_accession(record) if record else None, as_of=as_of, limit=limit, after=after
                )
                _say_queue(queue, as_json=as_json)
            case Action.SHOW:
                shown = review.show_quality(session, needed(record, "RECORD"), every=every, as_of=as_of)
                if sheet is not None:
                    contact_sheet.write_sheet(session, needed(record, "RECORD"), sheet, language=language())
                _say_record(shown, as_json=as_json)
                if sheet is not None:
                    talk(text("review.sheet-written", path=sheet))
            case Action.DECIDE:
                decision = _decision(accept=accept, give_back=give_back, overrule=overrule)
                decided = review.decide(
                    session, needed(record, "RECORD"), decision, files=file or (), check=check, reason=reason
                )
                _say_decision(decided, as_json=as_json)
            case Action.SAMPLE:
                stream = _accession(needed(record, "RECORD"))
                _say_sample(sampling.draw_sample(session, stream, by=by, percent=percent), as_json=as_json)
            case Action.JUDGE:
                stream = _accession(needed(record, "RECORD"))
                faults = dict(map(_fault, fault or ()))
                judged = sampling.judge_sample(
                    session, stream, needed(unit, "UNIT"), linked=not unlinked, faults=faults, note=reason
                )
                _say_sample(judged, as_json=as_json)
            case Action.FINISH:
                _finish(session, _accession(needed(record, "RECORD")), as_json=as_json)


def _accession(named: str) -> UUID:
    try:
        return UUID(named)
    except ValueError as error:
        raise typer.BadParameter(text("review.no-accession", value=named), param_hint="RECORD") from error


def _decision(*, accept: bool, give_back: bool, overrule: bool) -> Decision:
    """The one that was chosen."""
    chosen = [
        decision
        for decision, given in zip(
            (Decision.ACCEPT, Decision.RETURN, Decision.OVERRULE), (accept, give_back, overrule), strict=True
        )
        if given
    ]
    if len(chosen) != 1:
        raise typer.BadParameter(text("review.one-decision"), param_hint="--accept, --return, --overrule")
    return chosen[0]


def _fault(words: str) -> tuple[int, str]:
    """`12=字迹缺损`: the file's number and what is wrong with it."""
    number, equals, reason = words.partition("=")
    if not equals or not number.isdigit():
        raise typer.BadParameter(text("review.fault-form", value=words), param_hint="--fault")
    return int(number), reason


def _finish(session: Session, stream: UUID, *, as_json: bool) -> None:
    with progress(as_json=as_json) as watch:
        report = sampling.finish_review(session, stream, watch)
    if as_json:
        emit_json(report)
        return
    say(text("review.finished", outcome=text(f"review.outcome.{report.outcome}"), packages=len(report.packages)))


def _say_queue(queue: review.ReviewQueue, *, as_json: bool) -> None:
    if as_json:
        emit_json(queue)
        return
    if not queue.records and not queue.samples:
        say(text("review.empty"))
        return
    columns = ("pages", "review-waiting", "review-failed", "review-returned", "code", "accession")
    rows = [
        (one.pages, one.waiting, one.failed, one.returned, one.reference_code or one.unit, one.accession)
        for one in queue.records
    ]
    if rows:
        say_table([text(f"column.{name}") for name in columns], rows)
    for one in queue.samples:
        outcome = text(f"outcome.{one.outcome}")
        units = "、".join(one.waiting)
        say(text("review.sample-line", accession=one.accession, outcome=outcome, waiting=len(one.waiting), units=units))
    if queue.after is not None:
        say(text("review.more", after=queue.after))


def _say_record(record: review.RecordQuality, *, as_json: bool) -> None:
    if as_json:
        emit_json(record)
        return
    used = ", ".join(record.profiles) or "-"
    say(text("review.head", unit=record.unit, outcome=text(f"outcome.{record.outcome}"), profiles=used))
    rows = []
    for page in record.pages:
        seen = [check for check in page.checks if check.outcome not in ("pass", "abstain")] or page.checks[:0]
        words = "; ".join(map(_words, seen)) + (f"（{page.decided}）" if page.decided else "")
        rows.append((page.file, page.serial, text(f"standing.{page.standing}"), words, page.path))
    say_table([text(f"column.{name}") for name in ("file-number", "serial", "standing", "checks", "name")], rows)


def _words(check: review.CheckSeen) -> str:
    """A check as a person reads it: what it is, what was measured, what was allowed."""
    value = f" {check.value} {check.unit}".rstrip() if check.value is not None else ""
    limit = f" ({check.threshold})" if check.threshold is not None else ""
    reason = f" {check.reason}" if check.reason else ""
    return f"{check.id} {text(f'check.{check.outcome}')}{value}{limit}{reason}"


def _say_decision(report: review.DecisionReport, *, as_json: bool) -> None:
    if as_json:
        emit_json(report)
        return
    done = text(f"review.done.{report.decision}", records=report.records, pages=report.pages)
    say(done)
    say(text("review.left", waiting=report.waiting, failed=report.failed, accession=report.accession))


def _say_sample(report: sampling.SampleReport, *, as_json: bool) -> None:
    if as_json:
        emit_json(report)
        return
    by = text(f"review.by.{report.by}")
    say(text("review.sample", drawn=report.drawn, population=report.population, by=by, seed=report.seed))
    rows = [(unit, "" if unit in report.waiting else "✓") for unit in report.units]
    say_table([text(f"column.{name}") for name in ("unit", "judged")], rows)
    if not report.waiting:
        outcome = text(f"outcome.{report.outcome}")
        say(text("review.concluded", outcome=outcome, unlinked=report.unlinked, good=report.good, pages=report.pages))
