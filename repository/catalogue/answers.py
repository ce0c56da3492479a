"""Answers (查询结果): pages of cards, as of one position of the log.

A page's marker (`after`) names the position that the first page was read at and the last card shown, so that going on
shows one unchanging list, whatever is written meanwhile and also after the catalogue was made anew.
"""

import re
import sqlite3
from collections.abc import Sequence
from typing import Generic

import msgspec

from repository.catalogue.cards import AnyCard, decoded
from repository.catalogue.schema import NO_CODE, Table
from repository.errors import ArchiveError

COUNTED = 1_000
"""Counting stops here: a total of more is said to be more."""

LONGEST = 1_000
"""Cards of one page at most."""

_CURSOR = re.compile(r"([0-9]{1,18})\.([0-9]{1,18})")


class Page(msgspec.Struct, Generic[AnyCard], frozen=True, kw_only=True):
    """Part of a list. `total` counts the whole list up to 1,000; `total_is_exact` says that there is no more.

    `position` is the place in the log that it shows, `after` the marker of the next page (null: this is the last).
    """

    entries: tuple[AnyCard, ...]
    total: int
    total_is_exact: bool
    position: int
    after: str | None


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of a list is asked for: as of which position, how many, after which card (its `opened` position)."""

    position: int
    limit: int
    after: int | None


class Where(msgspec.Struct, frozen=True):
    """Conditions that rows must meet, each with its values; `seen` adds that they stood at a position."""

    conditions: tuple[str, ...] = ()
    values: tuple[object, ...] = ()

    def also(self, condition: str, *values: object) -> "Where":
        """These conditions and one more."""
        return Where((*self.conditions, condition), (*self.values, *values))

    def seen(self, table: Table, position: int) -> "Where":
        """These conditions, of rows that stood at this position."""
        return self.also(f"{table.name}.since <= ? AND {table.name}.until > ?", position, position)

    @property
    def sql(self) -> str:
        """The conditions as one expression."""
        return " AND ".join(self.conditions)


def slice_of(position: int, *, limit: int, after: str | None) -> Slice:
    """What a marker and a limit ask for. `cursor-invalid` for a marker that this catalogue never gave."""
    limit = min(max(limit, 1), LONGEST)
    if after is None:
        return Slice(position=position, limit=limit, after=None)
    found = _CURSOR.fullmatch(after)
    if found is None or int(found[1]) > position:
        raise ArchiveError("cursor-invalid", after[:40])
    return Slice(position=int(found[1]), limit=limit, after=int(found[2]))


def page_of(cards: Sequence[AnyCard], part: Slice, total: int) -> Page[AnyCard]:
    """A page from one card more than it holds, if there is one."""
    shown = tuple(cards[: part.limit])
    more = len(cards) > part.limit
    return Page(
        entries=shown,
        total=min(total, COUNTED),
        total_is_exact=total <= COUNTED,
        position=part.position,
        after=f"{part.position}.{shown[-1].opened.position}" if more else None,
    )


def cards_of(db: sqlite3.Connection, table: Table, card: type[AnyCard], where: Where, rest: str = "") -> list[AnyCard]:
    """The cards of the rows that meet the conditions. `rest` follows them: an order, a limit."""
    rows = db.execute(f"SELECT body FROM {table.name} WHERE {where.sql} {rest}", where.values)  # noqa: S608 - conditions are made of constants
    return [decoded(card, body) for (body,) in rows]


def total_of(db: sqlite3.Connection, source: str, where: Where) -> int:
    """How many rows meet the conditions, counted to one beyond what is counted."""
    limited = f"SELECT 1 FROM {source} WHERE {where.sql} LIMIT {COUNTED + 1}"  # noqa: S608 - as above
    total: int = db.execute(f"SELECT count(*) FROM ({limited})", where.values).fetchone()[0]  # noqa: S608
    return total


def listed(
    db: sqlite3.Connection,
    table: Table,
    card: type[AnyCard],
    where: Where,
    part: Slice,
    order: Sequence[str] = ("first",),
) -> Page[AnyCard]:
    """A page of the cards that meet the conditions, in this order of columns, of which `first` is the last."""
    seen = where.seen(table, part.position)
    onward = seen
    if part.after is not None:
        onward = seen.also(f"({', '.join(order)}) > ({', '.join('?' * len(order))})", *key_of(db, table, part, order))
    cards = cards_of(db, table, card, onward, f"ORDER BY {', '.join(order)} LIMIT {part.limit + 1}")
    return page_of(cards, part, total_of(db, table.name, seen))


def key_of(db: sqlite3.Connection, table: Table, part: Slice, order: Sequence[str]) -> tuple[object, ...]:
    """Where in the order the last card shown stands. Its stream is the one whose event stands at that position."""
    where = f"id = (SELECT id FROM {table.name} WHERE since = ?) AND since <= ? AND until > ?"  # noqa: S608 - as above
    row = db.execute(
        f"SELECT {', '.join(order)} FROM {table.name} WHERE {where}",  # noqa: S608
        (part.after, part.position, part.position),
    ).fetchone()
    if row is None:
        raise ArchiveError("cursor-invalid", f"{part.position}.{part.after}")
    return tuple(row)


def text(words: str) -> str:
    """Text as the database can take it: what is no Unicode character is replaced and so matches nothing."""
    return words.encode("utf-8", "backslashreplace").decode("utf-8").replace(NO_CODE, "\ufffd")


def beyond(prefix: str) -> str:
    """The least text after every text that begins so."""
    return prefix + NO_CODE
