"""The projector (投影): applies events to the tables, a batch at a time, inside a transaction that is already open.

Within a batch the newest version of each card waits in memory: a version that the batch itself supersedes is written
with its end, once, and only what stood before the batch is updated.

An annulment (更正) shows the stream as if the annulled event had not happened, from the annulment's position on. Every
event that a card took part in is the `since` of a row of its stream, so the stream's history is known without an index
of its own: its events are read again, those annulled are left out, and the rest is folded anew.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol
from uuid import UUID

import msgspec

from repository.catalogue.cards import Card, Description, decoded, moment
from repository.catalogue.folds import FOLDS, OPENING, Fold
from repository.catalogue.folds.work import annulled
from repository.catalogue.mentions import named_in
from repository.catalogue.schema import ALWAYS, DESCRIPTIONS, MARKS, OF_AGGREGATE, RANK, TABLES, Table, name_keys
from repository.catalogue.words import marks, terms
from repository.domain.archival_package import IdentifiersRecorded
from repository.domain.corrections import Annulled, annulled_among
from repository.domain.envelope import Envelope, Event
from repository.errors import ArchiveError

_encode = msgspec.json.Encoder().encode


class EventReader(Protocol):
    """What the catalogue needs of the event log."""

    def events(
        self, *, after: int = 0, upto: int | None = None, types: Sequence[str] = (), limit: int | None = None
    ) -> Iterator[Event]:
        """Events with after < position <= upto, by position; only of these types when any are named."""
        ...

    def position(self) -> int:
        """Position of the newest event, 0 for an empty log."""
        ...


def read(reader: EventReader, position: int, reached: int) -> Iterator[Event]:
    """The events after one position up to another. `log-gap` for a position left out, `log-unreadable` for a fault."""
    try:
        for event in reader.events(after=position, upto=reached):
            position += 1
            if event.envelope.position != position:
                raise ArchiveError("log-gap", position)
            yield event
    except sqlite3.DatabaseError as error:
        raise ArchiveError("log-unreadable", position + 1, reason=error) from error
    if position < reached:
        raise ArchiveError("log-gap", position + 1)


class _Version(msgspec.Struct, gc=False):
    """The newest version of a card: since when, and whether its row is in the table already."""

    since: int
    card: Card | None
    written: bool


class _Sheet:
    """One table's part of a batch."""

    def __init__(self, table: Table, db: sqlite3.Connection) -> None:
        self.table = table
        self.newest: dict[bytes, _Version] = {}
        self._rows: list[tuple[object, ...]] = []
        self._ends: list[tuple[int, int]] = []
        self._links: list[tuple[bytes, int]] = []
        self._db = db
        self._insert = table.insert
        self._end = f"UPDATE {table.name} SET until = ? WHERE since = ? AND until = {ALWAYS}"  # noqa: S608 - names from the schema
        self._find = f"SELECT since, body FROM {table.name} WHERE id = ? ORDER BY since DESC LIMIT 1"  # noqa: S608

    def load(self, key: bytes) -> _Version | None:
        """The newest version of a card that an earlier batch wrote."""
        row = self._db.execute(self._find, (key,)).fetchone()
        if row is None:
            return None
        version = _Version(row[0], None if row[1] is None else decoded(self.table.card, row[1]), written=True)
        self.newest[key] = version
        return version

    def put(self, key: bytes, position: int, card: Card | None) -> None:
        """From this position on the card reads so; null: there is none."""
        before = self.newest.get(key)
        if before is not None:
            if before.written:
                self._ends.append((position, before.since))
            else:
                self._rows.append(self._row(key, before, position))
        self.newest[key] = _Version(position, card, written=False)
        if card is not None and self.table.links is not None:
            self._links += [(target.bytes, position) for target in self.table.links(card)]

    def flush(self) -> None:
        """Write what waits."""
        waiting = [(key, version) for key, version in self.newest.items() if not version.written]
        self._rows += [self._row(key, version, ALWAYS) for key, version in waiting]
        if self._links:
            self._db.executemany("INSERT OR IGNORE INTO links (target, since) VALUES (?, ?)", self._links)
        if self._rows:
            self._rows.sort(key=_since)
            self._db.executemany(self._insert, self._rows)
        if self._ends:
            self._db.executemany(self._end, self._ends)
        self.newest, self._rows, self._ends, self._links = {}, [], [], []

    def _row(self, key: bytes, version: _Version, until: int) -> tuple[object, ...]:
        card = version.card
        if card is None:
            return (version.since, version.since, key, None, None, *(None for _ in self.table.columns))
        return (version.since, until, key, card.opened.position, _encode(card), *self.table.values(card))


