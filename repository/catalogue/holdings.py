"""Holdings (馆藏): what the archive holds, in numbers, as of one position of the log."""

import sqlite3
from collections.abc import Mapping

import msgspec


class Holdings(msgspec.Struct, frozen=True, kw_only=True):
    """Counts. `files` and `bytes` are of the newest stored versions; what is not stored yet does not count."""

    position: int
    descriptions: Mapping[str, int]
    record_types: Mapping[str, int]
    packages: int
    stored: int
    files: int
    bytes: int
    accessions: Mapping[str, int]
    requests: Mapping[str, int]


def holdings_at(db: sqlite3.Connection, position: int) -> Holdings:
    """The holdings as of a position."""
    sums = "SELECT count(*), sum(stored), sum(files * stored), sum(bytes * stored) FROM packages"
    seen = "since <= ? AND until > ?"
    row = db.execute(f"{sums} WHERE {seen}", (position, position)).fetchone()
    packages, stored, files, octets = (value or 0 for value in row)
    return Holdings(
        position=position,
        descriptions=_by(db, "descriptions", "level", position),
        record_types=_by(db, "descriptions", "record_type", position),
        packages=packages,
        stored=stored,
        files=files,
        bytes=octets,
        accessions=_by(db, "accessions", "stage", position),
        requests=_by(db, "requests", "state", position),
    )


def _by(db: sqlite3.Connection, table: str, column: str, position: int) -> dict[str, int]:
    own = "AND stands = 1 " if table == "descriptions" else ""
    counts = f"SELECT {column}, count(*) FROM {table} WHERE since <= ? AND until > ? {own}GROUP BY {column} ORDER BY {column}"  # noqa: S608, E501 - constants
    return dict(db.execute(counts, (position, position)).fetchall())
