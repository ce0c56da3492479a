"""Package keys (信息包密钥): one identity for every sealed generation of a package, in one small record.

    vault/packages/<first 3 letters>/<package>.g<generation>.age

Version 1, stored for ever: an age file (suite `age-v1`) to the class key and to the recovery key, which holds an
identity file. Its header carries, under the MAC, the stanza `-> jingui/record 1 <package> <generation> <class key>
<its version> <recovery key> <its version>` with an empty body: to which keys it is wrapped. Whoever rewraps a record
replaces it whole. The identity never changes, so no byte of the package does.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from uuid import UUID

import msgspec

from repository.crypto.age import (
    PackageIdentity,
    SealingWriter,
    X25519Identity,
    X25519Recipient,
    generate_identity,
    open_sealed,
    parse_identities,
    suite_named,
    write_identity,
)
from repository.crypto.age.header import Stanza, read_header
from repository.crypto.durable import (
    create_durably,
    destroy_durably,
    guarded,
    replace_all_durably,
    sweep,
    sync_names,
)
from repository.errors import ArchiveError

_WORDS = ("jingui/record", "1")
_LARGEST = 8 * 1024


class KeyVersion(msgspec.Struct, frozen=True, order=True):
    """One version of one key of the ring."""

    key: UUID
    version: int


class PublicKey(msgspec.Struct, frozen=True):
    """One version of a key, and the recipient that it opens for."""

    of: KeyVersion
    recipient: X25519Recipient


class Wrapping(msgspec.Struct, frozen=True, kw_only=True):
    """To which keys records are wrapped now: that of the class, and the one that is kept in shares."""

    class_key: PublicKey
    recovery: PublicKey

    @property
    def versions(self) -> tuple[KeyVersion, KeyVersion]:
        """Which two."""
        return self.class_key.of, self.recovery.of


class RecordHead(msgspec.Struct, frozen=True, kw_only=True):
    """What a record says of itself. True only once the record was opened: until then nothing proves it."""

    package: UUID
    generation: int
    class_key: KeyVersion
    recovery: KeyVersion

    def stanza(self) -> Stanza:
        """As it stands in the record."""
        words = (self.package, self.generation, *_flat(self.class_key), *_flat(self.recovery))
        return Stanza((*_WORDS, *map(str, words)), b"")


OpenKey = Callable[[KeyVersion], X25519Identity]
"""Opens a version of a class key with whatever keeps it; raises `class-key-missing` and others."""


class PackageKeys:
    """The records of one archive. `open_key` is asked for a class key when a record is read."""

    def __init__(self, vault: Path, open_key: OpenKey) -> None:
        self.folder = vault / "packages"
        self._open_key = open_key
        self._opened: dict[KeyVersion, X25519Identity] = {}

    def create(self, package: UUID, generation: int, wrapping: Wrapping, suite: str = "age-v1") -> PackageIdentity:
        """A new identity, whose record is durable before anybody hears of it; asked again, the same identity.

        So an ingest that is begun anew goes on with what it sealed. `suite-unknown`.
        """
        path = self._file(package, generation)
        if path.exists():
            return self.identity(package, generation)
        identity = generate_identity(suite_named(suite))
        self._folder_of(path)
        try:
            with guarded(self.folder, alone=False):
                create_durably(path, _record(package, generation, wrapping, identity))
        except FileExistsError:
            return self.identity(package, generation)
        return identity

    def identity(self, package: UUID, generation: int) -> PackageIdentity:
        """What opens the files of a package generation.

        `key-record-missing` when it was destroyed or lost, `key-record-damaged`, or whatever keeps the class key.
        """
        head = self.head(package, generation)
        return self._read(package, generation, self._key(head.class_key))

    def identity_by(self, package: UUID, generation: int, key: X25519Identity) -> PackageIdentity:
        """The same with a key that is not asked for: the recovery key in a drill. `sealed-no-match`."""
        return self._read(package, generation, key)

    def head(self, package: UUID, generation: int) -> RecordHead:
        """To which keys the record says that it is wrapped. Proven only by opening it."""
        path = self._file(package, generation)
        return self._head(path)

    def heads(self) -> Iterator[RecordHead]:
        """Every record's, in the order of their names. `key-record-damaged` for a file that is none."""
        for path in self.files():
            yield self._head(path)

    def files(self) -> Iterator[Path]:
        """Every record's file, in the order of their names; what a writer that died left beside them is none."""
        if not self.folder.is_dir():
            return
        for folder in sorted(one for one in self.folder.iterdir() if one.is_dir()):
            yield from sorted(path for path in folder.iterdir() if not path.name.startswith("."))

    def rewrap(self, records: Sequence[RecordHead], wrapping: Callable[[UUID], Wrapping]) -> None:
        """Wrap records to the present keys: all written aside and synced, then each put in the old one's place.

        Dying anywhere, every record is the old one or the new one. Nothing but records is read; one that was destroyed
        since it was listed stays destroyed.
        """
        with guarded(self.folder, alone=True):
            made: list[tuple[Path, bytes]] = []
            for head in records:
                path = self._file(head.package, head.generation)
                if path.exists():
                    made.append((path, self._rewrapped(path, wrapping)))
            replace_all_durably(made)

    def destroy(self, records: Sequence[RecordHead]) -> None:
        """Destroy records, and what a writer that died left beside them: what they opened is opened by nobody.

        Those that are gone are passed over.
        """
        if not self.folder.is_dir():
            return
        with guarded(self.folder, alone=True):
            paths = [self._file(head.package, head.generation) for head in records]
            for folder in sorted({path.parent for path in paths if path.parent.is_dir()}):
                sweep(folder)
            for path in paths:
                destroy_durably(path)

    def tidy(self) -> None:
        """Destroy whatever writers that died left beside records."""
        if self.folder.is_dir():
            with guarded(self.folder, alone=True):
                for folder in sorted(one for one in self.folder.iterdir() if one.is_dir()):
                    sweep(folder)

    def _rewrapped(self, path: Path, wrapping: Callable[[UUID], Wrapping]) -> bytes:
        head = self._head(path)
        identity = self._read(head.package, head.generation, self._key(head.class_key))
        return _record(head.package, head.generation, wrapping(head.class_key.key), identity)

    def forget(self) -> None:
        """Forget the class keys that were opened."""
        self._opened.clear()

    def _key(self, version: KeyVersion) -> X25519Identity:
        if version not in self._opened:
            self._opened[version] = self._open_key(version)
        return self._opened[version]

    def _read(self, package: UUID, generation: int, key: X25519Identity) -> PackageIdentity:
        path = self._file(package, generation)
        data = _bytes(path)
        try:
            with open_sealed(io.BytesIO(data), key, None, name=str(path)) as reader:
                head = _head_among(reader.stanzas)
                text = reader.read_at(0, reader.size).decode("ascii")
            (identity,) = parse_identities(text, str(path))
        except (ArchiveError, UnicodeDecodeError, ValueError) as error:
            if isinstance(error, ArchiveError) and error.code in {"sealed-no-match", "suite-unknown"}:
                raise
            raise ArchiveError("key-record-damaged", path) from None  # the cause might repeat what the record holds
        if head is None or (head.package, head.generation) != (package, generation):
            raise ArchiveError("key-record-damaged", path)
        return identity

    def _head(self, path: Path) -> RecordHead:
        data = _bytes(path)
        try:
            head = _head_among(read_header(io.BytesIO(data), str(path)).stanzas)
        except ArchiveError as error:
            raise ArchiveError("key-record-damaged", path) from error
        if head is None or self._file(head.package, head.generation) != path:
            raise ArchiveError("key-record-damaged", path)
        return head

    def _file(self, package: UUID, generation: int) -> Path:
        name = str(package)
        return self.folder / name[:3] / f"{name}.g{generation}.age"

    def _folder_of(self, path: Path) -> None:
        for folder in (self.folder, path.parent):
            if not folder.is_dir():
                folder.mkdir(exist_ok=True, mode=0o700)
                sync_names(folder.parent)


