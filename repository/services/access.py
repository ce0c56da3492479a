"""Access (利用): records are handed out as dissemination packages, and the log says so before the first byte leaves."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from uuid import UUID

import msgspec

from packages_spec.digests import chunks_of
from packages_spec.premis import Identifier, Source
from packages_spec.profiles import (
    Built,
    PackageContent,
    PackageKind,
    PayloadFile,
    build,
    payload_path,
)
from repository.domain import access_request
from repository.domain.access_request import (
    ACCESS_REQUEST,
    ContentViewed,
    DipAssembled,
    DipSource,
    Requested,
    refuse_by_rule,
)
from repository.domain.access_rules import Verdict
from repository.domain.aggregate import New
from repository.domain.authority import may
from repository.domain.description import DESCRIPTION
from repository.domain.description_fields import FileRange
from repository.domain.values import Value
from repository.errors import ArchiveError
from repository.eventlog import Streams
from repository.services import packaging, rights, stored
from repository.services.search import find_description, named_package, position_of
from repository.services.session import SOFTWARE, SOFTWARE_VERSION, Session
from repository.services.stored import StoredVersion
from repository.storage import Folder, outgoing

PAGES_OF_AN_EVENT = 500

Decide = Callable[[access_request.State], list[Value]]


class DisseminationReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was handed out. `stored_event` committed the version that it was made from."""

    schema: str = "jingui.disseminate/1"
    request: UUID
    dip: UUID
    package: UUID
    version: int
    stored_event: UUID
    path: str
    files: int
    bytes: int


class ShownFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that may be read now: its name in the record, where it lies, and what it has to be."""

    path: str
    place: str
    size: int
    sha256: str
    media_type: str


class ViewReport(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown from now on, under which request."""

    schema: str = "jingui.view/1"
    request: UUID
    package: UUID
    version: int
    files: tuple[ShownFile, ...]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What of one record is to leave: its package and entry, the entry's own files, and those that are asked for."""

    request: UUID
    archive: str | None
    package: UUID
    entry: UUID
    own: tuple[FileRange, ...] | None
    paths: tuple[str, ...]


def disseminate(
    session: Session, record: str, *, paths: Sequence[str], purpose: str, target: Path, as_of: str | None = None
) -> DisseminationReport:
    """Hand out a record (named by 档号, description or package), whole or the files at `paths`, into a new folder.

    The package appears as `target/uuid-<dip>`, made of the newest version, or of the newest that was stored at a moment
    of the past; of a record that shares a package with others, its own files. Raises `record-unknown` (also for what
    the one who asks may not know of) and `access-controlled`, both after the refusal was recorded; `file-unknown`,
    `purpose-missing`, `fixity-mismatch` (nothing is handed out), `folder-exists`.
    """
    session.require("disseminate")

    # 1 register what is asked for, and why; what the rules refuse ends here, in the log
    asked = ask(session, record, paths=paths, purpose=purpose)

    # 2-3 assemble, record the delivery, and only then let the first byte out
    report = hand_out(session, asked, target, as_of=position_of(session, as_of))

    # 4 close the request
    append(session, asked, lambda state: access_request.close(state, outcome="delivered"))
    return report


def view(session: Session, record: str, *, paths: Sequence[str], purpose: str) -> ViewReport:
    """Let files of a record be looked at; the look is in the log before anything is shown. Raises as `disseminate`."""
    session.require("disseminate")
    asked = ask(session, record, paths=paths, purpose=purpose)
    report = show_files(session, asked)
    append(session, asked, lambda state: access_request.close(state, outcome="viewed"))
    return report


def ask(session: Session, record: str, *, paths: Sequence[str], purpose: str) -> Asked:
    """Register what is asked for.

    What the rules refuse is recorded and then refused. One who may not know of the record leaves the same two events,
    and meets the same error, as one who asks for what is not there.
    """
    request = session.new_id()
    try:
        entry = find_description(session, record)
    except ArchiveError as error:
        if error.code == "record-unknown" and not may(session.standing(), "survey"):
            _record_refusal(session, request, named_package(session, record), paths, purpose)
        raise
    if entry.package is None:
        raise ArchiveError("record-without-package", record)
    asked = Asked(
        request=request,
        archive=session.log.stream(entry.package)[0].envelope.archive,
        package=entry.package,
        entry=entry.id,
        own=entry.files,
        paths=tuple(paths),
    )
    requested = Requested(packages=(entry.package,), paths=tuple(paths), purpose=purpose)
    append(session, asked, lambda state: access_request.request(state, requested))
    let_out(session, asked, copy=True)
    return asked


def _record_refusal(session: Session, request: UUID, hidden: UUID | None, paths: Sequence[str], purpose: str) -> None:
    archive = session.archive_code(None)
    asked = Requested(packages=(hidden,) if hidden else (), paths=tuple(paths), purpose=purpose)
    _append(session, request, archive, lambda state: access_request.request(state, asked))
    _append(session, request, archive, lambda state: refuse_by_rule(state, None))


def let_out(session: Session, asked: Asked, *, copy: bool) -> None:
    """Ask whether these files may be let out; a refusal is recorded, then raised (`access-controlled`)."""
    refused: list[Verdict] = []

    def decide(streams: Streams) -> list[New]:
        state = streams.load(ACCESS_REQUEST, asked.request).state
        verdict = rights.may_see(session, streams, asked.package, asked.entry, asked.paths, state, copy=copy)
        refused[:] = [] if verdict.allowed else [verdict]
        return [New(asked.request, payload) for payload in ([] if verdict.allowed else refuse_by_rule(state, None))]

    session.perform("let-out", decide, correlation=asked.request, archive=asked.archive)
    if refused:
        raise ArchiveError("access-controlled", asked.package, why=refused[0].why)


