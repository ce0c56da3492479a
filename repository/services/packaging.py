"""Packaging (组包): what the log knows about a record, written into its package; and the commit of packages.

`preservation_metadata` is the one place where our events are put into PREMIS's terms.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from hashlib import sha256
from itertools import chain
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from packages_spec import descriptive, premis
from packages_spec.descriptive import sections
from packages_spec.digests import Digested, chunks_of
from packages_spec.ocfl import User
from packages_spec.premis import AgentLink, EventType, Identifier
from packages_spec.profiles import (
    SEALED_SUFFIX,
    Built,
    ExtraFile,
    PackageContent,
    PackageKind,
    PayloadFile,
    Sealing,
    build,
    delivery_path,
    neutral_names,
    package_id,
    payload_path,
    representation_id,
    sealed_path,
)
from packages_spec.technical import Technical
from repository.domain import accession, archival_package, description
from repository.domain.accession import Planned, Unit
from repository.domain.aggregate import New
from repository.domain.archival_package import ARCHIVAL_PACKAGE, Stored
from repository.domain.assessment import FAIL, NOT_TESTED, PASS, REVIEW
from repository.domain.description_fields import Location, Section
from repository.domain.envelope import Event
from repository.domain.values import Carrier, Level, Outcome, Sealed
from repository.errors import ArchiveError
from repository.eventlog import Record, Streams
from repository.services import sealing
from repository.services.checkpoints import signed_head
from repository.services.delivery import LISTING, WHOLE, ContentFile, Delivered, writable
from repository.services.delivery_papers import is_catalogue
from repository.services.examination import Examined
from repository.services.identification import Identified
from repository.services.quality_report import REPORT, Reports
from repository.services.receipt import NAME as RECEIPT
from repository.services.receipt import receipt
from repository.services.reception import Reception
from repository.services.sealing import new_cipher
from repository.services.session import SOFTWARE, SOFTWARE_VERSION, Session
from repository.storage import Stage, listing_lines

PROFILE = "jingui-aip/1"
NDJSON = "application/octet-stream"
CHECKPOINT = "metadata/preservation/checkpoint"
SEALED_TITLE = "■"
"""What stands for a title whose words are sealed, where there has to be one."""

_MACHINE = {PASS: "pass", REVIEW: "review", FAIL: "fail", NOT_TESTED: "not tested"}
_OUTCOMES = {Outcome.PASSED: "success", Outcome.FAILED: "failure", Outcome.NOT_CHECKED: "not checked"}


def fields_of(unit: Unit, examined: Examined) -> description.Fields:
    """The first description of a unit: its row of the catalogue, or what its folder's name says."""
    row = examined.plan.row
    code = unit.reference_code
    date = row.date if row else None
    return description.Fields(
        level=Level.ITEM,
        parent=None,
        package=unit.package,
        reference_code=code,
        fonds_code=code.split("-")[0] if code and "-" in code else None,
        title=examined.plan.title,
        responsible_party=row.responsible_party if row else None,
        date=date,
        year=int(date[:4]) if date else None,
        retention_period=row.retention_period if row else None,
        secrecy_class=examined.secrecy_class,
        page_count=row.page_count if row else None,
        record_type=examined.record_type,
        carrier=Carrier.DIGITAL,
    )


class History(msgspec.Struct, frozen=True):
    """An accession's events as each of its packages tells them, exact and read; its plan stays out of them."""

    records: tuple[Record, ...]
    events: tuple[Event, ...]


def history_of(session: Session, stream: UUID) -> History:
    """The history up to now; read once for all packages of a delivery, for the plan in it grows with their number."""
    return History(
        tuple(record for record in session.log.records(stream) if record.type != "Accession.Planned"),
        tuple(event for event in session.log.stream(stream) if not isinstance(event.payload, Planned)),
    )


