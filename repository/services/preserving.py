"""Preserving the log (日志自身的保存): new events reach every store, in a thread and at the end of each command.

A store that cannot be reached, or that holds another history, never stops the archive's work: its lag is shown by
`status` and named by the doctor until it is whole again. Of a store that contradicts the log nothing is overwritten.
Besides the events it gets what is needed to make sense of them: the newest signed head, the settings, and the vault's
wrapped keys. With further stores the archive's own store is given tails as well.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from uuid import UUID

import msgspec

from repository.crypto.mirror import forget, keep_master, mirror
from repository.errors import ArchiveError, storage_error
from repository.eventlog import Record, commands_of
from repository.services.checkpoints import CHECKPOINT, EVIDENCE, PUBLIC_KEY
from repository.services.key_ring import ring
from repository.services.policy import FILE as RIGHTS
from repository.services.session import Session
from repository.settings import FILE as SETTINGS
from repository.settings import vault_key_file
from repository.storage import SMALL, SecondStore, Span, StoreMark, Tails, write_atomic

VAULT = "9002-jingui-vault"
"""The extension in which wrapped keys lie."""
AT_ONCE = 100_000
"""Events of one tail at most."""


class StoreState(msgspec.Struct, frozen=True, kw_only=True):
    """How far a store has come: `behind` events are not in its tails, the oldest of them for `seconds`.

    All three figures are null where nobody can look. `problem` is the code of what keeps it from being read, empty
    where nothing does.
    """

    path: str
    store: UUID | None
    reached: int | None
    behind: int | None
    seconds: int | None
    problem: str = ""


def further_stores(session: Session) -> list[Path]:
    """Where the settings say that further stores are. `store-inside` for one inside the archive's folder."""
    places = [(session.folder / one).resolve() for one in session.settings.stores]
    for place in places:
        if place.is_relative_to(session.folder):
            raise ArchiveError("store-inside", place)
    return places


def _roots(session: Session) -> list[Path]:
    places = further_stores(session)
    return [session.store.root, *places] if places else []


def opened(session: Session, place: Path) -> SecondStore:
    """A further store, or the archive's own, marked as this archive's. `store-unreached`, `store-of-another`."""
    store = SecondStore.at(place, sync=session.settings.sync)
    store.tails.prepare(session.settings.id, session.new_id())
    return store


def every_store(session: Session) -> Iterator[SecondStore]:
    """Every further store, for whoever must reach them all: raises for the first that cannot be reached.

    This and `every_tail` are how copies are found and removed.
    """
    for place in further_stores(session):
        yield opened(session, place)


def every_tail(session: Session) -> Iterator[Tails]:
    """The tails of every store, the archive's own among them; raises for the first that cannot be reached."""
    for place in _roots(session):
        yield opened(session, place).tails


def keep_log(session: Session) -> dict[str, ArchiveError]:
    """Bring every store to the end of the log; what kept some from it, by their places. Idempotent, raises nothing."""
    failed: dict[str, ArchiveError] = {}
    try:
        places = _roots(session)
    except ArchiveError as error:
        return {", ".join(session.settings.stores): error}
    for place in places:
        try:
            _keep(session, place)
        except ArchiveError as error:
            if error.code != "locked":  # another process keeps at this moment what this one would have
                failed[str(place)] = error
        except OSError as error:
            failed[str(place)] = storage_error(error, place)
    return failed


def _keep(session: Session, place: Path) -> None:
    """Bring one store to the end of the log."""
    tails = opened(session, place).tails
    with tails.held():
        # 1 the head that was signed, read first: what is appended meanwhile can only make the tails longer
        evidence = session.folder / EVIDENCE
        head = _bytes(evidence / CHECKPOINT)

        # 2 the events that are not there yet, in tails of a bounded size
        end, reached = session.log.position(), tails.reached()
        if end < reached:
            raise ArchiveError("tails-contradict", place, position=end + 1)
        while reached < end:
            span = _next(tails, reached, end)
            tails.write(
                span,
                (one.envelope + b"\n" for one in session.log.raw(after=span.first - 1, upto=span.last)),
                (payload_line(one) for one in session.log.raw(after=span.first - 1, upto=span.last)),
                (
                    msgspec.json.encode(one) + b"\n"
                    for one in commands_of(session.log.path, after=span.first - 1, upto=span.last)
                ),
            )
            reached = span.last

        # 3 what makes sense of them
        for name, data in (
            (CHECKPOINT, head),
            (PUBLIC_KEY, _bytes(evidence / PUBLIC_KEY)),
            (SETTINGS, _bytes(session.folder / SETTINGS)),
            (RIGHTS, _bytes(session.folder / RIGHTS)),
        ):
            if data is not None and _bytes(tails.folder / name) != data:
                write_atomic(tails.folder / name, data)
        _keep_keys(session, place)


