"""The key ring (密钥环): which keys an installation has, who holds each, and how each comes to its end.

One stream for an installation. Never a secret: of a key the log knows its id, its versions, and what is public of each.
A key is destroyed by two persons: one asks, another approves, agents compared as sets so that a deputy and the
principal are one. The recovery key opens every record, and a backup keeps records as they were; a destruction that is
carried out here therefore stays open as long as a copy is left that some remaining key opens.
"""

from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from uuid import UUID

import msgspec

from repository.domain.aggregate import Aggregate
from repository.domain.values import Confidential, Value
from repository.errors import ArchiveError


class KeyPurpose(StrEnum):
    """What a key is for: a class of records (密级, access class or fonds), readers' sealed words, or recovery."""

    CLASS = "class"
    READERS = "readers"
    RECOVERY = "recovery"


class KeptBy(StrEnum):
    """What keeps the secret: a passphrase, a token (PKCS#11), a file of mode 0600, or shares that people hold."""

    PASSPHRASE = "passphrase"  # noqa: S105 - the name of a way, and no password
    TOKEN = "token"  # noqa: S105 - likewise
    FILE = "file"
    SHARES = "shares"


class CopyOf(StrEnum):
    """What a backup is of: package records, or the wrapped class keys. Never both in one."""

    RECORDS = "records"
    KEYS = "keys"


class KeyCreated(Value, frozen=True, kw_only=True):
    """A key, and its version 1. `public` is its recipient, or the id of a master key; `threshold` shares recover it."""

    key: UUID
    purpose: KeyPurpose
    name: str
    kept_by: KeptBy
    public: str
    holders: tuple[UUID, ...]
    threshold: int | None


class KeyRotated(Value, frozen=True, kw_only=True):
    """The key's newest version, and why: what is sealed from now on is sealed to it."""

    key: UUID
    version: int
    kept_by: KeptBy
    public: str
    holders: tuple[UUID, ...]
    threshold: int | None
    reason: Confidential


class KeyRetired(Value, frozen=True, kw_only=True):
    """Nothing more is sealed to this key; it opens what it opened. Retired by mistake, it is reinstated."""

    key: UUID
    reason: Confidential


class KeyReinstated(Value, frozen=True, kw_only=True):
    """The key is in use again."""

    key: UUID
    reason: Confidential


class DestructionRequested(Value, frozen=True, kw_only=True):
    """Somebody asks to destroy a version of a key - or, `version` null, the key and every record under it."""

    key: UUID
    version: int | None
    reason: Confidential
    legal_basis: Confidential
    requested_by: tuple[UUID, ...]


class DestructionWithdrawn(Value, frozen=True, kw_only=True):
    """Nobody asks any more. Only before it was approved."""

    key: UUID
    version: int | None
    reason: Confidential


class DestructionApproved(Value, frozen=True, kw_only=True):
    """Another person agreed. From here on it is carried out, and cannot be undone."""

    key: UUID
    version: int | None
    approved_by: tuple[UUID, ...]


class KeyDestroyed(Value, frozen=True, kw_only=True):
    """Nothing opens with it any more, here or in any copy that the ring knows; so many records went with it."""

    key: UUID
    version: int | None
    records: int


class KeyAt(Value, frozen=True, kw_only=True):
    """A version of a key."""

    key: UUID
    version: int


class BackedUp(Value, frozen=True, kw_only=True):
    """A copy was made: of records, or of wrapped keys, and under which versions they stood."""

    backup: UUID
    copy_of: CopyOf
    place: Confidential
    keys: tuple[KeyAt, ...]
    files: int


class KeeperChanged(Value, frozen=True, kw_only=True):
    """These class keys, the same as before, are kept otherwise: under another passphrase, or by a token; and why."""

    kept_by: KeptBy
    keys: tuple[KeyAt, ...]
    reason: Confidential


class BackupRemoved(Value, frozen=True, kw_only=True):
    """A copy is no more: deleted by the program, or, where it cannot reach it, as somebody declares."""

    backup: UUID
    deleted: bool
    reason: Confidential


