"""Stored versions (存档版本): what was stored, and how to reach its files - each read through its digest."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID

import msgspec

from packages_spec.bagit.tagfiles import collect, read_manifest
from packages_spec.digests import Digested, chunks_of, digest_file
from packages_spec.mets import FileReference, read_mets
from packages_spec.premis import FileObject, read_premis
from packages_spec.profiles import (
    NAMES,
    PLAIN_DIGESTS,
    SEALED_METS,
    SEALED_SUFFIX,
    PayloadFile,
    package_folder,
    payload_path,
)
from repository.crypto import SealedReader
from repository.domain.archival_package import Stored
from repository.domain.description_fields import FileRange, holds
from repository.errors import ArchiveError
from repository.services.sealing import cipher_of
from repository.services.session import Session
from repository.storage import Folder


class StoredVersion(msgspec.Struct, frozen=True):
    """One committed version: the event that committed it, and the bag's files by path with their SHA-256.

    `sealed_as` is remembered once a controlled version was opened: by its own path, where each file of the record is.
    """

    package: UUID
    id: UUID
    event: Stored
    digests: dict[str, str]
    sealed_as: dict[str, str] = {}

    @property
    def is_sealed(self) -> bool:
        """Whether it is a controlled one, whose files are ciphertext."""
        return f"{package_folder(str(self.package))}/{PLAIN_DIGESTS}{SEALED_SUFFIX}" in self.digests


def newest(session: Session, package: UUID, *, as_of: int | None = None) -> StoredVersion:
    """The newest version, or the newest that was stored at a position of the log.

    `package-not-stored` when there is none; `fixity-mismatch` for a false manifest.
    """
    for event in reversed(session.log.stream(package)):
        if isinstance(event.payload, Stored) and (as_of is None or event.envelope.position <= as_of):
            return _version(session, package, event.envelope.event_id, event.payload)
    raise ArchiveError("package-not-stored", package)


def held(session: Session, package: UUID) -> Iterator[StoredVersion]:
    """Every version that the store still has, the newest first: those of the newest generation.

    `package-not-stored` when there is none; `fixity-mismatch` for a false manifest.
    """
    last = newest(session, package)
    yield last
    for event in reversed(session.log.stream(package)):
        before = event.payload
        if (
            isinstance(before, Stored)
            and before.generation == last.event.generation
            and event.envelope.event_id != last.id
        ):
            yield _version(session, package, event.envelope.event_id, before)


def _version(session: Session, package: UUID, identifier: UUID, stored: Stored) -> StoredVersion:
    """A version's files, from the two manifests that the log vouches for: in a later one they may lie apart."""
    tags = {"manifest-sha256.txt": stored.manifest_sha256, "tagmanifest-sha256.txt": stored.tagmanifest_sha256}
    digests = dict(tags)
    for name, expected in tags.items():
        place = session.store.content_path(package, stored.version, name, stored.generation)
        _, found = digest_file(place)
        if found != expected:
            raise ArchiveError("fixity-mismatch", place, expected=expected, found=found)
        lines = place.read_text("utf-8").removesuffix("\n").split("\n")
        digests |= collect(read_manifest([lines], name, [], digits=64, strict=True), [], strict=True)
    return StoredVersion(package, identifier, stored, digests, {})


def place_of(session: Session, version: StoredVersion, path: str) -> Path:
    """Where a file of the version lies in the store."""
    return session.store.content_path(version.package, version.event.version, path, version.event.generation)


def true_bytes(session: Session, version: StoredVersion, path: str) -> bytes:
    """A small file of the version, whole. `fixity-mismatch` when it is not what the manifest says."""
    place = place_of(session, version, path)
    expected = version.digests.get(path, "-")
    _, found = digest_file(place)
    if found != expected:
        raise ArchiveError("fixity-mismatch", place, expected=expected, found=found)
    return place.read_bytes()


def opened_bytes(session: Session, version: StoredVersion, path: str) -> bytes:
    """A small file of the version, whole; of a controlled one, what is inside the `.age` that stands for it.

    Raises what opening raises: `key-record-missing`, `sealed-payload`, ... Whoever calls this has asked for the right.
    """
    sealed = f"{path}{SEALED_SUFFIX}"
    if sealed not in version.digests:
        return true_bytes(session, version, path)
    with _reader(session, version, sealed) as reader:
        return reader.read_at(0, reader.size)


def _reader(session: Session, version: StoredVersion, path: str) -> SealedReader:
    cipher = cipher_of(session, version.package, version.event.generation)
    return cipher.open(path, place_of(session, version, path))


