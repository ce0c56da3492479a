"""Exports (导出): records leave the archive in forms that other systems read, each recorded as a run of kind export.

E-ARK SIP, AIP and DIP, EAD3, Dublin Core, and a transfer set by items. Every byte of content is compared with its
manifest while it is copied; what an export holds appears whole, in one new folder, or not at all. Content leaves by the
same rule as through a reader's request: one record that whoever exports may not see keeps the whole export here.
"""

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from uuid import UUID

import msgspec

from packages_spec.descriptive import Component, FindingAid, dublin_core, write_dc, write_ead3
from packages_spec.digests import Digested
from packages_spec.premis import Identifier, Source
from packages_spec.profiles import PackageContent, PackageKind, PayloadFile, build, payload_path
from packages_spec.transfer_set import Item, ItemFile, TransferSet, item_folder, write_set
from packages_spec.xml_text import in_chunks
from repository.domain import access_request, description, run
from repository.domain.aggregate import New
from repository.domain.description import DESCRIPTION
from repository.domain.description_fields import holds
from repository.domain.run import RUN, RunKind
from repository.domain.values import Outcome, Value
from repository.errors import ArchiveError
from repository.eventlog import Streams
from repository.services import packaging, rights, stored
from repository.services.search import find_description
from repository.services.session import SOFTWARE, SOFTWARE_VERSION, Session
from repository.services.stored import StoredVersion
from repository.storage import Folder, outgoing


class Form(StrEnum):
    """The forms that records can be exported in."""

    EARK_SIP = "eark-sip"
    EARK_AIP = "eark-aip"
    EARK_DIP = "eark-dip"
    EAD3 = "ead3"
    DC = "dc"
    DAT93 = "dat93"


_DESCRIBING = frozenset({Form.EAD3, Form.DC})
"""The forms that hold no content."""


class ExportReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was exported: the run that records it, and the new folder that holds it."""

    schema: str = "jingui.export/1"
    run: UUID
    form: Form
    records: tuple[UUID, ...]
    path: str
    files: int
    bytes: int


class _Record(msgspec.Struct, frozen=True):
    """A record to be exported: its description's id, its fields, and its package where it has one."""

    identifier: UUID
    fields: description.Fields
    package: UUID | None


def export(session: Session, records: Sequence[str], form: Form, target: Path) -> ExportReport:
    """Export records, named as anywhere, into the new folder `target/export-<run>`.

    Raises `record-unknown`, `record-without-package` where the form needs content, `access-controlled` for the first
    record whose content may not be let out to whoever exports, `package-not-stored`, and `fixity-mismatch` for the
    first file that is not true; the run then ends as failed, and nothing is left at the target.
    """
    session.require("materialise")
    # 1 find what is asked for, each once and in the order asked
    chosen = list({record.identifier: record for record in (_find(session, name) for name in records)}.values())

    # 2 record that it begins
    identifier = session.new_id()
    scope = f"{form.value}: " + ", ".join(f"urn:uuid:{record.package or record.identifier}" for record in chosen)
    started = run.Started(kind=RunKind.EXPORT, scope=scope, target=str(target))
    _append(session, identifier, lambda state: run.start(state, started))

    out = target / f"export-{identifier}"
    outcome, written = Outcome.FAILED, []
    try:
        # 3 ask whether its content may leave, before a byte is copied
        _expect_allowed(session, form, chosen)

        # 4 make it in the archive's own staging; ask again, for that may have taken hours; then hand it out whole
        with outgoing(session.folder, identifier) as folder:
            made = _WRITERS[form](session, folder, identifier, chosen)
            _expect_allowed(session, form, chosen)
            folder.hand_out(out)
        outcome, written = Outcome.PASSED, made
    finally:
        # 5 record how it ended
        finished = run.Finished(outcome=outcome, done=len(written), findings=(), findings_total=0)
        _append(session, identifier, lambda state: run.finish(state, finished))
    return ExportReport(
        run=identifier,
        form=form,
        records=tuple(record.identifier for record in chosen),
        path=str(out),
        files=len(written),
        bytes=sum(file.size for file in written),
    )


def _find(session: Session, name: str) -> _Record:
    found = find_description(session, name)
    fields = session.log.load(DESCRIPTION, found.id).state.fields
    if fields is None:
        raise ArchiveError("description-unknown", name)
    return _Record(found.id, fields, fields.package)


def _expect_allowed(session: Session, form: Form, records: Sequence[_Record]) -> None:
    """Refuse the export if the content of one record may not be let out now. Nobody was granted anything for it.

    What only describes is for whoever may know of the record, which finding it has asked already.
    """
    if form in _DESCRIBING:
        return
    for record in records:
        if record.package is None:
            continue  # refused for its own reason when it is written
        none = access_request.State()
        verdict = rights.may_see(session, session.log, record.package, record.identifier, (), none, copy=True)
        if not verdict.allowed:
            raise ArchiveError("access-controlled", record.package, why=verdict.why)


def _version(session: Session, record: _Record) -> StoredVersion:
    if record.package is None:
        raise ArchiveError("record-without-package", record.fields.reference_code or record.identifier)
    return stored.newest(session, record.package)


def _aips(session: Session, folder: Folder, _: UUID, records: Sequence[_Record]) -> list[Digested]:
    """The stored versions, byte for byte."""
    copied = []
    for record in records:
        version = _version(session, record)
        for path, digest in sorted(version.digests.items()):
            source = stored.place_of(session, version, path)
            copied.append(folder.copy(source, f"uuid-{version.package}/{path}", digest))
    return copied


def _sips(session: Session, folder: Folder, _: UUID, records: Sequence[_Record]) -> list[Digested]:
    """Packages that another archive can take in: content and description, none of our history."""
    return [
        entry for record in records for entry in _rebuilt(session, folder, record, PackageKind.SIP, session.new_id())
    ]