def _next(tails: Tails, reached: int, end: int) -> Span:
    """The next tail: it begins with the last one where that is small."""
    covering = tails.covering()
    first = reached + 1
    if covering and covering[-1].last - covering[-1].first + 1 < SMALL:
        first = covering[-1].first
    return Span(first, min(end, max(reached, first) + AT_ONCE - 1))


def _keep_keys(session: Session, place: Path) -> None:
    target = place / "extensions" / VAULT
    mirror(session.folder / "vault", target)
    recovery = ring(session).recovery
    if recovery is not None and (session.folder / "vault" / "vault.json").exists():
        keep_master(vault_key_file(session.settings), recovery.current.public, target)


def payload_line(record: Record) -> bytes:
    """A payload, its bytes as a JSON string; null for one that was expunged."""
    salt = None if record.salt is None else record.salt.hex()
    payload = None if record.payload is None else record.payload.decode()
    return msgspec.json.encode({"position": record.position, "salt": salt, "payload": payload}) + b"\n"


def blank_copies(session: Session, positions: Sequence[int]) -> int:
    """Take payloads that left the log out of the tails of every store; how many tails were changed.

    Whoever removes calls this after `log.expunge`: what is written later is read from a log that has them no more.
    Raises for a store that cannot be reached, `locked` while tails are being written: the removal is not at its end.
    """
    empty = {at: msgspec.json.encode({"position": at, "salt": None, "payload": None}) + b"\n" for at in positions}
    changed = 0
    for tails in every_tail(session) if empty else ():
        with tails.held():
            changed += tails.blank(empty)
    return changed


def stands_in_tails(session: Session, words: str) -> list[Path]:
    """The stores in whose tails these words stand, as JSON spells them: to be asked after a removal."""
    spelled = msgspec.json.encode(words)[1:-1]
    inner = msgspec.json.encode(spelled.decode())[1:-1]  # a payload is a JSON string inside a line
    return [tails.root for tails in every_tail(session) if tails.holding(spelled) or tails.holding(inner)]


def forget_keys(session: Session) -> int:
    """Destroy in every store the wrapped keys that were destroyed in the vault; how many. Raises as `every_tail`."""
    return sum(forget(session.folder / "vault", tails.root / "extensions" / VAULT) for tails in every_tail(session))


def store_states(session: Session) -> tuple[StoreState, ...]:
    """How far each store has come. Reads names alone, and writes nothing."""
    end = session.log.position()
    try:
        return tuple(_state(session, place, end) for place in _roots(session))
    except ArchiveError as error:
        path = ", ".join(session.settings.stores)
        return (StoreState(path=path, store=None, reached=None, behind=None, seconds=None, problem=error.code),)


def _state(session: Session, place: Path, end: int) -> StoreState:
    tails, mark = Tails(place), None
    try:
        if place.is_dir():
            mark = tails.mark()
            reached = tails.reached()
        else:
            return _unseen(place, None, "store-unreached")
    except OSError:
        return _unseen(place, mark, "store-unreached")
    if mark is not None and mark.archive != session.settings.id:
        return _unseen(place, mark, "store-of-another")
    since = session.log.recorded_at(reached + 1) if reached < end else None
    waited = session.clock() - datetime.fromisoformat(since) if since else None
    return StoreState(
        path=str(place),
        store=None if mark is None else mark.store,
        reached=reached,
        behind=max(end - reached, 0),
        seconds=0 if waited is None else max(int(waited.total_seconds()), 0),
        problem="tails-contradict" if reached > end else "",
    )


def _unseen(place: Path, mark: StoreMark | None, problem: str) -> StoreState:
    store = None if mark is None else mark.store
    return StoreState(path=str(place), store=store, reached=None, behind=None, seconds=None, problem=problem)


@contextmanager
def preserving(session: Session) -> Iterator[None]:
    """Bring the stores to the end of the log as often as the settings say, and once more at the end of the block."""
    with ExitStack() as around:
        if session.settings.stores:
            stop = threading.Event()
            thread = threading.Thread(target=_attend, args=(session, stop), name="preserving", daemon=True)
            thread.start()
            around.callback(thread.join)
            around.callback(stop.set)
        yield
    if session.settings.stores:
        keep_log(session)


def _attend(session: Session, stop: threading.Event) -> None:
    while not stop.wait(session.settings.tail_seconds):
        keep_log(session)


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
