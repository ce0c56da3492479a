"""The tables (表结构). Every table of cards has one shape, and every version of a card is a row that stays.

A row stands from position `since` (the event that made it, so it is the key: one event changes one card) until position
`until`, exclusive: as of P, the cards are the rows with since <= P < until. A row with until = since was never seen: it
keeps the place of an event whose stream had no card then. `body` is the card as JSON; the other columns are what is
searched and sorted by. The database can be made again from the log at any time, so nothing here is kept for ever.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec

from repository.catalogue.cards import (
    Accession,
    AccessRequest,
    Agent,
    Card,
    Description,
    Mark,
    OpeningReview,
    Package,
    Reader,
    Run,
)
from repository.domain.archival_package import StatusWay
from repository.domain.assessment import OPEN
from repository.domain.values import SecrecyClass

VERSION = 8
"""Of the tables below. A catalogue of another version is made again."""

ALWAYS = 2**63 - 1
"""`until` of a row that stands."""

_UUID = re.compile(r"(?<![0-9a-f])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-f])")

NO_CODE = "\U0010ffff"
"""Sorts after every 档号; no character, so no code can be equal to it."""

RANK = {secrecy: secrecy.rank for secrecy in SecrecyClass}


class Table(msgspec.Struct, frozen=True):
    """One kind of card: its name, its type, the columns beside the body with their values, and their indexes.

    `counted` are the fields of the card that a row never holds, because they are counted when somebody asks.
    `links` are ids that a card names and by which it is found, where one column cannot hold them.
    """

    name: str
    card: type[Card]
    columns: tuple[str, ...]
    values: Callable[[Any], tuple[object, ...]]
    indexes: tuple[str, ...] = ()
    counted: tuple[str, ...] = ()
    links: Callable[[Any], tuple[UUID, ...]] | None = None

    @property
    def insert(self) -> str:
        """Statement for one row: since, until, id, first, body, then the columns."""
        names = ("since", "until", "id", "first", "body", *self.columns)
        return f"INSERT INTO {self.name} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608 - names from this module

    @property
    def ddl(self) -> list[str]:
        """Statements that make it."""
        columns = ", ".join(("until INTEGER NOT NULL", "id BLOB NOT NULL", "first INTEGER", "body BLOB", *self.columns))
        return [
            f"CREATE TABLE {self.name} (since INTEGER PRIMARY KEY, {columns})",
            f"CREATE INDEX {self.name}_id ON {self.name} (id)",
            *(f"CREATE INDEX {self.name}_{number} ON {self.name} {on}" for number, on in enumerate(self.indexes, 1)),
        ]


def code_key(reference_code: str) -> str:
    """A 档号 as it is compared: normalised and stripped as where it is reserved."""
    return unicodedata.normalize("NFC", reference_code).strip()


def name_keys(identifier: str) -> tuple[str, ...]:
    """The keys that an old identifier is found by: itself, and the UUID in it by itself."""
    whole = code_key(identifier)
    found = _UUID.search(whole.lower())
    return (whole,) if found is None or found[0] == whole else (whole, found[0])


def _description(card: Description) -> tuple[object, ...]:
    return (
        code_key(card.reference_code or "") or NO_CODE,
        card.archive,
        card.fonds_code,
        card.year,
        card.record_type.value,
        RANK[card.secrecy_class],
        card.level.value,
        card.parent and card.parent.bytes,
        card.package and card.package.bytes,
        1 if card.stands else 0,
        card.into and card.into.bytes,
        card.page_count,
        card.pages_scanned,
        card.carrier.value,
    )


def _package(card: Package) -> tuple[object, ...]:
    stored = card.stored
    return (
        card.accession.bytes,
        0 if stored is None else 1,
        card.files if stored is None else stored.files,
        card.bytes if stored is None else stored.bytes,
        card.description.bytes,
        stored and (stored.position if card.tells is None else card.tells),
        None if stored is None else stored.position,
        0 if card.damaged is None else 1,
        RANK[card.secrecy_class],
        card.access and card.access.value,
        card.opening_date,
        card.access_way is StatusWay.TAKEDOWN or None,
        (card.stored is None and any(one.standing in OPEN for one in card.odd_pages)) or None,
    )


def _request(card: AccessRequest) -> tuple[object, ...]:
    return (
        card.state,
        card.requester.bytes,
        card.reader and card.reader.bytes,
        card.waits or None,
        card.assigned and card.assigned.bytes,
        None if card.grant is None else 1,
    )


def _accession(card: Accession) -> tuple[object, ...]:
    return (card.stage.value, card.archive, card.producer.bytes, card.transfer_number, card.source)


DESCRIPTIONS = Table(
    "descriptions",
    Description,
    (
        "code",
        "archive",
        "fonds",
        "year",
        "record_type",
        "secrecy",
        "level",
        "parent",
        "package",
        "stands",
        "into_id",
        "pages",
        "scanned",
        "carrier",
    ),
    _description,
    (
        "(code, first, until, stands, fonds, year, record_type, secrecy, level)",
        "(fonds, code, first, until, stands, year, record_type, secrecy, level)",
        "(year, until, stands, secrecy)",
        "(parent, code, first) WHERE parent IS NOT NULL",
        "(package) WHERE package IS NOT NULL",
        "(into_id) WHERE into_id IS NOT NULL",
    ),
)
PACKAGES = Table(
    "packages",
    Package,
    (
        "accession",
        "stored",
        "files",
        "bytes",
        "description",
        "tells",
        "stored_at",
        "damaged",
        "secrecy",
        "access",
        "opening_date",
        "taken_down",
        "to_review",
    ),
    _package,
    (
        "(accession, first, until, stored, files, bytes)",
        "(first, until)",
        "(taken_down, first) WHERE taken_down IS NOT NULL",
        "(to_review, first) WHERE to_review IS NOT NULL",
    ),
)
ACCESSIONS = Table(
    "accessions",
    Accession,
    ("stage", "archive", "producer", "transfer_number", "source"),
    _accession,
    ("(stage, first)", "(producer, transfer_number)", "(source)"),
    ("packages", "packages_stored"),
)
AGENTS = Table("agents", Agent, ("is_producer",), lambda card: (card.is_producer,))
REQUESTS = Table(
    "requests",
    AccessRequest,
    ("state", "requester", "reader", "waits", "assigned", "granted"),
    _request,
    (
        "(state, first)",
        "(reader, first) WHERE reader IS NOT NULL",
        "(waits, first) WHERE waits IS NOT NULL",
        "(requester, granted) WHERE granted IS NOT NULL",
    ),
    links=lambda card: (*card.packages, *((card.dip,) if card.dip else ())),
)
READERS = Table("readers", Reader, ("document",), lambda card: (card.document.value,))
REVIEWS = Table("reviews", OpeningReview, ("state",), lambda card: (card.state,), ("(state, first)",))
RUNS = Table("runs", Run, ("kind", "open"), lambda card: (card.kind.value, card.outcome is None), ("(kind, first)",))
MARKS = Table("marks", Mark, ("stream", "position"), lambda card: (card.stream.bytes, card.position), ("(stream)",))

TABLES = (DESCRIPTIONS, PACKAGES, ACCESSIONS, AGENTS, REQUESTS, READERS, REVIEWS, RUNS, MARKS)

OF_AGGREGATE = {
    "Description": DESCRIPTIONS,
    "ArchivalPackage": PACKAGES,
    "Accession": ACCESSIONS,
    "Agent": AGENTS,
    "Producer": AGENTS,
    "AccessRequest": REQUESTS,
    "Reader": READERS,
    "OpeningReview": REVIEWS,
    "Run": RUNS,
}
"""Which table an aggregate's streams have their cards in."""

