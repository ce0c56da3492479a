"""`jingui qc`: judge the pages of a folder, bag or file against a quality profile, with no archive at hand."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.language import language, text
from cli.options import Json, Lang
from cli.render import emit_json, say, say_table, talk
from repository.services import contact_sheet
from repository.services.page_quality import Check, PageVerdict, find_files, judge_files, load_profile

FAILED = 21
SHOWN = ("fail", "review", "not-tested")


def command(
    path: Annotated[Path, typer.Argument(help=text("qc.path"))],
    profile: Annotated[str | None, typer.Option(help=text("qc.profile"), show_default=False)] = None,
    sheet: Annotated[Path | None, typer.Option(help=text("review.sheet"), show_default=False)] = None,
    workers: Annotated[int, typer.Option(min=0, max=256, help=text("qc.workers"))] = 0,
    as_json: Json = False,
    lang: Lang = None,
) -> int:
    """Judge it; 21 where a page fails."""
    chosen = None if profile is None else load_profile(profile)
    lot = find_files(path)
    outcomes: Counter[str] = Counter()
    defects: Counter[tuple[str, str]] = Counter()
    places = {one.name: one.path for one in lot.files}
    judged: list[tuple[Path, PageVerdict]] = []
    for verdict in judge_files(lot, chosen, workers=workers):
        if sheet is not None:
            judged.append((places[verdict.path], verdict))
        outcomes[verdict.outcome] += 1
        defects.update((check.id, "noted" if check.noted else check.outcome) for check in _told(verdict.checks))
        if as_json:
            emit_json(_row(verdict))
        else:
            _say_page(verdict)
    if lot.others:
        talk(text("qc.others", count=lot.others))
    if not as_json:
        _say_summary(outcomes, defects)
    if sheet is not None:
        contact_sheet.write_sheet_of(judged, str(path), sheet, language=language())
        talk(text("review.sheet-written", path=sheet))
    return FAILED if outcomes["fail"] else 0


def _told(checks: Iterable[Check]) -> list[Check]:
    """The checks that say something of the page: those that found a fault, and those that nobody made."""
    return [check for check in checks if check.outcome in SHOWN or check.noted]


def _row(verdict: PageVerdict) -> dict[str, Any]:
    return {
        "schema": "jingui.qc/1",
        "path": verdict.path,
        "frame": verdict.frame,
        "outcome": verdict.outcome,
        "checks": [_check(check) for check in verdict.checks],
        "kind": verdict.kind,
        "width": verdict.width,
        "height": verdict.height,
        "profile": verdict.profile,
        "algorithm": verdict.algorithm,
    }


def _check(check: Check) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": check.id,
        "outcome": check.outcome,
        "value": _number(check.value),
        "unit": check.unit,
        "threshold": _number(check.threshold),
    }
    if check.noted:
        row["noted"] = True
    if check.reason:
        row["reason"] = check.reason
    if check.marks:
        row["marks"] = [[mark.kind, mark.left, mark.top, mark.right, mark.bottom] for mark in check.marks]
    return row


def _number(thousandths: int | None) -> float | int | None:
    """As people and programs read it; the verdict itself keeps whole thousandths."""
    if thousandths is None:
        return None
    return thousandths // 1000 if thousandths % 1000 == 0 else thousandths / 1000


def _say_page(verdict: PageVerdict) -> None:
    told = _told(verdict.checks)
    if not told:
        return
    place = verdict.path if verdict.frame == 1 else f"{verdict.path}#{verdict.frame}"
    say(text(f"qc.page.{verdict.outcome}", path=place))
    for check in told:
        say("    " + _words(check))


def _words(check: Check) -> str:
    """A check in words: what is wrong, what was measured, and the limit."""
    words = text(f"qc.check.{check.id}")
    if check.outcome == "not-tested":
        return text("qc.not-tested", check=check.id, words=words, reason=check.reason or "-")
    if check.value is None:
        return text("qc.fault", check=check.id, words=words, reason=check.reason or "-")
    limit = _number(check.threshold)
    found = f"{_number(check.value)} {check.unit}"
    return text(
        "qc.measured",
        check=check.id,
        words=words,
        found=found,
        limit="-" if limit is None else limit,
        more=f" {check.reason}" if check.reason else "",
    )


def _say_summary(outcomes: "Counter[str]", defects: "Counter[tuple[str, str]]") -> None:
    """How many pages there are of each outcome, and which faults are the commonest."""
    if defects:
        say()
        header = [text("qc.column.check"), text("qc.column.count"), text("qc.column.outcome"), text("qc.column.words")]
        rows = [
            (check, count, text(f"qc.outcome.{outcome}"), text(f"qc.check.{check}"))
            for (check, outcome), count in defects.most_common()
        ]
        say_table(header, rows)
    say()
    say(
        text(
            "qc.summary",
            pages=outcomes.total(),
            passed=outcomes["pass"],
            review=outcomes["review"],
            failed=outcomes["fail"],
            untested=outcomes["not-tested"],
        )
    )
