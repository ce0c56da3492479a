"""Sampling (抽检): a seeded share of a delivery is judged by people, and the batch is accepted or goes back whole."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from uuid import UUID

import msgspec

from repository.domain import accession
from repository.domain.accession import ACCESSION, Stage, State
from repository.domain.aggregate import New
from repository.domain.archival_package import ARCHIVAL_PACKAGE
from repository.domain.assessment import BAD, FAIL, REVIEW, Assessment, Standing
from repository.domain.sampling import LEAST_PERCENT as LEAST_PERCENT
from repository.domain.sampling import SampleBy as SampleBy
from repository.domain.sampling import SampleFault, SampleJudged
from repository.domain.values import Outcome
from repository.errors import ArchiveError
from repository.eventlog import Streams
from repository.services.accession_opening import archive_of
from repository.services.accessions import decide_to_accept, decide_to_return, go_on
from repository.services.ingest import IngestReport
from repository.services.session import Progress, Session


class SampleReport(msgspec.Struct, frozen=True, kw_only=True):
    """The sample of a delivery as it stands."""

    schema: str = "jingui.review.sample/1"
    accession: UUID
    delivery: int
    seed: str
    by: SampleBy
    percent: int
    population: int
    drawn: int
    units: tuple[str, ...]
    waiting: tuple[str, ...]
    outcome: Outcome
    unlinked: int
    pages: int
    good: int


def draw_sample(session: Session, stream: UUID, *, by: SampleBy, percent: int | None = None) -> SampleReport:
    """Draw the sample of the delivery that waits. `sample-drawn`, `sample-small`, `accession-order`."""
    session.require("review-quality")
    wanted = percent if percent is not None else max(session.settings.quality_sample, LEAST_PERCENT)
    seed = session.new_id().hex

    def decide(streams: Streams) -> list[New]:
        state = streams.load(ACCESSION, stream).state
        units = {path: _volume(state, path) for path in state.undecided}
        drawn = accession.draw_sample(state, units, seed=seed, by=by, percent=wanted)
        return [New(stream, payload) for payload in drawn]

    _known(session, stream)
    session.perform("draw-sample", decide, correlation=stream, archive=archive_of(session, stream))
    return show_sample(session, stream)


def judge_sample(
    session: Session,
    stream: UUID,
    unit: str,
    *,
    linked: bool,
    faults: Mapping[int, str],
    note: str | None = None,
) -> SampleReport:
    """Record what a person found of a sampled unit, named by its path or 档号; with the last one the sample is decided.

    `sample-stranger`, `page-unknown`, `reason-missing`.
    """
    session.require("review-quality")
    _known(session, stream)

    def decide(streams: Streams) -> list[New]:
        state = streams.load(ACCESSION, stream).state
        path = next((one for one in state.sample.units if unit in (one, state.units[one].reference_code)), unit)
        known = state.units.get(path)
        created = streams.load(ARCHIVAL_PACKAGE, known.package).state.created if known else None
        judged = SampleJudged(
            delivery=state.delivery,
            unit=path,
            linked=linked,
            pages=created.files if created else 0,
            faults=tuple(SampleFault(file=file, reason=reason) for file, reason in sorted(faults.items())),
            note=note,
            judged_by=session.agents,
        )
        return [New(stream, payload) for payload in accession.judge_sample(state, judged)]

    session.perform("judge-sample", decide, correlation=stream, archive=archive_of(session, stream))
    return show_sample(session, stream)


def show_sample(session: Session, stream: UUID) -> SampleReport:
    """The sample of the delivery in hand. `sample-needed` where none was drawn."""
    session.require("survey")
    state = _known(session, stream)
    first = state.sample.drawn.get(1)
    if first is None:
        raise ArchiveError("sample-needed", stream)
    ended = state.sample.concluded
    return SampleReport(
        accession=stream,
        delivery=state.delivery,
        seed=first.seed,
        by=first.by,
        percent=first.percent,
        population=first.population,
        drawn=first.drawn,
        units=state.sample.units,
        waiting=state.sample.waiting,
        outcome=state.sample.outcome,
        unlinked=ended.unlinked if ended else 0,
        pages=ended.pages if ended else 0,
        good=ended.good if ended else 0,
    )


def finish_review(session: Session, stream: UUID, progress: Progress) -> IngestReport:
    """Let the decisions take their course: records with bad pages go back with their reasons, the rest is accepted.

    After a sample that failed all goes back. `quality-open` while pages wait for a person, `sample-open` and
    `sample-needed` while a sample does. Run again, it goes on.
    """
    settle_review(session, stream)
    return go_on(session, stream, progress)


def settle_review(session: Session, stream: UUID) -> None:
    """Record what the decisions lead to; `go_on` does what follows from it, where nobody has to wait for it."""
    session.require("return")
    state = _known(session, stream)
    if state.stage is Stage.WAITING:
        verdicts = {
            path: session.log.load(ARCHIVAL_PACKAGE, state.units[path].package).state.quality
            for path in state.undecided
        }
        waiting = sum(list(one.standings.values()).count(Standing.WAITING) for one in verdicts.values())
        if waiting:
            raise ArchiveError("quality-open", stream, waiting=waiting)
        bad = {path: why for path, one in verdicts.items() if (why := _why(one))}
        if state.sample.outcome is Outcome.FAILED:
            decide_to_return(session, stream, (), _of_the_sample(state))
        else:
            _settle(session, stream, state, bad)


def _settle(session: Session, stream: UUID, state: State, bad: Mapping[str, str]) -> None:
    """Accept what is good before anything goes back: a decision that is refused changes nothing."""
    good = [path for path in state.undecided if path not in bad]
    if not bad:
        decide_to_accept(session, stream, ())
        return
    if good:
        decide_to_accept(session, stream, good)
    for path, why in list(bad.items()):
        if path in session.log.load(ACCESSION, stream).state.undecided:
            decide_to_return(session, stream, [path], why)


def _why(verdict: Assessment) -> str:
    """Why a record goes back, page by page, in the words of the producer; empty where nothing is bad."""
    words, parts = [], verdict.parts
    for key, page in verdict.pages.items():
        if verdict.standing(page) not in BAD:
            continue
        decided = verdict.decided.get(key)
        letters = zip(parts[key].columns, page.checks, strict=True)
        checks = [column.id for column, letter in letters if letter in (FAIL, REVIEW)]
        said = decided.reason if decided and isinstance(decided.reason, str) else "、".join(dict.fromkeys(checks))
        words.append(f"第 {page.file} 个文件：{said}")
    return "质检不合格。" + "；".join(words[:50]) if words else ""


def _of_the_sample(state: State) -> str:
    ended = state.sample.concluded
    if ended is None:
        return "抽检不合格"
    return f"抽检不合格：抽 {ended.units} 个单元，挂接不符 {ended.unlinked} 个，合格页 {ended.good}/{ended.pages}"


def _known(session: Session, stream: UUID) -> State:
    state = session.log.load(ACCESSION, stream).state
    if state.stage is Stage.NEW:
        raise ArchiveError("accession-unknown", stream)
    return state


def _volume(state: State, path: str) -> str:
    """The volume (卷) that a unit belongs to: its 档号 without the last part, else the folder that it lies in."""
    code = state.units[path].reference_code
    if code and "-" in code:
        return code.rpartition("-")[0]
    return str(PurePosixPath(path).parent)
