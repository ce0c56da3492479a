"""What the doctor looks at, one small check each: what was found, by its code in `doctor.toml`, and its values."""

import re
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Literal
from uuid import UUID

from repository.domain.accession import ACCESSION, Stage
from repository.domain.values import Role
from repository.services.fixity_age import fixity_state
from repository.services.jobs import open_accessions
from repository.services.key_ring import departed_holders, ring
from repository.services.preserving import store_states
from repository.services.rekeying import stale_records
from repository.services.replication import waiting_counts
from repository.services.schedule import schedule
from repository.services.session import SOFTWARE, Session
from repository.services.virus import ClamAv
from repository.storage import probe

FULL, LOW = 1_000_000_000, 0.1
"""Free bytes below which nothing more should be written, and the free part below which room has to be made."""

LAGGING = 10_000
SIGNATURES_DAYS, VIRUSES_DAYS = 365, 7
"""Age in days from which signatures of formats and of viruses want attention."""

STORES_SECONDS = 60
"""How long an event may wait for a store."""

State = Literal["ok", "attention", "failed", "not checked"]


Found = tuple[State, str, dict[str, object]]
Check = Callable[[Session], Iterator[Found]]


def _space(session: Session) -> Iterator[Found]:
    usage = shutil.disk_usage(session.folder)
    values: dict[str, object] = {"free": _size(usage.free), "total": _size(usage.total)}
    if usage.free < FULL:
        yield "failed", "full", values
    elif usage.free < usage.total * LOW:
        yield "attention", "low", values
    else:
        yield "ok", "ok", values


def _clock(session: Session) -> Iterator[Found]:
    recorded, now = session.log.recorded_at(session.log.position()) or "", session.now()
    back = session.log.clock_back()
    if now < recorded:
        yield "failed", "behind", {"recorded": recorded, "now": now}
    if back:
        yield "attention", "back", {"count": len(back), "position": back[-1]}
    if now >= recorded and not back:
        yield "ok", "ok", {}


def _people(session: Session) -> Iterator[Found]:
    session.catch_up()
    agents = session.catalogue.agents(producers=False, limit=1_000).entries
    count = sum(Role.ADMINISTRATOR in one.roles and bool(one.credentials) for one in agents)
    yield ("ok", "ok", {"count": count}) if count > 1 else ("attention", "alone", {})


def _keys(session: Session) -> Iterator[Found]:
    """Whether the key of every reader, but for those that were destroyed on purpose, opens."""
    readers = [event.envelope.stream for event in session.log.events(types=["Reader.Introduced"])]
    destroyed = {event.envelope.stream for event in session.log.events(types=["Reader.SubjectKeyDestroyed"])}
    wanted = dict.fromkeys(one for one in readers if one not in destroyed)
    for subject in wanted:
        session.vault.key(subject)
    yield ("ok", "ok", {"count": len(wanted)}) if wanted else ("not checked", "none", {})


def _ring(session: Session) -> Iterator[Found]:
    """What is due in the ring: holders who left, records that a rotation left, destructions that are not at their end.

    Records are opened by nobody here: that takes a passphrase, and is what the drill is for.
    """
    state = ring(session)
    if not state.keys:
        yield "not checked", "none", {}
        return
    found: list[Found] = []
    gone = {key.name: len(left) for key in state.keys.values() if (left := departed_holders(session, key))}
    if gone:
        found.append(("attention", "departed", {"names": ", ".join(gone), "count": sum(gone.values())}))
    stale = sum(1 for _ in stale_records(session, state))
    if stale:
        found.append(("attention", "stale", {"count": stale}))
    open_ones = [state.keys[one.key].name for one in state.destructions.values()]
    if open_ones:
        found.append(("attention", "open", {"names": ", ".join(open_ones)}))
    if not any(session.log.events(types=["KeyRing.RecoveryProven"])):
        found.append(("attention", "untried", {}))
    yield from found or [("ok", "ok", {"count": len(state.keys)})]


def _program(_: Session) -> Iterator[Found]:
    try:
        declared = [one for one in requires(SOFTWARE) or [] if "extra ==" not in one]
    except PackageNotFoundError:
        yield "not checked", "unknown", {}
        return
    names = [re.split(r"[^A-Za-z0-9._-]", one, maxsplit=1)[0] for one in declared]
    missing = [name for name in names if not _is_installed(name)]
    values: dict[str, object] = {
        "python": sys.version.split()[0],
        "sqlite": sqlite3.sqlite_version,
        "count": len(names),
    }
    yield ("failed", "missing", {"names": ", ".join(missing)}) if missing else ("ok", "ok", values)


def _is_installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def _formats(session: Session) -> Iterator[Found]:
    if session.identifier is None:
        yield "not checked", "off", {}
        return
    about = session.identifier.about
    dated = re.search(r"\d{8}(?=\.xml)", about.signatures)
    days = _days_since(session, datetime.strptime(dated[0], "%Y%m%d").replace(tzinfo=UTC)) if dated else 0
    values: dict[str, object] = {"tool": about.tool, "signatures": about.signatures, "days": days}
    yield ("attention", "old", values) if days > SIGNATURES_DAYS else ("ok", "ok", values)


