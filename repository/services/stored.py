"""Stored versions (存档版本): what was stored, and how to reach its files - each read through its digest."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID

import msgspec

from packages_spec.bagit.tagfiles import collect, read_manifest
from packages_spec.digests import digest_file
from packages_spec.mets import FileReference, read_mets
from packages_spec.premis import FileObject, read_premis
from packages_spec.profiles import PayloadFile, package_folder, payload_path
from repository.domain.archival_package import Stored
from repository.domain.description_fields import FileRange, holds
from repository.errors import ArchiveError
from repository.services.session import Session


class StoredVersion(msgspec.Struct, frozen=True):
    """One committed version: the event that committed it, and the bag's files by path with their SHA-256."""

    package: UUID
    id: UUID
    event: Stored
    digests: dict[str, str]


def newest(session: Session, package: UUID, *, as_of: int | None = None) -> StoredVersion:
    """The newest version, or the newest that was stored at a position of the log.

    `package-not-stored` when there is none; `fixity-mismatch` for a false manifest.
    """
    for event in reversed(session.log.stream(package)):
        if isinstance(event.payload, Stored) and (as_of is None or event.envelope.position <= as_of):
            return _version(session, package, event.envelope.event_id, event.payload)
    raise ArchiveError("package-not-stored", package)


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
    return StoredVersion(package, identifier, stored, digests)


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


def content(session: Session, version: StoredVersion) -> Iterator[PayloadFile]:
    """The files of the record, with what METS and PREMIS say of each."""
    folder = f"{package_folder(str(version.package))}/representations/original"
    objects = {known.location: known for known in _objects(session, version, folder)}
    for item in read_mets(true_bytes(session, version, f"{folder}/METS.xml")):
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
    shards = f"{folder}/metadata/preservation/premis"
    for path in sorted(version.digests):
        if path.startswith(shards):
            for statement in read_premis(true_bytes(session, version, path)):
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


def payload_digest(version: StoredVersion, file: PayloadFile) -> str:
    """What the bag's manifest says of a file of the record."""
    return version.digests[payload_path(str(version.package), file.path)]