def store_packages(
    session: Session,
    stream: UUID,
    reception: Reception,
    items: Sequence[tuple[Unit, Examined, description.Fields]],
    history: History,
) -> None:
    """Build and commit a batch of packages: stage each, sync once, rename, sync, and append their `Stored` together."""
    with ExitStack() as locks:
        staged: list[tuple[Unit, Stage, Built]] = []
        for unit, examined, fields in items:
            stage = locks.enter_context(session.store.stage(unit.package))
            built = _build(session, stage, reception, unit, examined, fields, history)
            staged.append((unit, stage, built))
        published = session.store.commit([stage for _, stage, _ in staged])
        stored = {
            unit.package: Stored(
                generation=1,
                version=done.version,
                profile=PROFILE,
                files=len(built.entries),
                bytes=sum(entry.size for entry in built.entries),
                manifest_sha256=built.manifest_sha256,
                tagmanifest_sha256=built.tagmanifest_sha256,
                inventory_sha256=done.inventory_sha256,
            )
            for (unit, _, built), done in zip(staged, published, strict=True)
        }

        def decide(streams: Streams) -> Iterator[New]:
            for unit, _, fields in items:
                if streams.load(description.DESCRIPTION, unit.description).state.fields != fields:
                    raise ArchiveError("description-changed", fields.reference_code or unit.package)
            for package, event in stored.items():
                state = streams.load(ARCHIVAL_PACKAGE, package).state
                for payload in archival_package.store(state, event):
                    yield New(package, payload)

        session.perform("store-packages", decide, correlation=stream, archive=reception.archive)
        # Only now: until the event is in the log, what is staged belongs to recovery.
        for _, stage, _ in staged:
            stage.release()


def _build(
    session: Session,
    stage: Stage,
    reception: Reception,
    unit: Unit,
    examined: Examined,
    fields: description.Fields,
    history: History,
) -> Built:
    if session.log.load(ARCHIVAL_PACKAGE, unit.package).state.encrypted is not None:
        return _build_sealed(session, stage, reception, unit, examined, fields, history)
    package = str(unit.package)
    payload, placed = [], []
    looked_at = zip(examined.plan.files, examined.identified, examined.technical, strict=True)
    for file, identified, technical in looked_at:
        at = Digested(payload_path(package, file.path), file.delivered.size, file.delivered.sha256)
        if reception.is_sealed:  # an open record among controlled ones: opened on its way into its package
            _expect_same(at, stage.write(at.path, reception.chunks(file.delivered.path)))
        elif is_catalogue(file.delivered.path):  # stays in quarantine too: who goes on reads the plan from it
            stage.write(at.path, chunks_of(reception.place(file.delivered.path)))
        else:
            stage.adopt(reception.place(file.delivered.path), at.path, at)
        placed.append(at)
        payload.append(payload_file(file, identified, technical))
    papers = [
        stage.write(delivery_path(package, paper.path), chunks_of(reception.place(paper.delivered.path)))
        for paper in examined.plan.papers
    ]
    papers.append(stage.write(delivery_path(package, LISTING), listing_lines(_listed(reception, examined))))
    if reception.has_papers_in(examined.plan):  # beside the delivery's papers stands all that was said of it
        papers += _accounts(stage, package, reception, history)
    own = session.log.records(unit.package)
    own_events = session.log.stream(unit.package)
    agents, events = preservation_metadata(package, [*history.events, *own_events])
    content = PackageContent(
        kind=PackageKind.AIP,
        package=package,
        created=own_events[0].envelope.recorded_at,
        label=label_of(fields, package),
        description=as_described(fields),
        files=payload,
        placed=placed,
        delivery=papers,
        extras=extras(
            sorted([*history.records, *own], key=lambda record: record.position),
            own,
            examined.formats,
            Reports.of(reception.quarantine).document(session.log.load(ARCHIVAL_PACKAGE, unit.package).state.quality),
            signed_head(session),
        ),
        events=events,
        agents=agents,
        other_identifiers=tuple(
            Identifier("local", f"{name}: {value}") for name, value in _other_identifiers(fields, reception, unit.path)
        ),
        bag_group=fields.fonds_code,
        software=SOFTWARE,
        software_version=SOFTWARE_VERSION,
        archive=reception.archive,
    )
    built = build(content, stage)
    stage.seal(built.entries, session.now(), "ingest", _user(session))
    return built


def ciphers_for(
    session: Session, reception: Reception, items: Sequence[tuple[Unit, Examined]]
) -> dict[str, archival_package.Encrypted]:
    """For each record of a sealed delivery that is to be sealed, how; its identity is durable when this returns.

    Decided once, when the package comes to exist: a run that goes on does not ask the settings again.
    """
    found = {}
    for unit, examined in items if reception.is_sealed else ():
        created = session.log.load(ARCHIVAL_PACKAGE, unit.package).state.created
        class_key = reception.class_key_of(session.settings, examined.plan)
        if class_key is None or (created is not None and created.delivery == reception.delivery):
            continue
        cipher = new_cipher(session, unit.package, 1, class_key)
        found[unit.path] = sealing.encrypted(cipher, 1, class_key)
    return found


def sealed_fields_of(session: Session, unit: Unit, version: int, fields: description.Fields) -> description.Fields:
    """A unit's first description as its event may tell it."""
    return sealing.sealed_fields(session, unit.package, unit.description, version, fields)


