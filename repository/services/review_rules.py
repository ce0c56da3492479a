"""What a decision on custody needs to know of the quality of a delivery: loaded in the command that decides."""

from collections.abc import Iterable
from typing import Protocol
from uuid import UUID

from repository.domain import accession
from repository.domain.aggregate import Aggregate, Loaded
from repository.domain.archival_package import ARCHIVAL_PACKAGE
from repository.domain.archival_package import State as Package
from repository.domain.assessment import Assessment


class Loads(Protocol):
    """Where aggregates are loaded from: the streams of a command, or the log before one."""

    def load(self, aggregate: Aggregate[Package], stream: UUID, /) -> Loaded[Package]:
        """A stream as it stands."""
        ...


def verdicts_of(streams: Loads, state: accession.State, units: Iterable[str]) -> list[Assessment]:
    """The verdicts on these records of the delivery in hand; its own papers are no record and are never judged."""
    records = [state.units[path].package for path in units if not state.is_papers(path)]
    return [streams.load(ARCHIVAL_PACKAGE, package).state.quality for package in records]
