"""Access (利用): records are handed out as dissemination packages, and the log says so before the first byte leaves."""

from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import UUID

import msgspec

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
from repository.domain.access_request import ACCESS_REQUEST, DipAssembled, DipSource, Requested
from repository.domain.aggregate import New
from repository.domain.description import DESCRIPTION
from repository.domain.values import Value
from repository.errors import ArchiveError
from repository.eventlog import Streams
from repository.services import packaging, stored
from repository.services.search import find_description, find_record, position_of
from repository.services.session import SOFTWARE, SOFTWARE_VERSION, Session
from repository.services.stored import StoredVersion
from repository.storage import Folder, outgoing

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


def disseminate(
    session: Session, record: str, *, paths: Sequence[str], purpose: str, target: Path, as_of: str | None = None
) -> DisseminationReport:
    """Hand out a record (named by 档号, description or package), whole or the files at `paths`, into a new folder.

    The package appears as `target/uuid-<dip>`, made of the newest version, or of the newest that was stored at a moment
    of the past; of a record that shares a package with others, its own files. Raises `record-unknown`, `file-unknown`,
    `purpose-missing`, `fixity-mismatch` (nothing is handed out), `folder-exists`.
    """
    session.require("disseminate")
    package, entry = find_record(session, record), find_description(session, record)
    request, dip = session.new_id(), session.new_id()
    archive = session.log.stream(package)[0].envelope.archive

    # 1 register what is asked for, and why
    requested = Requested(packages=(package,), paths=tuple(paths), purpose=purpose)
    _append(session, request, archive, lambda state: access_request.request(state, requested))

    # 2 assemble the package from the stored version, every byte compared with its manifest
    version = stored.newest(session, package, as_of=position_of(session, as_of))
    files = stored.chosen(session, version, paths, entry.files)
    out = target / f"uuid-{dip}"
    with outgoing(session.folder, dip) as folder:
        built = _assemble(session, folder, version, str(dip), files, entry.id)
        source = DipSource(
            package=package, generation=version.event.generation, version=version.event.version, stored_event=version.id
        )
        assembled = DipAssembled(
            dip=dip,
            sources=(source,),
            files=len(files),
            bytes=sum(file.size for file in files),
            manifest_sha256=built.manifest_sha256,
            tagmanifest_sha256=built.tagmanifest_sha256,
        )
        _append(session, request, archive, lambda state: access_request.assemble(state, assembled))

        # 3 record the delivery, and only then let the first byte out
        _append(session, request, archive, lambda state: access_request.deliver(state, way="folder"))
        folder.hand_out(out)

    # 4 close the request
    _append(session, request, archive, lambda state: access_request.close(state, outcome="delivered"))
    return DisseminationReport(
        request=request,
        dip=dip,
        package=package,
        version=version.event.version,
        stored_event=version.id,
        path=str(out),
        files=assembled.files,
        bytes=assembled.bytes,
    )


def _append(session: Session, request: UUID, archive: str | None, decide: Decide) -> None:
    def decided(streams: Streams) -> list[New]:
        return [New(request, payload) for payload in decide(streams.load(ACCESS_REQUEST, request).state)]

    session.perform("disseminate", decided, correlation=request, archive=archive)


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
