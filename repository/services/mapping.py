"""Mapping (对应表): which column of a producer's table means which field, by a profile that is a file.

A profile is TOML: synonyms of headers by field, how dates are written, what separates file names, defaults, sheet and
header row. The built-in one is `mapping.toml`; a site's own states only what differs. What was guessed from the headers
is an answer in itself (`Mapping`), shown before anything is done with it.
"""

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

import msgspec

from packages_spec.tables import Sheet, cell_name, column_letters
from repository.errors import ArchiveError

HEADERS_WITHIN = 20
"""A header is looked for in so many rows: above it may stand a title and who made the table."""


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to read a producer's tables; the fields are explained in `mapping.toml`."""

    name: str
    sheet: str = ""
    header_row: int = 0
    dates: tuple[str, ...]
    separator: str
    volume_sheets: tuple[str, ...]
    item_sheets: tuple[str, ...]
    compose: tuple[str, ...]
    joint: str
    columns: dict[str, tuple[str, ...]]
    defaults: dict[str, str]


class Column(msgspec.Struct, frozen=True):
    """A column of the table as it was understood; `field` is null where nothing known is called so."""

    letters: str
    header: str
    field: str | None


class Mapped(msgspec.Struct, frozen=True):
    """A table's header, understood: the columns, and by field the place (from 0) of the one that gives it."""

    header_row: int
    columns: tuple[Column, ...]
    places: Mapping[str, int]

    def names(self) -> dict[str, str]:
        """By field, how its column is named in a place: `D(日期)`."""
        return {field: cell_name(place + 1, self.columns[place].header) for field, place in self.places.items()}


def builtin() -> Profile:
    """The profile that is used where none is named."""
    return _built(_builtin_table())


def read_profile(content: bytes, name: object) -> Profile:
    """A site's own profile laid over the built-in one. Raises `mapping-invalid`."""
    try:
        own = tomllib.loads(content.decode())
        for field in {*own.get("columns", {})} - {*_builtin_table()["columns"]}:
            raise ArchiveError("mapping-invalid", name, reason=f"columns.{field}")
        base = _builtin_table()
        return _built(base | own | {key: {**base[key], **own.get(key, {})} for key in ("columns", "defaults")})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError, TypeError, AttributeError) as error:
        raise ArchiveError("mapping-invalid", name, reason=error) from error


def _built(table: Mapping[str, object]) -> Profile:
    profile = msgspec.convert(table, Profile)
    for form in profile.dates:
        _pattern(form)
    if not profile.separator:
        raise msgspec.ValidationError("separator")
    return profile


@cache
def _builtin_table() -> dict[str, dict[str, object]]:
    return tomllib.loads(files("repository").joinpath("mapping.toml").read_text("utf-8"))


def understand(sheet: Sheet, profile: Profile, needed: Sequence[str], among: Sequence[str]) -> Mapped | None:
    """The header of a sheet, guessed by the profile; null where no row names all that is `needed`.

    Only the fields `among` are looked for, in this order: a header that could mean two of them means the first.
    """
    rows = [profile.header_row] if profile.header_row else range(1, min(HEADERS_WITHIN, len(sheet.rows)) + 1)
    for number in rows:
        if number <= len(sheet.rows):
            mapped = _mapped(number, sheet.rows[number - 1], profile, among)
            if all(field in mapped.places for field in needed):
                return mapped
    return None


def _mapped(number: int, header: Sequence[str], profile: Profile, among: Sequence[str]) -> Mapped:
    fields = {_plain(name): field for field in reversed(among) for name in profile.columns[field]}
    places: dict[str, int] = {}
    columns = []
    for place, words in enumerate(header):
        field = fields.get(_plain(words))
        if field in places:
            field = None
        if field is not None:
            places[field] = place
        columns.append(Column(column_letters(place + 1), words, field))
    return Mapped(number, tuple(columns), places)


def _plain(header: str) -> str:
    """A header as it is compared: without blanks, without what stands in brackets behind it."""
    plain = "".join(unicodedata.normalize("NFKC", header).split())
    return re.sub(r"\([^)]*\)$", "", plain).casefold()


def cells_of(row: Sequence[str], mapped: Mapped, profile: Profile) -> dict[str, str]:
    """What a row says, by field; a default where it says nothing."""
    said = {field: row[place] for field, place in mapped.places.items() if place < len(row) and row[place]}
    return {**dict.fromkeys(mapped.places, ""), **profile.defaults, **said}


@cache
def _pattern(form: str) -> re.Pattern[str]:
    """The expression for a form of dates; what lies right of the year may be left out, from the right."""
    found = re.fullmatch(r"(YYYY)(.*?)(MM)(.*?)(DD)(.*)", form)
    if found is None:
        raise msgspec.ValidationError(f"dates: {form}")
    _, first, _, second, _, last = map(re.escape, found.groups())
    if last:  # 1934年03月12日: what stands behind each part goes with it
        return re.compile(rf"(\d{{4}}){first}(?:(\d\d){second}(?:(\d\d){last})?)?", re.ASCII)
    return re.compile(rf"(\d{{4}})(?:{first}(\d\d)(?:{second}(\d\d))?)?", re.ASCII)


def date_parts(text: str, profile: Profile) -> tuple[str, str | None, str | None] | None:
    """Year, month and day as they are written; null for what is in none of the profile's forms."""
    for form in profile.dates:
        if found := _pattern(form).fullmatch(text):
            year, month, day = found.groups()
            return year, month, day
    return None
