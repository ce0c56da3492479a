"""Archival package (存档信息包, AIP): a unit of records, from creation to each stored version."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from repository.domain.aggregate import Aggregate
from repository.domain.values import Confidential, Outcome, RecordType, SecrecyClass, Sha256, Value
from repository.errors import ArchiveError


class Created(Value, frozen=True, kw_only=True):
    """The package exists: what it is made from, and for which description. Names and titles are the description's."""

    accession: UUID
    delivery: int
    unit: str
    description: UUID
    record_type: RecordType
    secrecy_class: SecrecyClass
    files: int
    bytes: int


class Redelivered(Value, frozen=True, kw_only=True):
    """The unit was returned before it was stored and came again: what this delivery holds takes the place of it."""

    delivery: int
    repairs: int
    record_type: RecordType
    secrecy_class: SecrecyClass
    files: int
    bytes: int


class DeclaredPages(Value, frozen=True, kw_only=True):
    """Pages of which the producer says something (缺页, 空白页, 插页, 折页), with the reason."""

    pages: tuple[int, ...]
    condition: str
    reason: Confidential | None


class PagesDeclared(Value, frozen=True, kw_only=True):
    """What the producer declared (备考表) of the record's pages in this delivery."""

    delivery: int
    declared: tuple[DeclaredPages, ...]


class Digitisation(Value, frozen=True, kw_only=True):
    """Who digitised the pages with the serials `first` to `last`, on what, and when in the day."""

    first: int
    last: int
    pages: int
    contractor: str
    operator: Confidential | None
    device: str | None
    shift: str | None


class Digitised(Value, frozen=True, kw_only=True):
    """How the record was digitised, by the delivery's work sheet (工作单)."""

    delivery: int
    work: tuple[Digitisation, ...]


class FormatCount(Value, frozen=True, kw_only=True):
    """How many files have one PRONOM id; `puid` null stands for files that no signature knows."""

    puid: str | None
    files: int


class FormatsIdentified(Value, frozen=True, kw_only=True):
    """Each file's format was looked for; the per-file table is `formats.ndjson`, bound by its digest."""

    tool: str
    signatures: str
    files: int
    formats: tuple[FormatCount, ...]
    formats_sha256: Sha256


class VirusChecked(Value, frozen=True, kw_only=True):
    """What came of the virus check; `not-checked` where no scanner is configured."""

    outcome: Outcome
    tool: str | None
    signatures: str | None
    files: int
    infected: tuple[str, ...]


class Stored(Value, frozen=True, kw_only=True):
    """The commit point: this version lies in the store, whole and durable, with these digests."""

    generation: int
    version: int
    profile: str
    files: int
    bytes: int
    manifest_sha256: Sha256
    tagmanifest_sha256: Sha256
    inventory_sha256: Sha256


class State(msgspec.Struct, frozen=True):
    """What the decisions below need to know."""

    created: Created | None = None
    formats: FormatsIdentified | None = None
    viruses: VirusChecked | None = None
    stored: tuple[Stored, ...] = ()
    told: frozenset[tuple[int, str]] = frozenset()


def evolve(state: State, event: Value) -> State:
    """Fold one event."""
    replace = msgspec.structs.replace
    match event:
        case Created():
            return replace(state, created=event)
        case Redelivered() if state.created is not None:
            return replace(state, created=_as_redelivered(state.created, event))
        case PagesDeclared() | Digitised():
            return replace(state, told=state.told | {(event.delivery, type(event).__name__)})
        case FormatsIdentified():
            return replace(state, formats=event)
        case VirusChecked():
            return replace(state, viruses=event)
        case Stored():
            return replace(state, stored=(*state.stored, event))
        case _:
            return state


def _as_redelivered(created: Created, event: Redelivered) -> Created:
    return msgspec.structs.replace(
        created,
        delivery=event.delivery,
        record_type=event.record_type,
        secrecy_class=event.secrecy_class,
        files=event.files,
        bytes=event.bytes,
    )


ARCHIVAL_PACKAGE = Aggregate("ArchivalPackage", State(), evolve)


def create(state: State, created: Created, checks: Sequence[FormatsIdentified | VirusChecked]) -> list[Value]:
    """Create the package with what was found out about its files. Refused when it exists."""
    if state.created is not None:
        raise ArchiveError("package-exists", created.unit)
    return [created, *checks]


def redeliver(state: State, again: Created, checks: Sequence[FormatsIdentified | VirusChecked]) -> list[Value]:
    """Take a unit that was returned for what it is now, with what was found out about its files.

    Refused once it is stored: what is stored is revised, never delivered again.
    """
    if state.created is None or state.stored:
        raise ArchiveError("package-exists", again.unit)
    event = Redelivered(
        delivery=again.delivery,
        repairs=state.created.delivery,
        record_type=again.record_type,
        secrecy_class=again.secrecy_class,
        files=again.files,
        bytes=again.bytes,
    )
    return [event, *checks]


def tell(state: State, told: Sequence[PagesDeclared | Digitised]) -> list[Value]:
    """Record what the producer says of the pages and their making, once for each delivery."""
    return [event for event in told if (event.delivery, type(event).__name__) not in state.told]


def check_again(state: State, checks: Sequence[FormatsIdentified | VirusChecked]) -> list[Value]:
    """Record what a later look at the same files found, where it differs from what is known."""
    return [check for check in checks if check not in (state.formats, state.viruses)]


def store(state: State, stored: Stored) -> list[Value]:
    """Record a stored version. Refused before creation, after a virus was found, and out of order."""
    if state.created is None:
        raise ArchiveError("package-unknown", stored.manifest_sha256)
    if state.viruses is not None and state.viruses.outcome is Outcome.FAILED:
        raise ArchiveError("virus-found", state.created.unit, files=", ".join(state.viruses.infected))
    last = state.stored[-1] if state.stored else None
    expected = (last.generation, last.version + 1) if last else (1, 1)
    if (stored.generation, stored.version) != expected:
        raise ArchiveError("package-version", state.created.unit, expected=expected[1], found=stored.version)
    return [stored]
