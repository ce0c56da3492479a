"""Search (检索): descriptions by words of their titles, by 档号, and by what they are.

Rights are conditions of the question itself, so nothing that may not be seen is ever counted. Up to 1,000 hits of a
question in words are ranked: the title itself first, then titles that begin so, then the shorter ones. A question that
hits more is too wide for ranking to help; its hits come in the order in which they were described.
"""

import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypedDict
from uuid import UUID

from repository.catalogue.answers import (
    COUNTED,
    Page,
    Slice,
    Where,
    beyond,
    cards_of,
    key_of,
    listed,
    page_of,
    text,
)
from repository.catalogue.cards import Description
from repository.catalogue.schema import DESCRIPTIONS, NO_CODE, PACKAGES, RANK, code_key
from repository.catalogue.words import narrowing, normal, question
from repository.domain.values import Level, RecordType, SecrecyClass
from repository.errors import ArchiveError

FARTHEST_YEAR = 1_000_000


class Filters(TypedDict, total=False):
    """What a description must be. All that are given must hold; None is as if it were not given."""

    reference_code: str | None
    """The whole 档号."""
    reference_code_prefix: str | None
    """How the 档号 begins."""
    archive: str | None
    fonds: str | None
    year_from: int | None
    year_to: int | None
    record_type: RecordType | None
    secrecy_max: SecrecyClass | None
    level: Level | None
    parent: UUID | None
    """What stands directly below that entry."""
    accession: UUID | None


def search(db: sqlite3.Connection, words: str | None, filters: Filters, part: Slice) -> Page[Description]:
    """A page of the descriptions that meet the filters and whose titles have the words."""
    where = _where(filters, part.position)
    if words is None or not words.strip():
        return listed(db, DESCRIPTIONS, Description, where, part, ("code", "first"))
    asked = question(words)
    if asked is None:
        return page_of([], part, 0)
    return _with_words(db, words, " AND ".join([asked, *_narrowing(filters)]), where, part)


def _year(year: int) -> tuple[object, ...]:
    return (max(min(year, FARTHEST_YEAR), -FARTHEST_YEAR),)


def _prefix(prefix: str) -> tuple[object, ...]:
    start = code_key(text(prefix))
    return start, beyond(start)


_HELD = f"SELECT id FROM {PACKAGES.name} WHERE accession = ? AND since <= ? AND until > ?"  # noqa: S608 - the schema's name

_CONDITIONS: dict[str, tuple[str, Callable[[Any], tuple[object, ...]]]] = {
    "reference_code": ("code = ?", lambda code: (code_key(text(code)),)),
    "reference_code_prefix": ("code >= ? AND code < ?", _prefix),
    "archive": ("archive = ?", lambda archive: (text(archive),)),
    "fonds": ("fonds = ?", lambda fonds: (text(fonds),)),
    "year_from": ("year >= ?", _year),
    "year_to": ("year <= ?", _year),
    "record_type": ("record_type = ?", lambda kind: (RecordType(kind).value,)),
    "secrecy_max": ("secrecy <= ?", lambda highest: (RANK[highest],)),
    "level": ("level = ?", lambda level: (Level(level).value,)),
    "parent": ("parent = ?", lambda parent: (parent.bytes,)),
}


def _where(filters: Filters, position: int) -> Where:
    where = Where().also("stands = 1")
    for name, value in filters.items():
        if name == "accession" and isinstance(value, UUID):
            where = where.also(f"package IN ({_HELD})", value.bytes, position, position)
        elif value is not None:
            condition, values = _CONDITIONS[name]
            where = where.also(condition, *values(value))
    return where


def _narrowing(filters: Filters) -> list[str]:
    fonds, highest = filters.get("fonds"), filters.get("secrecy_max")
    return narrowing(
        fonds and text(fonds),
        filters.get("year_from"),
        filters.get("year_to"),
        None if highest is None else RANK[highest],
    )


def _with_words(db: sqlite3.Connection, words: str, asked: str, where: Where, part: Slice) -> Page[Description]:
    hits = where.also("titles MATCH ?", asked).seen(DESCRIPTIONS, part.position)
    found = _rows(db, hits, COUNTED + 1)
    if len(found) <= COUNTED:
        return _ranked(db, words, found, part)
    if part.after is not None:
        (shown,) = key_of(db, DESCRIPTIONS, part, ("since",))
        found = _rows(db, hits.also("titles.rowid > ?", shown), part.limit + 1)
    return page_of(_at(db, found[: part.limit + 1]), part, COUNTED + 1)


def _ranked(db: sqlite3.Connection, words: str, rows: Sequence[int], part: Slice) -> Page[Description]:
    cards = sorted(_at(db, rows), key=partial(_rank, normal(words).strip()))
    places = [card.opened.position for card in cards]
    if part.after is not None and part.after not in places:
        raise ArchiveError("cursor-invalid", f"{part.position}.{part.after}")
    start = 0 if part.after is None else places.index(part.after) + 1
    return page_of(cards[start : start + part.limit + 1], part, len(rows))


def _rank(words: str, card: Description) -> tuple[object, ...]:
    title = normal(card.title or "")
    return title != words, not title.startswith(words), len(title), card.reference_code or NO_CODE, card.opened.position


def _rows(db: sqlite3.Connection, where: Where, limit: int) -> list[int]:
    source = "titles JOIN descriptions ON descriptions.since = titles.rowid"
    wanted = f"SELECT titles.rowid FROM {source} WHERE {where.sql} ORDER BY titles.rowid LIMIT {limit}"  # noqa: S608 - conditions are constants
    rows = db.execute(wanted, where.values)
    return [row[0] for row in rows]


def _at(db: sqlite3.Connection, rows: Sequence[int]) -> list[Description]:
    return cards_of(
        db, DESCRIPTIONS, Description, Where((f"since IN ({', '.join(map(str, rows))})",)), "ORDER BY since"
    )
