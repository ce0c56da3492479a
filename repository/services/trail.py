"""The trail (踪迹) of people that a process gathers before it is written: who came in, who did not, who was refused.

Everything here is bounded, for strangers cause it: like things are counted together, and what finds no room among
`GROUPS` kinds is only counted. A request costs one look into a table.
"""

import threading
from collections import Counter
from datetime import datetime, timedelta
from typing import Generic, TypeVar
from uuid import UUID

from repository.domain.door import Denial, Denied, Entry, Failure, SignedIn, SignInFailed
from repository.domain.values import Value, time_of

GROUPS = 100
"""Kinds of failures, and of denials, that one event tells apart."""
VISIT = timedelta(hours=12)
"""A credential used again from the same place within this time is the same sign-in."""
REMEMBERED = 10_000
"""Sign-ins that are remembered; beyond them all are forgotten and told anew."""

DENIALS = frozenset({"not-allowed", "scope-missing", "not-deputy", "roles-forbidden"})
"""Errors by which a right is refused to somebody who is known."""


Key = TypeVar("Key")


class Trail:
    """What has happened since it was last written. One for a process, used by all of its threads."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._visits: dict[tuple[UUID, str | None], datetime] = {}
        self._entries: list[Entry] = []
        self._more_entries = 0
        self._failures = _Counted[tuple[str, str | None, UUID | None]]()
        self._denials = _Counted[tuple[UUID, UUID | None, str, str]]()
        self._unwritten: list[Value] = []

    def came_in(self, agent: UUID, credential: UUID, place: str | None, now: datetime) -> None:
        """A credential was accepted; only its first use in a while counts."""
        key = (credential, place)
        last = self._visits.get(key)
        if last is not None and now - last < VISIT:
            return
        with self._guard:
            if len(self._visits) >= REMEMBERED:
                self._visits.clear()
            self._visits[key] = now
            if len(self._entries) < GROUPS:
                self._entries.append(Entry(agent=agent, credential=credential, place=place, time=time_of(now)))
            else:
                self._more_entries += 1

    def failed(self, code: str, place: str | None, credential: UUID | None, now: datetime) -> None:
        """A key was refused."""
        with self._guard:
            self._failures.add((code, place, credential), time_of(now))

    def denied(self, agent: UUID, on_behalf_of: UUID | None, verb: str, code: str, now: datetime) -> None:
        """Something was refused to somebody who is known; what is no matter of rights is left out."""
        if code in DENIALS:
            with self._guard:
                self._denials.add((agent, on_behalf_of, verb, code), time_of(now))

    def take(self) -> list[Value]:
        """The events to write now. What could not be written comes first, alone: the rest goes on being counted."""
        with self._guard:
            if self._unwritten:
                taken, self._unwritten = self._unwritten, []
                return taken
            taken = []
            if self._entries:
                taken.append(SignedIn(entries=tuple(self._entries), others=self._more_entries))
                self._entries, self._more_entries = [], 0
            if self._failures.since:
                tries = tuple(
                    Failure(code=code, place=place, credential=credential, count=count)
                    for (code, place, credential), count in self._failures.counts.items()
                )
                since, until, others = self._failures.span()
                taken.append(SignInFailed(since=since, until=until, failures=tries, others=others))
            if self._denials.since:
                refused = tuple(
                    Denial(agent=agent, on_behalf_of=principal, verb=verb, code=code, count=count)
                    for (agent, principal, verb, code), count in self._denials.counts.items()
                )
                since, until, others = self._denials.span()
                taken.append(Denied(since=since, until=until, denials=refused, others=others))
            self._failures, self._denials = _Counted(), _Counted()
            return taken

    def give_back(self, taken: list[Value]) -> None:
        """Keep what could not be written for the next time."""
        with self._guard:
            self._unwritten = [*taken, *self._unwritten]


class _Counted(Generic[Key]):
    """How often each kind of thing happened, and between which moments."""

    def __init__(self) -> None:
        self.counts: Counter[Key] = Counter()
        self.since = ""
        self._until = ""
        self._others = 0

    def add(self, key: Key, now: str) -> None:
        """It happened once more."""
        self.since = self.since or now
        self._until = now
        if key in self.counts or len(self.counts) < GROUPS:
            self.counts[key] += 1
        else:
            self._others += 1

    def span(self) -> tuple[str, str, int]:
        """First and last moment, and how often something happened that had no room."""
        return self.since, self._until, self._others
