"""Search (检索): descriptions by words of their titles, by 档号, and by what they are.

Rights are conditions of the question itself, so nothing that may not be seen is ever counted. Up to 1,000 hits of a
question in words are ranked: the title itself first, then titles that begin so, then the shorter ones. A question that
hits more is too wide for ranking to help; its hits come in the order in which they were described.
"""

import json
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypedDict
from uuid import UUID

import msgspec

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
from repository.catalogue.schema import ALWAYS, DESCRIPTIONS, NO_CODE, PACKAGES, RANK, code_key, name_keys
from repository.catalogue.words import narrowing, normal, question
from repository.domain.values import Level, RecordType, SecrecyClass
from repository.errors import ArchiveError

FARTHEST_YEAR = 1_000_000


class Viewer(msgspec.Struct, frozen=True, kw_only=True):
    """Who looks: what they may know of is part of the question, so nothing else is found, counted or paged over.

    `controlled_upto` is the rank up to which they know of controlled records (-1: of none), `open_upto` and
    `open_by_default` those of `access_rules`; `granted` are packages that somebody granted them.
    """

    controlled_upto: int
    open_upto: int
    open_by_default: int
    today: str
    granted: tuple[UUID, ...] = ()

    @property
    def sees_all(self) -> bool:
        """Whether nothing is kept from them."""
        return self.controlled_upto >= max(RANK.values())


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
    viewer: Viewer | None


def search(db: sqlite3.Connection, words: str | None, filters: Filters, part: Slice) -> Page[Description]:
    """A page of the descriptions that meet the filters and whose titles have the words.

    Words that are, whole, what a record was called elsewhere lead to that record.
    """
    where = _where(filters, part.position)
    if words is not None and (named := packages_named(db, words, part.position)):
        held = ", ".join("?" * len(named))
        return listed(
            db, DESCRIPTIONS, Description, where.also(f"package IN ({held})", *named), part, ("code", "first")
        )
    if words is None or not words.strip():
        return listed(db, DESCRIPTIONS, Description, where, part, ("code", "first"))
    asked = question(words)
    if asked is None:
        return page_of([], part, 0)
    return _with_words(db, words, " AND ".join([asked, *_narrowing(filters)]), where, part)


_NAMED = """
    SELECT DISTINCT names.package FROM names JOIN packages ON packages.id = names.package
    WHERE names.key IN (SELECT value FROM json_each(?1)) AND names.since <= ?2
    AND packages.since <= ?2 AND packages.until > ?2 AND EXISTS (
        SELECT 1 FROM json_each(CAST(packages.body AS TEXT), '$.identifiers') AS said
        WHERE json_extract(said.value, '$.value') = names.value)
    ORDER BY packages.first LIMIT 500"""


def packages_named(db: sqlite3.Connection, identifier: str, position: int) -> list[bytes]:
    """Packages whose content went by this identifier elsewhere, as it stands at the position."""
    keys = json.dumps(name_keys(text(identifier)))
    return [row[0] for row in db.execute(_NAMED, (keys, position))]


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
        if isinstance(value, Viewer):
            if not value.sees_all:
                seen, whose = _visible(value)
                where = where.also(seen, *whose)
        elif name == "accession" and isinstance(value, UUID):
            where = where.also(f"package IN ({_HELD})", value.bytes, position, position)
        elif value is not None:
            condition, values = _CONDITIONS[name]
            where = where.also(condition, *values(value))
    return where


_HELD_IN = f"FROM packages WHERE packages.id = now.package AND packages.until = {ALWAYS}"
_BY_ROLE = f"now.secrecy <= ? AND NOT EXISTS (SELECT 1 {_HELD_IN} AND packages.secrecy > ?)"
_WITHOUT_PACKAGE = f"now.secrecy <= ? AND NOT EXISTS (SELECT 1 {_HELD_IN})"
_OPEN = f"""now.secrecy <= ? AND EXISTS (SELECT 1 {_HELD_IN} AND packages.secrecy <= ? AND (
    (packages.access = 'open' AND (packages.opening_date IS NULL OR packages.opening_date <= ?))
    OR (packages.access IS NULL AND max(packages.secrecy, now.secrecy) <= ?)))"""
_GRANTED = f"now.secrecy <= ? AND EXISTS (SELECT 1 {_HELD_IN} AND packages.secrecy <= ?)"


def _visible(viewer: Viewer) -> tuple[str, tuple[object, ...]]:
    """What the viewer may know of, row for row as `access_rules.decide` says it; a test compares the two.

    Rights are those of today, also where the past is looked at: the row that is judged is the one that stands now.
    """
    staff, shown, default = viewer.controlled_upto, viewer.open_upto, viewer.open_by_default
    ways: list[tuple[str, tuple[object, ...]]] = [
        (_BY_ROLE, (staff, staff)),
        (_WITHOUT_PACKAGE, (min(default, shown),)),
        (_OPEN, (shown, shown, viewer.today, default)),
    ]
    if viewer.granted:
        theirs = f" AND now.package IN ({', '.join('?' * len(viewer.granted))})"
        ways.append((_GRANTED + theirs, (shown, shown, *(one.bytes for one in viewer.granted))))
    either = " OR ".join(f"({way})" for way, _ in ways)
    seen = f"SELECT 1 FROM descriptions AS now WHERE now.id = descriptions.id AND now.until = {ALWAYS} AND ({either})"  # noqa: S608 - conditions are constants
    return f"EXISTS ({seen})", tuple(value for _, values in ways for value in values)


def _narrowing(filters: Filters) -> list[str]:
    fonds, highest, viewer = filters.get("fonds"), filters.get("secrecy_max"), filters.get("viewer")
    ranks = [] if highest is None else [RANK[highest]]
    if viewer is not None and not viewer.sees_all:
        ranks.append(max(viewer.controlled_upto, viewer.open_upto))
    return narrowing(
        fonds and text(fonds),
        filters.get("year_from"),
        filters.get("year_to"),
        min(ranks, default=None),
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
