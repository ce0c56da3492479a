"""Contact sheet (缩略图总览): a record's pages with the frames of their verdicts, the faults drawn where they are."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from repository.domain.archival_package import ARCHIVAL_PACKAGE
from repository.domain.assessment import Standing
from repository.domain.quality import THOUSAND, Check, PageVerdict
from repository.errors import ArchiveError
from repository.services.contact_sheet_forms import FORMS, SheetPage, render_sheet
from repository.services.looking import look_at_pages
from repository.services.quality_words import reason_words
from repository.services.reception import reception_of
from repository.services.returning import write_faults
from repository.services.review import CheckSeen, decimal, details, find_reviewed, show_quality
from repository.services.session import Session

MOST = 1_000
"""Pages of one sheet."""
PURPOSES = {"zh": "质检样张", "en": "contact sheet of a quality review"}
"""For what the pages of a stored record are looked at, as the log has it."""


def write_sheet(session: Session, record: str, target: Path, *, language: str) -> None:
    """Write the sheet of a record as HTML, PDF or PNG, by the target's suffix. `sheet-form`, `file-exists`.

    Of a stored record its pages are thereby looked at, and the log says so first; raises as `look_at_pages` does.
    """
    _expect_form(target)
    shown = show_quality(session, record, every=True)
    pages = sheet_pages(session, record, language)
    title = f"{shown.unit} · {', '.join(shown.profiles)}"
    write_faults(target, render_sheet(pages, title, target.suffix.lower(), language))


def sheet_pages(session: Session, record: str, language: str) -> list[SheetPage]:
    """The pages of a record that lies in quarantine with its delivery still, or in the store: there it is a look."""
    package = find_reviewed(session, record)
    state = session.log.load(ARCHIVAL_PACKAGE, package).state
    told = details(session, package, state)
    judged = show_quality(session, record, every=True).pages[:MOST]
    named = {page.path for page in judged if page.path}
    places = _places(session, package, named, PURPOSES[language]) if named else {}
    pages = []
    for page in judged:
        more = told.get((page.file, page.frame), {})
        pages.append(
            SheetPage(
                label=f"{page.file}" + (f".{page.frame}" if page.frame > 1 else "") + f"  {page.path or ''}",
                standing=page.standing,
                reasons=tuple(reasons(page.checks, language)),
                marks=marks_of(more),
                size=(more.get("width", 0), more.get("height", 0)),
                place=places.get(page.path or ""),
            )
        )
    return pages


def write_sheet_of(judged: Sequence[tuple[Path, PageVerdict]], title: str, target: Path, *, language: str) -> None:
    """Write the sheet of pages that were judged without an archive. `sheet-form`, `file-exists`."""
    _expect_form(target)
    pages = [
        SheetPage(
            label=f"{number}" + (f".{verdict.frame}" if verdict.frame > 1 else "") + f"  {verdict.path}",
            standing=_STANDINGS[verdict.outcome],
            reasons=tuple(reasons([_seen(check) for check in verdict.checks], language)),
            marks=marks_of(msgspec.to_builtins(verdict)),
            size=(verdict.width, verdict.height),
            place=place,
        )
        for number, (place, verdict) in enumerate(judged[:MOST], 1)
    ]
    write_faults(target, render_sheet(pages, title, target.suffix.lower(), language))


_STANDINGS = {
    "pass": Standing.PASSED,
    "review": Standing.WAITING,
    "fail": Standing.FAILED,
    "abstain": Standing.NOT_TESTED,
    "not-tested": Standing.NOT_TESTED,
}


def _seen(check: Check) -> CheckSeen:
    return CheckSeen(
        id=check.id,
        outcome="noted" if check.noted and check.outcome == "pass" else check.outcome,
        value=None if check.value is None else decimal(check.value, THOUSAND),
        unit=check.unit,
        threshold=None if check.threshold is None else decimal(check.threshold, THOUSAND),
        reason=check.reason,
    )


def _expect_form(target: Path) -> None:
    if target.suffix.lower() not in FORMS:
        raise ArchiveError("sheet-form", target, known=", ".join(FORMS))
    if target.exists():
        raise ArchiveError("file-exists", target)


def reasons(checks: Sequence[CheckSeen], language: str) -> list[str]:
    """Why a page does not simply pass."""
    return [
        reason_words(check, language) for check in checks if check.outcome in ("fail", "review", "noted", "declared")
    ]


def marks_of(verdict: dict[str, Any]) -> tuple[tuple[str, int, int, int, int], ...]:
    """Everything that its checks drew on a page."""
    return tuple(
        (mark["kind"], mark["left"], mark["top"], mark["right"], mark["bottom"])
        for check in verdict.get("checks", ())
        if check["outcome"] in ("fail", "review") or check["noted"]
        for mark in check["marks"]
    )


def _places(session: Session, package: UUID, named: Collection[str], purpose: str) -> dict[str, Path]:
    """Where these files of the record lie. Nobody looks at a record before the archive has it: no event until then."""
    state = session.log.load(ARCHIVAL_PACKAGE, package).state
    if state.stored:
        return look_at_pages(session, package, named, purpose=purpose)
    reception = reception_of(session, state.created.accession) if state.created else None
    if reception is None or state.created is None:
        return {}
    unit = next(one for one in reception.plan().units if one.path == state.created.unit)
    return {file.path: reception.place(file.delivered.path) for file in unit.files}
