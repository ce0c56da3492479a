"""Values (值): what events are made of. Each is frozen, has one spelling in JSON and holds no float."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec

Time = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")]
"""RFC 3339 in UTC, always six digits and `Z`: two times compare as their strings do."""

Day = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\d$")]
"""A day of the calendar that people here live by, ISO 8601: two days compare as their strings do."""

Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
"""Lower-case hex SHA-256."""


def time_of(moment: datetime) -> str:
    """A moment (with its time zone) as `Time`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Value(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A frozen value: fields in declared order, every field present in JSON, null where there is nothing.

    Values hold no cycles, so the collector need not look at them: that saves a tenth of a rebuild.
    """


class SealedValue(Value, frozen=True, kw_only=True):
    """Ciphertext of one field under the key of the one whom it concerns."""

    key: UUID
    subject: UUID
    nonce: str
    ct: str


class Sealed(Value, frozen=True, kw_only=True):
    """A personal or secret field whose words are readable only as long as its subject's key lives."""

    sealed: SealedValue


Confidential = str | Sealed
"""Plain, or sealed, from schema 1 on."""


class SecrecyClass(StrEnum):
    """密级, from the least to the most secret; the last three are the classes of the secrecy law, in pinyin."""

    OPEN = "公开"
    INTERNAL = "内部"
    MIMI = "秘密"
    JIMI = "机密"
    JUEMI = "绝密"

    @property
    def rank(self) -> int:
        """0 for the least secret."""
        return list(SecrecyClass).index(self)


class AccessionKind(StrEnum):
    """How records come to the archive (接收方式)."""

    TRANSFER = "transfer"
    COLLECTION = "collection"
    OWN_DIGITISATION = "own-digitisation"
    MIGRATION = "migration"


class DeliveryForm(StrEnum):
    """How a delivery came: loose files, a BagIt bag, or either of them packed in one file."""

    FOLDER = "folder"
    BAG = "bag"
    PACKED_FOLDER = "packed-folder"
    PACKED_BAG = "packed-bag"


class Level(StrEnum):
    """Level of description (著录级别), ISAD(G) 3.1.4."""

    FONDS = "fonds"
    SERIES = "series"
    VOLUME = "volume"
    ITEM = "item"


class RecordType(StrEnum):
    """The five types of record that a digital archive keeps (档案门类)."""

    TEXT = "text"
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"
    DATABASE = "database"


class Carrier(StrEnum):
    """On what the record exists (载体)."""

    PAPER = "paper"
    DIGITAL = "digital"
    BOTH = "both"


class Role(StrEnum):
    """What a person is to the archive; `authority.may` says what each may do."""

    ADMINISTRATOR = "administrator"
    ARCHIVIST = "archivist"
    AUDITOR = "auditor"
    READER = "reader"
    RECEIVER = "receiver"
    ACCEPTOR = "acceptor"
    REVIEWER = "reviewer"
    DECIDER = "decider"
    DESK = "desk"
    KEEPER = "keeper"
    SECURITY_OFFICER = "security-officer"
    PARTNER = "partner"


class AccessStatus(StrEnum):
    """Whether a record is open to everybody (开放) or controlled (控制)."""

    OPEN = "open"
    CONTROLLED = "controlled"


class Ground(StrEnum):
    """On what an access status rests (依据): why a record may be open, or must not be."""

    TERM_EXPIRED = "term-expired"
    PUBLIC_FROM_THE_START = "public-from-the-start"
    CLASSIFIED = "state-secret"
    WORK_MATTER = "work-secret"
    PERSONAL = "personal"
    INTELLECTUAL_PROPERTY = "intellectual-property"
    UNIT_OBJECTS = "unit-objects"
    OTHER_LAW = "other-law"


class Outcome(StrEnum):
    """What came of a check. Not checked is an outcome of its own and is never a pass."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_CHECKED = "not-checked"


class Finding(Value, frozen=True, kw_only=True):
    """A finding as an event keeps it: the words stay in the table that the code names."""

    code: str
    path: str
    expected: str
    found: str
