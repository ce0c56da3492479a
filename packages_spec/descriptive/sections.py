"""The sections of a description (著录分项) that archive.xml 1.1 added: what not every record has to say.

`Holding`, `Subject` and `Extent` belong to any record, the others each to one type of record. A section is only made
where there is something to say in it. Raises ValueError, naming the field, for what XML could not carry.
"""

from typing import Literal

import msgspec

from packages_spec.xml_text import expect_writable


class _Section(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    def __post_init__(self) -> None:
        """Refuse a section that says nothing, and what could not be written and read back."""
        said = [name for name in self.__struct_fields__ if getattr(self, name) not in (None, ())]
        if not said:
            raise ValueError(f"{type(self).__name__}: nothing is said")
        for name in said:
            value = getattr(self, name)
            if isinstance(value, int) and value < 0:
                raise ValueError(f"{name}: {value!r}")
            for words in value if isinstance(value, tuple) else (value,):
                if isinstance(words, str):
                    expect_writable(name, words)


class Holding(_Section, frozen=True, kw_only=True):
    """The paper: where it lies (库房, 架, 格), and how many of its pages are scanned (已扫描页数)."""

    storeroom: str | None = None
    rack: str | None = None
    shelf: str | None = None
    pages_scanned: int | None = None


class Subject(_Section, frozen=True, kw_only=True):
    """What it is about: language (语种), subject words (主题词), abstract (提要), note (附注)."""

    language: str | None = None
    keywords: tuple[str, ...] = ()
    abstract: str | None = None
    note: str | None = None


class Extent(_Section, frozen=True, kw_only=True):
    """Which files of the package are the record's own (文件范围), where it shares the package with others."""

    file: tuple[str, ...] = ()


class Text(_Section, frozen=True, kw_only=True):
    """A document (文书)."""

    document_number: str | None = None
    genre: str | None = None
    draft: str | None = None
    folios: str | None = None
    attachments: str | None = None


class Image(_Section, frozen=True, kw_only=True):
    """A photograph (照片)."""

    photographer: str | None = None
    taken: str | None = None
    place: str | None = None
    persons: str | None = None
    occasion: str | None = None
    negative_number: str | None = None


class Audio(_Section, frozen=True, kw_only=True):
    """A sound recording (录音)."""

    seconds: int | None = None
    recorded_by: str | None = None
    recorded: str | None = None
    place: str | None = None
    speakers: str | None = None
    source_medium: str | None = None


class Video(_Section, frozen=True, kw_only=True):
    """A moving picture (录像)."""

    seconds: int | None = None
    recorded_by: str | None = None
    recorded: str | None = None
    place: str | None = None
    persons: str | None = None
    source_medium: str | None = None


class Database(_Section, frozen=True, kw_only=True):
    """A database (数据库)."""

    name: str | None = None
    form: Literal["siard", "as-delivered"] | None = None
    tables: int | None = None
    rows: int | None = None
    environment: str | None = None
    covers: str | None = None


Section = Holding | Subject | Extent | Text | Image | Audio | Video | Database
SECTIONS: dict[str, type[Section]] = {
    "holding": Holding,
    "subject": Subject,
    "extent": Extent,
    "text": Text,
    "image": Image,
    "audio": Audio,
    "video": Video,
    "database": Database,
}
"""Each section by the name of its element, which is also its field of the description, in the order of writing."""
