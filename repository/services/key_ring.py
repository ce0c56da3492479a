"""The key ring (密钥环): keys are created, listed, rotated and retired; whoever seals asks here to which keys.

A key's material is durable before the event that names it. What follows a rotation - every record wrapped anew - is
`rekeying`, which may be interrupted anywhere and taken up again.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import UUID, uuid5

import msgspec

from repository.crypto import KeyVersion, PublicKey, Wrapping, split_new_key
from repository.crypto.age import parse_recipient
from repository.domain import key_ring
from repository.domain.agent import AGENT
from repository.domain.aggregate import New
from repository.domain.key_ring import KEY_RING, KeptBy, Key, KeyCreated, KeyRotated, State, Version
from repository.domain.key_ring import KeyPurpose as KeyPurpose
from repository.domain.values import Value
from repository.errors import ArchiveError
from repository.services.session import Session

RING = "key-ring"

READERS_KEY, RECOVERY_KEY = "readers", "recovery"
"""Names of the two keys of which there is one each."""


class KeyLine(msgspec.Struct, frozen=True, kw_only=True):
    """A key as it is listed. `state`: in-use, retired, to-be-destroyed, being-destroyed, destroyed."""

    id: UUID
    name: str
    purpose: str
    state: str
    version: int
    kept_by: str
    public: str
    holders: tuple[UUID, ...]
    threshold: int | None
    departed: tuple[UUID, ...]
    versions: tuple[Version, ...]
    records: int
    records_stale: int
    copies_left: tuple[UUID, ...]


class KeyList(msgspec.Struct, frozen=True, kw_only=True):
    """The ring."""

    schema: str = "jingui.keys/1"
    keys: tuple[KeyLine, ...]


class KeyMade(msgspec.Struct, frozen=True, kw_only=True):
    """A key or a version that was made. `shares` are the files that its holders take."""

    schema: str = "jingui.key-made/1"
    key: UUID
    name: str
    purpose: str
    version: int
    public: str
    shares: tuple[str, ...] = ()


class Shares(msgspec.Struct, frozen=True, kw_only=True):
    """How a recovery key is split: so many of the holders' shares open it, and where the shares are written."""

    threshold: int
    folder: Path


def ring_id(session: Session) -> UUID:
    """The stream of this installation's ring."""
    return uuid5(session.settings.id, RING)


def ring(session: Session) -> State:
    """The ring as it stands."""
    return session.log.load(KEY_RING, ring_id(session)).state


def wrapping_for(session: Session, name: str) -> Wrapping:
    """To which keys a record of this class is wrapped now.

    `ring-key-unknown`, `recovery-key-missing`, `key-retired`, `key-destroyed`, `destruction-open`.
    """
    state = ring(session)
    return wrapping_of(state, key_ring.current_of(state, name))


def wrapping_of(state: State, key: Key) -> Wrapping:
    """The same for a key of the ring as it stands."""
    if state.recovery is None:
        raise ArchiveError("recovery-key-missing", key.name)
    return Wrapping(class_key=_public(key), recovery=_public(state.recovery))


def create_key(
    session: Session, name: str, purpose: KeyPurpose, holders: Sequence[UUID], shares: Shares | None
) -> KeyMade:
    """Create a key: of a class, the recovery key with its shares, or take the readers' master key into the ring.

    (1) whoever asks may, and the holders are people of the archive; (2) the ring has room for it; (3) the material is
    made, and durable; (4) the event.
    """
    # (1)
    session.require("keep-keys")
    _expect_people(session, holders)
    # (2)
    state, identity = ring(session), session.new_id()
    kept_by, threshold = _kept_by(session, purpose), shares.threshold if shares else None
    draft = KeyCreated(
        key=identity,
        purpose=purpose,
        name=name,
        kept_by=kept_by,
        public="",
        holders=tuple(holders),
        threshold=threshold,
    )
    key_ring.create(state, draft)
    # (3)
    public, files = _material(session, purpose, KeyVersion(identity, 1), holders, shares)
    # (4)
    created = msgspec.structs.replace(draft, public=public)
    change_ring(session, "create-key", lambda now: key_ring.create(now, created))
    return KeyMade(key=identity, name=name, purpose=purpose, version=1, public=public, shares=files)


