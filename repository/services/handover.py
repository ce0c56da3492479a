"""Handover (移交接收): the form that both sides sign, printed from the accession's own events, and its signed scan.

What was not checked is printed as 未检测, never as passed. The signed form is kept in a package of its own; with that
the handover is closed.
"""

import hashlib
from pathlib import Path
from uuid import UUID

import msgspec

from repository.domain import accession, archival_package, description
from repository.domain.accession import ACCESSION, HandoverSigned, Stage, State, Unit
from repository.domain.aggregate import New
from repository.domain.archival_package import ARCHIVAL_PACKAGE, Created
from repository.domain.assessment import Standing, outcome_of
from repository.domain.description import DESCRIPTION
from repository.domain.values import AccessionKind, Outcome
from repository.errors import ArchiveError
from repository.eventlog import Streams
from repository.services import examination, packaging
from repository.services.delivery import Delivered, Layout, plan_delivery
from repository.services.handover_form import HandoverForm, drawn
from repository.services.reception import Reception, Source, modified_at
from repository.services.returning import write_faults
from repository.services.session import Session
from repository.storage import discard_quarantine, keep_beside, receive, source_lock

LARGEST_SCAN = 64 << 20
_KINDS = {
    AccessionKind.TRANSFER: "移交",
    AccessionKind.COLLECTION: "征集",
    AccessionKind.OWN_DIGITISATION: "本馆数字化",
    AccessionKind.MIGRATION: "迁移",
}
_OUTCOMES = {Outcome.PASSED: "合格", Outcome.FAILED: "不合格", Outcome.NOT_CHECKED: "未检测"}


class HandoverReport(msgspec.Struct, frozen=True, kw_only=True):
    """A form that was printed, or the package that keeps the signed one."""

    schema: str = "jingui.handover/1"
    accession: UUID
    outcome: str
    path: str | None
    sha256: str
    package: UUID | None


def print_handover(session: Session, stream: UUID, target: Path) -> HandoverReport:
    """Print the form of an accession whose custody passed. `accession-order` before that and once it was signed."""
    session.require("accept")
    form = drawn(_form(session, stream))
    sha256 = hashlib.sha256(form).hexdigest()
    if target.exists():
        raise ArchiveError("file-exists", target)

    def decide(streams: Streams) -> list[New]:
        state = streams.load(ACCESSION, stream).state
        return [New(stream, payload) for payload in accession.print_handover(state, sha256)]

    session.perform("print-handover", decide, correlation=stream, archive=_archive(session, stream))
    write_faults(target, form)
    return HandoverReport(accession=stream, outcome="printed", path=str(target), sha256=sha256, package=None)


def sign_handover(session: Session, stream: UUID, scan: Path) -> HandoverReport:
    """Keep the scan of the signed form in a package of its own. Run again with the same scan, it goes on.

    `delivery-missing`, `scan-too-large`, `virus-found`; `accession-order` before custody passed and for another scan.
    """
    session.require("accept")
    if not scan.is_file():
        raise ArchiveError("delivery-missing", scan)
    if scan.stat().st_size > LARGEST_SCAN:
        raise ArchiveError("scan-too-large", scan, limit=LARGEST_SCAN)
    content = scan.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    with source_lock(session.folder, f"handover-{stream}"):
        state = _state(session, stream)
        signed = state.signed or HandoverSigned(
            form_sha256=state.printed.form_sha256 if state.printed else None,
            scan_name=scan.name,
            scan_sha256=sha256,
            bytes=len(content),
            package=session.new_id(),
            description=session.new_id(),
        )
        if signed.scan_sha256 != sha256 or not state.kept:
            raise ArchiveError("accession-order", scan, stage=state.stage, step="HandoverSigned")
        if not session.log.load(ARCHIVAL_PACKAGE, signed.package).state.stored:
            _keep(session, stream, _received(session, stream, state, scan, content), signed)
        discard_quarantine(session.quarantine / _room(stream))
    return HandoverReport(accession=stream, outcome="signed", path=None, sha256=sha256, package=signed.package)


def _keep(session: Session, stream: UUID, reception: Reception, signed: HandoverSigned) -> None:
    """Look at the scan, record the signature with the package that keeps it, and store that package."""
    files = [Delivered(file.path, file.size, file.sha256, modified_at(file)) for file in reception.received.files]
    title = f"移交接收登记表：{_title(session, stream)}"
    (whole,) = plan_delivery(files, Layout.WHOLE, (), title).units
    plan = msgspec.structs.replace(whole, path=f"{accession.PAPERS}/form")
    examined = examination.examine(session, reception, [plan], None)
    examination.refuse_infected(examined)
    made = examined[plan.path]
    unit = Unit(path=plan.path, package=signed.package, description=signed.description, reference_code=None)
    fields = packaging.fields_of(unit, made)
    created = Created(
        accession=stream,
        delivery=reception.delivery,
        unit=unit.path,
        description=unit.description,
        record_type=made.record_type,
        secrecy_class=made.secrecy_class,
        files=len(plan.files),
        bytes=plan.size,
    )

    def decide(streams: Streams) -> list[New]:
        if streams.load(ACCESSION, stream).state.signed is not None:
            return []
        payloads = accession.sign_handover(streams.load(ACCESSION, stream).state, signed)
        made_of = archival_package.create(streams.load(ARCHIVAL_PACKAGE, unit.package).state, created, made.checks)
        told = description.describe(streams.load(DESCRIPTION, unit.description).state, fields)
        return [
            *(New(stream, payload) for payload in payloads),
            *(New(unit.package, payload) for payload in made_of),
            *(New(unit.description, payload) for payload in told),
        ]

    session.perform("sign-handover", decide, correlation=stream, archive=reception.archive)
    history = packaging.history_of(session, stream)
    packaging.store_packages(session, stream, reception, [(unit, made, fields)], history)


