"""Lagging packages (待重新组包): those whose newest version tells less than the log knows of their descriptions.

A version tells of its description up to some position of the log. It lags when the entry changed after that; where the
entry was merged, when any of those that it leads to did; where it was divided, when any of its parts did.
"""

import sqlite3

from repository.catalogue.answers import Page, Slice, page_of
from repository.catalogue.cards import Package, decoded

_SEEN = "{0}.since <= :at AND {0}.until > :at"
_TOLD = f"""
    CASE WHEN d.into_id IS NULL THEN d.since ELSE max(d.since, (
        WITH RECURSIVE chain (id) AS (
            SELECT d.into_id
            UNION
            SELECT e.into_id FROM descriptions AS e JOIN chain ON e.id = chain.id
            WHERE {_SEEN.format("e")} AND e.into_id IS NOT NULL
        )
        SELECT max(e.since) FROM descriptions AS e JOIN chain ON e.id = chain.id WHERE {_SEEN.format("e")}
    )) END"""  # noqa: S608 - constants of this module
_OF_IT = f"SELECT max(e.since) FROM descriptions AS e WHERE e.package = p.id AND {_SEEN.format('e')}"  # noqa: S608 - as above
_FROM = f"""
    FROM packages AS p JOIN descriptions AS d ON d.id = p.description AND {_SEEN.format("d")}
    WHERE {_SEEN.format("p")} AND p.stored = 1 AND max({_TOLD}, coalesce(({_OF_IT}), 0)) > p.tells"""


def lagging(db: sqlite3.Connection, part: Slice) -> Page[Package]:
    """A page of the packages that lag, in the order of their creation."""
    values = {"at": part.position, "after": part.after or 0, "limit": part.limit + 1}
    rows = db.execute(f"SELECT p.body {_FROM} AND p.first > :after ORDER BY p.first LIMIT :limit", values)
    cards = [decoded(Package, body) for (body,) in rows.fetchall()]
    return page_of(cards, part, lagging_total(db, part.position))


def lagging_total(db: sqlite3.Connection, position: int) -> int:
    """How many lag."""
    total: int = db.execute(f"SELECT count(*) {_FROM}", {"at": position}).fetchone()[0]
    return total