def _since(row: tuple[object, ...]) -> int:
    return row[0]  # type: ignore[return-value]  # the first column of every row is its position


class Projector:
    """Applies events in their order. The caller owns the transaction and calls `flush` before it commits."""

    def __init__(self, db: sqlite3.Connection, reader: EventReader) -> None:
        self._db = db
        self._reader = reader
        self._sheets = {table.name: _Sheet(table, db) for table in TABLES}
        self._of_type = {name: (fold, self._sheets[_table(name).name]) for name, fold in FOLDS.items()}
        self._titles: list[tuple[int, str]] = []
        self._names: list[tuple[str, str, bytes, int]] = []
        self._mentions: list[tuple[bytes, int]] = []
        self._strands: list[tuple[int, bytes, bytes | None, bytes]] = []
        self._strand: tuple[UUID, UUID | None, UUID] | None = self._last_strand()

    def apply(self, events: Iterable[Event]) -> None:
        """Apply events that follow the last one applied."""
        for event in events:
            self._mention(event)
            known = self._of_type.get(event.envelope.type)
            if known is not None:
                self._fold(event, *known)
            elif isinstance(event.payload, Annulled):
                self._annul(event, event.payload)

    def flush(self) -> None:
        """Write what waits in memory."""
        for sheet in self._sheets.values():
            sheet.flush()
        self._db.executemany("INSERT INTO titles (rowid, terms) VALUES (?, ?)", self._titles)
        self._titles = []
        self._db.executemany("INSERT INTO names (key, value, package, since) VALUES (?, ?, ?, ?)", self._names)
        self._names = []
        self._db.executemany("INSERT OR IGNORE INTO mentions (id, position) VALUES (?, ?)", self._mentions)
        self._mentions = []
        strands = "INSERT INTO strands (position, actor, principal, correlation) VALUES (?, ?, ?, ?)"
        self._db.executemany(strands, self._strands)
        self._strands = []

    def _last_strand(self) -> tuple[UUID, UUID | None, UUID] | None:
        newest = "SELECT actor, principal, correlation FROM strands ORDER BY position DESC LIMIT 1"
        row = self._db.execute(newest).fetchone()
        if row is None:
            return None
        return UUID(bytes=row[0]), UUID(bytes=row[1]) if row[1] else None, UUID(bytes=row[2])

    def _mention(self, event: Event) -> None:
        """Whom and what an event names: in its payload, and by who did it, for whom, over which matter.

        What the matter says already is not said twice.
        """
        envelope = event.envelope
        strand = envelope.actor, envelope.on_behalf_of, envelope.correlation_id
        if strand != self._strand:
            actor, principal, correlation = strand
            principal_key = None if principal is None else principal.bytes
            self._strands.append((envelope.position, actor.bytes, principal_key, correlation.bytes))
            self._strand = strand
        position, stream, correlation = envelope.position, envelope.stream, envelope.correlation_id
        for identity in named_in(envelope.type, event.payload):
            if identity != correlation and identity != stream:
                self._mentions.append((identity.bytes, position))

    def _fold(self, event: Event, fold: Fold, sheet: _Sheet) -> None:
        envelope = event.envelope
        key = envelope.stream.bytes
        version = sheet.newest.get(key)
        if version is None and envelope.version > 1:
            version = sheet.load(key)
        if version is None or version.card is not None:
            card = fold(version and version.card, event.payload, envelope)
        else:  # the stream has a past that an annulment hides: its events may count again
            card = self._refold(sheet, envelope)
        sheet.put(key, envelope.position, card)
        if sheet.table is DESCRIPTIONS:
            self._index(envelope.position, card)
        if isinstance(event.payload, IdentifiersRecorded):
            self._names += [
                (key_of_name, one.value, key, envelope.position)
                for one in event.payload.identifiers
                for key_of_name in name_keys(one.value)
            ]

    def _index(self, position: int, card: Card | None) -> None:
        if isinstance(card, Description) and card.title is not None and card.stands:
            found = terms(card.title) + marks(card.fonds_code, card.year, RANK[card.secrecy_class])
            self._titles.append((position, " ".join(found)))

    def _annul(self, event: Event, payload: Annulled) -> None:
        envelope = event.envelope
        annulments = self._sheets[MARKS.name]
        if payload.event.bytes not in annulments.newest:
            annulments.load(payload.event.bytes)
        annulments.put(payload.event.bytes, envelope.position, annulled(payload, envelope))
        self._take_back(payload, envelope)
        table = OF_AGGREGATE.get(envelope.type.partition(".")[0])
        if table is None:
            return
        sheet = self._sheets[table.name]
        card = self._refold(sheet, envelope)
        sheet.load(envelope.stream.bytes)
        sheet.put(envelope.stream.bytes, envelope.position, card)
        if table is DESCRIPTIONS:
            self._index(envelope.position, card)

    def _take_back(self, payload: Annulled, envelope: Envelope) -> None:
        """End the mark of an event whose annulment is annulled itself, unless another annulment of it stands."""
        (before,) = read(self._reader, payload.position - 1, payload.position)
        if isinstance(before.payload, Annulled):
            self.flush()
            if before.payload.event not in self._gone(envelope.stream.bytes):
                end = f"UPDATE marks SET until = ? WHERE id = ? AND until = {ALWAYS}"  # noqa: S608 - a constant
                self._db.execute(end, (envelope.position, before.payload.event.bytes))

    def _gone(self, stream: bytes) -> dict[UUID, int]:
        """The events of a stream that count as never having happened, each with its position."""
        places = self._db.execute("SELECT since FROM marks WHERE stream = ? ORDER BY since", (stream,)).fetchall()
        events = [event for (at,) in places for event in read(self._reader, at - 1, at)]
        said = [(one.envelope.event_id, one.payload) for one in events if isinstance(one.payload, Annulled)]
        gone = annulled_among([(identity, payload.event) for identity, payload in said])
        return {payload.event: payload.position for _, payload in said if payload.event in gone}

    def _refold(self, sheet: _Sheet, envelope: Envelope) -> Card | None:
        """The card of a stream from all of its events up to this one, those annulled left out."""
        self.flush()
        key = envelope.stream.bytes
        gone = self._gone(key)
        places = f"SELECT since FROM {sheet.table.name} WHERE id = ? ORDER BY since"  # noqa: S608 - names from the schema
        positions = [row[0] for row in self._db.execute(places, (key,)).fetchall()] + [envelope.position]
        history = [event for at in positions for event in read(self._reader, at - 1, at)]
        kept = [one for one in history if one.envelope.type in FOLDS and one.envelope.event_id not in gone]
        card: Card | None = None
        for one in sorted(kept, key=lambda one: one.envelope.type not in OPENING):
            card = FOLDS[one.envelope.type](card, one.payload, one.envelope)
        positions_gone = tuple(sorted(gone.values()))
        return card and msgspec.structs.replace(card, changed=moment(envelope), annulled=positions_gone)


def _table(type_name: str) -> Table:
    return OF_AGGREGATE[type_name.partition(".")[0]]