def hand_out(session: Session, asked: Asked, target: Path, *, as_of: int | None = None) -> DisseminationReport:
    """Make a dissemination package for a request and hand it out, if the rules still allow it at that moment."""
    dip = session.new_id()
    version = stored.newest(session, asked.package, as_of=as_of)
    files = stored.chosen(session, version, asked.paths, asked.own)
    out = target / f"uuid-{dip}"
    with outgoing(session.folder, dip) as folder:
        # assemble the package from the stored version, every byte compared with its manifest
        built = _assemble(session, folder, version, str(dip), files, asked.entry)
        source = DipSource(
            package=asked.package,
            generation=version.event.generation,
            version=version.event.version,
            stored_event=version.id,
        )
        assembled = DipAssembled(
            dip=dip,
            sources=(source,),
            files=len(files),
            bytes=sum(file.size for file in files),
            manifest_sha256=built.manifest_sha256,
            tagmanifest_sha256=built.tagmanifest_sha256,
        )
        append(session, asked, lambda state: access_request.assemble(state, assembled))

        # record the delivery, and only then let the first byte out
        _let_out(session, asked, lambda state: access_request.deliver(state, way="folder"), copy=True)
        folder.hand_out(out)
    return DisseminationReport(
        request=asked.request,
        dip=dip,
        package=asked.package,
        version=version.event.version,
        stored_event=version.id,
        path=str(out),
        files=assembled.files,
        bytes=assembled.bytes,
    )


def show_files(session: Session, asked: Asked, *, way: str = "screen") -> ViewReport:
    """Record that files are shown, in batches of 500, and only then tell where they lie."""
    version = stored.newest(session, asked.package)
    files = stored.chosen(session, version, asked.paths, asked.own)
    shown = [file.path for file in files]
    for start in range(0, len(shown), PAGES_OF_AN_EVENT):
        viewed = ContentViewed(
            package=asked.package,
            generation=version.event.generation,
            version=version.event.version,
            paths=tuple(shown[start : start + PAGES_OF_AN_EVENT]),
            way=way,
        )
        _let_out(session, asked, partial(access_request.view, viewed=viewed), copy=False)
    return ViewReport(
        request=asked.request,
        package=asked.package,
        version=version.event.version,
        files=tuple(_shown(session, version, file) for file in files),
    )


def _shown(session: Session, version: StoredVersion, file: PayloadFile) -> ShownFile:
    place = stored.place_of(session, version, payload_path(str(version.package), file.path))
    return ShownFile(
        path=file.path,
        place=str(place),
        size=file.size,
        sha256=stored.payload_digest(version, file),
        media_type=file.media_type,
    )


def shown_bytes(file: ShownFile) -> Iterator[bytes]:
    """The bytes of a file that is shown, streamed; `fixity-mismatch` at the end where they were not the stored ones."""
    digest = hashlib.sha256()
    for chunk in chunks_of(Path(file.place)):
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != file.sha256:
        raise ArchiveError("fixity-mismatch", file.place, expected=file.sha256, found=digest.hexdigest())


def append(session: Session, asked: Asked, decide: Decide) -> None:
    """Append to a request what is decided from its state."""
    _append(session, asked.request, asked.archive, decide)


def _append(session: Session, request: UUID, archive: str | None, decide: Decide) -> None:
    def decided(streams: Streams) -> list[New]:
        return [New(request, payload) for payload in decide(streams.load(ACCESS_REQUEST, request).state)]

    session.perform("disseminate", decided, correlation=request, archive=archive)


def _let_out(session: Session, asked: Asked, decide: Decide, *, copy: bool) -> None:
    """The event after which bytes leave, decided together with the right to it: a grant that ends now ends it."""

    def decided(streams: Streams) -> list[New]:
        state = streams.load(ACCESS_REQUEST, asked.request).state
        verdict = rights.may_see(session, streams, asked.package, asked.entry, asked.paths, state, copy=copy)
        if not verdict.allowed:
            raise ArchiveError("access-controlled", asked.package, why=verdict.why)
        return [New(asked.request, payload) for payload in decide(state)]

    session.perform("let-out", decided, correlation=asked.request, archive=asked.archive)


def _assemble(
    session: Session, folder: Folder, version: StoredVersion, dip: str, files: Sequence[PayloadFile], entry: UUID
) -> Built:
    placed = []
    for file in files:
        source = stored.place_of(session, version, payload_path(str(version.package), file.path))
        placed.append(folder.copy(source, payload_path(dip, file.path), stored.payload_digest(version, file)))
    fields = session.log.load(DESCRIPTION, entry).state.fields
    if fields is None:
        raise ArchiveError("description-unknown", version.package)
    history = session.log.records(version.package)
    agents, events = packaging.preservation_metadata(dip, session.log.stream(version.package))
    code = [Identifier("local", f"档号: {fields.reference_code}")] if fields.reference_code else []
    content = PackageContent(
        kind=PackageKind.DIP,
        package=dip,
        created=session.now(),
        label=packaging.label_of(fields, dip),
        description=packaging.as_described(fields),
        files=files,
        placed=placed,
        extras=packaging.extras(history, [], b""),
        events=events,
        agents=agents,
        sources=(Source(f"urn:uuid:{version.package}", version.event.version, str(version.id)),),
        other_identifiers=tuple(code),
        bag_group=fields.fonds_code,
        software=SOFTWARE,
        software_version=SOFTWARE_VERSION,
        archive=session.archive_code(None),
    )
    return build(content, folder)
