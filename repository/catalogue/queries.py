"""Queries (查询): everything that can be asked of the catalogue, as of now or of any earlier position of the log.

A query helps to choose what to work on and shows what is there; it never decides. Every answer is one consistent
state: that of the position that it was read at, or of `as_of` where that is earlier.
"""

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple, Unpack
from uuid import UUID

import msgspec

from repository.catalogue.answers import Page, Where, cards_of, listed, text
from repository.catalogue.cards import (
    Accession,
    AccessRequest,
    Agent,
    AnyCard,
    Description,
    Mark,
    OpeningReview,
    Package,
    Reader,
    Run,
)
from repository.catalogue.differences import Difference, changed_between, removed_between, windows
from repository.catalogue.digitisation import By, Digitised, digitised
from repository.catalogue.figures import Thing
from repository.catalogue.holdings import Holdings, holdings_at
from repository.catalogue.lagging import lagging
from repository.catalogue.mentions import naming
from repository.catalogue.reading import Reading
from repository.catalogue.rights import Candidate, Due, Term, candidates, granted_to, taken_down
from repository.catalogue.schema import (
    ACCESSIONS,
    AGENTS,
    DESCRIPTIONS,
    MARKS,
    PACKAGES,
    READERS,
    REQUESTS,
    REVIEWS,
    RUNS,
    TABLES,
    Table,
    code_key,
)
from repository.catalogue.search import Filters, packages_named, search
from repository.domain.accession import Stage
from repository.domain.run import RunKind

_HAS_FORMAT = """EXISTS (SELECT 1 FROM json_each(CAST(body AS TEXT), '$.formats') AS format
    WHERE json_extract(format.value, '$.puid') IN (SELECT value FROM json_each(?)))"""


class ReferenceMatch(msgspec.Struct, frozen=True):
    """A description that a 档号 leads to; `formerly` when it bore that code once and bears another now."""

    description: Description
    formerly: bool


class StoredSize(NamedTuple):
    """A stored package: how large its newest version is, where in the log it was stored, and whether it is damaged."""

    package: UUID
    bytes: int
    stored_at: int
    damaged: bool


