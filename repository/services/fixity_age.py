"""Age of the last look (校验期限): when each stored package was last read, and what is due by the policy.

When that was stands in the log: in the `Stored` that committed a package, in the `Verified` of each run that found it
true, and in the `FixityFailed` of one that did not.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import msgspec

from repository.catalogue import StoredSize
from repository.domain.run import Verified
from repository.domain.values import time_of
from repository.services.session import Session


class FixityState(msgspec.Struct, frozen=True, kw_only=True):
    """How far the archive keeps its promise. `due` is older than half of the age, `overdue` older than the whole.

    `oldest` is when the package that was looked at longest ago was last found true (or damaged); null without packages.
    """

    packages: int
    bytes: int
    oldest: str | None
    due: int
    due_bytes: int
    overdue: int
    overdue_bytes: int
    damaged: tuple[UUID, ...]


def by_age(session: Session, *, as_of: int | None = None) -> list[tuple[int, StoredSize]]:
    """Every stored package with the position at which it was last looked at, the one longest ago first."""
    seen: dict[UUID, int] = {}
    annulled = session.catalogue.annulled(as_of=as_of)
    for event in session.log.events(types=["Run.Verified", "ArchivalPackage.FixityFailed"], upto=as_of):
        if event.envelope.position not in annulled:
            looked_at = event.payload.packages if isinstance(event.payload, Verified) else (event.envelope.stream,)
            seen |= dict.fromkeys(looked_at, event.envelope.position)
    sizes = session.catalogue.stored_sizes(as_of=as_of)
    return sorted(((max(one.stored_at, seen.get(one.package, 0)), one) for one in sizes), key=lambda pair: pair[0])


def fixity_state(session: Session, *, as_of: int | None = None) -> FixityState:
    """How old the last look at each package is, against the policy's age, and which packages are damaged."""
    waiting = by_age(session, as_of=as_of)
    days = session.settings.fixity_age_days
    due, overdue = older(session, waiting, days / 2), older(session, waiting, days)
    return FixityState(
        packages=len(waiting),
        bytes=sum(one.bytes for _, one in waiting),
        oldest=session.log.recorded_at(waiting[0][0]) if waiting else None,
        due=len(due),
        due_bytes=sum(one.bytes for one in due),
        overdue=len(overdue),
        overdue_bytes=sum(one.bytes for one in overdue),
        damaged=tuple(one.package for _, one in waiting if one.damaged),
    )


def older(session: Session, waiting: Sequence[tuple[int, StoredSize]], days: float) -> list[StoredSize]:
    """The packages that were last looked at more than so many days ago."""
    limit = session.log.position_at(time_of(session.clock() - timedelta(days=days)))
    return [one for at, one in waiting if at <= limit]
