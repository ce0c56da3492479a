"""Looks (在线阅览): one file of a record is let out to be read, whole or in ranges, and the log says so first.

A look is of one file at one version of its package. Outside a registered request each reading is a look of its own,
asked for, shown and closed at once. Under a request the first reading of a file is the look, and all further ranges of
it are the same look, as long as the rules still allow it.

A contact sheet shows many pages in small. It is one look at all of them, whoever reviews: the archive does not tell
small pictures of a controlled record from large ones.
"""

from collections.abc import Collection
from functools import partial
from pathlib import Path
from uuid import UUID

import msgspec

from repository.domain import access_request
from repository.domain.access_request import ACCESS_REQUEST, ContentViewed
from repository.errors import ArchiveError
from repository.services import access, requests, rights, stored
from repository.services.access import Asked, ShownFile
from repository.services.dissemination import Parcel
from repository.services.search import find_record
from repository.services.session import Session

WAY, SHEET = "http", "sheet"


def look(session: Session, record: str, path: str, *, purpose: str) -> Parcel:
    """Let one file of a record be read. When this returns, `ContentViewed` is committed and no byte has left.

    Raises `record-unknown` and `access-controlled`, both after the refusal was recorded; `file-unknown`,
    `purpose-missing`, and `fixity-mismatch` for a file that is not what was stored: nothing of it is shown.
    """
    session.require("disseminate")
    entry = access.find_to_use(session, record, paths=(path,), purpose=purpose)
    if entry.package is None:
        raise ArchiveError("record-without-package", record)
    stored.chosen(session, stored.newest(session, entry.package), (path,), entry.files)
    asked = access.ask(session, record, paths=(path,), purpose=purpose)
    parcel = _shown(session, asked)
    access.append(session, asked.request, asked.archive, partial(access_request.close, outcome="viewed"))
    return parcel


def look_under(session: Session, request: UUID, path: str, *, record: str | None = None) -> Parcel:
    """Let one file be read under a request; without `record`, of the first that was asked for or granted.

    Raises `request-unknown` (also for another's), `record-unknown`, `file-unknown`, `fixity-mismatch`, and
    `access-controlled` where the rules do not allow it, or not any more.
    """
    session.require("disseminate")
    wanted = {asked.package: asked for asked in requests.to_let_out(session, request)}
    package = find_record(session, record) if record else next(iter(wanted))
    if package not in wanted:
        raise ArchiveError("record-unknown", record or package)
    asked = msgspec.structs.replace(wanted[package], paths=(path,))
    if (again := _looked_at(session, asked)) is not None:
        return again
    access.let_out(session, asked, copy=False)
    return _shown(session, asked)


def look_at_pages(session: Session, package: UUID, paths: Collection[str], *, purpose: str) -> dict[str, Path]:
    """Let these pages of a stored record be shown together, in small: where each lies, of those that it still has.

    When this returns, `ContentViewed` names them and is committed, and no picture was made. Whoever reviews does not
    see into every record: raises `record-unknown`, `access-controlled` after the refusal was recorded, and
    `fixity-mismatch` for a page that is not what was stored.
    """
    entry = access.find_to_use(session, str(package), paths=(), purpose=purpose)
    if entry.package != package:
        return {}  # it was merged into a record with other pages
    asked = access.ask(session, str(package), paths=(), purpose=purpose)
    wanted = [file for file in access.places_of(session, asked) if file.path in paths]
    for file in wanted:
        _expect_true(session, package, file)
    shown = msgspec.structs.replace(asked, paths=tuple(file.path for file in wanted))
    if wanted:
        access.show_files(session, shown, way=SHEET)
    access.append(session, asked.request, asked.archive, partial(access_request.close, outcome="viewed"))
    return {file.path: Path(file.place) for file in wanted}


def _looked_at(session: Session, asked: Asked) -> Parcel | None:
    """The file, if this very version of it was shown under the request before and may still be shown."""
    version = stored.newest(session, asked.package)
    (path,) = asked.paths
    payloads = (event.payload for event in session.log.stream(asked.request))
    shown = (one for one in payloads if isinstance(one, ContentViewed))
    meant = (asked.package, version.event.generation, version.event.version, WAY)
    if not any((one.package, one.generation, one.version, one.way) == meant and path in one.paths for one in shown):
        return None
    state = session.log.load(ACCESS_REQUEST, asked.request).state
    verdict = rights.may_see(session, session.log, asked.package, asked.entry, asked.paths, state, copy=False)
    if not verdict.allowed:
        raise ArchiveError("access-controlled", asked.package, why=verdict.why)
    (file,) = access.places_of(session, asked)
    _expect_true(session, asked.package, file)
    return _parcel(session, asked.package, file)


def _shown(session: Session, asked: Asked) -> Parcel:
    """Compare the file with its digest, record the look, and only then say where it lies."""
    for file in access.places_of(session, asked):
        _expect_true(session, asked.package, file)
    (shown,) = access.show_files(session, asked, way=WAY).files
    return _parcel(session, asked.package, shown)


def _expect_true(session: Session, package: UUID, file: ShownFile) -> None:
    """Compare it before it leaves. Of one that lies encrypted each chunk proves itself when it is read."""
    if not stored.newest(session, package).is_sealed:
        session.true_files.expect(Path(file.place), file.sha256, file.path)


def _parcel(session: Session, package: UUID, file: ShownFile) -> Parcel:
    """The file as it may leave; of one that lies encrypted, a range opens its own chunks and no others."""
    version = stored.newest(session, package)
    return Parcel(
        path=Path(file.place),
        name=file.path.rsplit("/", 1)[-1],
        media_type=file.media_type,
        bytes=file.size,
        sha256=file.sha256,
        reader=partial(stored.reader_of, session, version, file.path) if version.is_sealed else None,
    )
