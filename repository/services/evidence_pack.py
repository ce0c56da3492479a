"""Evidence pack (凭证包): events as they are stored, with all that proves them to somebody who has nothing of ours.

A pack is a bag. Its manifests are signed by the log's key, so that its first page and its database bear that signature
as well; `verify.py` in it judges all of it with nothing but Python's standard library.
"""

import json
import sqlite3
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from importlib.resources import files
from pathlib import Path
from uuid import UUID

import msgspec

from packages_spec.bagit import bag_info, declaration, manifest, payload_oxum
from packages_spec.digests import Digested
from repository.domain import run
from repository.domain.aggregate import New
from repository.domain.envelope import Envelope
from repository.domain.run import RUN, RunKind
from repository.domain.values import Outcome, Sha256, Value
from repository.errors import ArchiveError
from repository.eventlog import Record, Streams, commands_of
from repository.evidence import (
    Checkpoint,
    Note,
    Signature,
    Tiles,
    consistency_path,
    inclusion_path,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from repository.services.checkpoints import EVIDENCE, PUBLIC_KEY, attest, newest_checkpoint, signing_key
from repository.services.evidence_page import Row, first_page, readme
from repository.services.feed import read_events
from repository.services.search import position_of
from repository.services.session import Session
from repository.services.witness import WITNESS_PUBLIC, held_by
from repository.storage import Folder, outgoing

SIGNATURE, MARK = "pack.note", "jingui.evidence-pack/1"
SHOWN = 500
"""Events that the first page shows; the files have all."""

Names = Callable[[str], tuple[str, str]]
"""The name of a type of event in Chinese and English."""


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """What a pack is about: one record, one reader, a period, or - where nothing is named - everything."""

    record: str | None = None
    reader: UUID | None = None
    since: str | None = None
    until: str | None = None

    @property
    def is_everything(self) -> bool:
        """Whether nothing is left out."""
        return not (self.record or self.reader or self.since or self.until)

    @property
    def words(self) -> str:
        """The scope in a few words."""
        named = {"record": self.record, "reader": self.reader, "since": self.since, "until": self.until}
        return " ".join(f"{name}={value}" for name, value in named.items() if value) or "everything"


class Pack(msgspec.Struct, frozen=True, kw_only=True):
    """A pack that was handed out."""

    schema: str = MARK
    id: UUID
    path: str
    scope: str
    events: int
    complete: bool
    size: int
    root: Sha256
    key: str


def export_evidence(session: Session, target: Path, scope: Scope, *, names: Names, held: Sequence[Path] = ()) -> Pack:
    """Write a pack to a new folder. `held` are memories of witnesses, whose cosigned checkpoints go with it.

    That it is made is an event before its first byte is. Errors: `folder-exists`, those of `attest`, `range-invalid`,
    `evidence-empty` where no event is in the scope, and `record-unknown` as searching raises it.
    """
    session.require("audit")
    if target.exists():
        raise ArchiveError("folder-exists", target)

    for memory in held:
        if not held_by(memory):
            raise ArchiveError("checkpoint-missing", memory)

    # 1 what is chosen must be there before anything is said about it
    if next(iter(_chosen(session, scope, session.log.position())), None) is None:
        raise ArchiveError("evidence-empty", scope.words)

    # 2 that it is made is part of the history that it shows
    identifier = session.new_id()
    started = run.Started(kind=RunKind.EXPORT, scope="evidence", target=str(target))
    _append(session, identifier, lambda state: run.start(state, started))

    # 3 the checkpoint that proves it
    attest(session)
    folder = session.folder / EVIDENCE
    key = signing_key(session)
    checkpointed = newest_checkpoint(folder, key.public)
    if checkpointed is None:
        raise ArchiveError("checkpoint-missing", folder)
    checkpoint, note = checkpointed

    # 4 the files, then the bag around them, signed
    with outgoing(session.folder, identifier) as place:
        writing = _Writing(session, scope, place, checkpoint)
        events = writing.write(note, tuple(held), names)
        tags = _tags(identifier, scope, writing.written)
        wrapped = [place.write(name, [content]) for name, content in sorted(tags.items())]
        lines = "".join(f"{one.sha256}  {one.path}\n" for one in wrapped)
        text = f"{MARK}\n{lines}"
        signed = Note(text, (Signature(key.public.name, key.public.key_id, key.sign(text.encode())),))
        wrapped.append(place.write(SIGNATURE, [signed.encode()]))
        place.write("tagmanifest-sha256.txt", manifest(wrapped))
        place.hand_out(target)

    # 5 done
    finished = run.Finished(outcome=Outcome.PASSED, done=events, findings=(), findings_total=0)
    _append(session, identifier, lambda state: run.finish(state, finished))
    return Pack(
        id=identifier,
        path=str(target),
        scope=scope.words,
        events=events,
        complete=scope.is_everything,
        size=checkpoint.size,
        root=checkpoint.root.hex(),
        key=key.public.text,
    )


def _chosen(session: Session, scope: Scope, upto: int) -> Iterable[Record]:
    """The events of the scope, in the order of the log."""
    first = (position_of(session, scope.since) or 0) if scope.since else 0
    until = position_of(session, scope.until) if scope.until else None
    last = upto if until is None else min(upto, until)
    if first > last:
        raise ArchiveError("range-invalid", scope.words)
    if scope.record:
        return read_events(session, record=scope.record, after=first, upto=last)
    if scope.reader:
        return session.log.at([one for one in session.log.naming(scope.reader, upto=last) if one > first])
    return session.log.raw(after=first, upto=last)


class _Writing:
    """Writes the payload of one pack, each file in one pass over the events. Memory is flat."""

    def __init__(self, session: Session, scope: Scope, place: Folder, checkpoint: Checkpoint) -> None:
        self.written: list[Digested] = []
        self._session = session
        self._scope = scope
        self._place = place
        self._checkpoint = checkpoint
        self._tiles = Tiles.of_folder(session.folder / EVIDENCE, checkpoint.size)

    def write(self, note: Note, held: tuple[Path, ...], names: Names) -> int:
        """Write everything; how many events there are."""
        self._put("checkpoint", [note.encode()])
        self._put("keys/log.vkey", [(self._session.folder / EVIDENCE / PUBLIC_KEY).read_bytes()])
        for number, memory in enumerate(held, 1):
            self._put_witnessed(number, memory)
        self._put("events.ndjson", (one.envelope + b"\n" for one in self._records()))
        self._put("payloads.ndjson", map(_payload_line, self._records()))
        if self._scope.is_everything:
            self._put("commands.ndjson", self._command_lines())
        else:
            self._put("proofs.ndjson", map(self._proof_line, self._records()))
        events = self._write_database(names)
        about = {"schema": MARK, "scope": self._scope.words, "events": events, "complete": self._scope.is_everything}
        self._put("pack.json", [json.dumps(about, ensure_ascii=False).encode() + b"\n"])
        self._put("schemas/envelope.json", [_envelope_schema()])
        self._put("verify.py", [files("repository.evidence").joinpath("verify.py").read_bytes()])
        self._put("README.txt", [readme().encode()])
        page = first_page(
            origin=self._checkpoint.origin,
            scope=self._scope.words,
            events=events,
            checkpoint=(self._checkpoint.size, self._checkpoint.root.hex()),
            made=self._session.now(),
            rows=self._rows(names),
        )
        self._put("index.html", (part.encode() for part in page))
        return events

    def _put_witnessed(self, number: int, memory: Path) -> None:
        """The last checkpoint that a witness signed, and what shows that the pack's own continues it."""
        last, cosigned = held_by(memory)[-1]
        own = self._checkpoint
        path = consistency_path(last.size, own.size, self._tiles.hash) if 0 < last.size <= own.size else []
        if not verify_consistency(last.size, own.size, last.root, own.root, path):
            raise ArchiveError("checkpoint-contradicts", last.size, found=own.root.hex())
        self._put(f"keys/witness-{number}.vkey", [(memory / WITNESS_PUBLIC).read_bytes()])
        self._put(f"witnessed/{number}", [cosigned.encode()])
        self._put(f"witnessed/{number}.path", [b64encode(one) + b"\n" for one in path])

    def _records(self) -> Iterable[Record]:
        return _chosen(self._session, self._scope, self._checkpoint.size)

    def _put(self, path: str, chunks: Iterable[bytes]) -> None:
        self.written.append(self._place.write(f"data/{path}", chunks))

    def _command_lines(self) -> Iterator[bytes]:
        """What was asked; events under the checkpoint only."""
        for one in commands_of(self._session.log.path):
            if one.last <= self._checkpoint.size:
                yield msgspec.json.encode(one) + b"\n"

    def _proof_line(self, record: Record) -> bytes:
        """The way from an event to the root; one that does not lead there is not written."""
        checkpoint = self._checkpoint
        path = inclusion_path(record.position - 1, checkpoint.size, self._tiles.hash)
        leaf = leaf_hash(record.envelope)
        if not verify_inclusion(record.position - 1, checkpoint.size, leaf, checkpoint.root, path):
            raise ArchiveError("checkpoint-contradicts", checkpoint.size, found=leaf.hex())
        line = {"position": record.position, "path": [b64encode(one).decode() for one in path]}
        return json.dumps(line, separators=(",", ":")).encode() + b"\n"

    def _rows(self, names: Names) -> Iterator[Row]:
        for number, record in enumerate(self._records()):
            if number == SHOWN:
                return
            envelope = json.loads(record.envelope)
            zh, en = names(record.type)
            yield Row(record.position, envelope["recorded_at"], zh, en, envelope["actor"], envelope["stream"])

    def _write_database(self, names: Names) -> int:
        """One SQLite file that Datasette opens as it is. It is for reading; what proves are the files beside it."""
        path = "data/events.sqlite"
        with closing(sqlite3.connect(self._place.root / path)) as connection:
            connection.executescript(_TABLES)
            connection.executemany("INSERT INTO events VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)", self._cells(names))
            connection.commit()
            ((events,),) = connection.execute("SELECT count(*) FROM events")
        self.written.append(self._place.hashed(path))
        return int(events)

    def _cells(self, names: Names) -> Iterator[tuple[object, ...]]:
        for record in self._records():
            said = json.loads(record.envelope)
            occurred = said["occurred_at"]["time"]
            columns = [said[name] for name in ("event_id", "stream", "version", "type")]
            people = [said[name] for name in ("recorded_at", "actor", "on_behalf_of", "command_id")]
            payload = None if record.payload is None else record.payload.decode()
            yield (record.position, *columns, *names(record.type), occurred, *people, record.envelope.decode(), payload)


_TABLES = """
CREATE TABLE events (
  position INTEGER PRIMARY KEY, event_id TEXT, stream TEXT, version INTEGER, type TEXT, name_zh TEXT, name_en TEXT,
  occurred_at TEXT, recorded_at TEXT, actor TEXT, on_behalf_of TEXT, command_id TEXT, envelope TEXT, payload TEXT);
CREATE INDEX events_by_stream ON events (stream, version);
CREATE INDEX events_by_actor ON events (actor);
CREATE INDEX events_by_type ON events (type);
"""


def _payload_line(record: Record) -> bytes:
    """A payload, its bytes as a JSON string; null for one that was expunged."""
    salt = None if record.salt is None else record.salt.hex()
    payload = None if record.payload is None else record.payload.decode()
    line = {"position": record.position, "salt": salt, "payload": payload}
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _envelope_schema() -> bytes:
    return msgspec.json.format(msgspec.json.encode(msgspec.json.schema(Envelope)), indent=2) + b"\n"


def _tags(identifier: UUID, scope: Scope, written: list[Digested]) -> dict[str, bytes]:
    fields = (
        ("External-Identifier", f"urn:uuid:{identifier}"),
        ("External-Description", f"evidence pack: {scope.words}"),
        ("Payload-Oxum", payload_oxum(written)),
    )
    return {
        "bagit.txt": declaration(),
        "bag-info.txt": bag_info(fields),
        "manifest-sha256.txt": b"".join(manifest(written)),
    }


def _append(session: Session, identifier: UUID, said: Callable[[run.State], list[Value]]) -> None:
    def decide(streams: Streams) -> list[New]:
        return [New(identifier, payload) for payload in said(streams.load(RUN, identifier).state)]

    session.perform("run", decide, correlation=identifier, archive=None)
