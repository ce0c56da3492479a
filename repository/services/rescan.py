"""Rescanning (重新扫描): pages of a stored record are put right after acceptance; the old ones stay in the old version.

The new pages come in a folder under their old names; pages that were missed come with them where that is wanted, and
pages that were scanned twice are named. They are received into quarantine like any delivery, looked at for formats and
viruses, and stored as the next version: as many versions as it takes, of 500 pages each. Killed anywhere, the same call
goes on.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from pathlib import Path, PurePosixPath
from uuid import UUID

import msgspec

from packages_spec.findings import Finding
from packages_spec.paths import safe_paths
from packages_spec.profiles import PayloadFile, package_folder
from repository.characterisation import Asked
from repository.domain import archival_package
from repository.domain.aggregate import New
from repository.domain.archival_package import (
    ARCHIVAL_PACKAGE,
    REPLACED_AT_ONCE,
    AddedFile,
    ContentRevised,
    FormatCount,
    FormatsIdentified,
    MetadataRevised,
    RemovedFile,
    ReplacedFile,
    Stored,
    VirusChecked,
    evolve,
)
from repository.domain.description_fields import FileRange, holds
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
    """What came of it: `stored` as `version`, `unchanged` (it was so already), or `rejected`."""

    schema: str = "jingui.rescan/1"
    outcome: str
    package: UUID
    version: int
    replaced: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


class _Changes(msgspec.Struct, frozen=True):
    """What is to be put right: files of the folder by the path that they will have, and paths that go."""

    new: Mapping[str, Delivered]
    gone: frozenset[str]
    findings: tuple[Finding, ...]

    def batches(self) -> Iterator["_Changes"]:
        """As much of it as one version takes, in the order of paths."""
        paths = sorted({*self.new, *self.gone})
        for start in range(0, len(paths), REPLACED_AT_ONCE):
            batch = paths[start : start + REPLACED_AT_ONCE]
            new = {path: self.new[path] for path in batch if path in self.new}
            yield _Changes(new, self.gone.intersection(batch), ())


def rescan(
    session: Session,
    record: str,
    source: Path | None,
    *,
    reason: str,
    progress: Progress,
    add: bool = False,
    remove: Sequence[str] = (),
) -> RescanReport:
    """Replace pages of a stored record by those in a folder, which have their names; a file of equal bytes stays.

    With `add` pages of other names are pages that were missed; `remove` names pages that go. Rejected, with findings,
    where a file or name is none of the record's. Raises `reason-missing`, `revision-unfit`, `revision-pending` (another
    folder's pages wait), `virus-found`, `record-unknown`, `delivery-changed`.
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
        place = "" if source is None else str(source.resolve())
        received = _receive(session, package, place, quarantine, progress)
        version = stored.newest(session, package)
        every = {file.path: file for file in stored.content(session, version)}
        own = {path: file for path, file in every.items() if holds(entry.files, path)}

        # 2 find the page that each of them replaces, the place of those that are new, and the pages that go
        changes = _matched(received, own, every, entry.files, add=add)
        changes = _without(changes, session, package, own, remove)
        if changes.findings:
            discard_quarantine(quarantine)
            return _report(session, package, "rejected", findings=changes.findings)
        if not changes.new and not changes.gone:
            discard_quarantine(quarantine)
            return _report(session, package, "unchanged")

        # 3 to 5 for as many pages as one version takes at a time
        for number, batch in enumerate(changes.batches(), 1):
            _store_batch(session, package, quarantine / "1", batch, place, reason)
            progress("rescan", min(number * REPLACED_AT_ONCE, len(changes.new)), len(changes.new))
        discard_quarantine(quarantine)
        return _report(
            session,
            package,
            "stored",
            replaced=tuple(path for path in changes.new if path in own),
            added=tuple(path for path in changes.new if path not in own),
            removed=tuple(sorted(changes.gone)),
        )


def _store_batch(session: Session, package: UUID, folder: Path, batch: _Changes, source: str, reason: str) -> None:
    """One version with these changes."""
    before = stored.newest(session, package)
    now = {file.path: file for file in stored.content(session, before)}

    # 3 look at the new files: formats, technical metadata, viruses
    replaced = _looked_at(session, folder, batch.new, now)
    formats, checks = _checks(session, before, replaced, batch.gone)

    # 4 record what is replaced, added and removed, why, and what was found
    told = told_of(session, package)
    revised = ContentRevised(
        files=tuple(
            ReplacedFile(path=path, before_sha256=now[path].sha256, after_sha256=file.sha256, bytes=file.size)
            for path, file in batch.new.items()
            if path in now
        ),
        source=source,
        reason=reason,
        added=tuple(
            AddedFile(path=path, sha256=file.sha256, bytes=file.size)
            for path, file in batch.new.items()
            if path not in now
        ),
        removed=tuple(RemovedFile(path=path, sha256=now[path].sha256) for path in sorted(batch.gone)),
    )
    _record(session, package, told, revised, checks)

    # 5 build, store and commit the next version
    held = store_next(session, [Next(package, told, replaced, formats, left_out=batch.gone)], "content revised")
    if held:
        raise ArchiveError("locked", package)


