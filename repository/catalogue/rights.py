"""Rights (权限): what waits for a decision, and what may be judged for opening, as of a position of the log."""

import sqlite3
from collections.abc import Callable, Collection
from uuid import UUID

import msgspec

from repository.catalogue.answers import Where, cards_of, text
from repository.catalogue.cards import AccessRequest, Description, Package, decoded
from repository.catalogue.schema import PACKAGES, RANK, REQUESTS
from repository.domain.values import RecordType, SecrecyClass

Due = Callable[[Description], bool]
"""Whether a record's term has run out; the year alone does not always say."""


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """What records a rule names: formed in this year or before, of these kinds, up to this class."""

    year_to: int
    secrecy_max: SecrecyClass
    fonds: str | None
    record_type: RecordType | None
    open_by_default: int


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A controlled record that may be judged for opening, and its package as it stands."""

    description: Description
    package: Package


def candidates(
    db: sqlite3.Connection, position: int, term: Term, *, due: Due, without: Collection[UUID], limit: int
) -> list[Candidate]:
    """Stored records that a rule names and that are not open yet, by 档号; those taken down wait for something else."""
    where = (
        Where()
        .also("descriptions.since <= ? AND descriptions.until > ?", position, position)
        .also("packages.since <= ? AND packages.until > ?", position, position)
        .also("year <= ? AND descriptions.secrecy <= ?", term.year_to, RANK[term.secrecy_max])
        .also("packages.secrecy <= ? AND packages.stored = 1", RANK[term.secrecy_max])
        .also("packages.taken_down IS NULL")
        .also(
            "(packages.access = 'controlled' OR (packages.access IS NULL"
            " AND max(packages.secrecy, descriptions.secrecy) > ?))",
            term.open_by_default,
        )
    )
    if term.fonds is not None:
        where = where.also("fonds = ?", text(term.fonds))
    if term.record_type is not None:
        where = where.also("descriptions.record_type = ?", term.record_type.value)
    source = "descriptions JOIN packages ON packages.id = descriptions.package"
    rows = db.execute(
        f"SELECT descriptions.body, packages.body FROM {source} WHERE {where.sql} ORDER BY code, descriptions.first",  # noqa: S608 - conditions are constants
        where.values,
    )
    found: list[Candidate] = []
    for described, held in rows:
        one = Candidate(description=decoded(Description, described), package=decoded(Package, held))
        if one.package.id not in without and due(one.description):
            found.append(one)
            if len(found) >= limit:
                break
    return found


def granted_to(db: sqlite3.Connection, position: int, requester: UUID, today: str) -> tuple[UUID, ...]:
    """The packages that are granted today to one who asked for them."""
    where = Where().also("requester = ? AND granted = 1", requester.bytes).seen(REQUESTS, position)
    grants = [card.grant for card in cards_of(db, REQUESTS, AccessRequest, where, "ORDER BY first")]
    current = [one for one in grants if one is not None and (one.until is None or one.until >= today)]
    return tuple(sorted({package for one in current for package in one.packages}))


def taken_down(db: sqlite3.Connection, position: int) -> list[Package]:
    """Packages that were taken down and wait for a second person."""
    where = Where().also("taken_down = 1").seen(PACKAGES, position)
    return cards_of(db, PACKAGES, Package, where, "ORDER BY first")