def content(session: Session, version: StoredVersion) -> Iterator[PayloadFile]:
    """The files of the record, with what METS and PREMIS say of each; of a controlled version, what the sealed ones do.

    Whoever asks for the content of a controlled version has asked for the right to it before.
    """
    folder = f"{package_folder(str(version.package))}/representations/original"
    objects = {known.location: known for known in _objects(session, version, folder)}
    listing = f"{folder}/{SEALED_METS}" if version.is_sealed else f"{folder}/METS.xml"
    for item in read_mets(opened_bytes(session, version, listing)):
        if isinstance(item, FileReference) and item.kind == "file":
            known = objects[item.path]
            yield PayloadFile(
                path=item.path.removeprefix("data/"),
                size=known.size,
                sha256=known.sha256,
                created=item.created,
                media_type=item.media_type or "application/octet-stream",
                original_name=known.original_name,
                puid=known.format.puid,
                format_name=known.format.name,
                format_version=known.format.version,
                format_basis=known.format.basis,
                technical=known.technical,
            )


def _objects(session: Session, version: StoredVersion, folder: str) -> Iterator[FileObject]:
    shards, sealed = f"{folder}/metadata/preservation/premis", version.is_sealed
    for path in sorted(version.digests):
        if path.startswith(shards) and path.endswith(SEALED_SUFFIX) == sealed:
            for statement in read_premis(opened_bytes(session, version, path.removesuffix(SEALED_SUFFIX))):
                if isinstance(statement, FileObject):
                    yield statement


def chosen(
    session: Session, version: StoredVersion, paths: Sequence[str], own: tuple[FileRange, ...] | None = None
) -> list[PayloadFile]:
    """The files of the record at these paths, or all of them. `file-unknown` names one that is not there.

    `own` are the files that are the record's, where it shares its package with others.
    """
    files = {file.path: file for file in content(session, version) if holds(own, file.path)}
    for path in paths:
        if path not in files:
            raise ArchiveError("file-unknown", path, record=version.package)
    return [files[path] for path in dict.fromkeys(paths)] if paths else list(files.values())


def names_of(session: Session, version: StoredVersion) -> dict[str, str]:
    """Of a controlled version: every file of content and delivery by its place without `.age`, and its own name."""
    table = opened_bytes(session, version, f"{package_folder(str(version.package))}/{NAMES}").decode()
    rows = (line.partition("\t") for line in table.splitlines())
    return {f"{package_folder(str(version.package))}/{place}": name for place, _, name in rows}


def place_in(session: Session, version: StoredVersion, path: str) -> str:
    """Under which path of the bag a file of the record lies: its own, or a neutral one."""
    package = str(version.package)
    if not version.is_sealed:
        return payload_path(package, path)
    if not version.sealed_as:
        content_folder = payload_path(package, "")
        for place, name in names_of(session, version).items():
            if place.startswith(content_folder):
                version.sealed_as[name] = f"{place}{SEALED_SUFFIX}"
    return version.sealed_as[path]


def bytes_of(session: Session, version: StoredVersion, file: str) -> Iterator[bytes]:
    """The record's own bytes of a file, streamed, decrypted where they lie encrypted.

    A chunk that fails is never given out; digests are compared by whoever asks.
    """
    path = place_in(session, version, file)
    if not version.is_sealed:
        yield from chunks_of(place_of(session, version, path))
        return
    with _reader(session, version, path) as reader:
        for piece in reader.batches():
            yield bytes(piece)


def reader_of(session: Session, version: StoredVersion, path: str) -> SealedReader:
    """What reads ranges of a file of a controlled version: each opens its own chunks alone."""
    return _reader(session, version, place_in(session, version, path))


def copy_into(session: Session, folder: Folder, version: StoredVersion, file: PayloadFile, path: str) -> Digested:
    """Copy a file of the record as it is to read. `fixity-mismatch` when it is not what was stored."""
    expected = payload_digest(version, file)
    if not version.is_sealed:
        return folder.copy(place_of(session, version, place_in(session, version, file.path)), path, expected)
    copied = folder.write(path, bytes_of(session, version, file.path))
    if copied.sha256 != expected:
        raise ArchiveError("fixity-mismatch", file.path, expected=expected, found=copied.sha256)
    return copied


def payload_digest(version: StoredVersion, file: PayloadFile) -> str:
    """What the bag's manifest says of a file of the record; of one that lies encrypted, what its sealed PREMIS does."""
    if version.is_sealed:
        return file.sha256
    return version.digests[payload_path(str(version.package), file.path)]