def _receive(session: Session, package: UUID, source: str, quarantine: Path, progress: Progress) -> Received | None:
    """The pages in quarantine. Only a revision that waits goes on from what lies there, and only for its own folder."""
    waiting = session.log.load(ARCHIVAL_PACKAGE, package).state.content_pending
    if waiting is None:
        discard_quarantine(quarantine)
    elif waiting.source != source:
        raise ArchiveError("revision-pending", waiting.source or package)
    if not source:
        return None
    quarantine.mkdir(exist_ok=True)
    return receive(
        Path(source),
        quarantine / "1",
        progress=lambda done, total: progress("receive", done, total),
        sync=session.settings.sync,
    )


def _matched(
    received: Received | None,
    own: Mapping[str, PayloadFile],
    every: Mapping[str, PayloadFile],
    ranges: tuple[FileRange, ...] | None,
    *,
    add: bool,
) -> _Changes:
    """Each received file by the path that it will have, without those whose very bytes stand there.

    It replaces the file of the same path, or the only one of the same name; one that is to be added stands beside the
    others, and within the record's `ranges`.
    """
    names = Counter(PurePosixPath(path).name for path in own)
    by_name = {PurePosixPath(path).name: path for path in own if names[PurePosixPath(path).name] == 1}
    pages: dict[str, Delivered] = {}
    findings = list(received.findings) if received else []
    folders = {path.rpartition("/")[0] for path in own}
    beside = folders.pop() if len(folders) == 1 else None
    for file in received.files if received else ():
        path = file.path if file.path in own else by_name.get(PurePosixPath(file.path).name)
        if path is None and add:
            path = file.path if beside is None else str(PurePosixPath(beside) / PurePosixPath(file.path).name)
        if path is None:
            findings.append(Finding("rescan.page-unknown", file.path))
        elif path in pages:
            findings.append(Finding("rescan.page-twice", file.path, pages[path].path))
        elif path not in own and (path in every or not holds(ranges, path)):
            findings.append(Finding("rescan.page-outside", file.path, found=path))
        else:
            pages[path] = Delivered(file.path, file.size, file.sha256, modified_at(file))
    new = [path for path in pages if path not in own]
    named = safe_paths([*every, *new])
    findings += named.findings
    odd = [path for path in new if named.names.get(path, path) != path]
    findings += [Finding("rescan.page-name", pages[path].path, named.names[path]) for path in odd]
    changed = {path: file for path, file in pages.items() if path not in own or file.sha256 != own[path].sha256}
    return _Changes(changed, frozenset(), tuple(findings))


def _without(
    changes: _Changes, session: Session, package: UUID, own: Mapping[str, PayloadFile], names: Sequence[str]
) -> _Changes:
    """The changes, and the pages of these names or paths that go; those that went before are gone already."""
    gone: set[str] = set()
    findings = list(changes.findings)
    before = {
        file.path
        for event in session.log.stream(package)
        if isinstance(event.payload, ContentRevised)
        for file in event.payload.removed
    }
    for name in names:
        found = [path for path in own if name in (path, PurePosixPath(path).name)]
        if len(found) == 1 and found[0] not in changes.new:
            gone.add(found[0])
        elif found:
            findings.append(Finding("rescan.page-twice", name, found[-1]))
        elif not any(name in (path, PurePosixPath(path).name) for path in before):
            findings.append(Finding("rescan.page-unknown", name))
    if gone and gone == own.keys() and not changes.new:
        findings.append(Finding("rescan.nothing-left", ", ".join(names)))
    return _Changes(changes.new, frozenset(gone), tuple(findings))


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
        path: Replacement(payload_file(ContentFile(file, path, _name(own, path)), kind, known_of), place)
        for ((path, file), place, kind), known_of in zip(known, technical, strict=False)
    }


def _name(own: Mapping[str, PayloadFile], path: str) -> str | None:
    """Under which name a page was delivered, where that is another one than its own."""
    return own[path].original_name if path in own else None


def _checks(
    session: Session, before: StoredVersion, replaced: Mapping[str, Replacement], gone: frozenset[str]
) -> tuple[bytes, list[FormatsIdentified | VirusChecked]]:
    """The table of formats with the new files' rows, and what was found out; no table where it would have gaps."""
    checks: list[FormatsIdentified | VirusChecked] = []
    path = f"{package_folder(str(before.package))}/metadata/preservation/formats.ndjson"
    table = b""
    if session.identifier is not None and path in before.digests:
        lines = [msgspec.json.decode(line) for line in stored.true_bytes(session, before, path).splitlines()]
        rows = [row for row in lines if row["path"] not in gone]
        known = {row["path"] for row in rows}
        rows += [{"path": new, "puid": None, "basis": ""} for new in replaced if new not in known]
        if len(rows) > len(known):
            rows.sort(key=lambda row: row["path"])
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
    added: tuple[str, ...] = (),
    removed: tuple[str, ...] = (),
    findings: tuple[Finding, ...] = (),
) -> RescanReport:
    version = stored.newest(session, package).event.version
    return RescanReport(
        outcome=outcome,
        package=package,
        version=version,
        replaced=replaced,
        added=added,
        removed=removed,
        findings=findings,
    )