def rotate_key(
    session: Session, name: str, *, reason: str, holders: Sequence[UUID] | None, shares: Shares | None
) -> KeyMade:
    """Give a key its next version. `holders` None keeps those of now. Records follow by `rekey`.

    (1) whoever asks may; (2) the ring agrees; (3) the material is made, and durable; (4) the event.
    """
    # (1)
    session.require("keep-keys")
    state = ring(session)
    key = state.named(name)
    people = key.current.holders if holders is None else tuple(holders)
    _expect_people(session, people)
    # (2)
    of = KeyVersion(key.id, key.current.number + 1)
    draft = KeyRotated(
        key=key.id,
        version=of.version,
        kept_by=_kept_by(session, key.purpose),
        public="",
        holders=people,
        threshold=shares.threshold if shares else None,
        reason=reason,
    )
    key_ring.rotate(state, draft)
    # (3)
    public, files = _material(session, key.purpose, of, people, shares)
    # (4)
    rotated = msgspec.structs.replace(draft, public=public)
    change_ring(session, "rotate-key", lambda now: key_ring.rotate(now, rotated))
    return KeyMade(key=key.id, name=key.name, purpose=key.purpose, version=of.version, public=public, shares=files)


def retire_key(session: Session, name: str, reason: str, *, again: bool = False) -> None:
    """Seal nothing more to a key, or - `again` - use it once more."""
    session.require("keep-keys")
    decide = key_ring.reinstate if again else key_ring.retire
    change_ring(session, "retire-key", lambda state: decide(state, name, reason))


def list_keys(session: Session) -> KeyList:
    """The ring, with how many records are wrapped to each key, and how many of them not yet to its present version."""
    session.require("inspect")
    state = ring(session)
    counts: dict[UUID, list[int]] = {key: [0, 0] for key in state.keys}
    for head in session.package_keys.heads():
        for at in (head.class_key, head.recovery):
            if at.key in counts:
                counts[at.key][0] += 1
                counts[at.key][1] += at.version != state.keys[at.key].current.number
    for key in state.living(KeyPurpose.READERS):
        stale = len(session.vault.stale(UUID(key.current.public)))
        counts[key.id] = [session.vault.count(), stale]
    return KeyList(keys=tuple(_line(session, state, key, *counts[key.id]) for key in state.keys.values()))


def departed_holders(session: Session, key: Key) -> tuple[UUID, ...]:
    """Holders of the present version who left: they still know what they knew, so it is due to be rotated."""
    if key.destroyed:
        return ()
    return tuple(one for one in key.current.holders if not session.log.load(AGENT, one).state.credentials)


def change_ring(session: Session, what: str, decide: Callable[[State], list[Value]]) -> None:
    """Perform one command on the ring."""
    stream = ring_id(session)
    session.perform(
        what,
        lambda streams: [New(stream, payload) for payload in decide(streams.load(KEY_RING, stream).state)],
        correlation=stream,
        archive=None,
    )


def _material(
    session: Session, purpose: KeyPurpose, of: KeyVersion, holders: Sequence[UUID], shares: Shares | None
) -> tuple[str, tuple[str, ...]]:
    """Make what the key is, where it is kept; what is public of it, and the files of its shares."""
    match purpose:
        case KeyPurpose.CLASS:
            return session.key_store.create(of), ()
        case KeyPurpose.READERS:
            return str(session.vault.master() if of.version == 1 else session.vault.make_master()), ()
        case KeyPurpose.RECOVERY:
            if shares is None:
                raise ArchiveError("shares-invalid", "-")
            files = [shares.folder / f"recovery-{of.version}.{holder}.share" for holder in holders]
            return split_new_key(shares.threshold, files), tuple(map(str, files))


def _kept_by(session: Session, purpose: KeyPurpose) -> KeptBy:
    kinds = {KeyPurpose.CLASS: session.key_store.kept_by, KeyPurpose.READERS: KeptBy.FILE}
    return kinds.get(purpose, KeptBy.SHARES)


def _expect_people(session: Session, holders: Sequence[UUID]) -> None:
    for holder in holders:
        state = session.log.load(AGENT, holder).state
        if state.registered is None or not state.credentials:
            raise ArchiveError("agent-unknown", holder)


def _public(key: Key) -> PublicKey:
    return PublicKey(KeyVersion(key.id, key.current.number), parse_recipient(key.current.public))


def _line(session: Session, state: State, key: Key, records: int, stale: int) -> KeyLine:
    asked = [one for one in state.destructions.values() if one.key == key.id]
    approved = [one for one in asked if one.approved]
    if key.destroyed:
        name = "destroyed"
    elif asked:
        name = "being-destroyed" if approved else "to-be-destroyed"
    else:
        name = "retired" if key.retired else "in-use"
    left = dict.fromkeys(copy.id for one in approved for copy in key_ring.unreached(state, one))
    return KeyLine(
        id=key.id,
        name=key.name,
        purpose=key.purpose,
        state=name,
        version=key.current.number,
        kept_by=key.current.kept_by,
        public=key.current.public,
        holders=key.current.holders,
        threshold=key.current.threshold,
        departed=departed_holders(session, key),
        versions=key.versions,
        records=records,
        records_stale=stale,
        copies_left=tuple(left),
    )
