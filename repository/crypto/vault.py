"""The vault (密钥库): wrapped keys in small files, durable before the event that needs them is appended.

    vault/vault.json                 which master key: {"schema":1,"master":<id>}
    vault/reader-index.key           the key under which returning readers are found
    vault/subjects/<subject>.key     one reader's key; destroying this file destroys the reader's words
    vault/readers/<digest>           which reader a paper belongs to: {"schema":1,"subject":<id>}

The master key lies in `<master file>`. While it is being rotated there are two: the other one lies beside it, in
`<master file>.<its id>`, and each record says which of them it is wrapped under.

The digest is HMAC-SHA-256 of kind and number of the paper. It lies beside the keys, not in the log: with a destroyed
key goes the last trace of whose it was.
"""

import hashlib
import hmac
import os
import secrets
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal
from uuid import UUID

import msgspec

from repository.crypto import records
from repository.crypto.durable import create_durably, destroy_durably, guarded, replace_all_durably, sync_names
from repository.crypto.master import create_master, outside, read_master
from repository.crypto.records import KeyRecord, MasterKey, Use
from repository.crypto.sealing import KEY, SubjectKey, bound
from repository.errors import ArchiveError

AT_ONCE = 200
"""Records that are rewrapped together."""

INDEX = UUID(int=0)
"""Id in the record of the index key, which is nobody's."""


