"""Description (著录): what a record is, before and without files, where it stands among others, and what became of it.

Levels go down strictly: an item below a volume below a series below a fonds, each level allowed to be left out. So no
entry can stand below itself. A 档号 once borne keeps leading to its record: moving reserves the new one, releases none.
An entry that was merged leads to the survivor for ever, one that was divided to its parts; neither changes any more.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from repository.domain.aggregate import Aggregate
from repository.domain.description_fields import Fields as Fields
from repository.domain.description_fields import FileRange, expect_sound, holds
from repository.domain.values import Carrier, Confidential, Level, Value
from repository.errors import ArchiveError


class Described(Value, frozen=True, kw_only=True):
    """The record is described for the first time."""

    fields: Fields


class Revised(Value, frozen=True, kw_only=True):
    """The description reads as follows from now on, and why."""

    fields: Fields
    reason: Confidential


class Moved(Value, frozen=True, kw_only=True):
    """The entry stands here from now on, under this 档号, and why. The 档号 that it bore goes on leading to it."""

    parent: UUID | None
    reference_code: str | None
    fonds_code: str | None
    reason: Confidential


class Merged(Value, frozen=True, kw_only=True):
    """This entry and the survivor are one record: whoever asks for this one is led there, and why."""

    into: UUID
    reason: Confidential


class Part(Value, frozen=True, kw_only=True):
    """One of the entries that a division makes, and the files of the package that are its own."""

    description: UUID
    reference_code: str | None
    files: tuple[FileRange, ...]


class Divided(Value, frozen=True, kw_only=True):
    """This entry was several records: these, each with its files, and why."""

    parts: tuple[Part, ...]
    reason: Confidential


class Closed(Value, frozen=True, kw_only=True):
    """Nothing more is placed below this entry (封卷, 封宗), and why. What stands there can still be put right."""

    reason: Confidential


class State(msgspec.Struct, frozen=True):
    """The description as it reads now, and what became of it."""

    fields: Fields | None = None
    into: UUID | None = None
    parts: tuple[Part, ...] = ()
    closed: bool = False

    @property
    def stands(self) -> bool:
        """Whether it is an entry of its own: described, neither merged nor divided."""
        return self.fields is not None and self.into is None and not self.parts


def evolve(state: State, event: Value) -> State:
    """Fold one event."""
    replace = msgspec.structs.replace
    match event:
        case Described() | Revised():
            return replace(state, fields=event.fields)
        case Moved():
            place = {"parent": event.parent, "reference_code": event.reference_code, "fonds_code": event.fonds_code}
            return replace(state, fields=state.fields and replace(state.fields, **place))
        case Merged():
            return replace(state, into=event.into)
        case Divided():
            return replace(state, parts=event.parts)
        case Closed():
            return replace(state, closed=True)
        case _:
            return state


DESCRIPTION = Aggregate("Description", State(), evolve)


def describe(state: State, fields: Fields, above: State | None = None) -> list[Value]:
    """Describe it. Refused when it is described already, and where `above`, its parent, cannot hold it.

    `description-exists`, and what `expect_sound` and `expect_place` raise.
    """
    if state.fields is not None:
        raise ArchiveError("description-exists", fields.reference_code or fields.package or "")
    expect_sound(fields)
    expect_place(fields, above)
    return [Described(fields=fields)]


def revise(
    state: State, fields: Fields, reason: str, above: State | None = None, below: Sequence[State] = ()
) -> list[Value]:
    """Revise it; nothing is appended when nothing changes. Its place and 档号 change by `move` (`description-place`).

    `above` is its parent, `below` all that stands under it: needed where the level changes, which must fit both.
    """
    before = _standing(state, fields.reference_code or "")
    _expect_reason(reason, fields.reference_code)
    if (fields.parent, fields.reference_code) != (before.parent, before.reference_code):
        raise ArchiveError("description-place", before.reference_code or "")
    expect_sound(fields)
    if fields.level is not before.level:
        expect_place(fields, above)
        for child in below:
            if child.fields is not None and not _is_above(fields.level, child.fields.level):
                raise ArchiveError("parent-level", fields.level.value, level=child.fields.level.value)
    return [] if fields == before else [Revised(fields=fields, reason=reason)]


def move(state: State, moved: Moved, above: State | None = None) -> list[Value]:
    """Give it another place or another 档号, or both; nothing is appended when it has them already."""
    before = _standing(state, moved.reference_code or "")
    _expect_reason(moved.reason, moved.reference_code)
    place = {"parent": moved.parent, "reference_code": moved.reference_code, "fonds_code": moved.fonds_code}
    after = msgspec.structs.replace(before, **place)
    if after == before:
        return []
    if moved.parent != before.parent:
        expect_place(after, above)
    return [moved]


def expect_place(fields: Fields, above: State | None) -> None:
    """Refuse a place where this entry cannot stand.

    `parent-unknown` for a parent that is none, `parent-closed`, `parent-level` unless its level is a higher one, and
    `parent-fonds` for another fonds' entry.
    """
    if fields.parent is None:
        return
    if above is None or above.fields is None or not above.stands:
        raise ArchiveError("parent-unknown", fields.parent)
    if above.closed:
        raise ArchiveError("parent-closed", above.fields.reference_code or fields.parent)
    if not _is_above(above.fields.level, fields.level):
        raise ArchiveError("parent-level", above.fields.level.value, level=fields.level.value)
    if above.fields.fonds_code and fields.fonds_code and above.fields.fonds_code != fields.fonds_code:
        raise ArchiveError("parent-fonds", fields.fonds_code, fonds=above.fields.fonds_code)


def merge(
    lost: tuple[UUID, State], survivor: tuple[UUID, State], reason: str
) -> tuple[list[Value], list[Value], UUID | None]:
    """The events of the entry that goes and of the one that stays, and the package that the latter takes over.

    Refused for one and the same entry and for entries of different levels (`merge-unfit`). A survivor without files
    takes over those of the other; where it was on paper it is then on both carriers, its pages scanned.
    """
    gone, kept = _standing(lost[1], lost[0]), _standing(survivor[1], survivor[0])
    _expect_reason(reason, gone.reference_code)
    if lost[0] == survivor[0] or gone.level is not kept.level:
        raise ArchiveError("merge-unfit", gone.reference_code or lost[0])
    events: list[Value] = [Merged(into=survivor[0], reason=reason)]
    if gone.package is None or kept.package is not None:
        return events, [], None
    carrier = kept.carrier if kept.carrier is gone.carrier else Carrier.BOTH
    pages = gone.page_count if carrier is Carrier.BOTH and gone.carrier is Carrier.DIGITAL else None
    scanned = next((count for count in (gone.pages_scanned, pages, kept.pages_scanned) if count is not None), None)
    taken = msgspec.structs.replace(
        kept, package=gone.package, files=gone.files, carrier=carrier, pages_scanned=scanned
    )
    return events, [Revised(fields=taken, reason=reason)], gone.package


def divide(
    state: State, parts: Mapping[UUID, Fields], files: Sequence[str], reason: str, above: State | None = None
) -> tuple[list[Value], dict[UUID, list[Value]]]:
    """The event of the entry that is divided, and those of each part. `files` are all files that the entry has.

    Refused with fewer than two parts, and unless every file is in exactly one part, which names it (`divide-unfit`).
    The parts stand where the entry stood, below `above`, also where that is closed: nothing is added there.
    """
    before = _standing(state, "")
    _expect_reason(reason, before.reference_code)
    if len(parts) < 2 or any(fields.files is None for fields in parts.values()):
        raise ArchiveError("divide-unfit", before.reference_code or "", file="-", parts=len(parts))
    for path in files:
        owners = sum(holds(fields.files, path) for fields in parts.values())
        if owners != 1:
            raise ArchiveError("divide-unfit", before.reference_code or "", file=path, parts=owners)
    place = None if above is None else msgspec.structs.replace(above, closed=False)
    made = {part: describe(State(), fields, place) for part, fields in parts.items()}
    named = tuple(
        Part(description=part, reference_code=fields.reference_code, files=fields.files or ())
        for part, fields in parts.items()
    )
    return [Divided(parts=named, reason=reason)], made


def close(state: State, reason: str) -> list[Value]:
    """Close it; nothing is appended when it is closed."""
    before = _standing(state, "")
    _expect_reason(reason, before.reference_code)
    return [] if state.closed else [Closed(reason=reason)]


def _standing(state: State, thing: object) -> Fields:
    """The fields of an entry that can still be changed: `description-unknown`, `description-gone`."""
    if state.fields is None:
        raise ArchiveError("description-unknown", thing)
    if not state.stands:
        raise ArchiveError("description-gone", state.fields.reference_code or thing)
    return state.fields


def _expect_reason(reason: Confidential, thing: object) -> None:
    if isinstance(reason, str) and not reason.strip():
        raise ArchiveError("reason-missing", thing or "")


def _is_above(higher: Level, lower: Level) -> bool:
    levels = list(Level)
    return levels.index(higher) < levels.index(lower)
