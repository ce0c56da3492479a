"""Fixity (固定性校验): every stored byte is read again within the policy's age, oldest first, within a budget.

When a package was last found true stands in the log: in the `Stored` that committed it, and in the `Verified` of each
run that read it since. One that is not true gets a `FixityFailed` in its own stream and is not read again every day.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from uuid import UUID

import msgspec

from packages_spec.findings import Finding, Severity
from repository.catalogue import StoredSize
from repository.domain import archival_package, run
from repository.domain.aggregate import New
from repository.domain.archival_package import ARCHIVAL_PACKAGE, FixityFailed, Stored
from repository.domain.envelope import Event
from repository.domain.run import RUN, RunKind, Verified
from repository.domain.values import Finding as KeptFinding
from repository.domain.values import Outcome, Value
from repository.errors import ArchiveError, storage_error
from repository.eventlog import Streams
from repository.services.fixity_age import by_age, older
from repository.services.package_check import check_package
from repository.services.search import find_record
from repository.services.session import Progress, Session
from repository.storage import run_lock

AT_ONCE = 100
"""Packages of one `Verified`: what a run that is killed has to read again is no more."""

FINDINGS_KEPT = 100
OLDEST = "oldest"
"""Scope of a run that takes what was verified longest ago; a run over one package has the package's id."""


class Damaged(msgspec.Struct, frozen=True, kw_only=True):
    """A package that is not what the log says, and what is wrong with it."""

    package: UUID
    findings: tuple[Finding, ...]


class FixityReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a run read and what came of it. `left` are packages that are due and did not fit into the budget."""

    schema: str = "jingui.fixity/1"
    run: UUID
    outcome: Outcome
    packages: int
    files: int
    bytes: int
    damaged: tuple[Damaged, ...]
    left: int


def verify_fixity(session: Session, *, record: str | None, budget: int | None, progress: Progress) -> FixityReport:
    """Read packages again and compare every byte with the log: one record, or the oldest within so many bytes.

    At least one package is read, however large it is; `budget` None is the daily one of the settings. A damaged
    package is an answer, recorded and told; a disk that fails otherwise ends the run, which then counts as not carried
    out. Raises `locked` while another run goes on.
    """
    session.require("work")
    with run_lock(session.folder, "fixity"):
        # 1 end what a killed run left open: nobody else can be at it now
        end_dead_runs(session)

        # 2 choose the packages
        session.catch_up()
        waiting = by_age(session)
        wanted = find_record(session, record) if record is not None else None
        limit = session.settings.fixity_daily_bytes if budget is None else budget
        chosen = [one for _, one in waiting if one.package == wanted] if wanted else list(_within(waiting, limit))

        # 3 read them, and say so in the log as it goes
        identifier = session.new_id()
        scope = f"urn:uuid:{wanted}" if wanted else OLDEST
        _append(session, identifier, lambda state: run.start(state, _started(scope)))
        reading = _Reading(session, identifier, len(chosen))
        try:
            for one in chosen:
                reading.take(one)
                progress("verify", reading.done, len(chosen))
            reading.tell()
        except BaseException as error:
            reading.break_off(error)
            raise

        # 4 end the run
        outcome = Outcome.FAILED if reading.damaged else Outcome.PASSED
        reading.end(outcome, [_kept(found) for one in reading.damaged for found in one.findings])
        due = len(older(session, waiting, session.settings.fixity_age_days / 2))
        return FixityReport(
            run=identifier,
            outcome=outcome,
            packages=reading.done,
            files=reading.files,
            bytes=sum(one.bytes for one in chosen),
            damaged=tuple(reading.damaged),
            left=0 if wanted else max(due - len(chosen), 0),
        )


class _Reading:
    """A run under way: what was read since the log last heard of it, and what was found."""

    def __init__(self, session: Session, identifier: UUID, total: int) -> None:
        self.done = self.files = 0
        self.damaged: list[Damaged] = []
        self._session = session
        self._run = identifier
        self._total = total
        self._true: list[UUID] = []
        self._files = self._bytes = 0

    def take(self, one: StoredSize) -> None:
        """Read one package."""
        event = _stored(self._session, one.package)
        files, findings = _check(self._session, one.package, event)
        self.done += 1
        self.files += files
        if findings:
            self.damaged.append(Damaged(package=one.package, findings=tuple(findings)))
            _record_damage(self._session, self._run, one.package, event, findings)
        else:
            self._true.append(one.package)
            self._files += files
            self._bytes += one.bytes
        if len(self._true) == AT_ONCE:
            self.tell()

    def tell(self) -> None:
        """Write down what was found true, and how far the run is."""
        verified = Verified(packages=tuple(self._true), files=self._files, bytes=self._bytes)
        cursor = str(self._true[-1]) if self._true else ""
        progressed = run.Progressed(done=self.done, total=self._total, cursor=cursor)
        if self._true:
            _append(
                self._session,
                self._run,
                lambda state: [*run.verify(state, verified), *run.progress(state, progressed)],
            )
        self._true, self._files, self._bytes = [], 0, 0

    def break_off(self, error: BaseException) -> None:
        """End a run that could not be carried out: what was read counts, the rest was not checked."""
        code = error.code if isinstance(error, ArchiveError) else type(error).__name__
        with suppress(ArchiveError):  # a log that takes nothing now: the next run ends this one
            self.tell()
            self.end(Outcome.NOT_CHECKED, [KeptFinding(code=code, path="", expected="", found=str(error))])

    def end(self, outcome: Outcome, findings: Sequence[KeptFinding]) -> None:
        """End the run."""
        finished = run.Finished(
            outcome=outcome, done=self.done, findings=tuple(findings[:FINDINGS_KEPT]), findings_total=len(findings)
        )
        _append(self._session, self._run, lambda state: run.finish(state, finished))


def end_dead_runs(session: Session) -> None:
    """End the fixity runs that nobody is at any more. Call it with the run's lock held."""
    session.catch_up()
    for one in session.catalogue.runs(kind=RunKind.FIXITY, limit=1_000, unfinished=True).entries:
        reason = KeptFinding(code="interrupted", path="", expected="", found="")
        dead = run.Finished(outcome=Outcome.NOT_CHECKED, done=one.done, findings=(reason,), findings_total=1)
        _append(session, one.id, lambda state, dead=dead: run.finish(state, dead))  # type: ignore[misc]  # mypy knows no bound defaults