def forget_delivery(session: Session, reception: Reception, stream: UUID) -> None:
    """Destroy what opens a delivery in quarantine, now that its records are sealed under keys of their own."""
    if reception.is_sealed:
        sealing.forget_cipher(session, stream, reception.delivery)


def _build_sealed(
    session: Session,
    stage: Stage,
    reception: Reception,
    unit: Unit,
    examined: Examined,
    fields: description.Fields,
    history: History,
) -> Built:
    """A controlled package: every file is opened in passing, and sealed to the package's own identity."""
    package, cipher = str(unit.package), sealing.cipher_of(session, unit.package, stage.generation)

    def seal(path: str, chunks: Iterable[bytes]) -> Digested:
        return stage.write(path, cipher.seal(path, chunks))

    files = examined.plan.files
    names = neutral_names([file.path for file in files])
    placed = [
        seal(sealed_path(package, name), reception.chunks(file.delivered.path))
        for file, name in zip(files, names, strict=True)
    ]
    looked_at = zip(files, examined.identified, examined.technical, strict=True)
    listing = b"".join(listing_lines(_listed(reception, examined)))
    papers = [(paper.delivered, reception.chunks(paper.delivered.path), paper.path) for paper in examined.plan.papers]
    came = [Digested(path, paper.size, paper.sha256) for paper, _, path in papers]
    came.append(Digested(LISTING, len(listing), sha256(listing).hexdigest()))
    shown = neutral_names([file.path for file in came])
    delivery = [
        seal(delivery_path(package, f"{name}{SEALED_SUFFIX}"), chunks)
        for name, chunks in zip(shown, [*(chunks for _, chunks, _ in papers), [listing]], strict=True)
    ]
    own, own_events = session.log.records(unit.package), session.log.stream(unit.package)
    agents, events = preservation_metadata(package, [*history.events, *own_events])
    readable = sealing.unsealed_fields(session, session.log.stream(unit.description), fields)
    content = PackageContent(
        kind=PackageKind.AIP,
        package=package,
        created=own_events[0].envelope.recorded_at,
        label=package,
        description=as_described(readable),
        files=[payload_file(*one) for one in looked_at],
        placed=placed,
        delivery=delivery,
        papers=came,
        extras=extras(sorted([*history.records, *own], key=lambda record: record.position), own, examined.formats),
        events=events,
        agents=agents,
        other_identifiers=tuple(
            Identifier("local", f"{name}: {value}") for name, value in _other_identifiers(fields, reception, unit.path)
        ),
        sealing=Sealing(cipher.suite, cipher.recipient, cipher.seal),
        software=SOFTWARE,
        software_version=SOFTWARE_VERSION,
        archive=reception.archive,
    )
    built = build(content, stage)
    stage.seal(built.entries, session.now(), "ingest", _user(session))
    return built


def _expect_same(received: Digested, written: Digested) -> None:
    if received != written:
        raise ArchiveError("fixity-mismatch", received.path, expected=received.sha256, found=written.sha256)


def _accounts(stage: Stage, package: str, reception: Reception, history: History) -> Iterator[Digested]:
    """The receipt, and the papers of earlier deliveries with the catalogues that were given back."""
    stream = str(history.events[0].envelope.stream)
    yield stage.write(delivery_path(package, f"accounts/{RECEIPT}"), [receipt(stream, history.events)])
    for path, place in reception.kept_papers:
        yield stage.write(delivery_path(package, f"accounts/{path}"), chunks_of(place))


def payload_file(file: ContentFile, identified: Identified, technical: Technical | None = None) -> PayloadFile:
    """A file of the content as METS and PREMIS tell of it."""
    return PayloadFile(
        path=file.path,
        size=file.delivered.size,
        sha256=file.delivered.sha256,
        created=file.delivered.modified,
        media_type=identified.media_type,
        original_name=file.name,
        puid=identified.puid,
        format_name=identified.name or None,
        format_version=identified.version or None,
        format_basis=identified.basis or None,
        technical=technical,
    )


def _user(session: Session) -> User:
    """Who made the version, for the inventory: a person by id alone."""
    return User(f"{SOFTWARE}/{SOFTWARE_VERSION}", f"urn:uuid:{session.actor.agent}")


def _listed(reception: Reception, examined: Examined) -> Iterable[Delivered]:
    """The whole delivery's listing where the unit is the whole, or holds its papers; else the unit's own part of it."""
    if examined.plan.path == WHOLE or reception.is_papers(examined.plan):
        return reception.files
    return [file.delivered for file in (*examined.plan.files, *examined.plan.papers)]


