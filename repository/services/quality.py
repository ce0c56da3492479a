"""Quality (质量检测): every page of a delivery is judged by machine before custody passes, in batches that resume.

What is judged are the records' pages, sound and film, each in a process that a hostile file may kill. A batch of
verdicts is one command: first its reports lie beside the delivery, durable, then the events name them by digest. Run
again, it goes on after the last file that has its verdict.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from uuid import UUID

import msgspec

from repository.domain import archival_package, assessment
from repository.domain.accession import Unit
from repository.domain.aggregate import New
from repository.domain.archival_package import ARCHIVAL_PACKAGE, PagesDeclared, QualityAssessed
from repository.domain.assessment import PAGES_PER_EVENT, Assessment, CheckColumn, JudgedPage, ProfileUsed
from repository.domain.quality import ALGORITHM, THOUSAND, Check, PageVerdict
from repository.eventlog import Streams
from repository.qc import Asked, Assessor, kind_of
from repository.services.catalogue_file import same_code
from repository.services.declarations import Condition
from repository.services.delivery import UnitPlan
from repository.services.linking import named_page
from repository.services.quality_report import Reports
from repository.services.reception import Reception
from repository.services.session import Progress, Session

BLANK = "Q03"
"""The check that finds blank pages; what the producer declared blank is no fault."""
HEAD = 1_024
_LETTERS = {
    "pass": assessment.PASS,
    "review": assessment.REVIEW,
    "fail": assessment.FAIL,
    "abstain": assessment.ABSTAIN,
    "not-tested": assessment.NOT_TESTED,
}


class _Part(msgspec.Struct, frozen=True):
    """A part of one record's verdict, with the line of its report."""

    unit: Unit
    event: QualityAssessed
    line: bytes


def judge_units(
    session: Session,
    stream: UUID,
    reception: Reception,
    units: Mapping[str, Unit],
    plan: Sequence[UnitPlan],
    progress: Progress,
) -> None:
    """Judge the pages of these units that have no verdict by the profiles of now yet, and record what came of it."""
    if session.assessor is None:
        return
    reports = Reports.of(reception.quarantine)
    waiting: list[_Part] = []
    pages, judged = 0, 0
    for part in _parts(session, session.assessor, reception, units, plan, reports):
        # a file of more pages than one event holds is told in one command: who goes on begins with a whole file
        starts_a_file = part.event.pages[0].frame == 1
        if waiting and starts_a_file and pages + len(part.event.pages) > PAGES_PER_EVENT:
            _record(session, stream, reception, reports, waiting)
            judged, waiting, pages = judged + pages, [], 0
            progress("judge", judged, 0)
        waiting.append(part)
        pages += len(part.event.pages)
    if waiting:
        _record(session, stream, reception, reports, waiting)
        progress("judge", judged + pages, judged + pages)


def _record(session: Session, stream: UUID, reception: Reception, reports: Reports, waiting: Sequence[_Part]) -> None:
    """Append a batch of verdicts; their reports are durable before."""
    reports.keep([part.line for part in waiting])

    def decide(streams: Streams) -> Iterator[New]:
        for part in waiting:
            state = streams.load(ARCHIVAL_PACKAGE, part.unit.package).state
            for payload in archival_package.assess(state, part.event):
                yield New(part.unit.package, payload)

    session.perform("assess-quality", decide, correlation=stream, archive=reception.archive)


def _parts(
    session: Session,
    assessor: Assessor,
    reception: Reception,
    units: Mapping[str, Unit],
    plan: Sequence[UnitPlan],
    reports: Reports,
) -> Iterator[_Part]:
    """The parts that are still to be judged, in the order of the plan; no page is judged before it is asked for."""
    used = profiles_of(assessor)
    begun: dict[str, tuple[int, int]] = {}
    for unit in plan:
        known = session.log.load(ARCHIVAL_PACKAGE, units[unit.path].package).state.quality
        done = _done(known, reception.delivery, used, reports)
        if done is not None:
            begun[unit.path] = done
    files = [
        (unit, number)
        for unit in plan
        if unit.path in begun
        for number in range(begun[unit.path][1] + 1, len(unit.files) + 1)
        if _is_judged(reception, unit, number)
    ]
    asked = [
        Asked(reception.place(unit.files[number - 1].delivered.path), f"{place}/{unit.files[number - 1].path}")
        for place, (unit, number) in enumerate(files)
    ]
    answers = (
        (
            *files[int(verdict.path.partition("/")[0])],
            msgspec.structs.replace(verdict, path=verdict.path.partition("/")[2]),
        )
        for verdict in assessor.assess(asked)
    )
    for path, group in groupby(answers, key=lambda one: one[0].path):
        yield from _of_unit(
            session, reception, units[path], ((number, one) for _, number, one in group), begun[path][0], used
        )


def _done(known: Assessment, delivery: int, used: Sequence[ProfileUsed], reports: Reports) -> tuple[int, int] | None:
    """The last part that has its verdict by these profiles, and its last file; null where nothing is left to judge."""
    newest = known.newest
    if newest is None or (newest.delivery, newest.profiles, newest.algorithm) != (delivery, tuple(used), ALGORITHM):
        return 0, 0
    part, file = 0, 0
    while (event := known.assessed.get(part + 1)) is not None and event.report_sha256 in reports:
        part, file = part + 1, event.pages[-1].file
        if event.last:
            return None
    return part, file


