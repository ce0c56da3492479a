"""Review (质检复核): what machines refused or left to a person waits in a queue; people accept, return or overrule.

The queue shows each page with its measured values. A decision names pages, a whole record, all pages of a kind (one
check), or both, of one record or of a whole accession. The rules - a reason, another person - are the aggregate's.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from repository.catalogue import Accession, Package
from repository.domain import archival_package, assessment
from repository.domain.accession import ACCESSION, Stage
from repository.domain.accession import State as Custody
from repository.domain.aggregate import New, fold
from repository.domain.archival_package import ARCHIVAL_PACKAGE
from repository.domain.assessment import (
    BAD,
    FAIL,
    OPEN,
    PAGES_DECIDED,
    REVIEW,
    Assessment,
    JudgedPage,
    PageKey,
    QualityAssessed,
    QualityReviewed,
    Standing,
)
from repository.domain.assessment import Decision as Decision
from repository.domain.values import Outcome
from repository.errors import ArchiveError
from repository.eventlog import Streams
from repository.services import stored
from repository.services.accession_opening import archive_of
from repository.services.quality_report import REPORT, Reports, read_report
from repository.services.search import find_record, position_of
from repository.services.session import Session

_LETTERS = {
    assessment.PASS: "pass",
    assessment.NOTED: "noted",
    assessment.DECLARED: "declared",
    assessment.REVIEW: "review",
    assessment.FAIL: "fail",
    assessment.ABSTAIN: "abstain",
    assessment.NOT_TESTED: "not-tested",
}
_MEANT = {
    Decision.ACCEPT: frozenset({Standing.WAITING}),
    Decision.RETURN: OPEN,
    Decision.OVERRULE: BAD,
}
"""The pages that a decision means which names none."""


class CheckSeen(msgspec.Struct, frozen=True, kw_only=True):
    """What one check found on a page; `value` is a decimal, `reason` a word of the check's."""

    id: str
    outcome: str
    value: str | None
    unit: str
    threshold: str | None = None
    reason: str = ""


class PageSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A page as it stands; `decided` says why, where a person decided."""

    file: int
    frame: int
    serial: int | None
    path: str | None
    standing: Standing
    checks: tuple[CheckSeen, ...]
    decided: str | None = None


class QueueEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A record with pages on which a person has to decide."""

    accession: UUID
    package: UUID
    unit: str
    reference_code: str | None
    pages: int
    waiting: int
    failed: int
    returned: int


class SampleEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery of which a sample was drawn and is not accepted yet."""

    accession: UUID
    delivery: int
    outcome: Outcome
    units: tuple[str, ...]
    waiting: tuple[str, ...]


class ReviewQueue(msgspec.Struct, frozen=True, kw_only=True):
    """What waits for people, in the order in which it came."""

    schema: str = "jingui.review.queue/1"
    records: tuple[QueueEntry, ...]
    samples: tuple[SampleEntry, ...]
    total: int
    position: int
    after: str | None


class RecordQuality(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on a record, page by page."""

    schema: str = "jingui.review.record/1"
    accession: UUID
    package: UUID
    unit: str
    delivery: int
    outcome: Outcome
    profiles: tuple[str, ...]
    algorithm: int | None
    whole: bool
    pages: tuple[PageSeen, ...]


class DecisionReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided, and what still waits in the accession."""

    schema: str = "jingui.review.decision/1"
    accession: UUID
    decision: Decision
    records: int
    pages: int
    waiting: int
    failed: int


def list_queue(
    session: Session,
    *,
    accession: UUID | None = None,
    as_of: str | None = None,
    limit: int = 50,
    after: str | None = None,
) -> ReviewQueue:
    """The queue, as it is or was; only one accession's where one is named."""
    session.require("survey")
    session.catch_up()
    at = position_of(session, as_of)
    page = session.catalogue.packages(to_review=True, accession=accession, as_of=at, limit=limit, after=after)
    custody: dict[UUID, Custody] = {}
    for card in page.entries:
        if card.accession not in custody:
            custody[card.accession] = _custody(session, card.accession, at)
    waiting = session.catalogue.accessions(stage=Stage.WAITING, as_of=at, limit=1_000).entries
    return ReviewQueue(
        records=tuple(_entry(card, custody[card.accession]) for card in page.entries),
        samples=tuple(_sample(one, _custody(session, one.id, at)) for one in waiting if one.sample != "none"),
        total=page.total,
        position=page.position,
        after=page.after,
    )


