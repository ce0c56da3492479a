"""Papers (移交材料): which of what came with a record holds certain words, in clear or inside a workbook or archive."""

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from uuid import UUID

from packages_spec.profiles import delivery_path, payload_path
from repository.domain.accession import ACCESSION
from repository.domain.archival_package import ARCHIVAL_PACKAGE
from repository.services import stored
from repository.services.revision import PAPERS
from repository.services.session import Session

ENCODINGS = ("utf-8", "gb18030", "utf-16-le", "utf-16-be")
LARGEST_MEMBER = 64 << 20
CHUNK = 1 << 20


def holding(session: Session, package: UUID, words: Sequence[str]) -> Iterator[str]:
    """The papers of a package's newest version in which any of the words stands: `delivery/<path>`.

    Where the package is the delivery's papers and no record, these are its files, and named as such.
    """
    if not words:
        return
    version = stored.newest(session, package)
    folder = delivery_path(str(package), "")
    for path in sorted(version.digests):
        if path.startswith(folder) and _holds(stored.place_of(session, version, path), words):
            yield f"{PAPERS}{path.removeprefix(folder)}"
    if _is_papers(session, package):
        for file in stored.content(session, version):
            if _holds(stored.place_of(session, version, payload_path(str(package), file.path)), words):
                yield file.path


def _is_papers(session: Session, package: UUID) -> bool:
    created = session.log.load(ARCHIVAL_PACKAGE, package).state.created
    if created is None:
        return False
    of_delivery = session.log.load(ACCESSION, created.accession).state
    return of_delivery.is_papers(created.unit)


def _holds(place: Path, words: Sequence[str]) -> bool:
    wanted = {word.encode(encoding, "ignore") for word in words for encoding in ENCODINGS} - {b""}
    if _contains(place, wanted):
        return True
    if not zipfile.is_zipfile(place):
        return False
    with zipfile.ZipFile(place) as archive:
        members = [info for info in archive.infolist() if info.file_size <= LARGEST_MEMBER]
        return any(piece in archive.read(info) for info in members for piece in wanted)


def _contains(place: Path, wanted: set[bytes]) -> bool:
    longest, kept = max(map(len, wanted)), b""
    with place.open("rb") as file:
        while chunk := file.read(CHUNK):
            text = kept + chunk
            if any(piece in text for piece in wanted):
                return True
            kept = text[-longest:]
    return False
