"""Somebody with a database shell changes the log: `fsck` says so, and at which position.

Whoever does not recompute the digests is found in the log itself. Whoever recomputes all of them is found by every
event that was copied into a stored package.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from repository.archive import LOG
from repository.eventlog.digests import leaf_hash, payload_digest
from tests.faults.small_archive import Scene, audit, ingest_again, jingui, make_scene

TAMPERED = 23
Forgery = Callable[[sqlite3.Connection], set[int]]
"""Changes the log; answers with the positions that have to be named."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    made = make_scene(tmp_path_factory.mktemp("tampering"))
    ingest_again(made)
    assert audit(made).sound
    return made


@pytest.fixture
def scene(whole: Scene, tmp_path: Path) -> Iterator[Scene]:
    copied = whole.copy(f"tampered-{tmp_path.name}")
    yield copied
    copied.remove()


@contextmanager
def unguarded(scene: Scene, *, put_back: bool = True) -> Iterator[sqlite3.Connection]:
    """The log's database with its triggers taken away; they stand again afterwards, unless they are left out."""
    with closing(sqlite3.connect(scene.archive / LOG, isolation_level=None)) as connection:
        guards = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in guards:
            connection.execute(f"DROP TRIGGER {name}")
        yield connection
        for _, sql in guards if put_back else ():
            connection.execute(sql)


def position_of(connection: sqlite3.Connection, kind: str, turn: int = 0) -> int:
    found = connection.execute("SELECT position FROM events WHERE type = ? ORDER BY position", (kind,)).fetchall()
    return int(found[turn][0])


def last_position(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT max(position) FROM events").fetchone()[0])


def nothing_more(connection: sqlite3.Connection) -> set[int]:
    return {0}


def edit_column(connection: sqlite3.Connection) -> set[int]:
    at = position_of(connection, "Accession.Accepted")
    connection.execute("UPDATE events SET recorded_at = '2020-01-01T00:00:00.000000Z' WHERE position = ?", (at,))
    return {at}


def edit_type(connection: sqlite3.Connection) -> set[int]:
    at = position_of(connection, "ArchivalPackage.Stored")
    connection.execute("UPDATE events SET type = 'ArchivalPackage.Created' WHERE position = ?", (at,))
    return {at}


def edit_type_to_one_that_is_unknown(connection: sqlite3.Connection) -> set[int]:
    at = position_of(connection, "Agent.RoleGranted")
    connection.execute("UPDATE events SET type = 'Agent.Crowned' WHERE position = ?", (at,))
    return {at}


def edit_payload(connection: sqlite3.Connection) -> set[int]:
    at = position_of(connection, "Description.Described")
    edited = "CAST(replace(payload, 'deed', 'dead') AS BLOB)"
    connection.execute(f"UPDATE payloads SET payload = {edited} WHERE position = ?", (at,))
    return {at}


def break_payload(connection: sqlite3.Connection) -> set[int]:
    at = position_of(connection, "ArchivalPackage.Created")
    connection.execute("UPDATE payloads SET payload = x'7b' WHERE position = ?", (at,))
    return {at}


def break_the_payload_that_says_who_may(connection: sqlite3.Connection) -> set[int]:
    at = position_of(connection, "Agent.CredentialIssued")
    connection.execute("UPDATE payloads SET payload = x'7b' WHERE position = ?", (at,))
    return {at}


def edit_envelope(connection: sqlite3.Connection) -> set[int]:
    at = position_of(connection, "ArchivalPackage.Created")
    (envelope,) = connection.execute("SELECT envelope FROM events WHERE position = ?", (at,)).fetchone()
    edited = envelope.replace(b'"schema":1', b'"schema":2')
    connection.execute("UPDATE events SET envelope = ? WHERE position = ?", (edited, at))
    return {at}


def remove_from_the_middle(connection: sqlite3.Connection) -> set[int]:
    at = position_of(connection, "Accession.DeliveryValidated")
    connection.execute("DELETE FROM events WHERE position = ?", (at,))
    connection.execute("DELETE FROM payloads WHERE position = ?", (at,))
    return {at}


def swap_two_streams(connection: sqlite3.Connection) -> set[int]:
    one, other = connection.execute(
        "SELECT stream FROM events WHERE type = 'ArchivalPackage.Created' ORDER BY position"
    ).fetchall()
    places = connection.execute("SELECT position FROM events WHERE stream IN (?, ?)", (*one, *other)).fetchall()
    for old, new in ((one, ("x",)), (other, one), (("x",), other)):
        connection.execute("UPDATE events SET stream = ? WHERE stream = ?", (*new, *old))
    return {position for (position,) in places}


def swap_a_person_and_a_package(connection: sqlite3.Connection) -> set[int]:
    one, other = (
        connection.execute("SELECT stream FROM events WHERE type = ?", (kind,)).fetchone()
        for kind in ("Agent.Registered", "ArchivalPackage.Created")
    )
    places = connection.execute("SELECT position FROM events WHERE stream IN (?, ?)", (*one, *other)).fetchall()
    for old, new in ((one, ("x",)), (other, one), (("x",), other)):
        connection.execute("UPDATE events SET stream = ? WHERE stream = ?", (*new, *old))
    return {position for (position,) in places}


def delete_the_tail(connection: sqlite3.Connection) -> set[int]:
    at = position_of(connection, "ArchivalPackage.Stored")
    connection.execute("DELETE FROM payloads WHERE position >= ?", (at,))
    connection.execute("DELETE FROM events WHERE position >= ?", (at,))
    return {0}


def reissue_a_row(connection: sqlite3.Connection) -> set[int]:
    """The last event goes, and another one stands at its position, with the leaf that was there."""
    at = last_position(connection)
    row = connection.execute("SELECT * FROM events WHERE position = ?", (at,)).fetchone()
    connection.execute("DELETE FROM events WHERE position = ?", (at,))
    envelope = row[6].replace(b'"Accession.Completed"', b'"Accession.Accepted"')
    other = (*row[:3], "Accession.Accepted", *row[4:6], envelope, row[7])
    connection.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)", other)
    return {at}


