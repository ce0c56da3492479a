"""Schedule (日程): what has to be done again and again, and when it is due next - all of it derived from the log.

A job that could not be carried out is tried again after an hour, six hours and a day; then it waits for a person, and
is shown as failed with what to do. A fixity run that found damage was carried out: that is a result, not a failure.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from repository.catalogue import Run
from repository.domain import run
from repository.domain.aggregate import New
from repository.domain.run import RUN, RunKind
from repository.domain.values import Finding, Outcome, Value, time_of
from repository.errors import ArchiveError
from repository.eventlog import Streams
from repository.services.fixity import OLDEST, verify_fixity
from repository.services.fixity_age import fixity_state
from repository.services.reports import Item, period_of, report
from repository.services.revision import repack
from repository.services.session import Progress, Session
from repository.services.tables import FORMATS, Table
from repository.storage import is_running, write_atomic

WAITS = (timedelta(hours=1), timedelta(hours=6), timedelta(days=1))
"""How long to wait after the first, second and third failure in a row; after another one a person is needed."""

CARRIED_OUT = (Outcome.PASSED, Outcome.FAILED)
"""How a run ends that did its work, whatever it found. One without an end, which nobody is at, did not."""

DAY = timedelta(days=1)
FOLDER = "reports"
LAGGING = "lagging"
FINDINGS_KEPT = 100


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One job. `state` is due, waiting, under-way, failed (a person is needed) or off.

    `scope` is what it will do next; `last` when it was begun last, with its outcome; `failures` how often in a row it
    could not be carried out since; `next` when it is due, null where nothing is foreseen.
    """

    name: str
    state: str
    scope: str
    last: str | None
    outcome: Outcome | None
    failures: int
    next: str | None


class ScheduleReport(msgspec.Struct, frozen=True, kw_only=True):
    """Every job, as of now."""

    schema: str = "jingui.schedule/1"
    now: str
    jobs: tuple[Job, ...]


def schedule(session: Session) -> ScheduleReport:
    """What is due, what waits and until when, and what failed."""
    session.require("inspect")
    session.catch_up()
    return ScheduleReport(now=session.now(), jobs=(_fixity(session), _repack(session), _statistics(session)))


def run_due(session: Session, progress: Progress) -> dict[str, str]:
    """Do what is due, each job once; its outcome by its name. What cannot be carried out is recorded, and raised."""
    session.require("work")
    done: dict[str, str] = {}
    for job in schedule(session).jobs:
        if job.state != "due":
            continue
        if job.name == "fixity":
            done[job.name] = verify_fixity(session, record=None, budget=None, progress=progress).outcome.value
        elif job.name == "repack":
            done[job.name] = repack_some(session, progress).value
        else:
            done[job.name] = make_statistics(session, int(job.scope.rpartition("/")[2])).value
    return done


def repack_some(session: Session, progress: Progress) -> Outcome:
    """Make a day's packages anew that lag behind their descriptions; recorded as a run.

    A package that was passed over - somebody works on it, or its pages wait - is a finding of the run, and due again.
    """
    identifier, budget = session.new_id(), session.settings.repack_daily
    _append(session, identifier, run.Started(kind=RunKind.REPACK, scope=f"{LAGGING}/{budget}", target=None))
    try:
        done = repack(session, budget=budget, progress=progress)
    except (ArchiveError, OSError) as error:
        code = error.code if isinstance(error, ArchiveError) else "storage-failed"
        reason = Finding(code=code, path="-", expected="", found=str(error))
        _append(session, identifier, _finished(Outcome.NOT_CHECKED, 0, (reason,)))
        raise
    left = tuple(
        Finding(code=code, path=package, expected="", found="")
        for package, code in list(done.passed_over.items())[:FINDINGS_KEPT]
    )
    _append(session, identifier, _finished(Outcome.PASSED, done.stored, left))
    return Outcome.PASSED


def make_statistics(session: Session, year: int) -> Outcome:
    """Write a year's statistics into the archive's `reports/<year>`, in every form; recorded as a run of export."""
    identifier = session.new_id()
    folder = session.folder / FOLDER / str(year)
    started = run.Started(kind=RunKind.EXPORT, scope=_scope(year), target=str(folder))
    _append(session, identifier, started)
    try:
        period = period_of(session, as_of=None, since=f"{year}-01-01", until=f"{year}-12-31")
        made = report(session, "annual", period)
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(folder / "annual.json", msgspec.json.format(msgspec.json.encode(made)) + b"\n")
        table = _in_both_languages(year, made.items)
        for form, written in FORMATS.items():
            write_atomic(folder / f"annual.{form}", written(table))
    except (ArchiveError, OSError) as error:
        code = error.code if isinstance(error, ArchiveError) else "storage-failed"
        reason = Finding(code=code, path=str(folder), expected="", found=str(error))
        _append(session, identifier, _finished(Outcome.NOT_CHECKED, 0, (reason,)))
        raise
    _append(session, identifier, _finished(Outcome.PASSED, len(made.items), ()))
    return Outcome.PASSED


