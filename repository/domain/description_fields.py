"""The fields of a description (著录项目): a common part, and one section for each type of record.

The common part follows ISAD(G) and DA/T 18; the sections follow what is asked of documents (文书), photographs
(DA/T 50), sound and moving pictures (DA/T 62) and databases. Dates are ISO 8601, as exact as they are
known. Names of people and free text may be sealed. A field that nobody filled in is null; the section of another type
of record stays null.
"""

from typing import Literal
from uuid import UUID

import msgspec

from repository.domain.values import Carrier, Confidential, Level, RecordType, SecrecyClass, Value
from repository.errors import ArchiveError


class Location(Value, frozen=True, kw_only=True):
    """Where the paper lies: storeroom (库房), rack (架) and shelf (格)."""

    storeroom: str | None = None
    rack: str | None = None
    shelf: str | None = None


class FileRange(Value, frozen=True, kw_only=True):
    """Files of a package, from one path to another, both included, in the order of paths."""

    first: str
    last: str


class Text(Value, frozen=True, kw_only=True):
    """A document: its number (文号), kind (文种), draft (稿本), pages in the volume (页号), attachments (附件题名)."""

    document_number: str | None = None
    genre: str | None = None
    draft: str | None = None
    folios: str | None = None
    attachments: Confidential | None = None


class Image(Value, frozen=True, kw_only=True):
    """A photograph: who took it (摄影者), when and where, of whom (人物), on what occasion (事由), which negative."""

    photographer: Confidential | None = None
    taken: str | None = None
    place: Confidential | None = None
    persons: Confidential | None = None
    occasion: Confidential | None = None
    negative_number: str | None = None


class Audio(Value, frozen=True, kw_only=True):
    """A sound recording: its length (时长, seconds), who recorded it (录制者), when, where, who speaks, from what."""

    seconds: int | None = None
    recorded_by: Confidential | None = None
    recorded: str | None = None
    place: Confidential | None = None
    speakers: Confidential | None = None
    source_medium: str | None = None


class Video(Value, frozen=True, kw_only=True):
    """A moving picture: its length (时长, seconds), who recorded it (摄录者), when, where, who is seen, from what."""

    seconds: int | None = None
    recorded_by: Confidential | None = None
    recorded: str | None = None
    place: Confidential | None = None
    persons: Confidential | None = None
    source_medium: str | None = None


class Database(Value, frozen=True, kw_only=True):
    """A database: its name, in which form it came, tables, rows, the software that it needs, the time it covers."""

    name: str | None = None
    form: Literal["siard", "as-delivered"] | None = None
    tables: int | None = None
    rows: int | None = None
    environment: str | None = None
    covers: str | None = None


Section = Text | Image | Audio | Video | Database
SECTIONS: dict[str, type[Text] | type[Image] | type[Audio] | type[Video] | type[Database]] = {
    "text": Text,
    "image": Image,
    "audio": Audio,
    "video": Video,
    "database": Database,
}
"""The section of each type of record, by the word of the type, which is also the name of the field."""


class Fields(Value, frozen=True, kw_only=True):
    """A description, field by field. `files` null: all files of the package; else those that a division left to it.

    `page_count` is how many pages the record has (页数), `pages_scanned` how many of its paper pages are digitised.
    """

    level: Level
    parent: UUID | None
    package: UUID | None
    reference_code: str | None
    fonds_code: str | None
    title: Confidential
    responsible_party: Confidential | None
    date: str | None
    year: int | None
    retention_period: str | None
    secrecy_class: SecrecyClass
    page_count: int | None
    record_type: RecordType
    carrier: Carrier
    pages_scanned: int | None = None
    location: Location | None = None
    language: str | None = None
    keywords: tuple[str, ...] = ()
    abstract: Confidential | None = None
    note: Confidential | None = None
    files: tuple[FileRange, ...] | None = None
    text: Text | None = None
    image: Image | None = None
    audio: Audio | None = None
    video: Video | None = None
    database: Database | None = None

    @property
    def section(self) -> Section | None:
        """The section of the record's own type."""
        found: Section | None = getattr(self, self.record_type.value)
        return found


def expect_sound(fields: Fields) -> None:
    """Refuse what no description may say: `title-missing`, `section-unfit`, `number-unfit`.

    A section of another type of record would be kept where nobody looks for it. More pages may be scanned than there
    are: a page may have been scanned with its cover.
    """
    if isinstance(fields.title, str) and not fields.title.strip():
        raise ArchiveError("title-missing", fields.reference_code or "")
    for name in SECTIONS:
        if name != fields.record_type.value and getattr(fields, name) is not None:
            raise ArchiveError("section-unfit", name, record_type=fields.record_type.value)
    for owner in (fields, fields.section):
        for name in owner.__struct_fields__ if owner is not None else ():
            value = getattr(owner, name)
            if isinstance(value, int) and not isinstance(value, bool) and value < 0 and name != "year":
                raise ArchiveError("number-unfit", name, value=value)


def holds(ranges: tuple[FileRange, ...] | None, path: str) -> bool:
    """Whether a file of the package is one of the record's."""
    return ranges is None or any(one.first <= path <= one.last for one in ranges)


def upcast_fields(raw: dict[str, object]) -> Fields:
    """Fields as schema 1 had them: the common part as it was then, and none of the sections."""
    return msgspec.convert(raw, Fields)
