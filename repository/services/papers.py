"""Papers (移交材料): which of what came with a record holds certain words, in clear or inside a workbook or archive."""

import io
import zipfile
from collections.abc import Iterator, Sequence
from uuid import UUID

from repository.domain.accession import ACCESSION
from repository.domain.archival_package import ARCHIVAL_PACKAGE
from repository.services import carrying, stored
from repository.services.session import Session

ENCODINGS = ("utf-8", "gb18030", "utf-16-le", "utf-16-be")
LARGEST_MEMBER = 64 << 20


def holding(session: Session, package: UUID, words: Sequence[str]) -> Iterator[str]:
    """The papers of a package's newest version in which any of the words stands: `delivery/<path>`.

    Where the package is the delivery's papers and no record, these are its files, and named as such.
    """
    if not words:
        return
    version = stored.newest(session, package)
    for name, chunks in carrying.paper_names(session, version):
        if _holds(chunks, words):
            yield f"{carrying.PAPERS}{name}"
    if _is_papers(session, package):
        for file in stored.content(session, version):
            if _holds(stored.bytes_of(session, version, file.path), words):
                yield file.path


def _is_papers(session: Session, package: UUID) -> bool:
    created = session.log.load(ARCHIVAL_PACKAGE, package).state.created
    if created is None:
        return False
    of_delivery = session.log.load(ACCESSION, created.accession).state
    return of_delivery.is_papers(created.unit)


def _holds(chunks: Iterator[bytes], words: Sequence[str]) -> bool:
    """Papers are tables and lists: one is held in memory while it is looked through."""
    wanted = {word.encode(encoding, "ignore") for word in words for encoding in ENCODINGS} - {b""}
    content = b"".join(chunks)
    if any(piece in content for piece in wanted):
        return True
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return False
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [info for info in archive.infolist() if info.file_size <= LARGEST_MEMBER]
        return any(piece in archive.read(info) for info in members for piece in wanted)
