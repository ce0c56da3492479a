"""Removal (清除): the few things that an archive may take away for ever, asked for by one person and agreed by another.

A removal names what goes before anybody agrees: payloads of events with the words that will stand in their place,
packages that are made anew without what must go, files of them that are left out, readers whose keys are destroyed.
What is approved is carried out in steps that can be killed and run again; `Finished` says what could not be reached.
"""

from collections.abc import Collection, Sequence
from enum import StrEnum
from uuid import UUID

import msgspec

from repository.domain.aggregate import Aggregate
from repository.domain.values import Confidential, Value
from repository.errors import ArchiveError

MOST_PAYLOADS = 500
MOST_BYTES = 150_000
"""Payloads of one removal, and bytes of what replaces them: the event that asks for it stays below 160 kB."""


class RemovalKind(StrEnum):
    """What it is for."""

    WORDS = "words"
    READERS = "readers"
    SPILL = "spill"
    CLASSIFICATION = "classification"


class Replaced(Value, frozen=True, kw_only=True):
    """An event whose payload goes, and the JSON that stands for it from then on."""

    stream: UUID
    event: UUID
    position: int
    replacement: str


class LeftOut(Value, frozen=True, kw_only=True):
    """A file of a record that its package is made anew without."""

    package: UUID
    path: str


class Proposed(Value, frozen=True, kw_only=True):
    """Somebody asks for this to go, on a legal basis and for a reason; neither repeats what is to go."""

    kind: RemovalKind
    payloads: tuple[Replaced, ...]
    packages: tuple[UUID, ...]
    files: tuple[LeftOut, ...]
    readers: tuple[UUID, ...]
    legal_basis: Confidential
    reason: Confidential
    proposed_by: tuple[UUID, ...]


class Approved(Value, frozen=True, kw_only=True):
    """Somebody else agrees: from here on it is carried out."""

    approved_by: tuple[UUID, ...]


class Withdrawn(Value, frozen=True, kw_only=True):
    """It will not be done, and why."""

    reason: Confidential


class Unreached(Value, frozen=True, kw_only=True):
    """Where a copy may be that the archive cannot reach: kind of place, and which.

    Places are `delivered`, `export`, `backup`; after a spill also `listing`, `quarantine` and `staging`.
    """

    place: str
    thing: str


class Finished(Value, frozen=True, kw_only=True):
    """It is done: payloads, packages, files and keys that are gone, and the copies that nobody here can reach."""

    payloads: int
    packages: int
    files: int
    readers: int
    unreached: tuple[Unreached, ...]
    unreached_total: int


class State(msgspec.Struct, frozen=True):
    """How far it is."""

    proposed: Proposed | None = None
    approved: Approved | None = None
    withdrawn: bool = False
    finished: Finished | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether a second person is still to be heard."""
        return self.proposed is not None and self.approved is None and not self.withdrawn

    @property
    def is_under_way(self) -> bool:
        """Whether it was approved and is not done."""
        return self.approved is not None and self.finished is None

    @property
    def approvers(self) -> tuple[UUID, UUID]:
        """The two whose deed it is: the first of those who asked, and one of those who agreed who is another."""
        if self.proposed is None or self.approved is None:
            raise LookupError("nobody agreed to it")
        first = self.proposed.proposed_by[0]
        return first, next(one for one in self.approved.approved_by if one != first)


def evolve(state: State, event: Value) -> State:
    """Fold one event."""
    replace = msgspec.structs.replace
    match event:
        case Proposed():
            return replace(state, proposed=event)
        case Approved():
            return replace(state, approved=event)
        case Withdrawn():
            return replace(state, withdrawn=True)
        case Finished():
            return replace(state, finished=event)
        case _:
            return state


REMOVAL = Aggregate("Removal", State(), evolve)


def propose(state: State, proposed: Proposed) -> list[Value]:
    """Ask for it. Refused without legal basis or reason, for nothing at all, and for too much at once."""
    if not _said(proposed.legal_basis) or not _said(proposed.reason):
        raise ArchiveError("reason-missing", proposed.kind)
    what = len(proposed.payloads) + len(proposed.packages) + len(proposed.readers)
    if not what:
        raise ArchiveError("removal-empty", proposed.kind)
    size = sum(len(one.replacement.encode()) for one in proposed.payloads)
    if len(proposed.payloads) > MOST_PAYLOADS or size > MOST_BYTES:
        raise ArchiveError("removal-too-large", len(proposed.payloads), most=MOST_PAYLOADS, bytes=size)
    return [proposed] if state.proposed is None else []


def approve(state: State, removal: UUID, agents: Collection[UUID]) -> list[Value]:
    """Agree to it. Refused to everybody who asked for it, deputies and principals both."""
    _expect_waiting(state, removal)
    if not agents or set(agents) & set(state.proposed.proposed_by if state.proposed else ()):
        raise ArchiveError("second-person-needed", removal)
    return [Approved(approved_by=tuple(sorted(set(agents))))]


def withdraw(state: State, removal: UUID, reason: str) -> list[Value]:
    """Give it up. Refused without a reason, and once it is approved."""
    _expect_waiting(state, removal)
    if not reason.strip():
        raise ArchiveError("reason-missing", removal)
    return [Withdrawn(reason=reason)]


def finish(state: State, removal: UUID, unreached: Sequence[Unreached]) -> list[Value]:
    """Record that everything within reach is gone, and what was not. At most 100 places stand in the event."""
    if not state.is_under_way or state.proposed is None:
        raise ArchiveError("removal-order", removal)
    asked = state.proposed
    return [
        Finished(
            payloads=len(asked.payloads),
            packages=len(asked.packages),
            files=len(asked.files),
            readers=len(asked.readers),
            unreached=tuple(unreached[:100]),
            unreached_total=len(unreached),
        )
    ]


def _expect_waiting(state: State, removal: UUID) -> None:
    if state.proposed is None:
        raise ArchiveError("removal-unknown", removal)
    if not state.is_waiting:
        raise ArchiveError("removal-order", removal)


def _said(words: Confidential) -> bool:
    return not isinstance(words, str) or bool(words.strip())
