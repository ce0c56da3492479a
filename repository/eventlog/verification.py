"""Verification (核验) of a log: every false row is named, whatever state the file is in.

Found are edited columns, envelopes, payloads and salts, exchanged streams, gaps, missing tails, rows written again,
commands that do not fit, and guards that were taken away - made by someone who does not recompute the digests as well.
Whoever does is found by what was copied elsewhere: the envelopes inside stored packages.
"""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from repository.eventlog import schema
from repository.eventlog.codec import NOT_AN_EVENT, Codec
from repository.eventlog.database import Connection, connect
from repository.eventlog.digests import command_digest, leaf_hash
from repository.eventlog.faults import LogFault
from repository.eventlog.log import EventLog
from repository.eventlog.reader import replacement
from repository.eventlog.row import StoredRow, is_plainly_sound, row_faults

Observe = Callable[[int, bytes], None]
"""Is shown every position and the leaf of the envelope that stands there, computed, whatever is false in it."""

Check = Callable[[Connection], Iterator[LogFault]]

_ROWS = (
    "SELECT e.position, e.stream, e.version, e.type, e.schema, e.recorded_at, e.envelope, e.leaf, p.salt, p.payload "
    "FROM events AS e LEFT JOIN payloads AS p ON p.position = e.position ORDER BY e.position"
)
_VERSIONS = (
    "SELECT position, expected, version FROM (SELECT position, version, "
    "row_number() OVER (PARTITION BY stream ORDER BY position) AS expected FROM events NOT INDEXED) "
    "WHERE version IS NOT expected ORDER BY position"
)
_STRAYS = "SELECT position FROM payloads WHERE position NOT IN (SELECT position FROM events) ORDER BY position"
_HIGH_WATER = "SELECT position, recorded_at FROM high_water"
_COMMANDS = (
    "SELECT command_id, request_sha256, CAST(first AS INTEGER), CAST(last AS INTEGER), digest FROM commands "
    "ORDER BY 3, 4"
)
_OWNERS = "SELECT command_id, CAST(first AS INTEGER), CAST(last AS INTEGER) FROM commands ORDER BY 2, 3"


def verify_log(log: EventLog | Path, codec: Codec | None = None, observe: Observe | None = None) -> Iterator[LogFault]:
    """Every fault of a log, streamed; nothing when it is sound. Reads one state of the file and changes nothing.

    A file that cannot be read, or not to its end, is a fault of its own (`log.unreadable`), never an exception: what
    could be read is judged all the same.
    """
    path, own = (log.path, log.codec) if isinstance(log, EventLog) else (log, Codec())
    rows = _Rows(codec or own, observe)
    checks: tuple[Check, ...] = (_guards, rows.check, _versions, _strays, _commands)
    try:
        connection = connect(path, "ro")
    except sqlite3.Error as error:
        yield LogFault(0, "log.unreadable", found=str(error))
        return
    try:
        connection.text_factory = _text
        yield from _survived(_begin, connection)
        for check in checks:
            yield from _survived(check, connection)
    finally:
        connection.close()


def _text(raw: bytes) -> str:
    """Text that survives damage: what is not UTF-8 stays different from everything that is."""
    return raw.decode("utf-8", "backslashreplace")


def _survived(check: Check, connection: Connection) -> Iterator[LogFault]:
    try:
        yield from check(connection)
    except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter for SQLite's own words about what it found
        yield LogFault(0, "log.unreadable", found=str(error))


def _begin(connection: Connection) -> Iterator[LogFault]:
    connection.execute("BEGIN")
    yield from ()


def _guards(connection: Connection) -> Iterator[LogFault]:
    for name in schema.differences(connection):
        yield LogFault(0, "log.guard", expected=name)
    for (line,) in connection.execute("PRAGMA integrity_check"):
        if line != "ok":
            yield LogFault(0, "log.unreadable", found=line)


class _Rows:
    """One pass over all events in order: each row by itself, gaps between them, the command of each, and the end."""

    def __init__(self, codec: Codec, observe: Observe | None) -> None:
        self._codec = codec
        self._observe = observe

    def check(self, connection: Connection) -> Iterator[LogFault]:
        reached, recorded_at, codec, observe = 0, "", self._codec, self._observe
        back: list[int] = []
        owners = _owners(connection)
        owned, owner = next(owners)
        for values in connection.execute(_ROWS):
            position = values[0]
            if position != reached + 1:
                yield LogFault(reached + 1, "log.gap", str(reached + 1), str(position - 1))
            while owned < position:
                owned, owner = next(owners)
            command = owner if owned == position else ""
            leaf = values[7]
            if not is_plainly_sound(values, command, codec):
                yield from self._judged(connection, values, command)
                leaf = leaf_hash(values[6]) if isinstance(values[6], bytes) else b""
            if observe is not None:
                observe(position, leaf)
            if position == reached + 1 and str(values[5]) < recorded_at:
                back.append(position)
            reached, recorded_at = position, str(values[5])
        ((noted, noted_at),) = connection.execute(_HIGH_WATER).fetchall() or [(0, "")]
        if (noted, noted_at) != (reached, recorded_at):
            yield LogFault(0, "log.tail", f"{noted} {noted_at}", f"{reached} {recorded_at}")
        yield from _clock(connection, back)

    def _judged(self, connection: Connection, values: tuple[object, ...], owner: str) -> Iterator[LogFault]:
        try:
            row = msgspec.convert(values, StoredRow)
        except msgspec.ValidationError as error:
            yield LogFault(int(str(values[0])), "log.row", found=str(error))
            return
        yield from row_faults(row, owner, self._codec, lambda: _replacement(connection, row))


def _replacement(connection: Connection, row: StoredRow) -> bytes | None:
    try:
        return replacement(connection, row.stream, row.version, row.position)
    except NOT_AN_EVENT:
        return None  # the event that names it is false itself, and named as such


def _owners(connection: Connection) -> Iterator[tuple[int, str]]:
    """Which command each position belongs to, as `commands` has it; then for ever a position beyond all."""
    for command_id, first, last in connection.execute(_OWNERS):
        for position in range(max(first, 1), last + 1):
            yield position, command_id
    while True:
        yield 2**63, ""


def _versions(connection: Connection) -> Iterator[LogFault]:
    for position, expected, found in connection.execute(_VERSIONS):
        yield LogFault(position, "log.version", str(expected), str(found))


def _strays(connection: Connection) -> Iterator[LogFault]:
    for (position,) in connection.execute(_STRAYS):
        yield LogFault(position, "log.payload-stray")


def _commands(connection: Connection) -> Iterator[LogFault]:
    expected, count = 1, 0
    for command_id, request, first, last, digest in connection.execute(_COMMANDS):
        count += 1
        if digest != command_digest(command_id, request, first, last):
            yield LogFault(first, "log.command", "as it was written", command_id)
        if first != expected:
            yield LogFault(first, "log.command", f"from {expected}", f"from {first}")
        expected = last + 1
    ((reach, commands),) = connection.execute("SELECT position, commands FROM high_water").fetchall() or [(0, 0)]
    if (expected, count) != (reach + 1, commands):
        yield LogFault(0, "log.command", f"{commands} to {reach}", f"{count} to {expected - 1}")


def _clock(connection: Connection, back: list[int]) -> Iterator[LogFault]:
    """Positions at which the clock went back, as the rows show it and as they were noted."""
    noted = {position for (position,) in connection.execute("SELECT position FROM clock_back")}
    for position in sorted(noted.symmetric_difference(back)):
        yield LogFault(position, "log.clock", str(position in back), str(position in noted))
