"""Audit (审计): whether everything that the archive says is still true - the log, the packages, and the catalogue."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import msgspec

from packages_spec.findings import Finding, Severity
from repository.catalogue import Catalogue
from repository.domain.archival_package import ARCHIVAL_PACKAGE, Stored
from repository.domain.envelope import Event
from repository.errors import ArchiveError
from repository.eventlog import LogFault, Observe, verify_log
from repository.services.package_check import check_package
from repository.services.search import position_of
from repository.services.session import Progress, Session
from repository.storage import object_id


class Fault(msgspec.Struct, frozen=True, order=True):
    """One thing that is not true, and of what: `where` is `log`, `store` or `catalogue`."""

    where: str
    thing: str
    code: str
    path: str
    zh: str
    en: str


class AuditReport(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on the whole archive: how much was checked, and everything that was found."""

    schema: str = "jingui.fsck/1"
    sound: bool
    events: int
    packages: int
    files: int
    catalogue_sha256: str
    faults: tuple[Fault, ...]


def fsck(session: Session, progress: Progress, observe: Observe | None = None) -> AuditReport:
    """Check everything there is to check, and name what is false. Reads every stored byte once; changes nothing.

    `observe` is shown every leaf in order, so that who judges more of the log need not read it again.
    """
    session.require("audit")
    faults: list[Fault] = []

    # 1 the log: streams, envelopes against columns, payload digests, leaves, positions
    faults += map(_log_fault, verify_log(session.log, observe=observe))
    log_is_sound = not faults

    # 2 the packages that the log says are stored: inventories, bags, METS against files, their history against the log
    stored = dict(_stored(session))
    files = 0
    for number, (package, event) in enumerate(stored.items(), 1):
        checked, findings = check_package(session, package, event)
        files += checked
        errors = (finding for finding in findings if finding.severity is Severity.ERROR)
        faults += [fault_of("store", str(package), finding) for finding in errors]
        progress("verify", number, len(stored))

    # 3 the store itself, and what lies in it and no event speaks of
    faults += [fault_of("store", "store", finding) for finding in session.store.judge_root()]
    for package, generation in session.store.held():
        known = stored[package].payload if package in stored else None
        is_stored = isinstance(known, Stored) and known.generation == generation
        if not is_stored and not _is_accounted_for(session, package, generation):
            faults.append(fault_of("store", str(package), _without_event(session, package, generation)))

    # 4 the catalogue against a replay of the log; of a false log nothing can be replayed
    digest = ""
    if log_is_sound:
        digest, wrong = _catalogue(session, progress)
        faults += wrong
    return AuditReport(
        sound=not faults,
        events=session.log.position(),
        packages=len(stored),
        files=files,
        catalogue_sha256=digest,
        faults=tuple(faults),
    )


def audit_log(path: Path, observe: Observe | None = None) -> AuditReport:
    """The log alone, for an archive that its log no longer opens: who asks, and what is stored, is not known then.

    Where the log is false the store and the catalogue count as not checked, which is a fault of its own.
    """
    faults = tuple(map(_log_fault, verify_log(path, observe=observe)))
    unchecked = (fault_of("store", "store", Finding("archive.not-checked", "store")),) if faults else ()
    return AuditReport(
        sound=not faults, events=0, packages=0, files=0, catalogue_sha256="", faults=(*faults, *unchecked)
    )


def _log_fault(fault: LogFault) -> Fault:
    words = fault.message("zh"), fault.message("en")
    return Fault("log", str(fault.position), fault.code, str(fault.position), *words)


def fault_of(where: str, thing: str, finding: Finding) -> Fault:
    """What was found, as a fault."""
    return Fault(where, thing, finding.code, finding.path, finding.message("zh"), finding.message("en"))


def _stored(session: Session) -> Iterator[tuple[UUID, Event]]:
    for event in session.log.events(types=["ArchivalPackage.Stored"]):
        yield event.envelope.stream, event


def _is_accounted_for(session: Session, package: UUID, generation: int) -> bool:
    """Whether a living process commits it at this moment, or has committed it since the audit began."""
    if session.store.is_being_committed(package):
        return True
    state = session.log.load(ARCHIVAL_PACKAGE, package).state
    return generation not in state.expunged and any(one.generation == generation for one in state.stored)


def _without_event(session: Session, package: UUID, generation: int) -> Finding:
    """An object that no `Stored` speaks of; or one whose removal was recorded, and which lies there still."""
    if generation in session.log.load(ARCHIVAL_PACKAGE, package).state.expunged:
        return Finding("archive.expunged-object", object_id(package, generation))
    return Finding("archive.object-without-event", str(package))


def _catalogue(session: Session, progress: Progress) -> tuple[str, list[Fault]]:
    """Digest of the catalogue, and what is false in it. One that knows more than the log shows that the log was cut."""
    try:
        reached, end = session.catalogue.position(), session.log.position()
        if reached > end:
            finding = Finding("archive.catalogue-ahead", "catalogue", str(reached), str(end))
            return "", [fault_of("log", str(end), finding)]
        replayed = replay(session, None, progress)
    except ArchiveError as error:
        if error.code != "catalogue-damaged":
            raise
        return "", [
            fault_of("catalogue", "catalogue", Finding("archive.catalogue-damaged", "catalogue", "", str(error)))
        ]
    if replayed.same:
        return replayed.live_sha256, []
    finding = Finding("archive.catalogue-against-log", "catalogue", replayed.replayed_sha256, replayed.live_sha256)
    return replayed.live_sha256, [fault_of("catalogue", "catalogue", finding)]


class ReplayReport(msgspec.Struct, frozen=True, kw_only=True):
    """The log folded anew up to a position, beside the live catalogue as of that position."""

    schema: str = "jingui.replay/1"
    position: int
    same: bool
    live_sha256: str
    replayed_sha256: str


def replay(session: Session, as_of: str | None, progress: Progress) -> ReplayReport:
    """Fold the log into an empty catalogue, up to a moment or to its end, and compare digests. Changes nothing."""
    session.require("audit")
    last = session.catch_up()
    position = position_of(session, as_of)
    upto = last if position is None else min(position, last)
    with tempfile.TemporaryDirectory(prefix="jingui-replay-") as place:
        fresh = Catalogue.open(Path(place))
        try:
            fresh.catch_up(session.log, upto=upto, progress=lambda done, end: progress("rebuild", done, end))
            replayed = fresh.digest(upto=upto)
        finally:
            fresh.close()
    live = session.catalogue.digest(upto=upto)
    return ReplayReport(position=upto, same=live == replayed, live_sha256=live, replayed_sha256=replayed)


def rebuild(session: Session, progress: Progress) -> int:
    """Make the catalogue anew beside the live one, and swap. The position that it reached."""
    session.require("work")
    return session.catalogue.rebuild(session.log, progress=lambda done, end: progress("rebuild", done, end))
