"""History (沿革): the archive at two moments, and exactly what differs between them."""

from collections.abc import Iterator

import msgspec

from repository.catalogue import Difference as Difference
from repository.errors import ArchiveError
from repository.services.search import position_of
from repository.services.session import Session


class Place(msgspec.Struct, frozen=True):
    """A place in the log; `time` is null before its first event."""

    position: int
    time: str | None


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What lies between two places of the log: how many events of each type."""

    schema: str = "jingui.diff/1"
    earlier: Place
    later: Place
    events: dict[str, int]


class DiffReport(Comparison, frozen=True, kw_only=True):
    """A comparison with every card that differs, and how many of each kind were added, changed and removed."""

    counts: dict[str, dict[str, int]]
    changes: tuple[Difference, ...]


def compare(session: Session, moments: str) -> tuple[Comparison, Iterator[Difference]]:
    """Compare the archive at two moments, written `A..B`: positions, times or days; nothing before, or nothing behind.

    An empty `A` is the beginning and an empty `B` is now. The differences are read as they are asked for. Raises
    `range-invalid` for what is no range or runs backwards, and `time-invalid`.
    """
    session.require("audit")
    last = session.catch_up()
    first, dots, second = moments.partition("..")
    if not dots:
        raise ArchiveError("range-invalid", moments)
    earlier, later = (_position(session, moment, last) for moment in (first or "0", second))
    if earlier > later:
        raise ArchiveError("range-invalid", moments)
    comparison = Comparison(
        earlier=Place(earlier, session.log.recorded_at(earlier)),
        later=Place(later, session.log.recorded_at(later)),
        events=session.log.counts(after=earlier, upto=later),
    )
    return comparison, session.catalogue.differences(earlier, later)


def diff(session: Session, moments: str) -> DiffReport:
    """The whole comparison in one value."""
    comparison, differences = compare(session, moments)
    changes = tuple(differences)
    counts: dict[str, dict[str, int]] = {}
    for one in changes:
        of_kind = counts.setdefault(one.kind, {"added": 0, "changed": 0, "removed": 0})
        of_kind[one.change] += 1
    return DiffReport(
        earlier=comparison.earlier,
        later=comparison.later,
        events=comparison.events,
        counts=counts,
        changes=changes,
    )


def _position(session: Session, moment: str, last: int) -> int:
    position = position_of(session, moment or None)
    return last if position is None else min(position, last)
