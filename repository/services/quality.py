"""Quality (质量检测): every page of a delivery is judged by machine before custody passes, in batches that resume.

What is judged are the records' pages, sound and film, each in a process that a hostile file may kill. A batch of
verdicts is one command: first its reports lie beside the delivery, durable, then the events name them by digest. Run
again, it goes on after the last file that has its verdict.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from packages_spec.findings import Finding
from repository.domain import archival_package
from repository.domain.accession import Unit
from repository.domain.aggregate import New
from repository.domain.archival_package import ARCHIVAL_PACKAGE, PagesDeclared, QualityAssessed
from repository.domain.assessment import PAGES_PER_EVENT, Assessment, ProfileUsed
from repository.domain.quality import ALGORITHM, PageVerdict, outcome_of
from repository.domain.values import RecordType
from repository.eventlog import Streams
from repository.qc import Asked, Assessor, kind_of
from repository.services.catalogue_file import same_code
from repository.services.declarations import Condition
from repository.services.delivery import UnitPlan
from repository.services.examination import Examined
from repository.services.identification import Identified
from repository.services.linking import named_page
from repository.services.quality_report import Reports
from repository.services.quality_verdicts import compact
from repository.services.reception import Reception
from repository.services.session import Progress, Session

if TYPE_CHECKING:
    from repository.qc.likeness import Seen

HEAD = 1_024
"""Bytes of a file's beginning by which it is told whether it is judged."""


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
    examined: Mapping[str, Examined],
    progress: Progress,
) -> None:
    """Judge the pages of these units that have no verdict by the profiles of now yet, and record what came of it.

    Records and photographs are judged each by a profile of their own.
    """
    if session.assessors is None:
        return
    reports = Reports.of(reception.quarantine)
    for pictures in (False, True):
        made = [one for one in examined.values() if (one.record_type is RecordType.IMAGE) is pictures]
        if made:
            assessor = session.assessors.of(made[0].record_type)
            _judge(session, stream, reception, units, [one.plan for one in made], assessor, reports, progress)


def _judge(
    session: Session,
    stream: UUID,
    reception: Reception,
    units: Mapping[str, Unit],
    plan: Sequence[UnitPlan],
    assessor: Assessor,
    reports: Reports,
    progress: Progress,
) -> None:
    waiting: list[_Part] = []
    pages, judged = 0, 0
    for part in _parts(session, assessor, reception, units, plan, reports):
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


def judge_batch(session: Session, units: Sequence[UnitPlan], formats: Mapping[str, Identified]) -> list[Finding]:
    """One batch, one format (R31-7): the pictures of catalogued records that are not of the most frequent format."""
    if session.assessors is None:
        return []
    paths = [file.delivered.path for unit in units if unit.row for file in unit.files]
    kinds = {path: formats[path].media_type for path in paths if path in formats}
    pictures = {path: kind for path, kind in kinds.items() if kind.startswith("image/")}
    counts = Counter(pictures.values())
    if len(counts) < 2:
        return []
    (most, _), *_ = counts.most_common(1)
    odd = next(path for path, kind in pictures.items() if kind != most)
    told = ", ".join(f"{kind} × {count}" for kind, count in counts.most_common())
    code = "quality.formats-mixed" if session.settings.quality_one_format else "quality.formats-several"
    return [Finding(code, odd, most, told)]


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
    answers = _answers(assessor, asked, files, _seen(session, assessor, reception, units, plan, reports))
    for path, group in groupby(answers, key=lambda one: one[0].path):
        numbered = ((number, verdict) for _, number, verdict in group)
        yield from _of_unit(session, reception, units[path], numbered, begun[path][0], used)


def _answers(
    assessor: Assessor,
    asked: Sequence[Asked],
    files: Sequence[tuple[UnitPlan, int]],
    seen: "Seen",
) -> Iterator[tuple[UnitPlan, int, PageVerdict]]:
    """Each verdict with its unit and the number of its file; a page that came twice in the delivery says so (Q11)."""
    for verdict in assessor.assess(asked):
        place, _, path = verdict.path.partition("/")
        unit, number = files[int(place)]
        delivered = unit.files[number - 1].delivered.path
        again = seen.judge(msgspec.structs.replace(verdict, path=delivered))
        checks = verdict.checks if again is None else (*verdict.checks, again)
        outcome = verdict.outcome if again is None else outcome_of(checks)
        yield unit, number, msgspec.structs.replace(verdict, path=path, checks=checks, outcome=outcome)


def _seen(
    session: Session,
    assessor: Assessor,
    reception: Reception,
    units: Mapping[str, Unit],
    plan: Sequence[UnitPlan],
    reports: Reports,
) -> "Seen":
    """The pages that were judged before, as far as their reports lie here: who goes on compares with them too."""
    from repository.qc.likeness import Seen  # the pictures' library takes its time to load

    seen = Seen(assessor.profiles["page"])
    for unit in plan:
        known = session.log.load(ARCHIVAL_PACKAGE, units[unit.path].package).state.quality
        for _, event in sorted(known.assessed.items()):
            if event.delivery == reception.delivery and event.report_sha256 in reports:
                for told in msgspec.json.decode(reports.line(event.report_sha256))["pages"]:
                    verdict = msgspec.convert(
                        {**told, "path": unit.files[told["file"] - 1].delivered.path}, PageVerdict
                    )
                    seen.judge(verdict)
    return seen


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
    """The parts of one record: whole files together, as many as an event holds."""
    blank = _declared_blank(session, unit, reception.delivery)
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


def _declared_blank(session: Session, unit: Unit, delivery: int) -> frozenset[int]:
    """Serials of the pages that the producer declared blank in this delivery."""
    told = [event.payload for event in session.log.stream(unit.package) if isinstance(event.payload, PagesDeclared)]
    lines = [one for event in told if event.delivery == delivery for one in event.declared]
    return frozenset(page for one in lines if one.condition == Condition.BLANK for page in one.pages)


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
