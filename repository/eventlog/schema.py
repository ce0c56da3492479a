"""Schema of the log's database (version 1), and the guards that stand in it.

A row once written is never changed, replaced or removed - not by us, and not by somebody with a database shell who does
not first take the guards away, which `open` and `verify_log` notice. The one deletion that is allowed is of a payload
which a `PayloadExpunged` in its own stream names.

`high_water` remembers how far the log reaches, so that a missing tail is a gap; `clock_back` remembers the positions at
which the clock stood earlier than one position before, so that a time is found in the log by bisection.
"""

import sqlite3
from functools import cache

APPLICATION_ID = 0x4A_47_4C_31  # "JGL1"
VERSION_GUARD = "version guard"

_TABLES = (
    """CREATE TABLE high_water (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  position INTEGER NOT NULL,
  recorded_at TEXT NOT NULL,
  commands INTEGER NOT NULL)""",
    "INSERT INTO high_water VALUES (1, 0, '', 0)",
    """CREATE TABLE events (
  position INTEGER PRIMARY KEY,
  stream TEXT NOT NULL CHECK (typeof(stream) = 'text'),
  version INTEGER NOT NULL CHECK (typeof(version) = 'integer'),
  type TEXT NOT NULL CHECK (typeof(type) = 'text'),
  schema INTEGER NOT NULL CHECK (typeof(schema) = 'integer' AND schema >= 1),
  recorded_at TEXT NOT NULL CHECK (typeof(recorded_at) = 'text'),
  envelope BLOB NOT NULL CHECK (typeof(envelope) = 'blob'),
  leaf BLOB NOT NULL CHECK (typeof(leaf) = 'blob' AND length(leaf) = 32),
  UNIQUE (stream, version))""",
    """CREATE TABLE payloads (
  position INTEGER PRIMARY KEY,
  salt TEXT NOT NULL CHECK (typeof(salt) = 'text' AND length(salt) = 32),
  payload BLOB NOT NULL CHECK (typeof(payload) = 'blob'))""",
    """CREATE TABLE commands (
  command_id TEXT PRIMARY KEY CHECK (typeof(command_id) = 'text'),
  request_sha256 TEXT NOT NULL CHECK (typeof(request_sha256) = 'text'),
  first INTEGER NOT NULL CHECK (typeof(first) = 'integer'),
  last INTEGER NOT NULL CHECK (typeof(last) = 'integer'),
  digest BLOB NOT NULL CHECK (typeof(digest) = 'blob')) WITHOUT ROWID""",
    "CREATE TABLE clock_back (position INTEGER PRIMARY KEY)",
)

# A REPLACE deletes without asking any trigger of the deleted row: it must be refused before it begins.
_INSERT_GUARDS = (
    f"""CREATE TRIGGER events_version BEFORE INSERT ON events
WHEN NEW.version IS NOT (SELECT coalesce(max(version), 0) + 1 FROM events WHERE stream = NEW.stream)
BEGIN SELECT raise(ABORT, '{VERSION_GUARD}'); END""",  # noqa: S608 - a constant of this module
    """CREATE TRIGGER events_position BEFORE INSERT ON events
WHEN NEW.position IS NOT (SELECT position + 1 FROM high_water)
BEGIN SELECT raise(ABORT, 'position out of order'); END""",
    """CREATE TRIGGER events_reach AFTER INSERT ON events
BEGIN UPDATE high_water SET position = NEW.position, recorded_at = NEW.recorded_at; END""",
    """CREATE TRIGGER payloads_position BEFORE INSERT ON payloads
WHEN NEW.position IS NOT (SELECT position FROM high_water)
  OR EXISTS (SELECT 1 FROM payloads WHERE position = NEW.position)
BEGIN SELECT raise(ABORT, 'payload without its event'); END""",
    """CREATE TRIGGER commands_once BEFORE INSERT ON commands
WHEN EXISTS (SELECT 1 FROM commands WHERE command_id = NEW.command_id)
BEGIN SELECT raise(ABORT, 'command recorded already'); END""",
    """CREATE TRIGGER commands_count AFTER INSERT ON commands
BEGIN UPDATE high_water SET commands = commands + 1; END""",
    """CREATE TRIGGER high_water_one BEFORE INSERT ON high_water
BEGIN SELECT raise(ABORT, 'one high-water row'); END""",
    """CREATE TRIGGER clock_back_position BEFORE INSERT ON clock_back
WHEN NEW.position IS NOT (SELECT position + 1 FROM high_water)
BEGIN SELECT raise(ABORT, 'position out of order'); END""",
)

_CHANGE_GUARDS = (
    """CREATE TRIGGER high_water_rises BEFORE UPDATE ON high_water
WHEN NOT (NEW.one = OLD.one AND (
  NEW.position = OLD.position + 1 AND NEW.commands = OLD.commands
    AND NEW.recorded_at IS (SELECT recorded_at FROM events WHERE position = NEW.position)
  OR NEW.position = OLD.position AND NEW.recorded_at = OLD.recorded_at
    AND NEW.commands = OLD.commands + 1))
BEGIN SELECT raise(ABORT, 'the log only grows'); END""",
    """CREATE TRIGGER payloads_no_delete BEFORE DELETE ON payloads
WHEN NOT EXISTS (
  SELECT 1 FROM events AS gone
  JOIN events AS word ON word.stream = gone.stream AND word.version > gone.version
  JOIN payloads AS named ON named.position = word.position
  WHERE gone.position = OLD.position AND gone.type NOT LIKE '%.PayloadExpunged' AND word.type LIKE '%.PayloadExpunged'
    AND json_extract(CAST(named.payload AS TEXT), '$.position') = OLD.position)
BEGIN SELECT raise(ABORT, 'the log only grows'); END""",
    *(
        f"""CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table}
BEGIN SELECT raise(ABORT, 'the log only grows'); END"""
        for table, verb in (
            ("events", "UPDATE"),
            ("events", "DELETE"),
            ("payloads", "UPDATE"),
            ("commands", "UPDATE"),
            ("commands", "DELETE"),
            ("clock_back", "UPDATE"),
            ("clock_back", "DELETE"),
            ("high_water", "DELETE"),
        )
    ),
)


def lay(connection: sqlite3.Connection) -> None:
    """Lay the tables and guards in an empty database, in one transaction."""
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("BEGIN IMMEDIATE")
    for statement in (*_TABLES, *_INSERT_GUARDS, *_CHANGE_GUARDS):
        connection.execute(statement)
    connection.execute("COMMIT")


def differences(connection: sqlite3.Connection) -> list[str]:
    """Names of the tables and guards that are missing, changed or foreign; empty when the database is as laid."""
    return sorted({name for name, _ in _objects(connection) ^ _expected()})


@cache
def _expected() -> frozenset[tuple[str, str]]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        lay(connection)
        return _objects(connection)
    finally:
        connection.close()


def _objects(connection: sqlite3.Connection) -> frozenset[tuple[str, str]]:
    return frozenset(connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