class _Mark(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    schema: Literal[1]
    master: UUID


class _Reference(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    schema: Literal[1]
    subject: UUID


class Vault:
    """One archive's vault. `master_file` names the master key's file, which must lie elsewhere."""

    def __init__(self, archive: Path, master_file: Path, new_id: Callable[[], UUID]) -> None:
        self.folder = archive / "vault"
        self._archive = archive
        self._file = master_file
        self._new_id = new_id
        self._masters: dict[UUID, MasterKey] = {}
        self._index: bytes | None = None

    def found_or_make(self, kind: str, number: str) -> UUID:
        """The reader whom a paper belongs to; where it is nobody's yet, a new one, whose key and reference are durable.

        Of two desks that meet a new reader at once, one makes the reference and the other follows it.
        """
        self._prepare()
        known = self.find(kind, number)
        if known is not None:
            self.key(known)
            return known
        subject = self._new_id()
        self._make_key(self._subject_file(subject), use="subject", identity=subject)
        reference = self._reference_file(kind, number)
        try:
            create_durably(reference, msgspec.json.encode(_Reference(schema=1, subject=subject)) + b"\n")
        except FileExistsError:
            self._subject_file(subject).unlink()
            return self._referred(reference)
        return subject

    def find(self, kind: str, number: str) -> UUID | None:
        """The reader whom a paper belongs to."""
        if not self._mark_file().exists():
            return None
        reference = self._reference_file(kind, number)
        return self._referred(reference) if reference.exists() else None

    def key(self, subject: UUID) -> SubjectKey:
        """A reader's key. `key-record-missing` when it was destroyed or lost, or any other fault of the vault."""
        path = self._subject_file(subject)
        record = records.read(path, use="subject", identity=subject)
        return SubjectKey(subject=subject, key=record.key, material=self._unwrapped(record, path))

    def master(self) -> UUID:
        """Id of the master key that new records are wrapped under; made where there is none yet."""
        self._prepare()
        return self._marked()

    def make_master(self) -> UUID:
        """Make another master key beside the present one. Nothing is wrapped under it until `follow`."""
        self._prepare()
        new = self._new_id()
        create_master(self._beside(new), lambda: new)
        return new

    def stale(self, master: UUID) -> list[Path]:
        """Records that are wrapped under any other master key than this."""
        if not self._mark_file().exists():
            return []
        return [path for path in self._record_files() if self._record(path).master != master]

    def count(self) -> int:
        """How many records there are."""
        return len(self._record_files())

    def follow(self, master: UUID, wrapped: Callable[[int], object]) -> None:
        """Wrap everything under this master key, which `make_master` made or which is already in use.

        May die anywhere and be called again: a record is under the old key or under the new one, and both are at hand.
        `wrapped` hears how many more records were done.
        """
        new = self._master_by_id(master)
        if self._marked() != master:
            mark = msgspec.json.encode(_Mark(schema=1, master=master)) + b"\n"
            replace_all_durably([(self._mark_file(), mark)])
        stale = self.stale(master)
        for start in range(0, len(stale), AT_ONCE):
            with guarded(self.folder, alone=True):
                batch = [path for path in stale[start : start + AT_ONCE] if path.exists()]
                replace_all_durably([(path, self._rewrapped(path, new)) for path in batch])
            wrapped(len(batch))
        self._settle(master)

    def destroy_master(self, master: UUID) -> None:
        """Destroy a master key under which nothing is wrapped any more (`key-in-use`). Gone, it is passed over."""
        if self._marked() == master or any(self._record(path).master == master for path in self._record_files()):
            raise ArchiveError("key-in-use", master)
        destroy_durably(self._beside(master))
        self._masters.pop(master, None)

    def _settle(self, master: UUID) -> None:
        """Let the master key in use lie in the file of that name, and the one before beside it."""
        place, beside = outside(self._file, self._archive), self._beside(master)
        if not beside.exists():
            return
        if place.exists():
            os.rename(place, self._beside(read_master(place).identity))  # noqa: PTH104 - counted by the tests
        os.rename(beside, place)  # noqa: PTH104 - counted by the tests
        sync_names(place.parent)

    def _rewrapped(self, path: Path, master: MasterKey) -> bytes:
        record = self._record(path)
        material = self._unwrapped(record, path)
        return records.write(records.wrap(material, master, use=record.use, identity=record.id, key=record.key))

    def _record_files(self) -> list[Path]:
        index = self._index_file()
        return sorted((self.folder / "subjects").glob("*.key")) + ([index] if index.exists() else [])

    def _record(self, path: Path) -> KeyRecord:
        if path == self._index_file():
            return records.read(path, use="reader-index", identity=INDEX)
        try:
            subject = UUID(path.stem)
        except ValueError as error:
            raise ArchiveError("key-record-damaged", path) from error
        return records.read(path, use="subject", identity=subject)

    def _unwrapped(self, record: KeyRecord, path: Path) -> bytes:
        return records.unwrap(record, self._master_by_id(record.master), path)

    def _beside(self, master: UUID) -> Path:
        return outside(self._file.with_name(f"{self._file.name}.{master}"), self._archive)

    def make(self, subject: UUID) -> SubjectKey:
        """The key of a subject that is no reader - a controlled package -, durable; asked again, the same key."""
        self._prepare()
        self._make_key(self._subject_file(subject), use="subject", identity=subject)
        return self.key(subject)

    def key_id(self, subject: UUID) -> UUID | None:
        """Which key a reader's record holds; null where there is no record any more."""
        path = self._subject_file(subject)
        return records.read(path, use="subject", identity=subject).key if path.exists() else None

    def destroy(self, subject: UUID) -> None:
        """Destroy a reader's key, and every reference by which a paper leads to them; durable when this returns.

        The key's record is overwritten before its name goes. Done already, it does what is left to do.
        """
        with guarded(self.folder, alone=True):
            for reference in (self.folder / "readers").glob("*"):
                if not reference.name.startswith(".") and self._referred(reference) == subject:
                    destroy_durably(reference)
            for left in (self.folder / "subjects").glob(f".{subject}.key.*"):
                destroy_durably(left)  # of a writer that died
            destroy_durably(self._subject_file(subject))

    def destroy_words(self, packages: Iterable[UUID]) -> None:
        """Destroy the keys of the words that describe packages, to which no paper leads. Done already, it passes."""
        with guarded(self.folder, alone=True):
            places = [self._subject_file(package) for package in packages]
            names = {place.name for place in places}
            for left in (self.folder / "subjects").glob(".*"):
                if left.name[1:].rpartition(".")[0] in names:
                    destroy_durably(left)  # of a writer that died
            for place in places:
                destroy_durably(place)

    def _prepare(self) -> None:
        """Make master key and index key, once.

        A vault that knows a master key never takes another for it, and one that knows readers no new index key.
        """
        if not self._mark_file().exists():
            for folder in (self.folder, self.folder / "subjects", self.folder / "readers"):
                folder.mkdir(exist_ok=True, mode=0o700)
            sync_names(self.folder)
            place = outside(self._file, self._archive)
            master = read_master(place) if place.exists() else create_master(place, self._new_id)
            try:
                create_durably(self._mark_file(), msgspec.json.encode(_Mark(schema=1, master=master.identity)) + b"\n")
            except FileExistsError:
                self._master_key()
        if not self._index_file().exists() and not any((self.folder / "readers").iterdir()):
            self._make_key(self._index_file(), use="reader-index", identity=INDEX)

    def _make_key(self, path: Path, *, use: Use, identity: UUID) -> KeyRecord:
        record = records.wrap(
            secrets.token_bytes(KEY), self._master_key(), use=use, identity=identity, key=self._new_id()
        )
        try:
            create_durably(path, records.write(record))
        except FileExistsError:
            return records.read(path, use=use, identity=identity)
        return record

    def _marked(self) -> UUID:
        try:
            return msgspec.json.decode(self._mark_file().read_bytes(), type=_Mark).master
        except FileNotFoundError as error:
            raise ArchiveError("key-record-missing", self._mark_file()) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ArchiveError("key-record-damaged", self._mark_file()) from error

    def _master_key(self) -> MasterKey:
        """The master key of the mark, which is read each time: another process may have rotated it."""
        return self._master_by_id(self._marked())

    def _master_by_id(self, wanted: UUID) -> MasterKey:
        if wanted not in self._masters:
            beside = self._beside(wanted)
            master = read_master(beside if beside.exists() else outside(self._file, self._archive))
            if master.identity != wanted:
                raise ArchiveError("vault-key-wrong", self._file, master=wanted)
            self._masters[wanted] = master
        return self._masters[wanted]

    def _reference_file(self, kind: str, number: str) -> Path:
        if self._index is None:
            path = self._index_file()
            record = records.read(path, use="reader-index", identity=INDEX)
            self._index = self._unwrapped(record, path)
        paper = bound("jingui.reader-index/1", kind, paper_number(number))
        return self.folder / "readers" / hmac.new(self._index, paper, hashlib.sha256).hexdigest()

    def _referred(self, reference: Path) -> UUID:
        try:
            return msgspec.json.decode(reference.read_bytes(), type=_Reference).subject
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ArchiveError("key-record-damaged", reference) from error

    def _mark_file(self) -> Path:
        return self.folder / "vault.json"

    def _index_file(self) -> Path:
        return self.folder / "reader-index.key"

    def _subject_file(self, subject: UUID) -> Path:
        return self.folder / "subjects" / f"{subject}.key"


def paper_number(number: str) -> str:
    """A paper's number as it is compared: width, blanks and case say nothing."""
    return "".join(unicodedata.normalize("NFKC", number).split()).upper()
