"""Differences (差异): what the catalogue shows at one position of the log and not, or otherwise, at another.

Every version of a card is a row that stays, so what changed between two positions is read and never computed again. It
is exact: the earlier state with these differences applied is the later state, card by card and field by field.
"""

import sqlite3
from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from repository.catalogue.schema import Table

WINDOW = 2_000
"""Positions read at a time: between two windows a writer may pass, and no more cards are in memory."""

Fields = dict[str, Any]


class FieldChange(msgspec.Struct, frozen=True):
    """What one field said before, and what it says after."""

    before: Any
    after: Any


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One card that differs. `kind` is its table's name.

    An added or removed card stands whole in `card`; of a changed one, `card` is how it reads afterwards and `fields`
    are those that differ.
    """

    kind: str
    id: str
    change: Literal["added", "changed", "removed"]
    fields: dict[str, FieldChange]
    card: Fields


def changed_between(
    db: sqlite3.Connection, table: Table, earlier: int, later: int, low: int, high: int
) -> list[Difference]:
    """Cards of a table whose version at `later` began after `low` and not after `high`, against those at `earlier`."""
    rows = db.execute(
        f"SELECT was.body, now.body FROM {table.name} AS now "  # noqa: S608 - the schema's names
        f"LEFT JOIN {table.name} AS was ON was.id = now.id AND was.since <= ?1 AND was.until > ?1 "
        "WHERE now.since > ?3 AND now.since <= ?4 AND now.until > ?2 ORDER BY now.since",
        (earlier, later, low, high),
    )
    return [one for one in (_difference(table, *row) for row in rows) if one is not None]


def removed_between(db: sqlite3.Connection, table: Table, earlier: int, later: int) -> list[Difference]:
    """Cards of a table that stood at `earlier` and stand no more at `later`."""
    rows = db.execute(
        f"SELECT was.body, NULL FROM {table.name} AS was "  # noqa: S608 - the schema's names
        "WHERE was.since <= ?1 AND was.until > ?1 AND was.until <= ?2 AND NOT EXISTS "
        f"(SELECT 1 FROM {table.name} AS now WHERE now.id = was.id AND now.since <= ?2 AND now.until > ?2) "
        "ORDER BY was.until, was.id",
        (earlier, later),
    )
    return [one for one in (_difference(table, *row) for row in rows) if one is not None]


def windows(earlier: int, later: int) -> Iterator[tuple[int, int]]:
    """The stretches of positions to read one after the other."""
    for low in range(earlier, later, WINDOW):
        yield low, min(low + WINDOW, later)


def _difference(table: Table, before: bytes | None, after: bytes | None) -> Difference | None:
    was, now = _fields(table, before), _fields(table, after)
    if was == now:
        return None
    names = [name for name in table.card.__struct_fields__ if name in {**(was or {}), **(now or {})}]
    if was is None or now is None:
        change: Literal["added", "changed", "removed"] = "added" if was is None else "removed"
        return Difference(kind=table.name, id=_id(now or was), change=change, fields={}, card=now or was or {})
    fields = {name: FieldChange(was.get(name), now.get(name)) for name in names if was.get(name) != now.get(name)}
    return Difference(kind=table.name, id=_id(now), change="changed", fields=fields, card=now)


def _id(card: Fields | None) -> str:
    return str((card or {}).get("id"))


def _fields(table: Table, body: bytes | None) -> Fields | None:
    """A card as it stands in its row, without what is only counted when somebody asks for it."""
    if body is None:
        return None
    card: Fields = msgspec.json.decode(body)
    return {name: value for name, value in card.items() if name not in table.counted}