def profiles_of(assessor: Assessor) -> tuple[ProfileUsed, ...]:
    """The profiles that an assessor judges by."""
    return tuple(
        ProfileUsed(name=one.name, version=one.version, sha256=one.digest)
        for _, one in sorted(assessor.profiles.items())
    )


def _is_judged(reception: Reception, unit: UnitPlan, number: int) -> bool:
    """Whether a file is a page, sound or film at all."""
    file = unit.files[number - 1]
    with reception.place(file.delivered.path).open("rb") as stream:
        return kind_of(stream.read(HEAD), file.path) is not None


def _of_unit(
    session: Session,
    reception: Reception,
    unit: Unit,
    answers: Iterator[tuple[int, PageVerdict]],
    part: int,
    used: tuple[ProfileUsed, ...],
) -> Iterator[_Part]:
    """The parts of one record: whole files together, as many as an event holds; one part behind, to know the last."""
    blank = _declared_blank(session, unit)
    pages: list[tuple[int, PageVerdict]] = []
    full: list[list[tuple[int, PageVerdict]]] = []
    for _, file in groupby(answers, key=lambda one: one[0]):
        verdicts = list(file)
        if pages and len(pages) + len(verdicts) > PAGES_PER_EVENT:
            full.append(pages)
            pages = []
        pages += verdicts
        while len(pages) > PAGES_PER_EVENT:
            full.append(pages[:PAGES_PER_EVENT])
            pages = pages[PAGES_PER_EVENT:]
        for batch in full:
            part += 1
            yield _part(session, reception, unit, batch, part, blank, used, last=False)
        full = []
    if pages:
        yield _part(session, reception, unit, pages, part + 1, blank, used, last=True)


def _declared_blank(session: Session, unit: Unit) -> frozenset[int]:
    """Serials of the pages that the producer declared blank."""
    told = [event.payload for event in session.log.stream(unit.package) if isinstance(event.payload, PagesDeclared)]
    return frozenset(
        page for event in told[-1:] for one in event.declared if one.condition == Condition.BLANK for page in one.pages
    )


def _part(
    session: Session,
    reception: Reception,
    unit: Unit,
    verdicts: Sequence[tuple[int, PageVerdict]],
    part: int,
    blank: frozenset[int],
    used: tuple[ProfileUsed, ...],
    *,
    last: bool,
) -> _Part:
    code = same_code(unit.reference_code or "")
    serials = [(named_page(code, verdict.path) or (None, False))[0] for _, verdict in verdicts]
    columns, pages = compact(
        [
            (number, serial, verdict, serial is not None and serial in blank)
            for (number, verdict), serial in zip(verdicts, serials, strict=True)
        ]
    )
    lines = [
        {"file": number, "serial": serial, **msgspec.to_builtins(verdict)}
        for (number, verdict), serial in zip(verdicts, serials, strict=True)
    ]
    line = msgspec.json.encode({"schema": "jingui.qc-report/1", "part": part, "last": last, "pages": lines})
    event = QualityAssessed(
        delivery=reception.delivery,
        part=part,
        last=last,
        profiles=used,
        algorithm=ALGORITHM,
        assessed_by=session.agents,
        columns=columns,
        pages=pages,
        report_sha256=hashlib.sha256(line).hexdigest(),
    )
    return _Part(unit, event, line)


def compact(
    verdicts: Sequence[tuple[int, int | None, PageVerdict, bool]],
) -> tuple[tuple[CheckColumn, ...], tuple[JudgedPage, ...]]:
    """Verdicts as an event holds them: each with its file's number, its serial, and whether it was declared blank.

    A column's values are kept in the coarsest scale that loses nothing, whole units or thousandths.
    """
    named = sorted({(check.id, check.unit) for _, _, verdict, _ in verdicts for check in verdict.checks})
    values: dict[tuple[str, str], list[int]] = defaultdict(list)
    for _, _, verdict, _ in verdicts:
        for check in verdict.checks:
            values[check.id, check.unit] += [] if check.value is None else [check.value]
    scales = {name: THOUSAND if any(value % THOUSAND for value in values[name]) else 1 for name in named}
    pages = []
    for number, serial, verdict, declared in verdicts:
        found = {(check.id, check.unit): check for check in verdict.checks}
        letters, kept = [], []
        for name in named:
            seen = found.get(name)
            letters.append(assessment.ABSENT if seen is None else _letter(seen, declared=declared))
            value = None if seen is None else seen.value
            kept.append(value if value is None else value * scales[name] // THOUSAND)
        pages.append(
            JudgedPage(file=number, frame=verdict.frame, serial=serial, checks="".join(letters), values=tuple(kept))
        )
    columns = tuple(CheckColumn(id=check, unit=unit, scale=scales[check, unit]) for check, unit in named)
    return columns, tuple(pages)


def _letter(check: Check, *, declared: bool) -> str:
    if declared and check.id == BLANK and check.outcome in ("review", "fail"):
        return assessment.DECLARED
    return assessment.NOTED if check.noted and check.outcome == "pass" else _LETTERS[check.outcome]