class RecoveryProven(Value, frozen=True, kw_only=True):
    """The shares were put together (恢复演练) and opened a sample of records; nothing of them was kept."""

    key: UUID
    version: int
    shares: int
    records: int


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a key."""

    number: int
    kept_by: KeptBy
    public: str
    holders: tuple[UUID, ...]
    threshold: int | None
    destroyed: bool = False


class Destruction(msgspec.Struct, frozen=True, kw_only=True):
    """A destruction that was asked for and is not at its end."""

    key: UUID
    version: int | None
    requested_by: tuple[UUID, ...]
    approved: bool = False


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One key as it stands."""

    id: UUID
    purpose: KeyPurpose
    name: str
    versions: tuple[Version, ...]
    retired: bool = False
    destroyed: bool = False
    records_destroyed: int = 0

    @property
    def current(self) -> Version:
        """The version that is sealed to."""
        return self.versions[-1]


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """A copy that there is, as far as anybody knows."""

    id: UUID
    copy_of: CopyOf
    place: Confidential
    keys: tuple[KeyAt, ...]


class State(msgspec.Struct, frozen=True):
    """The ring."""

    keys: Mapping[UUID, Key] = {}
    destructions: Mapping[tuple[UUID, int | None], Destruction] = {}
    backups: Mapping[UUID, Backup] = {}

    @property
    def recovery(self) -> Key | None:
        """The recovery key."""
        return next((key for key in self.keys.values() if key.purpose is KeyPurpose.RECOVERY), None)

    def living(self, purpose: KeyPurpose) -> Iterator[Key]:
        """Keys of a purpose that are not destroyed."""
        return (key for key in self.keys.values() if key.purpose is purpose and not key.destroyed)

    def named(self, name: str) -> Key:
        """A key by its name or its id (`ring-key-unknown`). A name may return once its key was destroyed."""
        found = [key for key in self.keys.values() if str(key.id) == name]
        found = found or [key for key in self.keys.values() if key.name == name and not key.destroyed]
        found = found or [key for key in self.keys.values() if key.name == name][-1:]
        if not found:
            raise ArchiveError("ring-key-unknown", name)
        return found[0]


def evolve(state: State, event: Value) -> State:
    """Fold one event. What rested on an event that was annulled rests on nothing, and changes nothing."""
    if not isinstance(event, KeyCreated) and getattr(event, "key", None) not in {None, *state.keys}:
        return state
    match event:
        case KeyCreated():
            first = _version(1, event)
            key = Key(id=event.key, purpose=event.purpose, name=event.name, versions=(first,))
            return _with_key(state, key)
        case KeyRotated():
            return _changed(
                state, event.key, versions=(*state.keys[event.key].versions, _version(event.version, event))
            )
        case KeyRetired() | KeyReinstated():
            return _changed(state, event.key, retired=isinstance(event, KeyRetired))
        case KeyDestroyed():
            return _destroyed(state, event)
        case DestructionRequested() | DestructionWithdrawn() | DestructionApproved():
            return _destruction(state, event)
        case KeeperChanged():
            return _kept_otherwise(state, event)
        case BackedUp() | BackupRemoved():
            return _copies(state, event)
        case _:
            return state


KEY_RING = Aggregate("KeyRing", State(), evolve)


def create(state: State, created: KeyCreated) -> list[Value]:
    """Create a key. Refused without a name, under one that lives, or as a second one of which there can be one."""
    if not created.name.strip():
        raise ArchiveError("name-missing")
    only_one = created.purpose is not KeyPurpose.CLASS
    for key in state.keys.values():
        if not key.destroyed and (key.name == created.name or (only_one and key.purpose is created.purpose)):
            raise ArchiveError("ring-key-exists", key.name)
    if created.purpose is KeyPurpose.CLASS and state.recovery is None:
        raise ArchiveError("recovery-key-missing", created.name)
    _expect_shares(created)
    return [created]


def rotate(state: State, rotated: KeyRotated) -> list[Value]:
    """Give a key its next version. Refused without a reason, for a key that ended, and out of order.

    A retired key is rotated too: its records are read, and somebody who knew it may have left.
    """
    key = _living(state, rotated.key)
    _expect_reason(rotated.reason, key.name)
    if rotated.version != key.current.number + 1:
        raise ArchiveError("ring-changed", key.name)
    if (key.id, None) in state.destructions:
        raise ArchiveError("destruction-open", key.name)
    _expect_shares(rotated)
    return [rotated]


def retire(state: State, name: str, reason: Confidential) -> list[Value]:
    """Seal nothing more to a key. Only a class can do without; nothing happens when it is retired."""
    key = _living(state, state.named(name).id)
    _expect_reason(reason, name)
    if key.purpose is not KeyPurpose.CLASS:
        raise ArchiveError("key-in-use", key.name)
    return [] if key.retired else [KeyRetired(key=key.id, reason=reason)]


