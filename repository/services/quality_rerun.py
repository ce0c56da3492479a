"""Re-running (重检): what another profile would have found in what is stored. A run that compares and changes nothing.

The verdicts on which custody passed stand for ever; the difference between them and the new ones is recorded in the
run, so that a profile can be tried on the whole history before it is used.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from itertools import groupby
from uuid import UUID

import msgspec

from repository.catalogue import Package
from repository.domain import run
from repository.domain.aggregate import New
from repository.domain.archival_package import ARCHIVAL_PACKAGE
from repository.domain.assessment import ABSENT, DECLARED, Assessment, PageKey
from repository.domain.batches import parts
from repository.domain.quality import ALGORITHM, PageVerdict
from repository.domain.run import RUN, Finished, RunKind, Started, VerdictChange, VerdictsCompared
from repository.domain.values import Outcome, Value
from repository.eventlog import Streams
from repository.qc import Asked, Assessor, Profile, load_profile, media_of
from repository.qc.kinds import named
from repository.services import stored
from repository.services.quality_verdicts import letter_of
from repository.services.session import Progress, Session

OF_THE_DELIVERY = frozenset({"F02", "Q11"})
"""Checks that look at more than the page - the producer's digests, the delivery's other pages - are not made again."""
PAGES_AT_ONCE = 500
"""Pages that are compared before what differs is recorded."""


class RerunReport(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it; `by_check` counts the pages on which a check judges otherwise, as `before>after`."""

    schema: str = "jingui.quality.rerun/1"
    run: UUID
    profile: str
    profile_sha256: str
    packages: int
    pages: int
    changed: int
    by_check: dict[str, dict[str, int]]
    changes: tuple[VerdictChange, ...]


class _Compared(msgspec.Struct):
    """What was compared since the last event."""

    packages: int = 0
    pages: int = 0
    changes: list[VerdictChange] = []


def rerun(session: Session, profile: str, progress: Progress, *, workers: int = 0) -> RerunReport:
    """Judge every stored package that has a verdict by this profile, and record what differs.

    `quality-profile-unknown`, `quality-profile-invalid`; what is sealed is not opened for it and left out.
    """
    session.require("work")
    chosen = load_profile(profile)
    identity = session.new_id()
    scope = f"{chosen.name}/{chosen.version}"
    _append(session, identity, lambda state: run.start(state, Started(kind=RunKind.QUALITY, scope=scope, target=None)))
    changes: list[VerdictChange] = []
    packages = pages = 0
    now = _Compared(changes=[])
    with closing(Assessor(chosen, workers=workers)) as assessor:
        for card in _judged(session):
            seen, found = _compare(session, assessor, chosen, card.id)
            if seen:
                now.packages, now.pages = now.packages + 1, now.pages + seen
                now.changes += found
                changes += found
                packages, pages = packages + 1, pages + seen
            if now.pages >= PAGES_AT_ONCE:
                _record(session, identity, chosen, now)
                now = _Compared(changes=[])
                progress("judge", pages, 0)
    if now.pages:
        _record(session, identity, chosen, now)
    finished = Finished(outcome=Outcome.PASSED, done=packages, findings=(), findings_total=0)
    _append(session, identity, lambda state: run.finish(state, finished))
    return RerunReport(
        run=identity,
        profile=scope,
        profile_sha256=chosen.digest,
        packages=packages,
        pages=pages,
        changed=len(changes),
        by_check=_by_check(changes),
        changes=tuple(changes),
    )


def _judged(session: Session) -> Iterator[Package]:
    """Stored packages that have a verdict, in the order of their creation."""
    session.catch_up()
    after: str | None = None
    while True:
        page = session.catalogue.packages(stored=True, limit=500, after=after)
        yield from (card for card in page.entries if card.judged)
        if (after := page.after) is None:
            return


