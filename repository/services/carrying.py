"""Carrying over (转入新版): the files of a version as they stand in the next one, in clear or sealed.

Within a generation nothing is read: a file stays where it lies, and one that is sealed is never sealed again. Into
another generation every byte is written: as it is, sealed to the new identity, or opened, as the record's class asks.
"""

import hashlib
from collections.abc import Iterator, Sequence

import msgspec

from packages_spec.digests import Digested, chunks_of
from packages_spec.profiles import (
    PLAIN_DIGESTS,
    SEALED_SUFFIX,
    PayloadFile,
    delivery_path,
    neutral_names,
    package_folder,
    payload_path,
    sealed_path,
)
from repository.crypto import PackageCipher
from repository.errors import ArchiveError
from repository.services import stored
from repository.services.session import Session
from repository.services.stored import StoredVersion
from repository.storage import Stage

PAPERS = "delivery/"
"""What the paths of papers begin with where files of the record and papers are named together."""


class Carried(msgspec.Struct, frozen=True):
    """Where the files stand in the next version: content and papers, and what the papers are when they are opened."""

    placed: list[Digested]
    delivery: list[Digested]
    papers: list[Digested]


class _Paper(msgspec.Struct, frozen=True):
    """A paper of the version before: its own name, size and digest, and its place in the bag."""

    plain: Digested
    place: str


def keep(session: Session, before: StoredVersion, files: Sequence[PayloadFile], left_out: frozenset[str]) -> Carried:
    """Everything stays where it lies."""
    papers = [paper for paper in _papers(session, before) if f"{PAPERS}{paper.plain.path}" not in left_out]
    return Carried(
        placed=[_lying(session, before, stored.place_in(session, before, file.path)) for file in files],
        delivery=[_lying(session, before, paper.place) for paper in papers],
        papers=[paper.plain for paper in papers],
    )


def write_anew(
    session: Session,
    stage: Stage,
    before: StoredVersion,
    files: Sequence[PayloadFile],
    cipher: PackageCipher | None,
    left_out: frozenset[str],
) -> Carried:
    """Everything is written into the stage, sealed where there is a cipher. `fixity-mismatch` for what is not true."""
    package = str(before.package)
    names = neutral_names([file.path for file in files])
    placed = []
    for file, name in zip(files, names, strict=True):
        path = payload_path(package, file.path) if cipher is None else sealed_path(package, name)
        chunks = _expected(stored.bytes_of(session, before, file.path), file.path, file.sha256)
        placed.append(stage.write(path, chunks if cipher is None else cipher.seal(path, chunks)))
    papers = [paper for paper in _papers(session, before) if f"{PAPERS}{paper.plain.path}" not in left_out]
    shown = neutral_names([paper.plain.path for paper in papers])
    delivery = []
    for paper, name in zip(papers, shown, strict=True):
        path = delivery_path(package, paper.plain.path if cipher is None else f"{name}{SEALED_SUFFIX}")
        chunks = _expected(_paper_chunks(session, before, paper), paper.plain.path, paper.plain.sha256)
        delivery.append(stage.write(path, chunks if cipher is None else cipher.seal(path, chunks)))
    return Carried(placed, delivery, [paper.plain for paper in papers])


def paper_names(session: Session, version: StoredVersion) -> Iterator[tuple[str, Iterator[bytes]]]:
    """The papers of a version under their own names, each with its bytes, opened where it is sealed."""
    for paper in _papers(session, version):
        yield paper.plain.path, _paper_chunks(session, version, paper)


def _papers(session: Session, version: StoredVersion) -> Iterator[_Paper]:
    folder = delivery_path(str(version.package), "")
    if not version.is_sealed:
        for path, digest in sorted(version.digests.items()):
            if path.startswith(folder):
                size = stored.place_of(session, version, path).stat().st_size
                yield _Paper(Digested(path.removeprefix(folder), size, digest), path)
        return
    digests = _plain_digests(session, version)
    for place, name in stored.names_of(session, version).items():
        if place.startswith(folder):
            yield _Paper(Digested(name, 0, digests[place]), f"{place}{SEALED_SUFFIX}")


def _plain_digests(session: Session, version: StoredVersion) -> dict[str, str]:
    """Of a controlled version: the digest of each plaintext, by its place without `.age`."""
    top = package_folder(str(version.package))
    lines = stored.opened_bytes(session, version, f"{top}/{PLAIN_DIGESTS}").decode().splitlines()
    return {f"{top}/{path}": digest for digest, _, path in (line.partition("  ") for line in lines)}


def _paper_chunks(session: Session, version: StoredVersion, paper: _Paper) -> Iterator[bytes]:
    if version.is_sealed:
        yield stored.opened_bytes(session, version, paper.place.removesuffix(SEALED_SUFFIX))
        return
    yield from chunks_of(stored.place_of(session, version, paper.place))


def _lying(session: Session, version: StoredVersion, path: str) -> Digested:
    return Digested(path, stored.place_of(session, version, path).stat().st_size, version.digests[path])


def _expected(chunks: Iterator[bytes], name: str, sha256: str) -> Iterator[bytes]:
    """The chunks, and after the last of them `fixity-mismatch` unless they are what they should be."""
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != sha256:
        raise ArchiveError("fixity-mismatch", name, expected=sha256, found=digest.hexdigest())