def reinstate(state: State, name: str, reason: Confidential) -> list[Value]:
    """Use a retired key again."""
    key = _living(state, state.named(name).id)
    _expect_reason(reason, name)
    return [KeyReinstated(key=key.id, reason=reason)] if key.retired else []


def request_destruction(
    state: State, name: str, version: int | None, *, reason: str, legal_basis: str, agents: Collection[UUID]
) -> list[Value]:
    """Ask to destroy a class key with its records, or an old version of any key.

    Refused without reason and legal basis, for the version in use (`key-in-use`), and for the whole of a key that
    opens more than one class: there the versions come to their end one by one.
    """
    key = _living(state, state.named(name).id)
    _expect_reason(reason, name)
    if not legal_basis.strip():
        raise ArchiveError("legal-basis-missing", name)
    if (version is None and key.purpose is not KeyPurpose.CLASS) or version == key.current.number:
        raise ArchiveError("key-in-use", key.name)
    if version is not None:
        _expect_version(key, version)
    if (key.id, version) in state.destructions:
        raise ArchiveError("destruction-open", key.name)
    return [
        DestructionRequested(
            key=key.id,
            version=version,
            reason=reason,
            legal_basis=legal_basis,
            requested_by=tuple(sorted(agents)),
        )
    ]


def withdraw_destruction(state: State, name: str, version: int | None, reason: str) -> list[Value]:
    """Take a request back. Refused once it was approved."""
    asked = requested(state, name, version)
    _expect_reason(reason, name)
    if asked.approved:
        raise ArchiveError("destruction-approved", name)
    return [DestructionWithdrawn(key=asked.key, version=version, reason=reason)]


def approve_destruction(state: State, name: str, version: int | None, agents: Collection[UUID]) -> list[Value]:
    """Agree. Refused to anybody who has part in the request (`second-person-needed`); said again, nothing happens."""
    asked = requested(state, name, version)
    if set(asked.requested_by) & set(agents):
        raise ArchiveError("second-person-needed", name)
    if asked.approved:
        return []
    return [DestructionApproved(key=asked.key, version=version, approved_by=tuple(sorted(agents)))]


def requested(state: State, name: str, version: int | None) -> Destruction:
    """The destruction that was asked for (`destruction-unknown`)."""
    key = state.named(name)
    asked = state.destructions.get((key.id, version))
    if asked is None:
        raise ArchiveError("destruction-unknown", name)
    return asked


def end_destruction(state: State, key: UUID, version: int | None, records: int) -> list[Value]:
    """Say that it is done: refused before it was approved, and while a copy is left (`copies-left`)."""
    asked = state.destructions.get((key, version))
    if asked is None or not asked.approved:
        raise ArchiveError("destruction-unknown", state.keys[key].name)
    left = unreached(state, asked)
    if left:
        raise ArchiveError("copies-left", state.keys[key].name, copies=", ".join(str(one.id) for one in left))
    return [KeyDestroyed(key=key, version=version, records=records)]


def unreached(state: State, asked: Destruction) -> tuple[Backup, ...]:
    """Copies that are left and that some remaining key opens.

    Of a class: every copy of its wrapped key, and every copy of its records as long as the recovery version that they
    are wrapped to is not destroyed, or a copy of the key is left. Of one version of a class key: copies of that one.
    """
    wrapped = [one for one in state.backups.values() if one.copy_of is CopyOf.KEYS and _holds(one, asked)]
    if asked.version is not None:
        return tuple(wrapped)
    records = [one for one in state.backups.values() if one.copy_of is CopyOf.RECORDS and _holds(one, asked)]
    return (*wrapped, *(one for one in records if wrapped or _recoverable(state, one)))


def change_keeper(state: State, changed: KeeperChanged) -> list[Value]:
    """Say that class keys are kept otherwise. Refused without a reason; of files that are nobody's key, nothing."""
    _expect_reason(changed.reason, changed.kept_by)
    known = tuple(at for at in changed.keys if at.key in state.keys)
    return [msgspec.structs.replace(changed, keys=known)] if known else []


def back_up(state: State, made: BackedUp) -> list[Value]:
    """A copy was made; nothing happens when that is known."""
    return [] if made.backup in state.backups else [made]


def remove_backup(state: State, backup: UUID, *, deleted: bool, reason: str) -> list[Value]:
    """A copy is no more. `backup-unknown`."""
    if backup not in state.backups:
        raise ArchiveError("backup-unknown", backup)
    _expect_reason(reason, str(backup))
    return [BackupRemoved(backup=backup, deleted=deleted, reason=reason)]