def _compare(session: Session, assessor: Assessor, profile: Profile, package: UUID) -> tuple[int, list[VerdictChange]]:
    """How many pages of a package were judged again, and those that differ."""
    before = session.log.load(ARCHIVAL_PACKAGE, package).state.quality
    version = stored.newest(session, package)
    folder = f"data/uuid-{package}/representations/original/data"
    numbered = dict(enumerate((file.path for file in stored.content(session, version)), 1))
    wanted = sorted({page.file for page in before.pages.values()} & set(numbered))
    asked = [
        Asked(stored.place_of(session, version, f"{folder}/{numbered[number]}"), f"{number}/{numbered[number]}")
        for number in wanted
        if (kind := named(numbered[number])) is not None and media_of(kind) == profile.media
    ]
    seen, changes = 0, []
    for name, verdicts in groupby(assessor.assess(asked), key=lambda verdict: verdict.path):
        number = int(name.partition("/")[0])
        for verdict in verdicts:
            seen += 1
            change = _change(package, before, (number, verdict.frame), verdict)
            if change is not None:
                changes.append(change)
    return seen, changes


def _change(package: UUID, before: Assessment, key: PageKey, verdict: PageVerdict) -> VerdictChange | None:
    then, now = _letters_before(before, key), _letters_now(verdict)
    now = {
        check: DECLARED if then.get(check) == DECLARED and letter in "rf" else letter for check, letter in now.items()
    }
    differing = sorted(check for check in {*then, *now} - OF_THE_DELIVERY if then.get(check) != now.get(check))
    if not differing:
        return None
    return VerdictChange(
        package=package,
        file=key[0],
        frame=key[1],
        before=tuple(f"{check}:{then[check]}" for check in differing if check in then),
        after=tuple(f"{check}:{now[check]}" for check in differing if check in now),
    )


def _letters_before(verdict: Assessment, key: PageKey) -> dict[str, str]:
    page = verdict.pages.get(key)
    if page is None:
        return {}
    letters = zip(verdict.parts[key].columns, page.checks, strict=True)
    return _worst((column.id, letter) for column, letter in letters if letter != ABSENT)


def _letters_now(verdict: PageVerdict) -> dict[str, str]:
    return _worst((check.id, letter_of(check)) for check in verdict.checks)


_ORDER = "frdinap"


def _worst(letters: Iterable[tuple[str, str]]) -> dict[str, str]:
    """A check that measures several things is as bad as the worst of them."""
    found: dict[str, str] = {}
    for check, letter in letters:
        found[check] = min(found.get(check, letter), letter, key=_ORDER.index)
    return found


def _record(session: Session, identity: UUID, profile: Profile, now: _Compared) -> None:
    """Record what was compared, in as many events as its differences take; the first one has the counts."""
    events = [
        VerdictsCompared(
            profile=f"{profile.name}/{profile.version}",
            profile_sha256=profile.digest,
            algorithm=ALGORITHM,
            packages=0 if number else now.packages,
            pages=0 if number else now.pages,
            changes=batch,
        )
        for number, batch in enumerate(parts(now.changes))
    ]
    _append(session, identity, lambda state: [value for event in events for value in run.compare(state, event)])


def _append(session: Session, identity: UUID, decide: Callable[[run.State], list[Value]]) -> None:
    def decided(streams: Streams) -> list[New]:
        return [New(identity, payload) for payload in decide(streams.load(RUN, identity).state)]

    session.perform("rerun-quality", decided, correlation=identity, archive=session.settings.archives[0])


def _told(letters: Iterable[str]) -> Mapping[str, str]:
    return {check: letter for check, _, letter in (one.partition(":") for one in letters)}


def _by_check(changes: list[VerdictChange]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for change in changes:
        then, now = _told(change.before), _told(change.after)
        for check in sorted({*then, *now}):
            step = f"{then.get(check, ABSENT)}>{now.get(check, ABSENT)}"
            counts.setdefault(check, {}).setdefault(step, 0)
            counts[check][step] += 1
    return counts
