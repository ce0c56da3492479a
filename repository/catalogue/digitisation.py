"""Digitisation (数字化率): how many of the paper pages that are held are scanned, by fonds, series or year.

Counted are the entries that exist on paper and say how many pages they have, each page once: where a volume and its
items both say it, the items count. Entries at the lowest level that do not say it are counted apart, so that a rate
never looks better than what is known.
"""

import sqlite3
from typing import Literal

import msgspec

from repository.catalogue.answers import text

By = Literal["fonds", "series", "year"]

_KEYS: dict[By, str] = {
    "fonds": "d.fonds",
    "series": "CASE WHEN p.level = 'series' THEN p.code WHEN q.level = 'series' THEN q.code END",
    "year": "d.year",
}


class Digitised(msgspec.Struct, frozen=True, kw_only=True):
    """Pages held and scanned of one fonds, series or year (`key` null: of none). `unknown` entries give no pages."""

    key: str | None
    entries: int
    unknown: int
    pages: int
    scanned: int

    @property
    def per_mille(self) -> int | None:
        """Scanned pages of a thousand; null where no pages are known."""
        return self.scanned * 1000 // self.pages if self.pages else None


def digitised(db: sqlite3.Connection, by: By, fonds: str | None, position: int) -> list[Digitised]:
    """The sums, in the order of their keys."""
    seen = "{0}.since <= ?1 AND {0}.until > ?1 AND {0}.stands = 1"
    paper = "{0}.carrier <> 'digital'"
    rows = db.execute(
        f"""
        SELECT {_KEYS[by]}, count(*), sum(d.pages IS NULL), sum(coalesce(d.pages, 0)),
               sum(min(coalesce(d.scanned, 0), coalesce(d.pages, 0)))
        FROM descriptions AS d
        LEFT JOIN descriptions AS p ON p.id = d.parent AND {seen.format("p")}
        LEFT JOIN descriptions AS q ON q.id = p.parent AND {seen.format("q")}
        WHERE {seen.format("d")} AND {paper.format("d")} AND (?2 IS NULL OR d.fonds = ?2)
        AND (d.pages IS NOT NULL OR d.level IN ('volume', 'item'))
        AND NOT EXISTS (
            SELECT 1 FROM descriptions AS c
            WHERE c.parent = d.id AND {seen.format("c")} AND {paper.format("c")}
            AND (c.pages IS NOT NULL OR d.pages IS NULL)
        )
        GROUP BY 1 ORDER BY 1
        """,  # noqa: S608 - the conditions are constants of this module
        (position, fonds and text(fonds)),
    )
    return [
        Digitised(key=None if key is None else str(key), entries=entries, unknown=unknown, pages=pages, scanned=scanned)
        for key, entries, unknown, pages, scanned in rows
    ]
