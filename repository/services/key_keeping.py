"""Keeping keys (保管密钥): copies of records and of wrapped keys, and the drill that proves the shares of recovery."""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import msgspec

from repository.crypto import KeyVersion, combine_shares, copy_files, delete_copy
from repository.crypto.age import PackageIdentity, X25519Identity
from repository.domain import key_ring
from repository.domain.key_ring import BackedUp, KeeperChanged, KeyAt, KeyPurpose, RecoveryProven
from repository.domain.key_ring import CopyOf as CopyOf
from repository.errors import ArchiveError
from repository.services.key_ring import change_ring, ring
from repository.services.session import Session

NEW_PROMPT = "类密钥的新口令 New passphrase of the class keys: "


class BackupReport(msgspec.Struct, frozen=True, kw_only=True):
    """A copy that was made, or that is no more."""

    schema: str = "jingui.key-backup/1"
    backup: UUID
    copy_of: str
    place: str
    files: int = 0
    deleted: bool | None = None


class KeeperReport(msgspec.Struct, frozen=True, kw_only=True):
    """By what class keys are kept now, and how many."""

    schema: str = "jingui.key-keeper/1"
    kept_by: str
    keys: int


class DrillReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the shares opened."""

    schema: str = "jingui.recovery-drill/1"
    key: UUID
    version: int
    shares: int
    records: int


def back_up(session: Session, place: Path, copy_of: CopyOf) -> BackupReport:
    """Copy the vault's records, or the wrapped class keys, into a new folder, and say so in the ring.

    (1) whoever asks may; (2) the versions that the copy will hold; (3) the copy, durable; (4) the event.
    """
    # (1)
    session.require("keep-keys")
    place = place.resolve()
    if place.is_relative_to(session.folder.resolve()):
        raise ArchiveError("vault-key-inside", place)
    # (2)
    backup, versions = session.new_id(), _versions(session, copy_of)
    # (3)
    root = session.folder / "vault" if copy_of is CopyOf.RECORDS else session.key_store.folder
    files = session.key_store.files() if copy_of is CopyOf.KEYS else _vault_files(root)
    count = copy_files(files, root, place, backup, copy_of)
    # (4)
    made = BackedUp(
        backup=backup,
        copy_of=copy_of,
        place=str(place),
        keys=tuple(KeyAt(key=one.key, version=one.version) for one in sorted(versions)),
        files=count,
    )
    change_ring(session, "back-up-keys", lambda state: key_ring.back_up(state, made))
    return BackupReport(backup=backup, copy_of=copy_of, place=str(place), files=count)


def change_keeper(session: Session, passphrase: str | None, reason: str) -> KeeperReport:
    """Keep the class keys under another passphrase, or move them into the token, as the settings now say.

    The keys stay the same, so whoever had a copy of a key's file and its old passphrase still has that key: when a
    holder left, rotate as well.
    """
    session.require("keep-keys")
    kept_by = session.key_store.kept_by
    draft = KeeperChanged(kept_by=kept_by, keys=(), reason=reason)
    key_ring.change_keeper(ring(session), draft)
    moved = session.key_store.change_keeper(passphrase, NEW_PROMPT)
    changed = msgspec.structs.replace(draft, keys=tuple(KeyAt(key=one.key, version=one.version) for one in moved))
    change_ring(session, "change-keeper", lambda state: key_ring.change_keeper(state, changed))
    return KeeperReport(kept_by=kept_by, keys=len(moved))


def remove_backup(session: Session, backup: UUID, reason: str, *, declared: bool) -> BackupReport:
    """Delete a copy. Where the program does not find it (`backup-unreached`), somebody may declare that it is gone."""
    session.require("keep-keys")
    state = ring(session)
    key_ring.remove_backup(state, backup, deleted=True, reason=reason)
    known = state.backups[backup]
    deleted = delete_copy(Path(str(known.place)), backup)
    if not deleted and not declared:
        raise ArchiveError("backup-unreached", backup, place=known.place)
    change_ring(
        session,
        "remove-key-backup",
        lambda now: key_ring.remove_backup(now, backup, deleted=deleted, reason=reason),
    )
    return BackupReport(backup=backup, copy_of=known.copy_of, place=str(known.place), deleted=deleted)


def recover_drill(session: Session, shares: Sequence[Path], sample: int) -> DrillReport:
    """Put the shares together and open a sample of records with them, spread over all there are. Nothing is kept.

    (1) whoever asks may; (2) the shares give the present recovery key (`shares-wrong` for another); (3) every record
    of the sample opens and holds the same identity that its class key finds there; (4) the event.
    `nothing-to-prove` where there is no record: what was not opened is not proven.
    """
    # (1)
    session.require("keep-keys")
    recovery = ring(session).recovery
    if recovery is None:
        raise ArchiveError("recovery-key-missing", "recovery")
    # (2)
    identity = combine_shares(shares)
    if str(identity.recipient) != recovery.current.public:
        raise ArchiveError("shares-wrong", len(shares))
    # (3)
    opened = _open_sample(session, identity, sample)
    # (4)
    proven = RecoveryProven(key=recovery.id, version=recovery.current.number, shares=len(shares), records=opened)
    change_ring(session, "recover-drill", lambda _: [proven])
    return DrillReport(key=recovery.id, version=recovery.current.number, shares=len(shares), records=opened)


def _open_sample(session: Session, identity: X25519Identity, sample: int) -> int:
    heads = list(session.package_keys.heads())
    if not heads:
        raise ArchiveError("nothing-to-prove", "recovery")
    step = max(len(heads) // max(sample, 1), 1)
    chosen = heads[::step][:sample]
    for head in chosen:
        found = session.package_keys.identity_by(head.package, head.generation, identity)
        if _secret(found) != _secret(session.package_keys.identity(head.package, head.generation)):
            raise ArchiveError("key-record-damaged", head.package)
    return len(chosen)


def _secret(identity: PackageIdentity) -> bytes:
    return identity.secret


def _versions(session: Session, copy_of: CopyOf) -> set[KeyVersion]:
    if copy_of is CopyOf.KEYS:
        return {session.key_store.version_of(path) for path in session.key_store.files()}
    found: set[KeyVersion] = set()
    for head in session.package_keys.heads():
        found |= {head.class_key, head.recovery}
    readers = next(ring(session).living(KeyPurpose.READERS), None)
    return found if readers is None else found | {KeyVersion(readers.id, readers.current.number)}


def _vault_files(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file() and not path.name.startswith("."))