def _room(stream: UUID) -> str:
    return f"{stream}.form"


def _received(session: Session, stream: UUID, state: State, scan: Path, content: bytes) -> Reception:
    """The scan in quarantine, as a delivery of one file."""
    room = session.quarantine / _room(stream)
    source = room / "source"
    suffix = scan.suffix.lower() if scan.suffix.isascii() else ""
    keep_beside(source / f"handover-signed{suffix}", content)
    received = receive(source, room / "1", progress=lambda _done, _total: None, sync=session.settings.sync)
    came = Source(source, is_bag=False, is_packed=False, per_folder=False)
    return Reception(room / "1", came, received, state, _archive(session, stream) or "")


def _form(session: Session, stream: UUID) -> HandoverForm:
    """What the form says, from the events."""
    state = _state(session, stream)
    opened, received = state.opened, state.received
    if opened is None or received is None or not state.kept:
        raise ArchiveError("accession-order", stream, stage=state.stage, step="HandoverPrinted")
    session.catch_up()
    producer = session.catalogue.agent(opened.producer)
    checked = [event.payload for event in session.log.stream(stream)]
    digests = sum(
        check.files
        for event in checked
        if isinstance(event, accession.DeliveryValidated)
        for check in event.producer_digests
    )
    packages = [session.log.load(ARCHIVAL_PACKAGE, state.units[path].package).state for path in sorted(state.kept)]
    records = [
        one for path, one in zip(sorted(state.kept), packages, strict=True) if not path.startswith(accession.PAPERS)
    ] or packages
    linked = any(state.units[path].reference_code for path in state.kept)
    terms = state.terms
    opinion = terms.opening_opinion if terms and isinstance(terms.opening_opinion, str) else None
    return HandoverForm(
        archive=_archive(session, stream) or "",
        accession=str(stream),
        kind=_KINDS[opened.kind],
        producer=(producer.name if producer else None) or str(opened.producer),
        transfer_number=opened.transfer_number,
        agreement=terms.agreement if terms else None,
        medium=terms.medium if terms else None,
        opening_opinion=opinion,
        deliveries=state.delivery,
        records=sum(not path.startswith(accession.PAPERS) or len(state.kept) == 1 for path in state.kept),
        files=sum(one.created.files for one in packages if one.created),
        bytes=sum(one.created.bytes for one in packages if one.created),
        listing_sha256=received.listing_sha256,
        authenticity="合格" if digests else "未检测",
        authenticity_note=f"移交方摘要 {digests} 个逐一相符" if digests else "移交方未给出摘要",
        integrity="合格" if digests or linked else "未检测",
        integrity_note=_integrity(linked=linked, digests=digests),
        usability=_OUTCOMES[outcome_of(one.quality for one in records)],
        usability_note=_usability(records),
        security=_OUTCOMES[_security(packages)],
        security_note="病毒检查" if _security(packages) is not Outcome.NOT_CHECKED else "未配置病毒检查",
        printed=session.now(),
    )


def _usability(records: list[archival_package.State]) -> str:
    """What the usability of the records was judged by: their pages, or no more than their formats."""
    pages = [standing for one in records for standing in one.quality.standings.values()]
    if pages:
        overruled = sum(standing in (Standing.ACCEPTED, Standing.OVERRULED) for standing in pages)
        decided = f"，其中人工认定 {overruled} 页" if overruled else ""
        unseen = sum(not one.quality.is_whole for one in records)
        return f"逐页检测 {len(pages)} 页{decided}" + (f"；{unseen} 件未检测" if unseen else "")
    return "已识别格式，未逐件打开" if all(one.formats for one in records) else "未识别格式"


def _integrity(*, linked: bool, digests: int) -> str:
    """What the integrity of the delivery was judged by."""
    if linked:
        return "目录与文件双向挂接，数量与次序相符"
    return "移交方清单所列文件齐全" if digests else "没有目录和清单可以核对"


def _security(packages: list[archival_package.State]) -> Outcome:
    """The worst that was found in any of them; one that nobody looked at leaves all of it unchecked."""
    outcomes = {one.viruses.outcome if one.viruses else Outcome.NOT_CHECKED for one in packages}
    for outcome in (Outcome.FAILED, Outcome.NOT_CHECKED):
        if outcome in outcomes:
            return outcome
    return Outcome.PASSED


def _state(session: Session, stream: UUID) -> State:
    state = session.log.load(ACCESSION, stream).state
    if state.stage is Stage.NEW:
        raise ArchiveError("accession-unknown", stream)
    return state


def _title(session: Session, stream: UUID) -> str:
    opened = _state(session, stream).opened
    return opened.title if opened is not None and isinstance(opened.title, str) else str(stream)


def _archive(session: Session, stream: UUID) -> str | None:
    history = session.log.stream(stream)
    return history[0].envelope.archive if history else None