def _record(package: UUID, generation: int, wrapping: Wrapping, identity: PackageIdentity) -> bytes:
    class_key, recovery = wrapping.class_key, wrapping.recovery
    head = RecordHead(package=package, generation=generation, class_key=class_key.of, recovery=recovery.of)
    made = io.BytesIO()
    writer = SealingWriter(made, (class_key.recipient, recovery.recipient), None, head.stanza())
    writer.write(write_identity(identity))
    writer.finish()
    return made.getvalue()


def _head_among(stanzas: Sequence[Stanza]) -> RecordHead | None:
    found = [stanza.words[2:] for stanza in stanzas if stanza.words[:2] == _WORDS]
    if len(found) != 1 or len(found[0]) != 6:
        return None
    package, generation, key, version, recovery, recovery_version = found[0]
    try:
        head = RecordHead(
            package=UUID(package),
            generation=int(generation),
            class_key=KeyVersion(UUID(key), int(version)),
            recovery=KeyVersion(UUID(recovery), int(recovery_version)),
        )
    except ValueError:
        return None
    return head if head.stanza().words[2:] == found[0] else None


def _flat(version: KeyVersion) -> tuple[UUID, int]:
    return version.key, version.version


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except FileNotFoundError as error:
        raise ArchiveError("key-record-missing", path) from error
    except OSError as error:
        raise ArchiveError("key-record-damaged", path) from error
    if len(data) > _LARGEST:
        raise ArchiveError("key-record-damaged", path)
    return data