class Queries(Reading):
    """The questions. `limit` and `after` walk through a list page by page, see `answers.Page`."""

    def search(
        self,
        words: str | None = None,
        *,
        as_of: int | None = None,
        limit: int = 50,
        after: str | None = None,
        **filters: Unpack[Filters],
    ) -> Page[Description]:
        """Descriptions with all these words in their titles and all these filters; see `search` for their order."""
        with self._part(as_of, limit, after) as (db, part):
            return search(db, words, filters, part)

    def by_reference_code(
        self, code: str, *, archive: str | None = None, as_of: int | None = None
    ) -> list[ReferenceMatch]:
        """Descriptions that bear this 档号 or bore it before a revision, those that bear it now first."""
        key = code_key(text(code))
        with self._snapshot(as_of) as (db, position):
            bearing = _bearing(key, archive, position)
            cards = cards_of(db, DESCRIPTIONS, Description, bearing, "ORDER BY code <> ?1, first")
        return [ReferenceMatch(card, code_key(card.reference_code or "") != key) for card in cards]

    def by_old_identifier(self, identifier: str, *, as_of: int | None = None) -> list[Description]:
        """Descriptions of records that went by this identifier elsewhere, those that came first first."""
        with self._snapshot(as_of) as (db, position):
            named = packages_named(db, identifier, position)
            where = Where().also(f"package IN ({', '.join('?' * len(named))})", *named).seen(DESCRIPTIONS, position)
            return cards_of(db, DESCRIPTIONS, Description, where, "ORDER BY first")

    def description(self, identity: UUID, *, as_of: int | None = None) -> Description | None:
        """One description."""
        return self._one(DESCRIPTIONS, Description, identity, as_of)

    def children(
        self, parent: UUID, *, as_of: int | None = None, limit: int = 50, after: str | None = None
    ) -> Page[Description]:
        """What a fonds, series or volume consists of, by 档号."""
        with self._part(as_of, limit, after) as (db, part):
            below = Where().also("parent = ?", parent.bytes).also("stands = 1")
            return listed(db, DESCRIPTIONS, Description, below, part, ("code", "first"))

    def merged_into(self, survivor: UUID, *, as_of: int | None = None) -> list[Description]:
        """The entries that were merged into this one, directly or through another."""
        with self._snapshot(as_of) as (db, position):
            chain = """
                WITH RECURSIVE gone (id) AS (
                    SELECT id FROM descriptions WHERE into_id = ?1 AND since <= ?2 AND until > ?2
                    UNION
                    SELECT one.id FROM descriptions AS one JOIN gone ON one.into_id = gone.id
                    WHERE one.since <= ?2 AND one.until > ?2
                ) SELECT id FROM gone"""
            where = Where((f"id IN ({chain}) AND since <= ?2 AND until > ?2",), (survivor.bytes, position))
            return cards_of(db, DESCRIPTIONS, Description, where, "ORDER BY first")

    def digitised(self, by: By, *, fonds: str | None = None, as_of: int | None = None) -> list[Digitised]:
        """Pages held on paper and pages scanned, by fonds, series or year."""
        with self._snapshot(as_of) as (db, position):
            return digitised(db, by, fonds, position)

    def lagging(self, *, as_of: int | None = None, limit: int = 50, after: str | None = None) -> Page[Package]:
        """Packages whose newest version tells less than the log knows of their descriptions."""
        with self._part(as_of, limit, after) as (db, part):
            return lagging(db, part)

    def package(self, identity: UUID, *, as_of: int | None = None) -> Package | None:
        """One archival package."""
        return self._one(PACKAGES, Package, identity, as_of)

    def packages(
        self,
        *,
        accession: UUID | None = None,
        stored: bool | None = None,
        puids: frozenset[str] | None = None,
        to_review: bool | None = None,
        as_of: int | None = None,
        limit: int = 50,
        after: str | None = None,
    ) -> Page[Package]:
        """Archival packages in the order of their creation, or only those with files of one of these PRONOM ids.

        Those `to_review` have pages on which a person has to decide.
        """
        where = _given(
            {"accession": accession and accession.bytes, "stored": stored, "to_review": 1 if to_review else None}
        )
        if puids is not None:
            where = where.also(_HAS_FORMAT, json.dumps(sorted(puids)))
        with self._part(as_of, limit, after) as (db, part):
            return listed(db, PACKAGES, Package, where, part)

    def stored_sizes(self, *, as_of: int | None = None) -> list[StoredSize]:
        """Every stored package, in the order in which the newest versions were stored."""
        sizes = (
            "SELECT id, bytes, stored_at, damaged FROM packages "
            "WHERE stored = 1 AND since <= ?1 AND until > ?1 ORDER BY stored_at"
        )
        with self._snapshot(as_of) as (db, position):
            rows = db.execute(sizes, (position,)).fetchall()
        return [StoredSize(UUID(bytes=key), size, at, bool(damaged)) for key, size, at, damaged in rows]

    def accession(self, identity: UUID, *, as_of: int | None = None) -> Accession | None:
        """One accession, with its packages counted."""
        with self._snapshot(as_of) as (db, position):
            return next(iter(_counted(db, _cards(db, ACCESSIONS, Accession, identity, position), position)), None)

    def accessions(
        self, *, stage: Stage | None = None, as_of: int | None = None, limit: int = 50, after: str | None = None
    ) -> Page[Accession]:
        """Accessions in the order of their opening, with their packages counted."""
        with self._part(as_of, limit, after) as (db, part):
            page = listed(db, ACCESSIONS, Accession, _given({"stage": stage and stage.value}), part)
            return msgspec.structs.replace(page, entries=tuple(_counted(db, page.entries, part.position)))

    def accessions_numbered(self, transfer_number: str, *, as_of: int | None = None) -> list[Accession]:
        """Accessions with this transfer number (移交编号), of whichever producer."""
        with self._snapshot(as_of) as (db, position):
            where = Where().also("transfer_number = ?", text(transfer_number)).seen(ACCESSIONS, position)
            return cards_of(db, ACCESSIONS, Accession, where, "ORDER BY first")

    def find_accession(
        self, archive: str, producer: UUID, transfer_number: str | None, source: str, *, as_of: int | None = None
    ) -> Accession | None:
        """The newest accession of this archive and producer: with this number or, without one, from this source."""
        where = Where().also("archive = ? AND producer = ?", text(archive), producer.bytes)
        if transfer_number is not None:
            where = where.also("transfer_number = ?", text(transfer_number))
        else:
            where = where.also("transfer_number IS NULL AND source = ?", text(source))
        with self._snapshot(as_of) as (db, position):
            newest = where.seen(ACCESSIONS, position)
            found = cards_of(db, ACCESSIONS, Accession, newest, "ORDER BY first DESC LIMIT 1")
            return next(iter(_counted(db, found, position)), None)

    def agent(self, identity: UUID, *, as_of: int | None = None) -> Agent | None:
        """One agent or producer."""
        return self._one(AGENTS, Agent, identity, as_of)

    def agents(
        self, *, producers: bool | None = None, as_of: int | None = None, limit: int = 50, after: str | None = None
    ) -> Page[Agent]:
        """Agents and producers in the order of their registration, or only the one kind."""
        with self._part(as_of, limit, after) as (db, part):
            return listed(db, AGENTS, Agent, _given({"is_producer": producers}), part)

    def request(self, identity: UUID, *, as_of: int | None = None) -> AccessRequest | None:
        """One access request."""
        return self._one(REQUESTS, AccessRequest, identity, as_of)

    def requests(
        self,
        *,
        state: str | None = None,
        waiting: bool | None = None,
        requester: UUID | None = None,
        reader: UUID | None = None,
        assigned: UUID | None = None,
        as_of: int | None = None,
        limit: int = 50,
        after: str | None = None,
    ) -> Page[AccessRequest]:
        """Access requests in the order in which they were made; `waiting` for a decision, or of these people."""
        where = _given(
            {
                "state": state and text(state),
                "waits": 1 if waiting else None,
                "requester": requester and requester.bytes,
                "reader": reader and reader.bytes,
                "assigned": assigned and assigned.bytes,
            }
        )
        with self._part(as_of, limit, after) as (db, part):
            return listed(db, REQUESTS, AccessRequest, where, part)

    def granted_to(self, requester: UUID, today: str, *, as_of: int | None = None) -> tuple[UUID, ...]:
        """The packages that are granted today to one who asked for them."""
        with self._snapshot(as_of) as (db, position):
            return granted_to(db, position, requester, today)

    def reader(self, identity: UUID, *, as_of: int | None = None) -> Reader | None:
        """One reader, whose words are sealed."""
        return self._one(READERS, Reader, identity, as_of)

    def review(self, identity: UUID, *, as_of: int | None = None) -> OpeningReview | None:
        """One opening review."""
        return self._one(REVIEWS, OpeningReview, identity, as_of)

    def reviews(
        self, *, state: str | None = None, as_of: int | None = None, limit: int = 50, after: str | None = None
    ) -> Page[OpeningReview]:
        """Opening reviews in the order in which they were proposed."""
        with self._part(as_of, limit, after) as (db, part):
            return listed(db, REVIEWS, OpeningReview, _given({"state": state and text(state)}), part)

    def opening_candidates(
        self, term: Term, *, due: Due, without: Collection[UUID], limit: int, as_of: int | None = None
    ) -> list[Candidate]:
        """Controlled records that a rule of the policy names, without these packages."""
        with self._snapshot(as_of) as (db, position):
            return candidates(db, position, term, due=due, without=without, limit=limit)

    def taken_down(self, *, as_of: int | None = None) -> list[Package]:
        """Packages that were taken down and wait for a second person."""
        with self._snapshot(as_of) as (db, position):
            return taken_down(db, position)

    def naming(self, identity: UUID, *, as_of: int | None = None) -> list[int]:
        """Positions of the events, outside its own stream, that name an id: in their payload, or by who and what for.

        Costs what it answers, however long the log is.
        """
        with self._snapshot(as_of) as (db, position):
            return naming(db, identity, position)

    def requests_for(self, identity: UUID, *, as_of: int | None = None) -> list[AccessRequest]:
        """The access requests that name this package, or that this dissemination package was made for."""
        with self._snapshot(as_of) as (db, position):
            where = Where().also("since IN (SELECT since FROM links WHERE target = ?)", identity.bytes)
            return cards_of(db, REQUESTS, AccessRequest, where.seen(REQUESTS, position), "ORDER BY first")

    def run(self, identity: UUID, *, as_of: int | None = None) -> Run | None:
        """One run."""
        return self._one(RUNS, Run, identity, as_of)

    def runs(
        self,
        *,
        kind: RunKind | None = None,
        unfinished: bool | None = None,
        as_of: int | None = None,
        limit: int = 50,
        after: str | None = None,
    ) -> Page[Run]:
        """Runs in the order in which they began."""
        where = _given({"kind": kind and kind.value, "open": unfinished})
        with self._part(as_of, limit, after) as (db, part):
            return listed(db, RUNS, Run, where, part)

    def marks(self, stream: UUID, *, as_of: int | None = None) -> list[Mark]:
        """Which events of this stream were annulled, why and by whom, in the order of the events."""
        with self._snapshot(as_of) as (db, position):
            where = Where().also("stream = ?", stream.bytes).seen(MARKS, position)
            return cards_of(db, MARKS, Mark, where, "ORDER BY position")

    def annulled(self, *, as_of: int | None = None) -> frozenset[int]:
        """Positions of all events that count as never having happened."""
        with self._snapshot(as_of) as (db, position):
            rows = db.execute("SELECT position FROM marks WHERE since <= ?1 AND until > ?1", (position,)).fetchall()
        return frozenset(row[0] for row in rows)

    def things(self, question: str, *, as_of: int | None = None) -> list[Thing]:
        """The things that a figure of `figures.toml` counts, as of a position."""
        with self._snapshot(as_of) as (db, position):
            return [Thing(*row) for row in db.execute(question, {"at": position})]

    def sum_of(self, question: str, *, as_of: int | None = None) -> tuple[int, int, int]:
        """How many things a figure counts, how many of them have an amount, and what these add up to."""
        added = f"SELECT count(*), count(amount), coalesce(sum(amount), 0) FROM ({question})"  # noqa: S608 - of our own table
        with self._snapshot(as_of) as (db, position):
            things, known, total = db.execute(added, {"at": position}).fetchone()
        return things, known, total

    def holdings(self, *, as_of: int | None = None) -> Holdings:
        """What the archive holds, in numbers."""
        with self._snapshot(as_of) as (db, position):
            return holdings_at(db, position)

    def differences(self, earlier: int, later: int) -> Iterator[Difference]:
        """Every card that differs between two positions, table by table in the order of the log; see `differences`.

        What is removed follows what was added and changed. Each stretch is a reading of its own, which is safe: what
        was so at a position of the past stays so.
        """
        for table in TABLES:
            for low, high in windows(earlier, later):
                with self._snapshot(later) as (db, _):
                    found = changed_between(db, table, earlier, later, low, high)
                yield from found
            with self._snapshot(later) as (db, _):
                gone = removed_between(db, table, earlier, later)
            yield from gone

    def _one(self, table: Table, card: type[AnyCard], identity: UUID, as_of: int | None) -> AnyCard | None:
        with self._snapshot(as_of) as (db, position):
            return next(iter(_cards(db, table, card, identity, position)), None)


