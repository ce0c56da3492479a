"""Rescanning (重新扫描): pages of a stored record are replaced after acceptance; the old ones stay in the old version.

The new pages come in a folder under their old names. They are received into quarantine like any delivery, looked at for
formats and viruses, and stored as the next version. Killed anywhere, the same call goes on.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from pathlib import Path, PurePosixPath
from uuid import UUID

import msgspec

from packages_spec.findings import Finding
from packages_spec.profiles import PayloadFile, package_folder
from repository.characterisation import Asked
from repository.domain import archival_package
from repository.domain.aggregate import New
from repository.domain.archival_package import (
    ARCHIVAL_PACKAGE,
    ContentRevised,
    FormatCount,
    FormatsIdentified,
    MetadataRevised,
    ReplacedFile,
    Stored,
    VirusChecked,
    evolve,
)
from repository.domain.description_fields import holds
from repository.domain.values import Outcome
from repository.errors import ArchiveError
from repository.eventlog import Streams
from repository.services import stored
from repository.services.delivery import ContentFile, Delivered
from repository.services.identification import UNKNOWN, Identified
from repository.services.packaging import payload_file
from repository.services.preservation import put_straight
from repository.services.reception import modified_at
from repository.services.revision import Next, Replacement, Told, archive_of, store_next, told_of
from repository.services.sealing import is_controlled
from repository.services.search import find_description, find_record
from repository.services.session import Progress, Session
from repository.services.stored import StoredVersion
from repository.storage import Received, discard_quarantine, receive, source_lock


class RescanReport(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it: `stored` as `version`, `unchanged` (the same bytes were there already), or `rejected`."""

    schema: str = "jingui.rescan/1"
    outcome: str
    package: UUID
    version: int
    replaced: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


def rescan(session: Session, record: str, source: Path, *, reason: str, progress: Progress) -> RescanReport:
    """Replace pages of a stored record by those in a folder, which have their names; a file of equal bytes stays.

    Rejected, with findings, where a file there is none of the record's. Raises `reason-missing`, `revision-unfit`,
    `revision-pending` (another folder's pages wait), `virus-found`, `record-unknown`, `delivery-changed`.
    """
    session.require("ingest")
    if not reason.strip():
        raise ArchiveError("reason-missing", record)
    package, entry = find_record(session, record), find_description(session, record)
    if is_controlled(session, package):
        raise ArchiveError("record-sealed", record)
    with source_lock(session.folder, f"pages-{package.hex}"):
        put_straight(session)

        # 1 receive the pages into quarantine, or find them there
        quarantine = session.quarantine / f"pages-{package}"
        received = _receive(session, package, source.resolve(), quarantine, progress)
        before = stored.newest(session, package)
        own = {file.path: file for file in stored.content(session, before) if holds(entry.files, file.path)}

        # 2 find the page that each of them replaces
        pages, findings = _matched(received, own)
        if findings:
            discard_quarantine(quarantine)
            return _report(session, package, "rejected", findings=findings)
        changed = {path: file for path, file in pages.items() if file.sha256 != own[path].sha256}
        if not changed:
            discard_quarantine(quarantine)
            return _report(session, package, "unchanged")

        # 3 look at them: formats, technical metadata, viruses
        replaced = _looked_at(session, quarantine / "1", changed, own)
        formats, checks = _checks(session, before, replaced)

        # 4 record what is replaced, why, and what was found
        told = told_of(session, package)
        revised = ContentRevised(
            files=tuple(
                ReplacedFile(path=path, before_sha256=own[path].sha256, after_sha256=file.sha256, bytes=file.size)
                for path, file in changed.items()
            ),
            source=str(source.resolve()),
            reason=reason,
        )
        _record(session, package, told, revised, checks)

        # 5 build, store and commit the next version
        held = store_next(session, [Next(package, told, replaced, formats)], "content revised")
        if held:
            raise ArchiveError("locked", package)
        discard_quarantine(quarantine)
        return _report(session, package, "stored", replaced=tuple(changed))


def _receive(session: Session, package: UUID, source: Path, quarantine: Path, progress: Progress) -> Received:
    """The pages in quarantine. Only a revision that waits goes on from what lies there, and only for its own folder."""
    waiting = session.log.load(ARCHIVAL_PACKAGE, package).state.content_pending
    if waiting is None:
        discard_quarantine(quarantine)
    elif waiting.source != str(source):
        raise ArchiveError("revision-pending", waiting.source)
    quarantine.mkdir(exist_ok=True)
    return receive(
        source,
        quarantine / "1",
        progress=lambda done, total: progress("receive", done, total),
        sync=session.settings.sync,
    )


