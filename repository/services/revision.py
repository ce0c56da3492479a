"""Revision (重新组包): the next version of a stored package, when its description or its pages have changed.

A version is a whole bag, of which the store keeps only what is new: tag files, METS, PREMIS, descriptions, history, and
the files that were replaced. What does not change is not read, and stays where the version before has it.

The event that says why - `MetadataRevised`, `ContentRevised` - is appended first and stands in the new version's own
history; `Stored` commits it. Killed in between, the next run finds the revision waiting and stores the same version.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID

import msgspec

from packages_spec import descriptive
from packages_spec.descriptive.sections import Extent
from packages_spec.digests import Digested
from packages_spec.ocfl import User
from packages_spec.premis import Identifier, PackageEntity, read_premis
from packages_spec.profiles import (
    SEALED_SUFFIX,
    Built,
    PackageContent,
    PackageKind,
    PayloadFile,
    Sealing,
    build,
    package_folder,
    payload_path,
)
from repository.crypto import PackageCipher
from repository.domain import archival_package
from repository.domain.aggregate import New, fold
from repository.domain.archival_package import ARCHIVAL_PACKAGE, ContentRevised, MetadataRevised, Stored
from repository.domain.description import DESCRIPTION, Fields
from repository.domain.description_fields import holds
from repository.domain.envelope import Event
from repository.errors import ArchiveError
from repository.eventlog import Record, Streams
from repository.services import carrying, packaging, stored
from repository.services.checkpoints import signed_head
from repository.services.preservation import put_straight
from repository.services.quality_report import REPORT
from repository.services.sealing import cipher_of, unsealed_fields
from repository.services.session import SOFTWARE, SOFTWARE_VERSION, Progress, Session
from repository.services.stored import StoredVersion
from repository.storage import Stage

AT_ONCE = 50
"""Packages that are committed together: two syncs and one transaction for all of them."""

CODE, FORMER_CODE = "档号: ", "曾用档号: "


class Told(msgspec.Struct, frozen=True):
    """What the next version tells: the entry, its fields, and the position of the log up to which that is known.

    `parts` are the records that it was divided into.
    """

    entry: UUID
    fields: Fields
    position: int
    parts: tuple[tuple[UUID, Fields], ...] = ()


class Replacement(msgspec.Struct, frozen=True):
    """A file of the record that is replaced, or new: what it is now, and where in quarantine its bytes lie."""

    file: PayloadFile
    place: Path


class Next(msgspec.Struct, frozen=True):
    """A package whose next version is to be stored. `formats` is the table of formats, null where it stays.

    `replaced` are the files with other bytes, by path, also those that no version before has.
    `anew` is for the first version of another generation, which takes nothing over by reference: every byte of it is
    written, and files in `left_out` - of the record, or papers below `delivery/` - are not.
    """

    package: UUID
    told: Told
    replaced: Mapping[str, Replacement] = {}
    formats: bytes | None = None
    anew: bool = False
    left_out: frozenset[str] = frozenset()


class RevisionReport(msgspec.Struct, frozen=True, kw_only=True):
    """How many packages were made anew, which were passed over and why (an error's code), how many lag still."""

    schema: str = "jingui.repack/1"
    stored: int
    passed_over: dict[str, str]
    lagging: int


def repack(session: Session, *, budget: int, progress: Progress) -> RevisionReport:
    """Make the next version of up to `budget` packages that tell less than the log knows of their descriptions.

    A package that somebody else works on, that waits for replaced pages, or whose stored metadata is damaged is passed
    over and named. Raises what storing raises.
    """
    session.require("work")
    # 1 put straight what a crash left
    put_straight(session)
    session.catch_up()
    passed_over: dict[str, str] = {}
    done = 0
    lagging = _lagging(session)
    while works := _decided(session, lagging, min(AT_ONCE, budget - done), passed_over):
        # 3 build, store, and commit them together
        skipped = store_next(session, works, "metadata revised")
        passed_over |= {str(package): code for package, code in skipped.items()}
        done += len(works) - len(skipped)
        progress("repack", done, budget)
    session.catch_up()
    return RevisionReport(stored=done, passed_over=passed_over, lagging=session.catalogue.lagging(limit=1).total)


def _lagging(session: Session) -> Iterator[UUID]:
    """The packages that lag as of now, in the order of their creation."""
    after: str | None = None
    while True:
        page = session.catalogue.lagging(limit=1_000, after=after)
        yield from (card.id for card in page.entries)
        if (after := page.after) is None:
            return


def _decided(session: Session, lagging: Iterator[UUID], wanted: int, passed_over: dict[str, str]) -> list[Next]:
    """2 decide, from the descriptions as they stand now: the next packages, up to so many, that can be made anew."""
    works: list[Next] = []
    while len(works) < wanted and (package := next(lagging, None)) is not None:
        try:
            works.append(decide_metadata(session, package))
        except ArchiveError as error:
            if error.code not in ("revision-pending", "fixity-mismatch"):
                raise
            passed_over[str(package)] = error.code
    return works


def told_of(session: Session, package: UUID) -> Told:
    """What is known of a package's record now: of the entry that it is of or leads to, and its parts."""
    created = session.log.load(ARCHIVAL_PACKAGE, package).state.created
    if created is None:
        raise ArchiveError("package-unknown", package)
    entry, fields, divided, position = _described(session, created.description)
    parts: list[tuple[UUID, Fields]] = []
    while divided:
        part, said, further, at = _described(session, divided.pop(0))
        position = max(position, at)
        divided = [*further, *divided]
        if not further:
            parts.append((part, said))
    return Told(entry, msgspec.structs.replace(fields, package=package), position, tuple(parts))


def _described(session: Session, entry: UUID) -> tuple[UUID, Fields, list[UUID], int]:
    """An entry, or the one that it leads to: its fields, the parts that it was divided into, and the last position."""
    position = 0
    while True:
        events = session.log.stream(entry)
        state = fold(DESCRIPTION, events)
        if state.fields is None:
            raise ArchiveError("description-unknown", entry)
        position = max(position, events[-1].envelope.position)
        if state.into is None:
            return (
                entry,
                unsealed_fields(session, events, state.fields),
                [part.description for part in state.parts],
                position,
            )
        entry = state.into


def decide_metadata(session: Session, package: UUID) -> Next:
    """Decide, and record, that the next version tells of the description as it stands now."""
    told = told_of(session, package)
    stored.newest(session, package)  # a version that is not true is nothing to go on from
    revised = MetadataRevised(description=told.entry, position=told.position)

    def decide(streams: Streams) -> list[New]:
        state = streams.load(ARCHIVAL_PACKAGE, package).state
        return [New(package, event) for event in archival_package.revise_metadata(state, revised)]

    session.perform("revise-metadata", decide, correlation=package, archive=archive_of(session, package))
    return Next(package, told)


def store_next(session: Session, works: Sequence[Next], message: str) -> dict[UUID, str]:
    """Build and commit the next version of each package; those that another process holds are answered, and left."""
    held: dict[UUID, str] = {}
    histories: dict[UUID, packaging.History] = {}
    with ExitStack() as locks:
        staged: list[tuple[Stage, Built, int]] = []
        for work in works:
            try:
                generation = session.log.load(ARCHIVAL_PACKAGE, work.package).state.stored[-1].generation
                stage = locks.enter_context(session.store.stage(work.package, generation))
            except ArchiveError as error:
                if error.code != "locked":
                    raise
                held[work.package] = error.code
                continue
            own = session.log.records(work.package)
            staged.append((stage, build_next(session, stage, work, own, histories, message), len(own)))
        published = session.store.commit([stage for stage, _, _ in staged])

        def decide(streams: Streams) -> Iterator[New]:
            for (stage, built, events), done in zip(staged, published, strict=True):
                loaded = streams.load(ARCHIVAL_PACKAGE, stage.package)
                if loaded.version != events:  # the version tells its history up to here, and no less
                    raise ArchiveError("package-changed", stage.package)
                event = Stored(
                    generation=loaded.state.stored[-1].generation,
                    version=done.version,
                    profile=packaging.PROFILE,
                    files=len(built.entries),
                    bytes=sum(entry.size for entry in built.entries),
                    manifest_sha256=built.manifest_sha256,
                    tagmanifest_sha256=built.tagmanifest_sha256,
                    inventory_sha256=done.inventory_sha256,
                )
                yield from (New(stage.package, payload) for payload in archival_package.store(loaded.state, event))

        if staged:
            archive = archive_of(session, staged[0][0].package)
            session.perform("store-next", decide, correlation=session.new_id(), archive=archive)
        # Only now: until the event is in the log, what is staged belongs to recovery.
        for stage, _, _ in staged:
            stage.release()
    return held


def build_next(
    session: Session,
    stage: Stage,
    work: Next,
    own: Sequence[Record],
    histories: dict[UUID, packaging.History],
    message: str,
) -> Built:
    """Write the next version: everything that tells of the record anew, its files as they are or as replaced."""
    package, fields = str(work.package), work.told.fields
    before = stored.newest(session, work.package)
    events = session.log.stream(work.package)
    revision = next(event for event in reversed(events) if isinstance(event.payload, MetadataRevised | ContentRevised))
    before_files = list(stored.content(session, before))
    files, cipher = _files(before_files, work), _cipher_of(session, stage)
    kept = [file for file in before_files if file.path not in work.left_out]
    carried = (
        carrying.write_anew(session, stage, before, kept, cipher, work.left_out)
        if work.anew
        else carrying.keep(session, before, kept, work.left_out)
    )
    stands = dict(zip((file.path for file in kept), carried.placed, strict=True))
    placed = []
    for number, file in enumerate(files):
        replaced = work.replaced.get(file.path)
        if replaced is not None:
            files[number] = replaced.file  # the file as it is in this version
            at = Digested(payload_path(package, file.path), replaced.file.size, replaced.file.sha256)
            stage.adopt(replaced.place, at.path, at)
            placed.append(at)
        else:
            placed.append(stands[file.path])
    history = _history(session, revision, own, events, histories)
    agents, told = packaging.preservation_metadata(package, history.events)
    formats = _formats(session, before, files, anew=work.anew) if work.formats is None else work.formats
    content = PackageContent(
        kind=PackageKind.AIP,
        package=package,
        created=events[0].envelope.recorded_at,
        modified=revision.envelope.recorded_at,
        label=packaging.label_of(fields, package),
        description=packaging.as_described(fields),
        parts=[(str(part), _part(said, files)) for part, said in work.told.parts],
        files=files,
        placed=placed,
        delivery=carried.delivery,
        papers=carried.papers,
        extras=packaging.extras(
            history.records, own, formats, _report(session, before), checkpoint=signed_head(session)
        ),
        events=told,
        agents=agents,
        other_identifiers=_identifiers(session, before, fields.reference_code),
        bag_group=fields.fonds_code,
        sealing=None if cipher is None else Sealing(cipher.suite, cipher.recipient, cipher.seal),
        software=SOFTWARE,
        software_version=SOFTWARE_VERSION,
        archive=archive_of(session, work.package) or "",
    )
    built = build(content, stage)
    user = User(f"{SOFTWARE}/{SOFTWARE_VERSION}", f"urn:uuid:{session.actor.agent}")
    stage.seal(built.entries, session.now(), message, user)
    return built


def _files(before: Iterable[PayloadFile], work: Next) -> list[PayloadFile]:
    """The record's files in the next version; with new ones all stand in the order of their paths, as pages do."""
    files = [file for file in before if file.path not in work.left_out]
    known = {file.path for file in files}
    new = [replacement.file for path, replacement in work.replaced.items() if path not in known]
    return sorted([*files, *new], key=lambda file: file.path) if new else files


def _part(said: Fields, files: Sequence[PayloadFile]) -> descriptive.Description:
    """A part as the package tells of it, with the files that are its own."""
    own = tuple(file.path for file in files if holds(said.files, file.path))
    return msgspec.structs.replace(packaging.as_described(said), extent=Extent(file=own) if own else None)


def _history(
    session: Session,
    revision: Event,
    own: Sequence[Record],
    events: Sequence[Event],
    histories: dict[UUID, packaging.History],
) -> packaging.History:
    """Its own history, and its accession's up to the revision that this version takes up; each accession read once."""
    created = next(event.payload for event in events if isinstance(event.payload, archival_package.Created))
    if created.accession not in histories:
        histories[created.accession] = packaging.history_of(session, created.accession)
    before, until = histories[created.accession], revision.envelope.position
    records = [record for record in before.records if record.position < until]
    return packaging.History(
        tuple(sorted([*records, *own], key=lambda record: record.position)),
        (*(event for event in before.events if event.envelope.position < until), *events),
    )


def _cipher_of(session: Session, stage: Stage) -> PackageCipher | None:
    """What seals this version, where its generation is sealed by what the log says."""
    sealed = session.log.load(ARCHIVAL_PACKAGE, stage.package).state.encrypted
    return None if sealed is None else cipher_of(session, stage.package, stage.generation)


def _report(session: Session, version: StoredVersion) -> Iterator[bytes]:
    """The report of what machines found of its pages (质检报告), as it stands: later versions carry it on."""
    path = f"{package_folder(str(version.package))}/{REPORT}"
    if path in version.digests or f"{path}{SEALED_SUFFIX}" in version.digests:
        yield stored.opened_bytes(session, version, path)


def _formats(session: Session, version: StoredVersion, files: Sequence[PayloadFile], *, anew: bool) -> bytes:
    """The table of formats as it stands; of another generation, of the files that are in it, under its names."""
    path = f"{package_folder(str(version.package))}/metadata/preservation/formats.ndjson"
    if path not in version.digests and f"{path}{SEALED_SUFFIX}" not in version.digests:
        return b""
    if not anew:
        return stored.opened_bytes(session, version, path)
    rows = ({"path": file.path, "puid": file.puid, "basis": file.format_basis or ""} for file in files)
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)