def _recoverable(state: State, backup: Backup) -> bool:
    recovery = {key.id for key in state.keys.values() if key.purpose is KeyPurpose.RECOVERY}
    return any(
        at.key in recovery and not version.destroyed
        for at in backup.keys
        for version in state.keys[at.key].versions
        if version.number == at.version
    )


def _holds(backup: Backup, asked: Destruction) -> bool:
    return any(at.key == asked.key and asked.version in {None, at.version} for at in backup.keys)


def _version(number: int, event: KeyCreated | KeyRotated) -> Version:
    return Version(
        number=number,
        kept_by=event.kept_by,
        public=event.public,
        holders=event.holders,
        threshold=event.threshold,
    )


def _with_key(state: State, key: Key) -> State:
    return msgspec.structs.replace(state, keys={**state.keys, key.id: key})


def _changed(state: State, key: UUID, **fields: object) -> State:
    return _with_key(state, msgspec.structs.replace(state.keys[key], **fields))


def _copies(state: State, event: BackedUp | BackupRemoved) -> State:
    backups = {one: backup for one, backup in state.backups.items() if one != event.backup}
    if isinstance(event, BackedUp):
        backups[event.backup] = Backup(id=event.backup, copy_of=event.copy_of, place=event.place, keys=event.keys)
    return msgspec.structs.replace(state, backups=backups)


def _kept_otherwise(state: State, event: KeeperChanged) -> State:
    moved = {(at.key, at.version) for at in event.keys}
    for key in [key for key in state.keys.values() if any(at.key == key.id for at in event.keys)]:
        versions = tuple(
            msgspec.structs.replace(one, kept_by=event.kept_by) if (key.id, one.number) in moved else one
            for one in key.versions
        )
        state = _changed(state, key.id, versions=versions)
    return state


def _destroyed(state: State, event: KeyDestroyed) -> State:
    key = state.keys[event.key]
    versions = tuple(
        msgspec.structs.replace(one, destroyed=True) if event.version in {None, one.number} else one
        for one in key.versions
    )
    whole = event.version is None
    state = _changed(
        state, key.id, versions=versions, destroyed=whole, records_destroyed=key.records_destroyed + event.records
    )
    left = {of: one for of, one in state.destructions.items() if of != (event.key, event.version)}
    return msgspec.structs.replace(state, destructions=left)


def _destruction(state: State, event: DestructionRequested | DestructionWithdrawn | DestructionApproved) -> State:
    of = (event.key, event.version)
    open_ones = dict(state.destructions)
    match event:
        case DestructionRequested():
            open_ones[of] = Destruction(key=event.key, version=event.version, requested_by=event.requested_by)
        case DestructionWithdrawn():
            open_ones.pop(of, None)
        case DestructionApproved() if of in open_ones:
            open_ones[of] = msgspec.structs.replace(open_ones[of], approved=True)
    return msgspec.structs.replace(state, destructions=open_ones)


def _living(state: State, key: UUID) -> Key:
    found = state.keys[key]
    if found.destroyed:
        raise ArchiveError("key-destroyed", found.name)
    return found


def _usable(state: State, key: UUID) -> Key:
    found = _living(state, key)
    if found.retired:
        raise ArchiveError("key-retired", found.name)
    return found


def current_of(state: State, name: str) -> Key:
    """The key of a class as something is to be sealed to it: `ring-key-unknown`, `key-destroyed`, `key-retired`."""
    key = _usable(state, state.named(name).id)
    if key.purpose is not KeyPurpose.CLASS:
        raise ArchiveError("ring-key-unknown", name)
    if (key.id, None) in state.destructions:
        raise ArchiveError("destruction-open", name)
    return key


def _expect_version(key: Key, number: int) -> None:
    version = next((one for one in key.versions if one.number == number), None)
    if version is None:
        raise ArchiveError("ring-key-unknown", f"{key.name} {number}")
    if version.destroyed:
        raise ArchiveError("key-destroyed", f"{key.name} {number}")


def _expect_reason(reason: Confidential, thing: str) -> None:
    if isinstance(reason, str) and not reason.strip():
        raise ArchiveError("reason-missing", thing)


def _expect_shares(event: KeyCreated | KeyRotated) -> None:
    """Of shares at least two are needed, and no more than there are holders, each of them another person."""
    if event.kept_by is not KeptBy.SHARES:
        return
    holders, threshold = len(set(event.holders)), event.threshold or 0
    if holders != len(event.holders) or not 1 < threshold <= holders:
        raise ArchiveError("shares-invalid", f"{threshold}/{len(event.holders)}")