def _within(waiting: Sequence[tuple[int, StoredSize]], limit: int) -> Iterator[StoredSize]:
    """The first packages that fit into a number of bytes, and one at least."""
    taken = 0
    for _, one in waiting:
        if taken and taken + one.bytes > limit:
            return
        taken += one.bytes
        yield one


def _stored(session: Session, package: UUID) -> Event:
    return next(event for event in reversed(session.log.stream(package)) if isinstance(event.payload, Stored))


def _check(session: Session, package: UUID, event: Event) -> tuple[int, list[Finding]]:
    """What is wrong with a package. A file of it that cannot be read is wrong; a store that is not there is not."""
    try:
        files, findings = check_package(session, package, event)
    except OSError as error:
        if not session.store.root.is_dir():
            raise storage_error(error, session.store.root) from error
        return 0, [Finding("archive.unreadable", str(error.filename or package), found=str(error.strerror))]
    return files, [finding for finding in findings if finding.severity is Severity.ERROR]


def _record_damage(
    session: Session, identifier: UUID, package: UUID, event: Event, findings: Sequence[Finding]
) -> None:
    stored = event.payload
    if not isinstance(stored, Stored):
        raise TypeError(event.envelope.type)
    failed = FixityFailed(
        generation=stored.generation,
        version=stored.version,
        findings=tuple(map(_kept, findings[:FINDINGS_KEPT])),
        findings_total=len(findings),
    )

    def decide(streams: Streams) -> list[New]:
        state = streams.load(ARCHIVAL_PACKAGE, package).state
        return [New(package, payload) for payload in archival_package.fail(state, failed)]

    session.perform("fixity-failed", decide, correlation=identifier, archive=event.envelope.archive)


def _kept(finding: Finding) -> KeptFinding:
    return KeptFinding(code=finding.code, path=finding.path, expected=finding.expected, found=finding.found)


def _started(scope: str) -> run.Started:
    return run.Started(kind=RunKind.FIXITY, scope=scope, target=None)


def _append(session: Session, identifier: UUID, decide: Callable[[run.State], list[Value]]) -> None:
    def decided(streams: Streams) -> list[New]:
        return [New(identifier, payload) for payload in decide(streams.load(RUN, identifier).state)]

    session.perform("run", decided, correlation=identifier, archive=None)