def _scanner(session: Session) -> Iterator[Found]:
    if session.settings.virus_scanner is None:
        yield "attention", "none", {}
        return
    scanner = ClamAv(session.settings.virus_scanner)
    values: dict[str, object] = {"tool": scanner.tool, "signatures": scanner.signatures}
    try:
        made = datetime.strptime(scanner.signatures.partition("/")[2], "%a %b %d %H:%M:%S %Y").astimezone()
    except ValueError:
        yield "not checked", "undated", values
        return
    days = _days_since(session, made)
    yield ("attention", "old", {**values, "days": days}) if days > VIRUSES_DAYS else ("ok", "ok", values)


def _days_since(session: Session, moment: datetime) -> int:
    return (session.clock() - moment).days


def _disk(session: Session) -> Iterator[Found]:
    probe(session.folder)
    yield ("ok", "ok", {}) if session.settings.sync else ("attention", "unsynced", {})


def _log(session: Session) -> Iterator[Found]:
    yield "ok", "ok", {"events": session.log.position()}


def _catalogue(session: Session) -> Iterator[Found]:
    lag = session.log.position() - session.catalogue.position()
    error = next((one.last_error for one in session.catalogue.board() if one.last_error), None)
    position = session.catch_up()
    if error is not None:
        yield "attention", "error", {"error": error}
    elif lag > LAGGING:
        yield "attention", "lag", {"lag": lag}
    else:
        yield "ok", "ok", {"position": position}


def _fixity(session: Session) -> Iterator[Found]:
    session.catch_up()
    state, days = fixity_state(session), session.settings.fixity_age_days
    budget = session.settings.fixity_daily_bytes
    values: dict[str, object] = {"days": days, "packages": state.packages}
    if state.damaged:
        named = ", ".join(map(str, state.damaged))
        yield "failed", "damaged", {"count": len(state.damaged), "packages": named}
    if state.overdue:
        size = _size(state.overdue_bytes)
        yield "attention", "overdue", {**values, "count": state.overdue, "size": size, "oldest": state.oldest}
    if state.bytes > budget * days / 2:
        yield "attention", "budget", {**values, "budget": _size(budget), "size": _size(state.bytes)}
    if not state.damaged and not state.overdue:
        yield "ok", "ok", values


def _jobs(session: Session) -> Iterator[Found]:
    jobs = schedule(session).jobs
    for state in ("failed", "due"):
        if names := [job.name for job in jobs if job.state == state]:
            yield "attention", state, {"names": ", ".join(names)}
    if not any(job.state in ("failed", "due") for job in jobs):
        yield "ok", "ok", {}


def _work(session: Session) -> Iterator[Found]:
    session.catch_up()
    stages = [one.stage for one in open_accessions(session)]
    rejected = stages.count(Stage.REJECTED)
    values: dict[str, object] = {"count": len(stages) - rejected, "rejected": rejected}
    yield ("attention", "unfinished", values) if len(stages) > rejected else ("ok", "ok", values)


def _quarantine(session: Session) -> Iterator[Found]:
    rooms = ("suspect", "uploads", "tasks")
    left = [path for path in _folders(session.quarantine) if path.name not in rooms and not _is_wanted(session, path)]
    suspect = list(_folders(session.quarantine / "suspect"))
    staged = [path for path in _folders(session.store.staging) if _is_interrupted(session, path)]
    for code, paths in (("left", left), ("suspect", suspect), ("interrupted", staged)):
        if paths:
            named = ", ".join(str(path.relative_to(session.folder)) for path in paths)
            yield "attention", code, {"paths": named}
    if not left + suspect + staged:
        yield "ok", "ok", {}


def _folders(place: Path) -> Iterator[Path]:
    yield from sorted(path for path in place.iterdir() if path.is_dir()) if place.is_dir() else ()


def _is_wanted(session: Session, path: Path) -> bool:
    """Whether what lies there belongs to an accession that still needs it."""
    try:
        accession = session.log.load(ACCESSION, UUID(path.name))
    except ValueError:
        return False
    return accession.version > 0 and accession.state.stage is not Stage.COMPLETED


def _is_interrupted(session: Session, path: Path) -> bool:
    """Whether a package's commit was left half-way, and nobody is at it."""
    try:
        return not session.store.is_being_committed(UUID(path.name))
    except ValueError:
        return False


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def _stores(session: Session) -> Iterator[Found]:
    """Whether every store has the log and the packages; of one that contradicts the log nothing is made good."""
    states = store_states(session)
    if not states:
        yield "attention", "none", {}
        return
    found: list[Found] = []
    for one in states:
        values: dict[str, object] = {"path": one.path, "count": one.behind, "seconds": one.seconds}
        if one.problem in ("tails-contradict", "store-of-another"):
            found.append(("failed", "contradict" if one.problem == "tails-contradict" else "foreign", values))
        elif one.problem:
            found.append(("attention", "away", values))
        elif one.seconds > STORES_SECONDS:
            found.append(("attention", "behind", values))
    for path, count in waiting_counts(session).items() if not found else ():
        if count:
            found.append(("attention", "copies", {"path": path, "count": count}))
    yield from found or [("ok", "ok", {"count": len(states)})]


CHECKS: dict[str, Check] = {
    "space": _space,
    "clock": _clock,
    "program": _program,
    "formats": _formats,
    "scanner": _scanner,
    "disk": _disk,
    "log": _log,
    "catalogue": _catalogue,
    "people": _people,
    "keys": _keys,
    "ring": _ring,
    "stores": _stores,
    "fixity": _fixity,
    "jobs": _jobs,
    "work": _work,
    "quarantine": _quarantine,
}
"""What is looked at, in this order: the catalogue's lag before anything brings it up to the log."""