def _custody(session: Session, stream: UUID, position: int | None) -> Custody:
    history = [one for one in session.log.stream(stream) if position is None or one.envelope.position <= position]
    return fold(ACCESSION, history)


def _entry(card: Package, custody: Custody) -> QueueEntry:
    found = [one.standing for one in card.odd_pages]
    return QueueEntry(
        accession=card.accession,
        package=card.id,
        unit=card.unit,
        reference_code=custody.units[card.unit].reference_code if card.unit in custody.units else None,
        pages=sum(pages for _, pages in card.judged),
        waiting=found.count(Standing.WAITING),
        failed=found.count(Standing.FAILED),
        returned=found.count(Standing.RETURNED),
    )


def _sample(card: Accession, custody: Custody) -> SampleEntry:
    sample = custody.sample
    return SampleEntry(
        accession=card.id,
        delivery=custody.delivery,
        outcome=sample.outcome,
        units=sample.units,
        waiting=sample.waiting,
    )


def show_quality(session: Session, record: str, *, every: bool = False, as_of: str | None = None) -> RecordQuality:
    """The verdict on a record: the pages that did not simply pass, or `every` page."""
    session.require("survey")
    package = find_reviewed(session, record)
    at = position_of(session, as_of)
    history = [one for one in session.log.stream(package) if at is None or one.envelope.position <= at]
    state = fold(ARCHIVAL_PACKAGE, history)
    if state.created is None:
        raise ArchiveError("record-unknown", record)
    told, newest = details(session, package, state), state.quality.newest
    parts = state.quality.parts
    pages = [
        _seen(state.quality, page, parts[page.key], told.get(page.key))
        for page in state.quality.pages.values()
        if every or state.quality.standing(page) is not Standing.PASSED
    ]
    return RecordQuality(
        accession=state.created.accession,
        package=package,
        unit=state.created.unit,
        delivery=state.created.delivery,
        outcome=state.quality.outcome,
        profiles=tuple(f"{one.name}/{one.version}" for one in newest.profiles) if newest else (),
        algorithm=newest.algorithm if newest else None,
        whole=state.quality.is_whole,
        pages=tuple(pages),
    )


def details(session: Session, package: UUID, state: archival_package.State) -> dict[PageKey, dict[str, Any]]:
    """What the report says of each page, from the package or, before it is stored, from beside the delivery."""
    if state.created is None or state.quality.newest is None:
        return {}
    if state.stored:
        version = stored.newest(session, package)
        path = f"data/uuid-{package}/{REPORT}"
        content = stored.true_bytes(session, version, path) if path in version.digests else b"[]"
    else:
        folder = session.quarantine / str(state.created.accession) / str(state.created.delivery)
        content = b"".join(Reports.of(folder).document(state.quality))
    return {(page["file"], page["frame"]): page for page in read_report(content)}


def _seen(verdict: Assessment, page: JudgedPage, part: QualityAssessed, told: Mapping[str, Any] | None) -> PageSeen:
    more = {(one["id"], one["unit"]): one for one in (told or {}).get("checks", ())}
    checks = []
    for column, letter, value in zip(part.columns, page.checks, page.values, strict=True):
        if letter == assessment.ABSENT:
            continue
        detail = more.get((column.id, column.unit), {})
        threshold = detail.get("threshold")
        checks.append(
            CheckSeen(
                id=column.id,
                outcome=_LETTERS[letter],
                value=None if value is None else decimal(value, column.scale),
                unit=column.unit,
                threshold=None if threshold is None else decimal(threshold, 1_000),
                reason=detail.get("reason", ""),
            )
        )
    decided = verdict.decided.get(page.key)
    return PageSeen(
        file=page.file,
        frame=page.frame,
        serial=page.serial,
        path=(told or {}).get("path"),
        standing=verdict.standing(page),
        checks=tuple(checks),
        decided=decided.reason if decided and isinstance(decided.reason, str) else None,
    )


def decimal(value: int, scale: int) -> str:
    """A scaled whole number as people write it: -1250 in thousandths is -1.25."""
    whole, rest = divmod(abs(value), scale)
    digits = f"{rest:0{len(str(scale)) - 1}d}".rstrip("0") if rest else ""
    return f"{'-' if value < 0 else ''}{whole}{'.' + digits if digits else ''}"


