"""Sampling (抽检): what only a person can judge is judged in a seeded sample of the delivery, and decides on all of it.

The sample is drawn by 件 or by 卷, at least 5 % of them (DA/T 31-2017 12.3). Anyone who knows the seed can draw it
again: the units in the order of SHA-256 over seed and name, the first of them. Catalogue and pages have to belong
together in every sampled unit (100 %), and 95 % of its pages have to be good.
"""

import hashlib
from collections.abc import Mapping, Sequence
from enum import StrEnum
from uuid import UUID

import msgspec

from repository.domain.batches import parts
from repository.domain.values import Confidential, Outcome, Value
from repository.errors import ArchiveError

LEAST_PERCENT = 5
GOOD_PERCENT = 95


class SampleBy(StrEnum):
    """What is drawn: single units (件), or volumes (卷) with all of their units."""

    ITEM = "item"
    VOLUME = "volume"


class SampleDrawn(Value, frozen=True, kw_only=True):
    """These units are to be judged by people; `drawn` of `population` were drawn. All `parts` make the sample."""

    delivery: int
    part: int
    parts: int
    seed: str
    by: SampleBy
    percent: int
    population: int
    drawn: int
    units: tuple[str, ...]


class SampleFault(Value, frozen=True, kw_only=True):
    """A page of a sampled unit that is not good, by the number of its file, and why."""

    file: int
    reason: Confidential


class SampleJudged(Value, frozen=True, kw_only=True):
    """A person looked at all of a sampled unit: whether entry and pages belong together, and which pages are bad."""

    delivery: int
    unit: str
    linked: bool
    pages: int
    faults: tuple[SampleFault, ...]
    note: Confidential | None
    judged_by: tuple[UUID, ...]


class SampleConcluded(Value, frozen=True, kw_only=True):
    """Every sampled unit was judged, and this came of it."""

    delivery: int
    outcome: Outcome
    units: int
    unlinked: int
    pages: int
    good: int


class Sample(msgspec.Struct, frozen=True):
    """The sample of the delivery in hand: what was drawn, what was judged, how it ended."""

    drawn: Mapping[int, SampleDrawn] = {}
    judged: Mapping[str, SampleJudged] = {}
    concluded: SampleConcluded | None = None

    @property
    def units(self) -> tuple[str, ...]:
        """The units to be judged."""
        return tuple(unit for number in sorted(self.drawn) for unit in self.drawn[number].units)

    @property
    def waiting(self) -> tuple[str, ...]:
        """Those that nobody has judged."""
        return tuple(unit for unit in self.units if unit not in self.judged)

    @property
    def outcome(self) -> Outcome:
        """What came of it: not checked before its end, and where none was drawn."""
        return Outcome.NOT_CHECKED if self.concluded is None else self.concluded.outcome


def evolve(state: Sample, event: SampleDrawn | SampleJudged | SampleConcluded) -> Sample:
    """Fold one event. What was concluded is open again when a unit is judged anew."""
    match event:
        case SampleDrawn():
            return Sample({**(state.drawn if event.part > 1 else {}), event.part: event})
        case SampleJudged():
            return Sample(state.drawn, {**state.judged, event.unit: event})
        case SampleConcluded():
            return msgspec.structs.replace(state, concluded=event)


def draw(
    state: Sample, delivery: int, units: Mapping[str, str], *, seed: str, by: SampleBy, percent: int
) -> list[Value]:
    """Draw a sample of the units, each given with the volume that it belongs to.

    Refused below 5 % (`sample-small`), for nothing (`sample-empty`), and once one was drawn (`sample-drawn`): nobody
    draws until it suits them.
    """
    if state.drawn:
        raise ArchiveError("sample-drawn", delivery)
    if not LEAST_PERCENT <= percent <= 100:
        raise ArchiveError("sample-small", percent, least=LEAST_PERCENT)
    names = sorted({volume if by is SampleBy.VOLUME else unit for unit, volume in units.items()})
    if not names:
        raise ArchiveError("sample-empty", delivery)
    chosen = frozenset(sorted(names, key=lambda name: _place(seed, name))[: -(-len(names) * percent // 100)])
    drawn = [unit for unit, volume in units.items() if (volume if by is SampleBy.VOLUME else unit) in chosen]
    batches = list(parts(drawn))
    return [
        SampleDrawn(
            delivery=delivery,
            part=number,
            parts=len(batches),
            seed=seed,
            by=by,
            percent=percent,
            population=len(names),
            drawn=len(chosen),
            units=batch,
        )
        for number, batch in enumerate(batches, 1)
    ]


def _place(seed: str, name: str) -> bytes:
    return hashlib.sha256(f"{seed}\0{name}".encode("utf-8", "surrogatepass")).digest()


def judge(state: Sample, judged: SampleJudged) -> list[Value]:
    """Record what a person found of a sampled unit; with the last one the sample is concluded.

    Refused for a unit that was not drawn (`sample-stranger`), for a fault without a reason (`reason-missing`), and for
    more bad pages than it has (`page-unknown`). The last word on a unit holds.
    """
    if judged.unit not in state.units:
        raise ArchiveError("sample-stranger", judged.unit)
    files = [fault.file for fault in judged.faults]
    if any(isinstance(fault.reason, str) and not fault.reason.strip() for fault in judged.faults):
        raise ArchiveError("reason-missing", judged.unit)
    if len(set(files)) != len(files) or any(not 0 < file <= judged.pages for file in files):
        raise ArchiveError("page-unknown", judged.unit, file=max(files), frame=1)
    if state.judged.get(judged.unit) == judged:
        return []
    after = evolve(state, judged)
    return [judged] if after.waiting else [judged, _conclusion(after, judged.delivery)]


def _conclusion(state: Sample, delivery: int) -> SampleConcluded:
    verdicts: Sequence[SampleJudged] = [state.judged[unit] for unit in state.units]
    unlinked = sum(not one.linked for one in verdicts)
    pages = sum(one.pages for one in verdicts)
    good = pages - sum(len(one.faults) for one in verdicts)
    passed = not unlinked and good * 100 >= pages * GOOD_PERCENT
    return SampleConcluded(
        delivery=delivery,
        outcome=Outcome.PASSED if passed else Outcome.FAILED,
        units=len(verdicts),
        unlinked=unlinked,
        pages=pages,
        good=good,
    )