def _dips(session: Session, folder: Folder, _: UUID, records: Sequence[_Record]) -> list[Digested]:
    """Packages for use, with the history of what they were made from."""
    return [
        entry for record in records for entry in _rebuilt(session, folder, record, PackageKind.DIP, session.new_id())
    ]


class _Within:
    """A folder inside another: the builder's paths begin at its bag."""

    def __init__(self, folder: Folder, name: str) -> None:
        self._folder = folder
        self._name = name

    def write(self, path: str, chunks: Iterable[bytes]) -> Digested:
        """Write a new file below the folder."""
        entry = self._folder.write(f"{self._name}/{path}", chunks)
        return Digested(path, entry.size, entry.sha256)


def _rebuilt(
    session: Session, folder: Folder, record: _Record, kind: PackageKind, identifier: UUID
) -> Sequence[Digested]:
    version = _version(session, record)
    bag = f"uuid-{identifier}"
    files, placed = _placed(session, folder, record, version, f"{bag}/{payload_path(str(identifier), '')}")
    events = session.log.stream(version.package) if kind is PackageKind.DIP else []
    agents, told = packaging.preservation_metadata(str(identifier), events)
    extras = packaging.extras(session.log.records(version.package), [], b"") if kind is PackageKind.DIP else []
    code = record.fields.reference_code
    content = PackageContent(
        kind=kind,
        package=str(identifier),
        created=session.now(),
        label=packaging.label_of(record.fields, str(identifier)),
        description=packaging.as_described(record.fields),
        files=files,
        placed=[Digested(entry.path.removeprefix(f"{bag}/"), entry.size, entry.sha256) for entry in placed],
        extras=extras,
        events=told,
        agents=agents,
        sources=(Source(str(version.package), version.event.version, str(version.id)),) if events else (),
        other_identifiers=(Identifier("local", f"档号: {code}"),) if code else (),
        bag_group=record.fields.fonds_code,
        software=SOFTWARE,
        software_version=SOFTWARE_VERSION,
        archive=session.archive_code(None),
    )
    return build(content, _Within(folder, bag)).entries


def _placed(
    session: Session, folder: Folder, record: _Record, version: StoredVersion, prefix: str
) -> tuple[list[PayloadFile], list[Digested]]:
    """Copy the record's files below the prefix, each compared with its manifest; of a shared package only its own."""
    files = [file for file in stored.chosen(session, version, ()) if holds(record.fields.files, file.path)]
    return files, [stored.copy_into(session, folder, version, file, prefix + file.path) for file in files]


def _dublin_core(_: Session, folder: Folder, __: UUID, records: Sequence[_Record]) -> list[Digested]:
    """One dc.xml for each record."""
    return [
        folder.write(f"{record.identifier}.dc.xml", [write_dc(dublin_core(packaging.as_described(record.fields)))])
        for record in records
    ]


def _ead3(session: Session, folder: Folder, identifier: UUID, records: Sequence[_Record]) -> list[Digested]:
    """One finding aid; a record whose parent is exported too stands inside it."""
    exported = {record.identifier: record for record in records}
    archive = session.archive_code(None)

    def component(record: _Record, above: frozenset[UUID]) -> Component:
        within = above | {record.identifier}
        parts = [part for part in records if part.fields.parent == record.identifier and part.identifier not in above]
        return Component(packaging.as_described(record.fields), tuple(component(part, within) for part in parts))

    tops = [record for record in records if record.fields.parent not in exported]
    aid = FindingAid(
        identifier=f"urn:uuid:{identifier}",
        title=packaging.label_of(tops[0].fields, archive) if len(tops) == 1 else f"{archive}：{len(records)} 条",
        archive=archive,
        agency=archive,
        created=session.now(),
        software=f"{SOFTWARE}/{SOFTWARE_VERSION}",
    )
    document = write_ead3(aid, [component(record, frozenset()) for record in tops])
    return [folder.write("ead3.xml", in_chunks(document))]


def _transfer_set(session: Session, folder: Folder, identifier: UUID, records: Sequence[_Record]) -> list[Digested]:
    """A set by items, in the style of DA/T 93-2022."""
    taken: set[str] = set()
    items, placed = [], []
    for record in records:
        version = _version(session, record)
        described = packaging.as_described(record.fields)
        place = item_folder(described, taken)
        files, copied = _placed(session, folder, record, version, f"{place}/文件/")
        placed += copied
        came = Source(str(version.package), version.event.version).uri
        items.append(Item(place, described, tuple(map(_listed, files)), came))
    return write_set(
        TransferSet(
            identifier=f"urn:uuid:{identifier}",
            archive=session.archive_code(None),
            created=session.now(),
            software=f"{SOFTWARE}/{SOFTWARE_VERSION}",
            items=tuple(items),
            placed=tuple(placed),
        ),
        folder,
    )


def _listed(file: PayloadFile) -> ItemFile:
    return ItemFile(file.path, file.size, file.sha256, file.media_type, file.puid or file.format_name)


_WRITERS: dict[Form, Callable[[Session, Folder, UUID, Sequence[_Record]], list[Digested]]] = {
    Form.EARK_SIP: _sips,
    Form.EARK_AIP: _aips,
    Form.EARK_DIP: _dips,
    Form.EAD3: _ead3,
    Form.DC: _dublin_core,
    Form.DAT93: _transfer_set,
}


def _append(session: Session, identifier: UUID, decide: Callable[[run.State], list[Value]]) -> None:
    def decided(streams: Streams) -> list[New]:
        return [New(identifier, payload) for payload in decide(streams.load(RUN, identifier).state)]

    session.perform("export", decided, correlation=identifier, archive=None)