def _other_identifiers(fields: description.Fields, reception: Reception, unit: str) -> Iterator[tuple[str, str]]:
    if fields.reference_code:
        yield "档号", fields.reference_code
    if reception.foreign is None and reception.submitted_id:
        yield "SIP OBJID", reception.submitted_id
    if reception.foreign is not None:
        system, identifiers = reception.old_identifiers(unit)
        for kind, value in identifiers:
            yield f"{system} {kind}", writable(value)


def label_of(fields: description.Fields, otherwise: str) -> str:
    """What a package is called: its title, unless that is sealed."""
    return fields.title if isinstance(fields.title, str) else otherwise


def as_described(fields: description.Fields) -> descriptive.Description:
    """The description as a package carries it. Sealed words stay out of it."""
    place = fields.location or Location()
    return descriptive.Description(
        package=str(fields.package) if fields.package else None,
        level=fields.level.value,
        reference_code=fields.reference_code,
        fonds_code=fields.fonds_code,
        title=fields.title if isinstance(fields.title, str) else SEALED_TITLE,
        responsible_party=_plain(fields.responsible_party),
        date=fields.date,
        year=fields.year,
        retention_period=fields.retention_period,
        secrecy_class=fields.secrecy_class.value,
        access_status=None,
        record_type=fields.record_type.value,
        carrier=fields.carrier.value,
        page_count=fields.page_count,
        holding=_section(
            sections.Holding,
            storeroom=place.storeroom,
            rack=place.rack,
            shelf=place.shelf,
            pages_scanned=fields.pages_scanned,
        ),
        subject=_section(
            sections.Subject,
            language=fields.language,
            keywords=fields.keywords,
            abstract=_plain(fields.abstract),
            note=_plain(fields.note),
        ),
        text=_section(sections.Text, **_said(fields.text)),
        image=_section(sections.Image, **_said(fields.image)),
        audio=_section(sections.Audio, **_said(fields.audio)),
        video=_section(sections.Video, **_said(fields.video)),
        database=_section(sections.Database, **_said(fields.database)),
    )


_Section = TypeVar("_Section", bound=sections.Section)


def _section(kind: type[_Section], **said: Any) -> _Section | None:
    """A section, where anything is said in it."""
    return kind(**said) if any(value not in (None, ()) for value in said.values()) else None


def _said(section: Section | None) -> dict[str, object]:
    """What a section says that can be read here."""
    names = section.__struct_fields__ if section else ()
    return {name: _plain(getattr(section, name)) for name in names}


def _plain(words: object) -> Any:
    return None if isinstance(words, Sealed) else words


def extras(
    envelopes: Sequence[Record],
    payloads: Sequence[Record],
    formats: bytes,
    report: Iterable[bytes] = (),
    checkpoint: bytes = b"",
) -> list[ExtraFile]:
    """Its history inside the package: exact envelopes and payloads (an AIP's own only), the formats and the report.

    An AIP also takes the log's newest `checkpoint` along, as it was when the version was made: one more place that
    holds the history to what was signed.
    """
    told = (line.envelope + b"\n" for line in envelopes)
    files = [ExtraFile("metadata/preservation/events.ndjson", NDJSON, told, shown=True)]
    if payloads:
        files.append(ExtraFile("metadata/preservation/payloads.ndjson", NDJSON, map(payload_line, payloads)))
    if formats:
        files.append(ExtraFile("metadata/preservation/formats.ndjson", NDJSON, [formats]))
    if checkpoint:
        files.append(ExtraFile(CHECKPOINT, "text/plain", [checkpoint], shown=True))
    pages = iter(report)
    if (first := next(pages, None)) is not None:
        files.append(ExtraFile(REPORT, "application/json", chain([first], pages)))
    return files


def payload_line(record: Record) -> bytes:
    """One line of `payloads.ndjson`: position, salt in hex, and the payload's exact bytes as a JSON string."""
    payload = None if record.payload is None else record.payload.decode()
    salt = None if record.salt is None else record.salt.hex()
    line = {"position": record.position, "salt": salt, "payload": payload}
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def preservation_metadata(package: str, events: Sequence[Event]) -> tuple[list[premis.Agent], list[premis.Event]]:
    """Our events in PREMIS's terms, in the order of the log, and the agents who took part - people by id alone."""
    agents: dict[str, premis.Agent] = {}
    told = []
    for event in sorted(events, key=lambda event: event.envelope.position):
        term = _term(event)
        if term is None:
            continue
        kind, detail, outcome, note, tool = term
        links = [_link(agents, "person", str(event.envelope.actor), None, "implementer")]
        software = tool or event.envelope.software
        links.append(_link(agents, "software", software, software, "executing program"))
        whole = kind in (EventType.INFORMATION_PACKAGE_CREATION, EventType.ACCESSION, EventType.TRANSFER)
        target = package_id(package) if whole else representation_id(package)
        told.append(
            premis.Event(
                str(event.envelope.event_id),
                kind,
                event.envelope.occurred_at.time,
                detail,
                outcome,
                note,
                tuple(links),
                (target,),
            )
        )
    return list(agents.values()), told