def _matched(received: Received, own: Mapping[str, PayloadFile]) -> tuple[dict[str, Delivered], tuple[Finding, ...]]:
    """Each received file by the record's file that it replaces: of the same path, or the only one of the same name."""
    names = Counter(PurePosixPath(path).name for path in own)
    by_name = {PurePosixPath(path).name: path for path in own if names[PurePosixPath(path).name] == 1}
    pages: dict[str, Delivered] = {}
    findings = list(received.findings)
    for file in received.files:
        path = file.path if file.path in own else by_name.get(PurePosixPath(file.path).name)
        if path is None:
            findings.append(Finding("rescan.page-unknown", file.path))
        elif path in pages:
            findings.append(Finding("rescan.page-twice", file.path, pages[path].path))
        else:
            pages[path] = Delivered(file.path, file.size, file.sha256, modified_at(file))
    return pages, tuple(findings)


def _looked_at(
    session: Session, folder: Path, pages: Mapping[str, Delivered], own: Mapping[str, PayloadFile]
) -> dict[str, Replacement]:
    """The new files, identified and characterised. `virus-found` before anything is recorded."""
    places = [folder / file.path for file in pages.values()]
    infected = session.scanner.scan(places).infected if session.scanner else {}
    if infected:
        raise ArchiveError("virus-found", folder, files=", ".join(path.name for path in infected))
    kinds: Iterable[Identified] = session.identifier.identify(places) if session.identifier else repeat(UNKNOWN)
    known = list(zip(pages.items(), places, kinds, strict=False))
    asked = (Asked(place, kind.media_type, path) for (path, _), place, kind in known)
    technical = session.characteriser.characterise(asked) if session.characteriser else repeat(None)
    return {
        path: Replacement(payload_file(ContentFile(file, path, own[path].original_name), kind, known_of), place)
        for ((path, file), place, kind), known_of in zip(known, technical, strict=False)
    }


def _checks(
    session: Session, before: StoredVersion, replaced: Mapping[str, Replacement]
) -> tuple[bytes, list[FormatsIdentified | VirusChecked]]:
    """The table of formats with the new files' rows, and what was found out; no table where it would have gaps."""
    checks: list[FormatsIdentified | VirusChecked] = []
    path = f"{package_folder(str(before.package))}/metadata/preservation/formats.ndjson"
    table = b""
    if session.identifier is not None and path in before.digests:
        rows = [msgspec.json.decode(line) for line in stored.true_bytes(session, before, path).splitlines()]
        for row in rows:
            if row["path"] in replaced:
                file = replaced[row["path"]].file
                row["puid"], row["basis"] = file.puid, file.format_basis or ""
        table = b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
        counts = Counter(row["puid"] for row in rows)
        checks.append(
            FormatsIdentified(
                tool=session.identifier.about.tool,
                signatures=session.identifier.about.signatures,
                files=len(rows),
                formats=tuple(FormatCount(puid=puid, files=count) for puid, count in sorted(counts.items(), key=str)),
                formats_sha256=hashlib.sha256(table).hexdigest(),
            )
        )
    checks.append(
        VirusChecked(
            outcome=Outcome.PASSED if session.scanner else Outcome.NOT_CHECKED,
            tool=session.scanner.tool if session.scanner else None,
            signatures=session.scanner.signatures if session.scanner else None,
            files=len(replaced) if session.scanner else 0,
            infected=(),
        )
    )
    return table, checks


def _record(
    session: Session,
    package: UUID,
    told: Told,
    revised: ContentRevised,
    checks: Sequence[FormatsIdentified | VirusChecked],
) -> None:
    """Append the revision, once; where the description changed too, that this version tells of it."""

    def decide(streams: Streams) -> list[New]:
        state = streams.load(ARCHIVAL_PACKAGE, package).state
        metadata = MetadataRevised(description=told.entry, position=told.position)
        events = []
        if state.content_pending is None and told.position > _tells(session, package):
            events += archival_package.revise_metadata(state, metadata)
            state = evolve(state, metadata)
        events += archival_package.revise_content(state, revised, checks)
        return [New(package, event) for event in events]

    session.perform("revise-content", decide, correlation=package, archive=archive_of(session, package))


def _tells(session: Session, package: UUID) -> int:
    """The position up to which the package tells of its description, or will when what waits is stored."""
    events = session.log.stream(package)
    told = [event.payload.position for event in events if isinstance(event.payload, MetadataRevised)]
    first = [event.envelope.position for event in events if isinstance(event.payload, Stored)]
    return max([*told, *first[:1]])


def _report(
    session: Session,
    package: UUID,
    outcome: str,
    *,
    replaced: tuple[str, ...] = (),
    findings: tuple[Finding, ...] = (),
) -> RescanReport:
    version = stored.newest(session, package).event.version
    return RescanReport(outcome=outcome, package=package, version=version, replaced=replaced, findings=findings)
