"""The key store (密钥存放处): class keys, each version wrapped by its keeper, in a folder outside the archive.

    <folder>/<key>.<version>.key

Version 1, stored for ever: a JSON object `schema, key, version, public, kept_by, how, wrapped` and a line feed.
`public` is the age recipient of the key; `wrapped` are the 32 bytes of its secret under what `kept_by` names, with
`jingui.class-key/1` and the label `<key>.<version>.<public>` bound in. The folder is outside the archive, and so
outside its copies: whoever has a copy of the vault has no key to it.
"""

import resource
from collections.abc import Callable
from pathlib import Path
from typing import Literal
from uuid import UUID

import msgspec

from repository.crypto.age import X25519Identity
from repository.crypto.durable import create_durably, destroy_durably, replace_all_durably
from repository.crypto.keepers import Cost, Keeper, PassphraseKeeper, Wrapped
from repository.crypto.master import outside
from repository.crypto.package_keys import KeyVersion
from repository.crypto.passphrase import read_passphrase
from repository.domain.key_ring import KeptBy
from repository.errors import ArchiveError


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    schema: Literal[1]
    key: UUID
    version: int
    public: str
    kept_by: KeptBy
    how: dict[str, str | int]
    wrapped: str


class KeyStore:
    """The class keys of one archive. `keepers` gives the adapter for what a file says keeps it."""

    def __init__(self, folder: Path, archive: Path, kept_by: KeptBy, keepers: Callable[[KeptBy], Keeper]) -> None:
        self.folder = folder
        self.kept_by = kept_by
        """By what new versions are kept."""
        self._archive = archive
        self._keepers = keepers

    def create(self, of: KeyVersion) -> str:
        """Make a version of a key, durable before anybody hears of it; its recipient.

        Asked again, the same: so a command that died before its event goes on with what it made.
        """
        path = self._file(of)
        if path.exists():
            return str(self.identity(of).recipient)
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _no_dumps()
        identity = X25519Identity.generate()
        public = str(identity.recipient)
        wrapped = self._keepers(self.kept_by).wrap(identity.secret, _label(of, public))
        made = _File(
            schema=1,
            key=of.key,
            version=of.version,
            public=public,
            kept_by=wrapped.kept_by,
            how=wrapped.how,
            wrapped=wrapped.wrapped,
        )
        try:
            create_durably(path, msgspec.json.encode(made) + b"\n")
        except FileExistsError:
            return str(self.identity(of).recipient)
        return public

    def identity(self, of: KeyVersion) -> X25519Identity:
        """Open a version of a key with what keeps it.

        `class-key-missing`, `key-record-damaged`, `key-passphrase-missing`, `key-passphrase-wrong`, `key-token`.
        """
        path = self._file(of)
        file = self._read(path, of)
        _no_dumps()
        label = _label(of, file.public)
        wrapped = Wrapped(kept_by=file.kept_by, how=file.how, wrapped=file.wrapped)
        secret = self._keepers(file.kept_by).unwrap(wrapped, label)
        try:
            identity = X25519Identity(secret)
        except ValueError:
            raise ArchiveError("key-record-damaged", path) from None
        if str(identity.recipient) != file.public:
            raise ArchiveError("key-record-damaged", path)
        return identity

    def change_keeper(self, passphrase: str | None, prompt: str) -> list[KeyVersion]:
        """Wrap every class key anew by what keeps new ones: under another passphrase, or by the token; which they are.

        `passphrase` is where the new one is read from (None: asked for). All are opened before the first is replaced,
        so that a wrong passphrase changes nothing. What is in the token already stays there.
        """
        to_token = self.kept_by is KeptBy.TOKEN
        keeper = (
            self._keepers(self.kept_by)
            if to_token
            else PassphraseKeeper(lambda: read_passphrase(passphrase, prompt), Cost())
        )
        files = [(path, self._decoded(path)) for path in self.files()]
        moved = [(path, file) for path, file in files if not (to_token and file.kept_by is KeptBy.TOKEN)]
        opened = [(path, file, self.identity(KeyVersion(file.key, file.version))) for path, file in moved]
        made = [(path, _file(file, keeper, identity)) for path, file, identity in opened]
        replace_all_durably(made)
        for _, file in moved:
            if file.kept_by is KeptBy.TOKEN:
                self._keepers(KeptBy.TOKEN).forget(_label(KeyVersion(file.key, file.version), file.public))
        return [KeyVersion(file.key, file.version) for _, file in moved]

    def destroy(self, of: KeyVersion) -> None:
        """Destroy a version: what its keeper holds of it, and its file. One that is gone is passed over."""
        path = self._file(of)
        if path.exists():
            file = self._read(path, of)
            self._keepers(file.kept_by).forget(_label(of, file.public))
        if path.parent.is_dir():
            destroy_durably(path)  # on disks that write elsewhere it is the wrapping that protects what is left

    def files(self) -> list[Path]:
        """Every key's file."""
        self._outside()
        return sorted(self.folder.glob("*.key")) if self.folder.is_dir() else []

    def version_of(self, path: Path) -> KeyVersion:
        """Which version a file holds (`key-record-damaged`)."""
        file = self._decoded(path)
        return KeyVersion(file.key, file.version)

    def _read(self, path: Path, of: KeyVersion) -> _File:
        file = self._decoded(path)
        if (file.key, file.version) != (of.key, of.version):
            raise ArchiveError("key-record-damaged", path)
        return file

    def _decoded(self, path: Path) -> _File:
        try:
            return msgspec.json.decode(path.read_bytes(), type=_File)
        except FileNotFoundError as error:
            raise ArchiveError("class-key-missing", path) from error
        except (msgspec.DecodeError, UnicodeDecodeError, OSError) as error:
            raise ArchiveError("key-record-damaged", path) from error

    def _file(self, of: KeyVersion) -> Path:
        return self._outside() / f"{of.key}.{of.version}.key"

    def _outside(self) -> Path:
        return outside(self.folder, self._archive)


def _file(old: _File, keeper: Keeper, identity: X25519Identity) -> bytes:
    wrapped = keeper.wrap(identity.secret, _label(KeyVersion(old.key, old.version), old.public))
    new = msgspec.structs.replace(old, kept_by=wrapped.kept_by, how=wrapped.how, wrapped=wrapped.wrapped)
    return msgspec.json.encode(new) + b"\n"


def _label(of: KeyVersion, public: str) -> str:
    return f"{of.key}.{of.version}.{public}"


def _no_dumps() -> None:
    """From here on this process holds secrets, and leaves no picture of its memory if it crashes."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
