"""Rekeying (换钥): after a rotation every record is wrapped anew to the keys of now. No byte of a package is read.

A run that says which packages it has done, in the order of their ids. One that died is taken up behind its last word:
whatever lies there is wrapped anew, also what the dead run had done and not yet said, so that the log misses none.
"""

from collections.abc import Callable, Iterator
from uuid import UUID

import msgspec

from repository.crypto import KeyVersion, RecordHead, Wrapping
from repository.domain import run
from repository.domain.aggregate import New
from repository.domain.key_ring import KeyAt, KeyPurpose, State
from repository.domain.run import RUN, Rekeyed, RunKind
from repository.domain.values import Outcome, Value
from repository.errors import ArchiveError
from repository.services.key_ring import ring, wrapping_of
from repository.services.session import Progress, Session
from repository.storage import run_lock

AT_ONCE = 500
"""Records that are replaced together, and of one `Rekeyed`."""

KEYS, SCOPE = "keys", "records"
"""Name of the work, which one process does at a time; and the scope of its runs."""


class RekeyReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was wrapped anew, or would be: records of packages, and of readers."""

    schema: str = "jingui.rekey/1"
    run: UUID | None
    dry_run: bool
    packages: int
    readers: int


def rekey(session: Session, *, dry_run: bool, progress: Progress) -> RekeyReport:
    """Wrap every record to the present versions of its keys. With `dry_run` only counts what would be done.

    (1) whoever asks may; (2) the ring says to which keys; (3) readers' records follow their master key; (4) a run that
    died is taken up, or a new one begins if there is anything to do; (5) records are wrapped, batch by batch, each
    followed by its event; (6) what dead writers left is destroyed, and the run ends.
    """
    # (1)
    session.require("keep-keys")
    with run_lock(session.folder, KEYS):
        return _rekey(session, dry_run=dry_run, progress=progress)


def _rekey(session: Session, *, dry_run: bool, progress: Progress) -> RekeyReport:
    # (2)
    state = ring(session)
    wrappings = _wrappings(state)
    # (3)
    readers = _readers(session, state, dry_run=dry_run, progress=progress)
    # (4)
    dead = interrupted(session)
    after = "" if dead is None else _last_word(session, dead)
    due = [head for head in session.package_keys.heads() if _is_due(head, wrappings, after if dead else None)]
    if dry_run or not (due or dead):
        return RekeyReport(run=None, dry_run=dry_run, packages=len(due), readers=readers)
    identifier = dead or session.new_id()
    if dead is None:
        started = run.Started(kind=RunKind.REKEY, scope=SCOPE, target=None)
        _append(session, identifier, lambda now: run.start(now, started))
    # (5)
    done = 0
    for batch in _batches(due):
        session.package_keys.rewrap(batch, wrappings.__getitem__)
        rekeyed = Rekeyed(keys=_keys_of(batch, wrappings), packages=tuple(dict.fromkeys(one.package for one in batch)))
        done += len(batch)
        progressed = run.Progressed(done=done, total=len(due), cursor=_place(batch[-1]))
        _append(
            session,
            identifier,
            lambda now, said=rekeyed, far=progressed: [*run.rekey(now, said), *run.progress(now, far)],  # type: ignore[misc]  # mypy knows no bound defaults
        )
        progress("rekey", done, len(due))
    # (6)
    session.package_keys.tidy()
    finished = run.Finished(outcome=Outcome.PASSED, done=done, findings=(), findings_total=0)
    _append(session, identifier, lambda now: run.finish(now, finished))
    session.package_keys.forget()
    return RekeyReport(run=identifier, dry_run=False, packages=done, readers=readers)


def would_rotate(session: Session, name: str) -> RekeyReport:
    """What a rotation of this key would wrap anew: every record under it."""
    session.require("keep-keys")
    key = ring(session).named(name)
    packages = sum(key.id in (one.class_key.key, one.recovery.key) for one in session.package_keys.heads())
    readers = session.vault.count() if key.purpose is KeyPurpose.READERS else 0
    return RekeyReport(run=None, dry_run=True, packages=packages, readers=readers)


def stale_records(session: Session, state: State) -> Iterator[RecordHead]:
    """Records that are not wrapped to the present versions of their keys."""
    wrappings = _wrappings(state)
    return (head for head in session.package_keys.heads() if _is_due(head, wrappings, None))


def interrupted(session: Session, kind: RunKind = RunKind.REKEY) -> UUID | None:
    """The run of that kind that began and did not end."""
    ended = {event.envelope.stream for event in session.log.events(types=["Run.Finished"])}
    for event in session.log.events(types=["Run.Started"]):
        payload = event.payload
        if isinstance(payload, run.Started) and payload.kind is kind and event.envelope.stream not in ended:
            return event.envelope.stream
    return None


def _wrappings(state: State) -> dict[UUID, Wrapping]:
    """Of every class key that lives; those that are being destroyed are left to their end."""
    going = {one.key for one in state.destructions.values() if one.version is None and one.approved}
    return {key.id: wrapping_of(state, key) for key in state.living(KeyPurpose.CLASS) if key.id not in going}


def _readers(session: Session, state: State, *, dry_run: bool, progress: Progress) -> int:
    key = next(state.living(KeyPurpose.READERS), None)
    if key is None:
        return 0
    master = UUID(key.current.public)
    due = len(session.vault.stale(master))
    if not dry_run:
        done = 0

        def wrapped(more: int) -> None:
            nonlocal done
            done += more
            progress("rekey", done, due)

        session.vault.follow(master, wrapped)
    return due


def _is_due(head: RecordHead, wrappings: dict[UUID, Wrapping], after: str | None) -> bool:
    wrapping = wrappings.get(head.class_key.key)
    if wrapping is None:
        return False
    if after is not None and _place(head) > after:
        return True
    return (head.class_key, head.recovery) != wrapping.versions


def _place(head: RecordHead) -> str:
    return f"{head.package}.g{head.generation}"


def _last_word(session: Session, dead: UUID) -> str:
    progressed = session.log.load(RUN, dead).state.progressed
    return "" if progressed is None else progressed.cursor


def _batches(due: list[RecordHead]) -> Iterator[list[RecordHead]]:
    ordered = sorted(due, key=_place)
    for start in range(0, len(ordered), AT_ONCE):
        yield ordered[start : start + AT_ONCE]


def _keys_of(batch: list[RecordHead], wrappings: dict[UUID, Wrapping]) -> tuple[KeyAt, ...]:
    versions: set[KeyVersion] = set()
    for head in batch:
        versions.update(wrappings[head.class_key.key].versions)
    return tuple(KeyAt(key=one.key, version=one.version) for one in sorted(versions))


def _append(session: Session, identifier: UUID, decide: Callable[[run.State], list[Value]]) -> None:
    session.perform(
        "rekey",
        lambda streams: [New(identifier, payload) for payload in decide(streams.load(RUN, identifier).state)],
        correlation=identifier,
        archive=None,
    )


def expect_no_records(session: Session, of: KeyVersion) -> None:
    """Refuse while a record is wrapped to this version (`key-in-use`)."""
    if any(of in (head.class_key, head.recovery) for head in session.package_keys.heads()):
        raise ArchiveError("key-in-use", of.key)