def find_reviewed(session: Session, record: str) -> UUID:
    """The package of a record that waits, by its id, 档号 or folder, else that of one that is described already."""
    session.catch_up()
    try:
        identity: UUID | None = UUID(record)
    except ValueError:
        identity = None
    if identity is not None and session.log.load(ARCHIVAL_PACKAGE, identity).state.created is not None:
        return identity
    for card in session.catalogue.accessions(stage=Stage.WAITING, limit=1_000).entries:
        state = session.log.load(ACCESSION, card.id).state
        for path in state.taken:
            if record in (path, state.units[path].reference_code):
                return state.units[path].package
    return find_record(session, record)


def decide(
    session: Session,
    record: str,
    decision: Decision,
    *,
    files: Sequence[int] = (),
    check: str | None = None,
    reason: str | None = None,
) -> DecisionReport:
    """Decide on pages of a record, or of every record of an accession that waits.

    Without `files` all pages are meant on which such a decision can be taken; `check` narrows them to one kind.
    `own-work`, `reason-missing`, `overrule-needed`, `nothing-to-overrule`, `page-unknown`; `nothing-to-review` where
    no page is meant.
    """
    session.require("review-quality")
    stream, packages = _meant_records(session, record)
    done: dict[UUID, int] = {}

    def decided(streams: Streams) -> Iterator[New]:
        done.clear()
        for package in packages:
            state = streams.load(ARCHIVAL_PACKAGE, package).state
            for batch in _batches(_meant_pages(state.quality, decision, files, check)):
                event = QualityReviewed(
                    delivery=state.created.delivery if state.created else 0,
                    decision=decision,
                    pages=batch,
                    check=check,
                    reason=reason,
                    reviewed_by=session.agents,
                )
                for payload in archival_package.review(state, event):
                    done[package] = done.get(package, 0) + len(batch)
                    yield New(package, payload)

    def whole(streams: Streams) -> list[New]:
        events = list(decided(streams))
        if not events and not any(
            _meant_pages(streams.load(ARCHIVAL_PACKAGE, one).state.quality, decision, files, check) for one in packages
        ):
            raise ArchiveError("nothing-to-review", record)
        return events

    session.perform("review-quality", whole, correlation=stream, archive=archive_of(session, stream))
    left = [standing for one in _verdicts(session, stream) for standing in one.standings.values()]
    return DecisionReport(
        accession=stream,
        decision=decision,
        records=len(done),
        pages=sum(done.values()),
        waiting=left.count(Standing.WAITING),
        failed=sum(one in BAD for one in left),
    )


def _verdicts(session: Session, stream: UUID) -> list[Assessment]:
    state = session.log.load(ACCESSION, stream).state
    return [session.log.load(ARCHIVAL_PACKAGE, state.units[path].package).state.quality for path in state.taken]


def _meant_records(session: Session, record: str) -> tuple[UUID, list[UUID]]:
    """The accession, and which of its packages are meant: one record's, or those of all that it holds."""
    try:
        custody = session.log.load(ACCESSION, UUID(record)).state
    except (ValueError, ArchiveError):  # no id at all, or that of a package
        custody = Custody()
    if custody.stage is not Stage.NEW:
        return UUID(record), [custody.units[path].package for path in custody.taken]
    package = find_reviewed(session, record)
    created = session.log.load(ARCHIVAL_PACKAGE, package).state.created
    if created is None:
        raise ArchiveError("record-unknown", record)
    return created.accession, [package]


def _meant_pages(verdict: Assessment, decision: Decision, files: Sequence[int], check: str | None) -> list[PageKey]:
    pages = [page for page in verdict.pages.values() if not files or page.file in files]
    if files and {page.file for page in pages} != set(files):
        missing = min(set(files) - {page.file for page in pages})
        raise ArchiveError("page-unknown", decision, file=missing, frame=1)
    if check is not None:
        parts = verdict.parts
        pages = [page for page in pages if _shows(parts[page.key], page, check)]
    if not files:
        pages = [page for page in pages if verdict.standing(page) in _MEANT[decision]]
    return [page.key for page in pages]


def _shows(part: QualityAssessed, page: JudgedPage, check: str) -> bool:
    """Whether it was this check that stopped the page."""
    letters = zip(part.columns, page.checks, strict=True)
    return any(column.id == check and letter in (FAIL, REVIEW) for column, letter in letters)


def _batches(pages: Sequence[PageKey]) -> Iterator[tuple[PageKey, ...]]:
    for first in range(0, len(pages), PAGES_DECIDED):
        yield tuple(pages[first : first + PAGES_DECIDED])
