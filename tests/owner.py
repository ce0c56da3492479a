"""Somebody who owns the database, the store and the signing key, and recomputes everything that he changes.

What he cannot reach is what others hold: the memory of a witness. Each attack answers with the position of the first
event that is no longer what it was.
"""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

from packages_spec.digests import digest_file
from repository.archive import LOG, open_archive
from repository.crypto import SigningKey
from repository.domain.values import Role
from repository.eventlog import database
from repository.eventlog.digests import command_digest, leaf_hash, payload_digest
from repository.services.administration import add_person
from repository.services.checkpoints import EVIDENCE, attest, origin_of
from repository.settings import log_key_file
from tests.faults.small_archive import Scene


class Entry(NamedTuple):
    """An event as he holds it in his hands."""

    envelope: dict[str, Any]
    salt: str
    payload: bytes
    request: str


def taken(archive: Path) -> list[Entry]:
    """The whole history."""
    with closing(database.connect(archive / LOG, "ro")) as connection:
        requests = dict(connection.execute("SELECT command_id, request_sha256 FROM commands"))
        rows = connection.execute(
            "SELECT e.envelope, p.salt, p.payload FROM events e JOIN payloads p USING (position) ORDER BY position"
        ).fetchall()
    entries = []
    for raw, salt, payload in rows:
        envelope = json.loads(raw)
        entries.append(Entry(envelope, salt, payload, requests[envelope["command_id"]]))
    return entries