FORGERIES = (
    edit_column,
    edit_type,
    edit_type_to_one_that_is_unknown,
    edit_payload,
    break_payload,
    break_the_payload_that_says_who_may,
    edit_envelope,
    remove_from_the_middle,
    swap_two_streams,
    swap_a_person_and_a_package,
    delete_the_tail,
    reissue_a_row,
)


CASES = [(forgery, True) for forgery in FORGERIES] + [(forgery, False) for forgery in (nothing_more, *FORGERIES)]


@pytest.mark.parametrize(("forgery", "put_back"), CASES, ids=[f"{one.__name__}-{back}" for one, back in CASES])
def test_what_was_changed_without_its_digests_is_named(scene: Scene, forgery: Forgery, put_back: bool) -> None:
    with unguarded(scene, put_back=put_back) as connection:
        positions = forgery(connection)
    done = jingui(scene, "fsck", "--json")
    assert done.returncode == TAMPERED, done.stderr[-2000:]
    assert "Traceback" not in done.stderr
    report = json.loads(done.stdout)
    assert report["sound"] is False
    assert positions <= {int(fault["thing"]) for fault in report["faults"] if fault["where"] == "log"}


def test_a_tail_that_was_taken_with_all_its_traces_is_missed_by_the_store_and_the_catalogue(scene: Scene) -> None:
    """The log itself cannot know; what was derived from it, and what lies in the store, still does."""
    assert jingui(scene, "status").returncode == 0  # the catalogue stands at the end
    with unguarded(scene) as connection:
        at = position_of(connection, "ArchivalPackage.Stored")
        (first,) = connection.execute("SELECT first FROM commands WHERE ? BETWEEN first AND last", (at,)).fetchone()
        connection.execute("DELETE FROM payloads WHERE position >= ?", (first,))
        connection.execute("DELETE FROM events WHERE position >= ?", (first,))
        connection.execute("DELETE FROM commands WHERE first >= ?", (first,))
        (noted,) = connection.execute("SELECT recorded_at FROM events WHERE position = ?", (first - 1,)).fetchone()
        connection.execute(
            "UPDATE high_water SET position = ?, recorded_at = ?, commands = (SELECT count(*) FROM commands)",
            (first - 1, noted),
        )
    done = jingui(scene, "fsck", "--json")
    assert done.returncode == TAMPERED, done.stderr
    codes = {fault["code"] for fault in json.loads(done.stdout)["faults"]}
    assert codes == {"archive.object-without-event", "archive.catalogue-ahead"}


def copied_positions(scene: Scene) -> set[int]:
    """Positions of the events whose envelopes stand in a stored package."""
    lines = [path.read_bytes().splitlines() for path in scene.archive.glob("store/*/*/v1/**/events.ndjson")]
    return {json.loads(line)["position"] for of_package in lines for line in of_package}


def forge(connection: sqlite3.Connection, position: int, old: bytes, new: bytes) -> None:
    """Change an envelope and everything in the log that is computed from it."""
    (envelope,) = connection.execute("SELECT envelope FROM events WHERE position = ?", (position,)).fetchone()
    edited = envelope.replace(old, new)
    assert edited != envelope
    recorded_at = json.loads(edited)["recorded_at"]
    connection.execute(
        "UPDATE events SET envelope = ?, leaf = ?, recorded_at = ? WHERE position = ?",
        (edited, leaf_hash(edited), recorded_at, position),
    )


def test_whoever_recomputes_everything_is_found_by_each_event_in_a_package(whole: Scene, scene: Scene) -> None:
    copied = copied_positions(scene)
    with closing(sqlite3.connect(scene.archive / LOG)) as connection:
        kinds = dict(connection.execute("SELECT position, type FROM events").fetchall())
    assert {kinds[position] for position in copied} >= {
        "Accession.Opened",
        "Accession.DeliveryReceived",
        "Accession.DeliveryValidated",
        "Accession.Accepted",
        "ArchivalPackage.Created",
        "ArchivalPackage.FormatsIdentified",
        "ArchivalPackage.VirusChecked",
    }
    for position in sorted(copied):
        with unguarded(scene) as connection:
            forge(connection, position, b'"method":"credential"', b'"method":"initialisation"')
        found = {(fault.where, fault.code) for fault in audit(scene).faults}
        assert found == {("store", "archive.history-against-log")}, position
        with unguarded(scene) as connection:
            forge(connection, position, b'"method":"initialisation"', b'"method":"credential"')
    assert audit(scene).sound


def test_a_payload_changed_with_everything_recomputed_is_found(scene: Scene) -> None:
    with unguarded(scene) as connection:
        at = position_of(connection, "ArchivalPackage.FormatsIdentified")
        salt, payload = connection.execute("SELECT salt, payload FROM payloads WHERE position = ?", (at,)).fetchone()
        edited = payload.replace(b"x-fmt/111", b"x-fmt/112")
        assert edited != payload
        connection.execute("UPDATE payloads SET payload = ? WHERE position = ?", (edited, at))
        before, after = (payload_digest(bytes.fromhex(salt), data).encode() for data in (payload, edited))
        forge(connection, at, before, after)
    codes = {fault.code for fault in audit(scene).faults}
    assert "archive.history-against-log" in codes
    assert jingui(scene, "fsck").returncode == 20
