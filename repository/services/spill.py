"""Spill (涉密外泄处置): a page that should never have come in is taken out of every copy that the archive can reach.

It is a removal like any other, asked for by one person and approved by a second; what is particular is how it is found:
by its record and path, or by its digest, in whichever records these bytes lie or ever lay. A record in which only an
older version has them is made anew as it is: with the object before it, its older versions go.
"""

import re
from collections.abc import Iterator, Sequence
from uuid import UUID

from repository.domain.archival_package import Stored
from repository.domain.removal import RemovalKind
from repository.errors import ArchiveError
from repository.services import stored
from repository.services.removal import RemovalReport, RemovalRequest, propose
from repository.services.search import find_record
from repository.services.session import Session

_SHA256 = re.compile(r"[0-9a-f]{64}")


def propose_spill(
    session: Session,
    record: str | None,
    *,
    files: Sequence[str],
    digests: Sequence[str],
    words: Sequence[str],
    legal_basis: str,
    reason: str,
) -> RemovalReport:
    """Ask that files of a record, and every file with these SHA-256 wherever it is, be taken out; and words besides.

    Raises `record-unknown`, `file-unknown`, `digest-unknown` for a digest that no file here has, and what `propose`
    raises.
    """
    session.require("propose-removal")
    if files and record is None:
        raise ArchiveError("record-unknown", "-")
    wanted = [(record, path) for path in files] if record is not None else []
    anew: list[UUID] = []
    for digest in digests:
        found = [*_found(session, digest, record)] if _SHA256.fullmatch(digest) else []
        if not found:
            raise ArchiveError("digest-unknown", digest)
        wanted += [(str(package), path) for package, path in found if path is not None]
        anew += [package for package, _ in found]
    request = RemovalRequest(
        kind=RemovalKind.SPILL,
        legal_basis=legal_basis,
        reason=reason,
        words=tuple(words),
        files=tuple(dict.fromkeys(wanted)),
        packages=tuple(dict.fromkeys(anew)),
    )
    return propose(session, request)


def _found(session: Session, digest: str, record: str | None) -> Iterator[tuple[UUID, str | None]]:
    """Every file that has this digest in a record's newest version; null for a record where only older ones have it."""
    only = find_record(session, record) if record else None
    seen: set[UUID] = set()
    for event in session.log.events(types=["ArchivalPackage.Stored"]):
        package = event.envelope.stream
        if package in seen or only not in (None, package) or not isinstance(event.payload, Stored):
            continue
        seen.add(package)
        newest, *older = stored.held(session, package)
        paths = [file.path for file in stored.content(session, newest) if file.sha256 == digest]
        yield from ((package, path) for path in paths)
        if not paths and any(file.sha256 == digest for one in older for file in stored.content(session, one)):
            yield package, None