def write(archive: Path, entries: list[Entry]) -> None:
    """A log of this history that is true to itself: positions, versions, digests, leaves, commands, guards."""
    path = archive / LOG
    for old in path.parent.iterdir():
        old.unlink()
    database.create(path)
    versions: Counter[str] = Counter()
    before = ""
    runs: list[list[Any]] = []
    with closing(database.connect(path)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        for position, (envelope, salt, payload, request) in enumerate(entries, 1):
            versions[envelope["stream"]] += 1
            new = envelope | {"position": position, "version": versions[envelope["stream"]]}
            new["payload_sha256"] = payload_digest(bytes.fromhex(salt), payload)
            raw = json.dumps(new, ensure_ascii=False, separators=(",", ":")).encode()
            if new["recorded_at"] < before:
                connection.execute("INSERT INTO clock_back VALUES (?)", (position,))
            before = new["recorded_at"]
            columns = [new[name] for name in ("position", "stream", "version", "type", "schema", "recorded_at")]
            connection.execute("INSERT INTO events VALUES (?,?,?,?,?,?,?,?)", (*columns, raw, leaf_hash(raw)))
            connection.execute("INSERT INTO payloads VALUES (?,?,?)", (position, salt, payload))
            if runs and runs[-1][0] == new["command_id"]:
                runs[-1][3] = position
            else:
                runs.append([new["command_id"], request, position, position])
        for row in {run[0]: run for run in runs}.values():
            connection.execute("INSERT INTO commands VALUES (?,?,?,?,?)", (*row, command_digest(*row)))
        connection.execute("COMMIT")


def cover_up(scene: Scene, random: Random) -> None:
    """Make everything else again that tells of the log: the catalogue, the tree, the head - most of the time."""
    for one in (scene.archive / "catalogue").iterdir():
        shutil.rmtree(one) if one.is_dir() else one.unlink()
    if random.random() < 0.75:
        shutil.rmtree(scene.archive / EVIDENCE)
        (scene.archive / EVIDENCE).mkdir()
        with open_archive(scene.archive, scene.credential) as session:
            attest(session)


def _pick(random: Random, entries: list[Entry], known: Callable[[Entry], bool] = lambda _: True) -> int:
    """An event that is not the archive's founding, without which nobody could enter it any more."""
    founding = entries[0].envelope["command_id"]
    places = [place for place, one in enumerate(entries) if one.envelope["command_id"] != founding and known(one)]
    return random.choice(places)


def edit(scene: Scene, entries: list[Entry], random: Random) -> int:
    """Say that it was done by another, at another time, or otherwise."""
    at = _pick(random, entries)
    envelope, salt, payload, request = entries[at]
    match random.randrange(3):
        case 0:
            envelope = envelope | {"actor": str(UUID(int=random.getrandbits(128), version=4))}
        case 1:
            when = envelope["occurred_at"] | {"time": "2020-02-02T02:02:02.000000Z"}
            envelope = envelope | {"occurred_at": when}
        case _:
            salt = hashlib.sha256(bytes([random.randrange(256)])).hexdigest()[:32]
    entries[at] = Entry(envelope, salt, payload, request)
    return at + 1


def drop(scene: Scene, entries: list[Entry], random: Random) -> int:
    """Leave a command out."""
    at = _pick(random, entries)
    command = entries[at].envelope["command_id"]
    first = next(place for place, one in enumerate(entries) if one.envelope["command_id"] == command)
    entries[:] = [one for one in entries if one.envelope["command_id"] != command]
    return first + 1


def insert(scene: Scene, entries: list[Entry], random: Random) -> int:
    """Put an event in that never was: another one's like, with an id of its own."""
    at = _pick(random, entries)
    envelope = entries[at].envelope | {
        name: str(UUID(int=random.getrandbits(128), version=4)) for name in ("event_id", "command_id", "stream")
    }
    entries.insert(at, entries[at]._replace(envelope=envelope))
    return at + 1


def reorder(scene: Scene, entries: list[Entry], random: Random) -> int:
    """Exchange two events that follow each other."""
    at = _pick(random, entries[:-1])
    entries[at], entries[at + 1] = entries[at + 1], entries[at]
    return at + 1


def swap_streams(scene: Scene, entries: list[Entry], random: Random) -> int:
    """Let what happened to one package have happened to the other."""
    streams = sorted({one.envelope["stream"] for one in entries if one.envelope["type"] == "ArchivalPackage.Stored"})
    one, other = random.sample(streams, 2)
    change = {one: other, other: one}
    first = 0
    for at, entry in enumerate(entries):
        if (stream := entry.envelope["stream"]) in change:
            first = first or at + 1
            entries[at] = entry._replace(envelope=entry.envelope | {"stream": change[stream]})
    return first


def truncate(scene: Scene, entries: list[Entry], random: Random) -> int:
    """Cut the end off."""
    at = _pick(random, entries)
    del entries[at:]
    return at + 1


def fork(scene: Scene, entries: list[Entry], random: Random) -> int:
    """Cut the end off and live on from there."""
    first = truncate(scene, entries, random)
    write(scene.archive, entries)
    cover_up(scene, Random(1))
    with open_archive(scene.archive, scene.credential) as session:
        for number in range(random.randrange(1, 12)):
            add_person(session, name=f"丁{number}", roles=[Role.ARCHIVIST])
    entries[:] = taken(scene.archive)
    return first


def sign_anew(scene: Scene, entries: list[Entry], random: Random) -> int:
    """Edit, and sign with another key that is published in the old one's place."""
    first = edit(scene, entries, random)
    with open_archive(scene.archive, scene.credential) as session:
        path, origin = log_key_file(session.settings), origin_of(session)
    path.unlink()
    SigningKey(origin, 1, random.randbytes(32)).keep(path)
    return first


def edit_package(scene: Scene, entries: list[Entry], random: Random) -> int:
    """Change a page, and every manifest and inventory that tells of it; and the event of its storing as well."""
    stored = [at for at, one in enumerate(entries) if one.envelope["type"] == "ArchivalPackage.Stored"]
    pages = sorted((scene.archive / "store").rglob("original/data/*.txt"))
    page = random.choice(pages)
    old = digest_file(page)[1]
    size = page.stat().st_size
    page.write_bytes(b"X" * size)
    root = next(one for one in page.parents if (one / "0=ocfl_object_1.1").exists())
    changes = {old: digest_file(page)[1]}
    for _ in range(8):  # digests of digests, until nothing follows any more
        for path in sorted(root.rglob("*")):
            if path.is_file() and path.suffix not in (".ndjson", ".tif"):
                content = path.read_bytes()
                new = content
                for was, now in changes.items():
                    new = new.replace(was.encode(), now.encode())
                if new != content:
                    before = digest_file(path)[1]
                    path.write_bytes(new)
                    changes[before] = digest_file(path)[1]
    first = 0
    for at in stored:
        payload = entries[at].payload
        for was, now in changes.items():
            payload = payload.replace(was.encode(), now.encode())
        if payload != entries[at].payload:
            entries[at] = entries[at]._replace(payload=payload)
            first = first or at + 1
    return first


ATTACKS = (edit, drop, insert, reorder, swap_streams, truncate, fork, sign_anew, edit_package)
