"""The vault (密钥库): wrapped keys in small files, durable before the event that needs them is appended.

    vault/vault.json                 which master key: {"schema":1,"master":<id>}
    vault/reader-index.key           the key under which returning readers are found
    vault/subjects/<subject>.key     one reader's key; destroying this file destroys the reader's words
    vault/readers/<digest>           which reader a paper belongs to: {"schema":1,"subject":<id>}

The digest is HMAC-SHA-256 of kind and number of the paper. It lies beside the keys, not in the log: with a destroyed
key goes the last trace of whose it was.
"""

import hashlib
import hmac
import secrets
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Literal
from uuid import UUID

import msgspec

from repository.crypto import records
from repository.crypto.durable import create_durably, destroy_durably, sync_names
from repository.crypto.master import create_master, outside, read_master
from repository.crypto.records import KeyRecord, MasterKey, Use
from repository.crypto.sealing import KEY, SubjectKey, bound
from repository.errors import ArchiveError

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
        self._master: MasterKey | None = None
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
        return SubjectKey(subject=subject, key=record.key, material=records.unwrap(record, self._master_key(), path))

    def key_id(self, subject: UUID) -> UUID | None:
        """Which key a reader's record holds; null where there is no record any more."""
        path = self._subject_file(subject)
        return records.read(path, use="subject", identity=subject).key if path.exists() else None

    def destroy(self, subject: UUID) -> None:
        """Destroy a reader's key, and every reference by which a paper leads to them; durable when this returns.

        The key's record is overwritten before its name goes. Done already, it does what is left to do.
        """
        for reference in (self.folder / "readers").glob("*"):
            if not reference.name.startswith(".") and self._referred(reference) == subject:
                destroy_durably(reference)
        destroy_durably(self._subject_file(subject))

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

    def _master_key(self) -> MasterKey:
        if self._master is None:
            try:
                mark = msgspec.json.decode(self._mark_file().read_bytes(), type=_Mark)
            except FileNotFoundError as error:
                raise ArchiveError("key-record-missing", self._mark_file()) from error
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise ArchiveError("key-record-damaged", self._mark_file()) from error
            master = read_master(outside(self._file, self._archive))
            if master.identity != mark.master:
                raise ArchiveError("vault-key-wrong", self._file, master=mark.master)
            self._master = master
        return self._master

    def _reference_file(self, kind: str, number: str) -> Path:
        if self._index is None:
            path = self._index_file()
            record = records.read(path, use="reader-index", identity=INDEX)
            self._index = records.unwrap(record, self._master_key(), path)
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