def _cards(db: sqlite3.Connection, table: Table, card: type[AnyCard], identity: UUID, position: int) -> list[AnyCard]:
    return cards_of(db, table, card, Where().also("id = ?", identity.bytes).seen(table, position))


def _given(columns: dict[str, object]) -> Where:
    where = Where()
    for column, value in columns.items():
        if value is not None:
            where = where.also(f"{column} = ?", value)
    return where


def _bearing(key: str, archive: str | None, position: int) -> Where:
    """Descriptions of which some version bore the code; a version that an annulled event made never was."""
    bore = """
        SELECT bore.id FROM descriptions AS bore WHERE bore.code = ?1 AND bore.since <= ?2 AND bore.until > bore.since
        AND NOT EXISTS (SELECT 1 FROM marks WHERE stream = bore.id AND position = bore.since AND marks.since <= ?2)"""
    seen = f"id IN ({bore}) AND since <= ?2 AND until > ?2 AND (?3 IS NULL OR archive = ?3)"
    return Where((seen,), (key, position, archive and text(archive)))


def _counted(db: sqlite3.Connection, accessions: Iterable[Accession], position: int) -> Iterator[Accession]:
    count = "SELECT count(*), sum(stored) FROM packages WHERE accession = ?1 AND since <= ?2 AND until > ?2"
    for accession in accessions:
        packages, stored = db.execute(count, (accession.id.bytes, position)).fetchone()
        yield msgspec.structs.replace(accession, packages=packages, packages_stored=stored or 0)
