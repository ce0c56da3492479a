"""Fields by name (著录项): the one table by which command line and catalogue sheets name what may be filled in.

A field has a key (`image.photographer` is one of the section for photographs) and its Chinese name; either names it.
`read` gives a field's words as a person reads and writes them, `written` puts words back: read(written(x)) = x.
"""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from packages_spec.xml_text import is_writable
from repository.domain.description_fields import SECTIONS, Fields, Location
from repository.domain.values import Carrier, Level, RecordType, Sealed, SecrecyClass
from repository.errors import ArchiveError

_DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?([/~?].*)?")
_BETWEEN = re.compile(r"\s*[;；]\s*")


class Field(msgspec.Struct, frozen=True):
    """A field: its key, its Chinese name, how its words become a value (ValueError), and what they may be."""

    key: str
    zh: str
    value: Callable[[str], Any]
    allowed: str

    @property
    def en(self) -> str:
        """Its English name."""
        return self.key.rpartition(".")[2].replace("_", " ").capitalize()


def _words(words: str) -> str:
    if not is_writable(words):
        raise ValueError(words)
    return words


def _number(words: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", words):
        raise ValueError(words)
    return int(words)


def _date(words: str) -> str:
    if re.fullmatch(r"[0-9]{8}", words):  # as catalogues of deliveries write it, and spreadsheets give it back
        words = f"{words[:4]}-{words[4:6]}-{words[6:]}"
    if not _DATE.fullmatch(words) or not is_writable(words):
        raise ValueError(words)
    return words


def _year(words: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,4}", words):
        raise ValueError(words)
    return int(words)


def _list(words: str) -> tuple[str, ...]:
    return tuple(_words(word) for word in _BETWEEN.split(words.strip()) if word)


def _among(kind: type[Level] | type[SecrecyClass] | type[RecordType] | type[Carrier]) -> str:
    return " / ".join(kind)


_LEVELS = {
    "全宗": Level.FONDS,
    "类": Level.SERIES,
    "案卷": Level.VOLUME,
    "卷": Level.VOLUME,
    "件": Level.ITEM,
}
_CARRIERS = {"纸质": Carrier.PAPER, "数字": Carrier.DIGITAL, "电子": Carrier.DIGITAL, "双套": Carrier.BOTH}


def _level(words: str) -> Level:
    return _LEVELS[words] if words in _LEVELS else Level(words)


def _carrier(words: str) -> Carrier:
    return _CARRIERS[words] if words in _CARRIERS else Carrier(words)


def _form(words: str) -> str:
    if words not in ("siard", "as-delivered"):
        raise ValueError(words)
    return words


TEXT, COUNT, DAY = "…", "0, 1, 2, …", "YYYY[-MM[-DD]]"
_TABLE = (
    Field("level", "级别", _level, f"全宗 / 类 / 案卷 / 件 / {_among(Level)}"),
    Field("fonds_code", "全宗号", _words, TEXT),
    Field("title", "题名", _words, TEXT),
    Field("responsible_party", "责任者", _words, TEXT),
    Field("date", "日期", _date, DAY),
    Field("year", "年度", _year, "YYYY"),
    Field("retention_period", "保管期限", _words, TEXT),
    Field("secrecy_class", "密级", SecrecyClass, _among(SecrecyClass)),
    Field("page_count", "页数", _number, COUNT),
    Field("pages_scanned", "已扫描页数", _number, COUNT),
    Field("record_type", "档案门类", RecordType, _among(RecordType)),
    Field("carrier", "载体", _carrier, f"纸质 / 数字 / 双套 / {_among(Carrier)}"),
    Field("location.storeroom", "库房", _words, TEXT),
    Field("location.rack", "架", _words, TEXT),
    Field("location.shelf", "格", _words, TEXT),
    Field("language", "语种", _words, TEXT),
    Field("keywords", "主题词", _list, "…; …"),
    Field("abstract", "提要", _words, TEXT),
    Field("note", "附注", _words, TEXT),
    Field("text.document_number", "文号", _words, TEXT),
    Field("text.genre", "文种", _words, TEXT),
    Field("text.draft", "稿本", _words, TEXT),
    Field("text.folios", "页号", _words, TEXT),
    Field("text.attachments", "附件题名", _words, TEXT),
    Field("image.photographer", "摄影者", _words, TEXT),
    Field("image.taken", "拍摄时间", _date, DAY),
    Field("image.place", "拍摄地点", _words, TEXT),
    Field("image.persons", "照片人物", _words, TEXT),
    Field("image.occasion", "事由", _words, TEXT),
    Field("image.negative_number", "底片号", _words, TEXT),
    Field("audio.seconds", "录音时长（秒）", _number, COUNT),
    Field("audio.recorded_by", "录音者", _words, TEXT),
    Field("audio.recorded", "录音时间", _date, DAY),
    Field("audio.place", "录音地点", _words, TEXT),
    Field("audio.speakers", "讲话人", _words, TEXT),
    Field("audio.source_medium", "录音原载体", _words, TEXT),
    Field("video.seconds", "录像时长（秒）", _number, COUNT),
    Field("video.recorded_by", "摄录者", _words, TEXT),
    Field("video.recorded", "摄录时间", _date, DAY),
    Field("video.place", "摄录地点", _words, TEXT),
    Field("video.persons", "录像人物", _words, TEXT),
    Field("video.source_medium", "录像原载体", _words, TEXT),
    Field("database.name", "数据库名称", _words, TEXT),
    Field("database.form", "数据库形式", _form, "siard / as-delivered"),
    Field("database.tables", "表数", _number, COUNT),
    Field("database.rows", "记录数", _number, COUNT),
    Field("database.environment", "软件环境", _words, TEXT),
    Field("database.covers", "数据起止时间", _words, TEXT),
)
FIELDS: Mapping[str, Field] = {field.key: field for field in _TABLE}
"""Every field that can be filled in, by its key, in the order of the sheet's columns."""

NEVER_EMPTY = frozenset({"level", "title", "secrecy_class", "record_type", "carrier"})
SEALED = "（已密封）"
"""Stands for words that cannot be read here; writing it back changes nothing."""


@cache
def _names() -> Mapping[str, Field]:
    return {field.zh: field for field in _TABLE} | dict(FIELDS)


def field_named(name: str) -> Field:
    """The field of that key or Chinese name. `field-unknown`."""
    try:
        return _names()[name.strip()]
    except KeyError:
        known = ", ".join(f"{field.zh} ({field.key})" for field in _TABLE)
        raise ArchiveError("field-unknown", name, known=known) from None


def read(fields: Any, key: str) -> str:
    """A field's words; empty for what is not filled in. `fields` is a description's fields or its card."""
    owner, _, name = key.rpartition(".")
    value = getattr(getattr(fields, owner) if owner else fields, name, None)
    if isinstance(value, Sealed) or (value is None and key in getattr(fields, "sealed", ())):
        return SEALED
    if isinstance(value, tuple):
        return "; ".join(value)
    return "" if value is None else str(value)


def blank_fields(level: Level, parent: UUID | None, code: str | None, fonds_code: str | None) -> Fields:
    """A description of which only its place is known: open, on paper, text, until its words say otherwise."""
    return Fields(
        level=level,
        parent=parent,
        package=None,
        reference_code=code,
        fonds_code=fonds_code,
        title="",
        responsible_party=None,
        date=None,
        year=None,
        retention_period=None,
        secrecy_class=SecrecyClass.OPEN,
        page_count=None,
        record_type=RecordType.TEXT,
        carrier=Carrier.PAPER,
    )


def written(fields: Fields, words: Mapping[str, str]) -> Fields:
    """The fields with these words (by key or Chinese name) in place. Empty words empty a field.

    `field-unknown`, `field-unfit` with what the field takes. Words that stand there already change nothing.
    """
    for name, said in words.items():
        field = field_named(name)
        if said != read(fields, field.key):
            fields = _with(fields, field, said)
    return fields


def _empty(field: Field) -> tuple[str, ...] | None:
    """What an emptied field holds. ValueError for one that cannot be empty."""
    if field.key in NEVER_EMPTY:
        raise ValueError(field.key)
    return () if field.key == "keywords" else None


def _with(fields: Fields, field: Field, words: str) -> Fields:
    said = words.strip()
    try:
        value = field.value(said) if said else _empty(field)
    except ValueError as error:
        raise ArchiveError("field-unfit", field.zh, value=words[:80], allowed=field.allowed) from error
    owner, _, name = field.key.rpartition(".")
    if not owner:
        return replace(fields, **{name: value})
    whole = getattr(fields, owner) or (Location() if owner == "location" else SECTIONS[owner]())
    part = replace(whole, **{name: value})
    is_empty = all(getattr(part, one) is None for one in part.__struct_fields__)
    return replace(fields, **{owner: None if is_empty else part})
