"""What PREMIS 3.0 (Data Dictionary) records here: objects, events, agents and rights as frozen values.

No person's name stands in a PREMIS file: a person is an id that only the archive can resolve.
"""

from enum import StrEnum
from typing import Self

import msgspec

from packages_spec.technical import Technical

LOC_EVENT_TYPES = "http://id.loc.gov/vocabulary/preservation/eventType"
LOCAL_EVENT_TYPES = "urn:jingui:event-type"


class EventType(StrEnum):
    """Terms of the Library of Congress's eventType list with their codes, and one of our own that the list lacks."""

    code: str

    def __new__(cls, term: str, code: str) -> Self:
        """A member is its term; the code leads to its definition."""
        member = str.__new__(cls, term)
        member._value_, member.code = term, code
        return member

    ACCESSION = "accession", "acc"
    TRANSFER = "transfer", "tra"
    UNPACKING = "unpacking", "unp"
    VALIDATION = "validation", "val"
    VIRUS_CHECK = "virus check", "vir"
    FORMAT_IDENTIFICATION = "format identification", "for"
    MESSAGE_DIGEST_CALCULATION = "message digest calculation", "mes"
    METADATA_EXTRACTION = "metadata extraction", "mee"
    INGESTION = "ingestion", "ing"
    INFORMATION_PACKAGE_CREATION = "information package creation", "ipc"
    FIXITY_CHECK = "fixity check", "fix"
    ENCRYPTION = "encryption", "enc"
    DECRYPTION = "decryption", "der"
    REPLICATION = "replication", "rep"
    RECOVERY = "recovery", "rec"
    MIGRATION = "migration", "mig"
    NORMALIZATION = "normalization", "nor"
    MODIFICATION = "modification", "mod"
    METADATA_MODIFICATION = "metadata modification", "mem"
    POLICY_ASSIGNMENT = "policy assignment", "poa"
    REDACTION = "redaction", "red"
    DISSEMINATION = "dissemination", "dis"
    DISPLAYING = "displaying", "dsp"
    PRINTING = "printing", "prt"
    DEACCESSION = "deaccession", "dea"
    DELETION = "deletion", "del"
    IMAGING = "imaging", "ima"
    QUALITY_CONTROL = "quality control", "quality-control"


class Identifier(msgspec.Struct, frozen=True):
    """An identifier and the kind of identifier that it is (`UUID`, `URI`, `local`, ...)."""

    type: str
    value: str


class Format(msgspec.Struct, frozen=True):
    """A file format as it was identified. `puid` is PRONOM's key; `basis` says what the identification rests on."""

    name: str | None = None
    version: str | None = None
    puid: str | None = None
    basis: str | None = None

    def __post_init__(self) -> None:
        """Refuse a version of nothing: PREMIS has no place for it."""
        if self.version is not None and self.name is None:
            raise ValueError("a format has no version without a name")


class Enclosed(msgspec.Struct, frozen=True):
    """What an encrypted file holds: its format, and what stands before it (PREMIS 1.5.6 `inhibitors`).

    `key` names the recipient whose identity opens it. Size and digest of what is inside are told to nobody here.
    """

    format: Format
    suite: str
    key: str


class FileObject(msgspec.Struct, frozen=True):
    """A file (PREMIS 1.2 `file`): its place relative to the representation's folder, its fixity and its format.

    Of an encrypted file these are the ciphertext's, at composition level 1; what is `enclosed` stands at level 0.

    `original_name` is given only where the name had to be changed; it may hold characters that XML cannot carry.
    `technical` is what the file says of itself (1.5.5 `creatingApplication`, 1.5.7 `objectCharacteristicsExtension`).
    """

    identifier: Identifier
    location: str
    size: int
    sha256: str
    format: Format
    original_name: str | None = None
    technical: Technical | None = None
    enclosed: Enclosed | None = None


class Representation(msgspec.Struct, frozen=True):
    """A set of files that together render the record (PREMIS `representation`) and the package that it belongs to."""

    identifier: Identifier
    package: Identifier


class PackageEntity(msgspec.Struct, frozen=True):
    """The package as an intellectual entity, the other names it goes by, and what it was derived from."""

    identifier: Identifier
    other_identifiers: tuple[Identifier, ...] = ()
    sources: tuple["Source", ...] = ()


class Source(msgspec.Struct, frozen=True):
    """A stored version that a package was made from, and the event (its id) that committed that version."""

    package: str
    version: int
    event: str | None = None

    @property
    def uri(self) -> str:
        """The version as a URI."""
        return f"urn:uuid:{self.package}/v{self.version}"


class AgentLink(msgspec.Struct, frozen=True):
    """Which agent took part in an event, and how (`executing program`, `authorizer`, ...)."""

    agent: Identifier
    role: str


class Event(msgspec.Struct, frozen=True):
    """Something that happened. `identifier` is the UUID of the event in the archive's log.

    `outcome` is `success`, `failure` or `not checked`; what was not checked is never a success. `objects` are the
    package or a representation, never single files.
    """

    identifier: str
    type: EventType
    time: str
    detail: str
    outcome: str
    outcome_note: str | None = None
    agents: tuple[AgentLink, ...] = ()
    objects: tuple[Identifier, ...] = ()


class Agent(msgspec.Struct, frozen=True):
    """Who or what acts: `person`, `organization` or `software`. A person has no name: ValueError."""

    identifier: Identifier
    type: str
    name: str | None = None
    version: str | None = None

    def __post_init__(self) -> None:
        """Keep names of people out of every package."""
        if self.type == "person" and self.name is not None:
            raise ValueError("an agent that is a person has no name in PREMIS")


class Rights(msgspec.Struct, frozen=True):
    """What may be done with the package, on which basis, and with what restriction."""

    identifier: Identifier
    basis: str
    act: str
    restriction: str | None = None
    objects: tuple[Identifier, ...] = ()