def _link(agents: dict[str, premis.Agent], kind: str, value: str, name: str | None, role: str) -> AgentLink:
    identifier = Identifier("UUID" if kind == "person" else "local", value)
    agents.setdefault(value, premis.Agent(identifier, kind, name))
    return AgentLink(identifier, role)


_Term = tuple[EventType, str, str, str | None, str | None]


def _term_of_generation(
    payload: archival_package.Encrypted | archival_package.Decrypted | archival_package.Expunged,
) -> "_Term":
    """What became of a generation as a whole."""
    generation = f"generation {payload.generation}"
    match payload:
        case archival_package.Encrypted():
            detail = f"{generation}: {payload.suite}, class key {payload.class_key}"
            return EventType.ENCRYPTION, detail, "success", ", ".join(payload.sealed), None
        case archival_package.Decrypted():
            return EventType.DECRYPTION, generation, "success", None, None
        case archival_package.Expunged():
            return EventType.DELETION, f"{generation}, last version {payload.version}", "success", None, None


def _term(event: Event) -> _Term | None:  # noqa: C901 - a table: one line a type of event
    """Type, detail, outcome, note and tool; None for an event that PREMIS has no term for."""
    payload = event.payload
    match payload:
        case accession.DeliveryReceived():
            detail = f"delivery {payload.delivery}: {payload.files} files, {payload.bytes} bytes, sha256 while copying"
            return EventType.TRANSFER, detail, "success", f"listing sha256 {payload.listing_sha256}", None
        case accession.DeliveryValidated():
            digests = ", ".join(f"{check.algorithm}: {check.files} files" for check in payload.producer_digests)
            note = f"{payload.findings_total} remarks" if payload.findings_total else None
            return (
                EventType.VALIDATION,
                f"structure; digests of the producer's: {digests or 'none'}",
                "success",
                note,
                None,
            )
        case accession.Accepted():
            note = f"quality control: {'not tested' if payload.quality is Outcome.NOT_CHECKED else payload.quality}"
            return EventType.ACCESSION, f"accepted, policy {payload.policy}", "success", note, None
        case archival_package.Created():
            detail = f"{payload.files} files, {payload.bytes} bytes"
            return EventType.INFORMATION_PACKAGE_CREATION, detail, "success", None, None
        case archival_package.FormatsIdentified():
            found = ", ".join(f"{row.puid or 'unknown'}: {row.files}" for row in payload.formats)
            return EventType.FORMAT_IDENTIFICATION, payload.signatures, "success", found, payload.tool
        case archival_package.Encrypted() | archival_package.Decrypted() | archival_package.Expunged():
            return _term_of_generation(payload)
        case archival_package.MetadataRevised():
            detail = f"description {payload.description} as of position {payload.position}"
            return EventType.METADATA_MODIFICATION, detail, "success", None, None
        case archival_package.ContentRevised():
            detail = f"{len(payload.files)} files replaced"
            if payload.added or payload.removed:
                detail += f", {len(payload.added)} added, {len(payload.removed)} removed"
            detail += "; the former stay in the versions before"
            return EventType.MODIFICATION, detail, "success", None, None
        case archival_package.VirusChecked():
            note = ", ".join(payload.infected) or None
            detail = payload.signatures or "no virus scanner is configured"
            return EventType.VIRUS_CHECK, detail, _OUTCOMES[payload.outcome], note, payload.tool
        case archival_package.QualityAssessed():
            machine = [page.machine for page in payload.pages]
            used = ", ".join(f"{one.name}/{one.version} {one.sha256}" for one in payload.profiles)
            note = ", ".join(f"{_MACHINE[one]}: {count}" for one, count in sorted(Counter(machine).items()))
            outcome = "failure" if FAIL in machine else "success"
            return EventType.QUALITY_CONTROL, f"algorithm {payload.algorithm}; {used}", outcome, note, None
        case archival_package.QualityReviewed():
            detail = f"{payload.decision} of {len(payload.pages)} pages by a person"
            return EventType.QUALITY_CONTROL, detail, "success", None, None
        case _:
            return None
