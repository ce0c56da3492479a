"""Archival package (存档信息包, AIP): a unit of records, from creation to each stored version."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from repository.domain.aggregate import Aggregate
from repository.domain.values import Finding, Outcome, RecordType, SecrecyClass, Sha256, Value
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


class ForeignIdentifier(Value, frozen=True, kw_only=True):
    """What something was called elsewhere, and which kind of name that is (`OBJID`, `handle`, `AIP UUID`, ...)."""

    kind: str
    value: str


class IdentifiersRecorded(Value, frozen=True, kw_only=True):
    """What the content was called before it came here; recorded again, it replaces what was recorded before.

    `system` is the kind of package that it came as (`archivematica-aip`, `roda-sip`, `bag`, ...), null where unknown.
    """

    system: str | None
    identifiers: tuple[ForeignIdentifier, ...]


Check = FormatsIdentified | VirusChecked | IdentifiersRecorded
"""What is found out about a package's files before they are stored."""


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


class FixityFailed(Value, frozen=True, kw_only=True):
    """This version was read again and is not what the log says. At most 100 findings stand here."""

    generation: int
    version: int
    findings: tuple[Finding, ...]
    findings_total: int


class State(msgspec.Struct, frozen=True):
    """What the decisions below need to know."""

    created: Created | None = None
    formats: FormatsIdentified | None = None
    viruses: VirusChecked | None = None
    identifiers: IdentifiersRecorded | None = None
    stored: tuple[Stored, ...] = ()


def evolve(state: State, event: Value) -> State:
    """Fold one event."""
    replace = msgspec.structs.replace
    match event:
        case Created():
            return replace(state, created=event)
        case FormatsIdentified():
            return replace(state, formats=event)
        case VirusChecked():
            return replace(state, viruses=event)
        case IdentifiersRecorded():
            return replace(state, identifiers=event)
        case Stored():
            return replace(state, stored=(*state.stored, event))
        case _:
            return state


ARCHIVAL_PACKAGE = Aggregate("ArchivalPackage", State(), evolve)


def create(state: State, created: Created, checks: Sequence[Check]) -> list[Value]:
    """Create the package with what was found out about its files. Refused when it exists."""
    if state.created is not None:
        raise ArchiveError("package-exists", created.unit)
    return [created, *checks]


def check_again(state: State, checks: Sequence[Check]) -> list[Value]:
    """Record what a later look at the same files found, where it differs from what is known."""
    return [check for check in checks if check not in (state.formats, state.viruses, state.identifiers)]


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


def fail(state: State, failed: FixityFailed) -> list[Value]:
    """Record that the newest version was read and is damaged. Refused for another version: `package-version`."""
    last = state.stored[-1] if state.stored else None
    if last is None or (last.generation, last.version) != (failed.generation, failed.version):
        expected = last.version if last else 0
        raise ArchiveError("package-version", failed.version, expected=expected, found=failed.version)
    return [failed]