def _identifiers(session: Session, version: StoredVersion, code: str | None) -> tuple[Identifier, ...]:
    """Every name that it went by: a 档号 that is no longer its own stays as a former one."""
    named = [Identifier("local", f"{CODE}{code}")] if code else []
    for known in _known_identifiers(session, version):
        former = known.value.removeprefix(CODE)
        if former == known.value:
            named.append(known)
        elif former != code:
            named.append(Identifier("local", f"{FORMER_CODE}{former}"))
    return tuple(dict.fromkeys(one for one in named if one.value != f"{FORMER_CODE}{code}"))


def _known_identifiers(session: Session, version: StoredVersion) -> Iterator[Identifier]:
    shards = f"{package_folder(str(version.package))}/metadata/preservation/premis"
    for path in sorted(version.digests):
        if path.startswith(shards) and not version.is_sealed:
            yield from _identifiers_in(stored.true_bytes(session, version, path))
    if version.is_sealed:
        sealed = f"{package_folder(str(version.package))}/metadata/preservation/identifiers.xml"
        yield from _identifiers_in(stored.opened_bytes(session, version, sealed))


def _identifiers_in(document: bytes) -> Iterator[Identifier]:
    for statement in read_premis(document):
        if isinstance(statement, PackageEntity):
            yield from statement.other_identifiers


def archive_of(session: Session, package: UUID) -> str | None:
    """The code of the archive that a package belongs to."""
    return session.log.stream(package)[0].envelope.archive
