"""A description (著录) as a package carries it: DA/T 18 and ISAD(G) fields, in the archive's own words."""

import re
from typing import Literal, get_args

import msgspec

from packages_spec.descriptive.sections import Audio, Database, Extent, Holding, Image, Subject, Text, Video
from packages_spec.xml_text import expect_writable

Level = Literal["fonds", "series", "volume", "item"]
RecordType = Literal["text", "image", "audio", "video", "database"]
Carrier = Literal["paper", "digital", "both"]
AccessStatus = Literal["open", "controlled"]
SecrecyClass = Literal["公开", "内部", "秘密", "机密", "绝密"]

_UUID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_CLOSED = {
    "level": get_args(Level),
    "record_type": get_args(RecordType),
    "carrier": get_args(Carrier),
    "access_status": get_args(AccessStatus),
    "secrecy_class": get_args(SecrecyClass),
}


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """What a record is. `date` is text as exact as it is known; None stands for what nobody recorded.

    A description that `archive.xml` could not carry is never made: text must fit XML 1.0 (`xml_text.is_writable`), a
    closed field must hold one of its words, and an empty string is not a value. Raises ValueError naming the field.
    """

    package: str | None
    level: Level
    reference_code: str | None
    fonds_code: str | None
    title: str
    responsible_party: str | None
    date: str | None
    year: int | None
    retention_period: str | None
    secrecy_class: SecrecyClass
    access_status: AccessStatus | None
    record_type: RecordType
    carrier: Carrier
    page_count: int | None
    holding: Holding | None = None
    subject: Subject | None = None
    extent: Extent | None = None
    text: Text | None = None
    image: Image | None = None
    audio: Audio | None = None
    video: Video | None = None
    database: Database | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be written and read back."""
        for field, words in _CLOSED.items():
            value = getattr(self, field)
            if value not in words and not (value is None and field == "access_status"):
                raise ValueError(f"{field}: {value!r}")
        for field in self.__struct_fields__:
            value = getattr(self, field)
            if isinstance(value, str):
                expect_writable(field, value)
            elif isinstance(value, int) and value < 0:
                raise ValueError(f"{field}: {value!r}")
        if self.package is not None and not _UUID.fullmatch(self.package):
            raise ValueError(f"package: {self.package!r}")
