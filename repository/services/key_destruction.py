"""Destroying keys (销毁密钥): one person asks, another approves, and it ends only when no copy is left that opens.

An old version of a key goes once no record needs it any more. A class key goes with every record under it, and with the
keys of the words that describe them: its packages stay where they are, true to their digests and provable, and nobody
opens them again, or reads what they were called.
"""

from collections.abc import Callable
from uuid import UUID

import msgspec

from repository.crypto import KeyVersion, RecordHead
from repository.domain import key_ring, run
from repository.domain.aggregate import New
from repository.domain.archival_package import ARCHIVAL_PACKAGE
from repository.domain.key_ring import Destruction, Key, KeyPurpose
from repository.domain.run import RUN, RunKind, Shredded
from repository.domain.values import Outcome, Value
from repository.errors import ArchiveError
from repository.services.key_ring import change_ring, ring
from repository.services.preserving import forget_keys
from repository.services.rekeying import KEYS, expect_no_records, interrupted
from repository.services.session import Progress, Session
from repository.storage import run_lock

AT_ONCE = 500
"""Records of one `Shredded`."""


class DestructionReport(msgspec.Struct, frozen=True, kw_only=True):
    """How far a destruction is. `ended` only when nothing anywhere opens; else `copies_left` are why not."""

    schema: str = "jingui.key-destruction/1"
    key: UUID
    name: str
    version: int | None
    ended: bool
    packages: int
    copies_left: tuple[UUID, ...] = ()
    places: tuple[str, ...] = ()


def request_destruction(session: Session, name: str, version: int | None, *, reason: str, legal_basis: str) -> None:
    """Ask. Refused while a hold (冻结) lies on a package that could be opened no more (`package-held`)."""
    session.require("keep-keys")
    key = ring(session).named(name)
    _expect_free(session, key, version)
    change_ring(
        session,
        "request-key-destruction",
        lambda state: key_ring.request_destruction(
            state, name, version, reason=reason, legal_basis=legal_basis, agents=session.agents
        ),
    )


def withdraw_destruction(session: Session, name: str, version: int | None, reason: str) -> None:
    """Take a request back, as long as nobody approved it."""
    session.require("keep-keys")
    change_ring(
        session,
        "withdraw-key-destruction",
        lambda state: key_ring.withdraw_destruction(state, name, version, reason),
    )


def approve_destruction(session: Session, name: str, version: int | None, progress: Progress) -> DestructionReport:
    """Agree, and carry it out. Refused to whoever asked (`second-person-needed`), and for what is held or in use."""
    session.require("approve-key-destruction")
    state = ring(session)
    asked = key_ring.requested(state, name, version)
    if not asked.approved:
        _expect_free(session, state.named(name), version)
        change_ring(
            session,
            "approve-key-destruction",
            lambda now: key_ring.approve_destruction(now, name, version, session.agents),
        )
    return _carry_out(session, asked, progress)


def finish_destructions(session: Session, progress: Progress) -> tuple[DestructionReport, ...]:
    """Go on with every destruction that was approved and is not at its end."""
    session.require("keep-keys")
    approved = [one for one in ring(session).destructions.values() if one.approved]
    return tuple(_carry_out(session, one, progress) for one in approved)


def shredded_packages(session: Session) -> tuple[UUID, ...]:
    """Every package whose keys were destroyed."""
    session.require("survey")
    found: dict[UUID, None] = {}
    for event in session.log.events(types=["Run.Shredded"]):
        if isinstance(event.payload, Shredded):
            found.update(dict.fromkeys(event.payload.packages))
    return tuple(found)


def _carry_out(session: Session, asked: Destruction, progress: Progress) -> DestructionReport:
    """Carry a destruction out; may die anywhere and be called again.

    (1) records go, each batch named by its event first; (2) the key's material; (3) it ends, if no copy is left.
    """
    state = ring(session)
    key = state.keys[asked.key]
    with run_lock(session.folder, KEYS):
        # (1)
        if asked.version is None:
            _shred(session, key, progress)
        # (2)
        for version in key.versions:
            if asked.version in {None, version.number}:
                _destroy_material(session, key, version.number, version.public)
        session.package_keys.forget()
        if asked.version is None:
            _shred(session, key, progress)  # what somebody sealed meanwhile, who had asked for the key before
        # (3)
        packages = _shredded_with(session, key.id) if asked.version is None else 0
        left = key_ring.unreached(ring(session), asked)
        if not left:
            change_ring(
                session,
                "end-key-destruction",
                lambda now: key_ring.end_destruction(now, key.id, asked.version, packages),
            )
    return DestructionReport(
        key=key.id,
        name=key.name,
        version=asked.version,
        ended=not left,
        packages=packages,
        copies_left=tuple(one.id for one in left),
        places=tuple(str(one.place) for one in left),
    )


def _shred(session: Session, key: Key, progress: Progress) -> None:
    records = _records_of(session, key.id)
    dead = interrupted(session, RunKind.SHRED)
    if not records and dead is None:
        return
    identifier = dead or session.new_id()
    if dead is None:
        started = run.Started(kind=RunKind.SHRED, scope=str(key.id), target=None)
        _append(session, identifier, lambda now: run.start(now, started))
    done = 0
    for start in range(0, len(records), AT_ONCE):
        batch = records[start : start + AT_ONCE]
        shredded = Shredded(key=key.id, packages=tuple(dict.fromkeys(one.package for one in batch)))
        _append(session, identifier, lambda now, said=shredded: run.shred(now, said))  # type: ignore[misc]  # mypy knows no bound defaults
        session.vault.destroy_words(shredded.packages)  # first: whoever goes on finds the rest by the records
        session.package_keys.destroy(batch)
        forget_keys(session)
        done += len(batch)
        progress("shred", done, len(records))
    session.package_keys.tidy()
    finished = run.Finished(outcome=Outcome.PASSED, done=done, findings=(), findings_total=0)
    _append(session, identifier, lambda now: run.finish(now, finished))


def _destroy_material(session: Session, key: Key, number: int, public: str) -> None:
    match key.purpose:
        case KeyPurpose.CLASS:
            session.key_store.destroy(KeyVersion(key.id, number))
        case KeyPurpose.READERS:
            session.vault.destroy_master(UUID(public))
        case KeyPurpose.RECOVERY:
            pass  # its shares are with people; whoever approves says that they were destroyed


def _expect_free(session: Session, key: Key, version: int | None) -> None:
    """Nothing that is held or still needed is destroyed."""
    if version is not None:
        expect_no_records(session, KeyVersion(key.id, version))
        if key.purpose is KeyPurpose.READERS and session.vault.stale(UUID(key.current.public)):
            raise ArchiveError("key-in-use", key.name)
        return
    for package in {head.package for head in _records_of(session, key.id)}:
        if session.log.load(ARCHIVAL_PACKAGE, package).state.holds:
            raise ArchiveError("package-held", package)


def _records_of(session: Session, key: UUID) -> list[RecordHead]:
    return [head for head in session.package_keys.heads() if head.class_key.key == key]


def _shredded_with(session: Session, key: UUID) -> int:
    packages: set[UUID] = set()
    for event in session.log.events(types=["Run.Shredded"]):
        if isinstance(event.payload, Shredded) and event.payload.key == key:
            packages.update(event.payload.packages)
    return len(packages)


def _append(session: Session, identifier: UUID, decide: Callable[[run.State], list[Value]]) -> None:
    session.perform(
        "shred",
        lambda streams: [New(identifier, payload) for payload in decide(streams.load(RUN, identifier).state)],
        correlation=identifier,
        archive=None,
    )