TITLES = "CREATE VIRTUAL TABLE titles USING fts5 (terms, content='', tokenize='ascii', prefix='1', columnsize=0)"
"""The words of titles, by the row of `descriptions` that they stand in: contentless, the words themselves are there.

The tokeniser only parts at spaces; `words` did the rest. `prefix` makes questions of one character as quick as others.
"""

LINKS = "CREATE TABLE links (target BLOB, since INTEGER, PRIMARY KEY (target, since)) WITHOUT ROWID"
"""Which rows name an id (`Table.links`): a row's position says whose it is, for one event changes one card."""
NAMES = (
    "CREATE TABLE names (key TEXT NOT NULL, value TEXT NOT NULL, package BLOB NOT NULL, since INTEGER NOT NULL)",
    "CREATE INDEX names_key ON names (key)",
)
"""What packages were called elsewhere, under every key that leads there, from the event on that said so.

A row stays when a later event corrects it: whether a name still holds, the package's card says.
"""

MENTIONS = "CREATE TABLE mentions (id BLOB, position INTEGER, PRIMARY KEY (id, position)) WITHOUT ROWID"
"""Which events name an id in their payload, other than that of their own stream and of their matter (`strands`)."""
STRANDS = (
    "CREATE TABLE strands (position INTEGER PRIMARY KEY, actor BLOB, principal BLOB, correlation BLOB)",
    "CREATE INDEX strands_actor ON strands (actor)",
    "CREATE INDEX strands_principal ON strands (principal) WHERE principal IS NOT NULL",
    "CREATE INDEX strands_correlation ON strands (correlation)",
)
"""Stretches of the log by one person, in one's name and over one matter: each from its position up to the next one's.

A person's work is done in stretches, so this stays small where a row for each event would double the log.
"""

STATE = "CREATE TABLE state (position INTEGER NOT NULL, last_error TEXT)"


def ddl() -> list[str]:
    """Statements that make an empty catalogue at position 0."""
    tables = [statement for table in TABLES for statement in table.ddl]
    names = [TITLES, LINKS, *NAMES, MENTIONS, *STRANDS, STATE]
    return [*tables, *names, "INSERT INTO state VALUES (0, NULL)", f"PRAGMA user_version = {VERSION}"]