def _in_both_languages(year: int, items: tuple[Item, ...]) -> Table:
    return Table(
        language="zh",
        title=f"档案统计年报 {year} Yearly statistics",
        notes=(),
        header=("编号 item", "指标", "figure", "数值 value", "单位", "unit"),
        rows=tuple((one.id, one.zh, one.en, one.value or "无数据 no data", one.unit_zh, one.unit_en) for one in items),
    )


def _fixity(session: Session) -> Job:
    """A run a day, as long as something has not been looked at for half of the policy's age."""
    runs = [one for one in _runs(session, RunKind.FIXITY) if one.scope == OLDEST]
    state = fixity_state(session)
    settings = session.settings
    foreseen = None
    if state.oldest is not None:
        foreseen = _moment(state.oldest) + timedelta(days=settings.fixity_age_days / 2)
        if runs and runs[-1].outcome in CARRIED_OUT:
            foreseen = max(foreseen, _moment(runs[-1].opened.time) + DAY)
    running = is_running(session.folder, "fixity")
    return _job(session, "fixity", f"{OLDEST}/{settings.fixity_daily_bytes}", runs, foreseen, running=running)


def _repack(session: Session) -> Job:
    """A run a day, as long as a package tells less than the log knows of its description."""
    runs = list(_runs(session, RunKind.REPACK))
    foreseen = None
    if session.catalogue.lagging(limit=1).total:
        carried_out = bool(runs) and runs[-1].outcome in CARRIED_OUT
        foreseen = _moment(runs[-1].opened.time) + DAY if carried_out else session.clock()
    budget = session.settings.repack_daily
    job = _job(session, "repack", f"{LAGGING}/{budget}", runs, foreseen, running=False)
    return job if budget else msgspec.structs.replace(job, state="off", next=None)


def _statistics(session: Session) -> Job:
    """The first year of the log that is over and has no statistics yet."""
    runs = [one for one in _runs(session, RunKind.EXPORT) if one.scope.startswith(_scope(""))]
    made = {one.scope for one in runs if one.outcome is Outcome.PASSED}
    year = _moment(session.log.recorded_at(1) or session.now()).year
    while _scope(year) in made:
        year += 1
    over = datetime.fromisoformat(f"{year + 1}-01-01").astimezone()
    own = [one for one in runs if one.scope == _scope(year)]
    job = _job(session, "statistics", _scope(year), own, over, running=False)
    return job if session.settings.yearly_statistics else msgspec.structs.replace(job, state="off", next=None)


def _job(session: Session, name: str, scope: str, runs: list[Run], foreseen: datetime | None, *, running: bool) -> Job:
    failures = 0
    for one in reversed(runs):
        if one.outcome in CARRIED_OUT:
            break
        failures += 1
    if failures and foreseen is not None and failures <= len(WAITS):
        foreseen = max(foreseen, _moment(runs[-1].changed.time) + WAITS[failures - 1])
    if running:
        state = "under-way"
    elif failures > len(WAITS):
        state, foreseen = "failed", None
    else:
        state = "due" if foreseen is not None and foreseen <= session.clock() else "waiting"
    return Job(
        name=name,
        state=state,
        scope=scope,
        last=runs[-1].opened.time if runs else None,
        outcome=runs[-1].outcome if runs else None,
        failures=failures,
        next=None if foreseen is None else time_of(foreseen),
    )


def _runs(session: Session, kind: RunKind) -> Iterator[Run]:
    after: str | None = None
    while True:
        page = session.catalogue.runs(kind=kind, limit=1_000, after=after)
        yield from page.entries
        if (after := page.after) is None:
            return


def _scope(year: int | str) -> str:
    return f"statistics/{year}"


def _moment(time: str) -> datetime:
    return datetime.fromisoformat(time).astimezone()


def _finished(outcome: Outcome, done: int, findings: tuple[Finding, ...]) -> run.Finished:
    return run.Finished(outcome=outcome, done=done, findings=findings, findings_total=len(findings))


def _append(session: Session, identifier: UUID, said: run.Started | run.Finished) -> None:
    def decide(streams: Streams) -> list[New]:
        state = streams.load(RUN, identifier).state
        payloads: list[Value] = run.start(state, said) if isinstance(said, run.Started) else run.finish(state, said)
        return [New(identifier, payload) for payload in payloads]

    session.perform("run", decide, correlation=identifier, archive=None)
