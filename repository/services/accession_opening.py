"""Opening (接收登记的开立): what a person asks for, and the accession that it belongs to."""

from pathlib import Path
from uuid import UUID

import msgspec

from repository.domain import accession, reservation
from repository.domain.accession import ACCESSION, Stage
from repository.domain.aggregate import Loaded, New
from repository.domain.ids import transfer_number_guard
from repository.domain.reservation import TRANSFER_NUMBER
from repository.domain.values import AccessionKind
from repository.errors import ArchiveError
from repository.eventlog import Streams
from repository.services.administration import find_or_register_producer
from repository.services.mapping import Profile, read_profile
from repository.services.reception import Source, source_received
from repository.services.session import Session


class IngestRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asks for. Without a producer the archive itself delivers; `new` takes a source a second time.

    `mapping` is a site's own mapping profile; `faults` is where to write the catalogue with its faults. `accession` is
    the one that the delivery goes on with, or repairs (返工); the terms are those on which custody passes.
    """

    source: Path
    archive: str | None = None
    producer: str | None = None
    transfer_number: str | None = None
    kind: AccessionKind = AccessionKind.TRANSFER
    per_folder: bool = False
    new: bool = False
    mapping: Path | None = None
    faults: Path | None = None
    accession: UUID | None = None
    agreement: str | None = None
    medium: str | None = None
    opening_opinion: str | None = None


def profile_of(request: IngestRequest) -> Profile | None:
    """The mapping profile that is asked for. `mapping-invalid`."""
    if request.mapping is None:
        return None
    try:
        return read_profile(request.mapping.read_bytes(), request.mapping)
    except OSError as error:
        raise ArchiveError("mapping-invalid", request.mapping, reason=error) from error


def left_behind(session: Session, request: IngestRequest) -> tuple[IngestRequest, Source] | None:
    """What lies in quarantine, whole, while where it came from there is nothing any more: it goes on from there."""
    place = request.source.resolve()
    if request.source.exists() or request.new:
        return None
    for stream in [request.accession] if request.accession else _received_from(session, str(place)):
        state = session.log.load(ACCESSION, stream).state
        source, number = source_received(state), state.opened and state.opened.transfer_number
        if source is not None and source.path == place and request.transfer_number in (None, number):
            return msgspec.structs.replace(request, accession=stream), source
    return None


def _received_from(session: Session, place: str) -> list[UUID]:
    """Accessions that received from there and are under way."""
    session.catch_up()
    stages = (Stage.RECEIVED, Stage.VALIDATED, Stage.WAITING, Stage.ACCEPTED)
    pages = (session.catalogue.accessions(stage=stage, limit=1_000).entries for stage in stages)
    return [card.id for page in pages for card in page if card.source == place]


def find_or_open(session: Session, request: IngestRequest, source: Source) -> Loaded[accession.State]:
    """The accession that this delivery belongs to: named, or by number, else by source; opened if there is none.

    The terms, where any are stated, are recorded with it.
    """
    known = None if request.new else _known(session, request, source.path)
    if known is not None:
        _agree(session, known, request)
        return session.log.load(ACCESSION, known)
    archive = session.archive_code(request.archive)
    producer = find_or_register_producer(session, request.producer)
    number = request.transfer_number
    guard = transfer_number_guard(archive, producer, number) if number else None
    stream = session.new_id()
    opened = accession.Opened(
        kind=request.kind,
        producer=producer,
        transfer_number=number,
        source=str(source.path),
        per_folder=source.per_folder,
        title=source.title,
    )

    def decide(streams: Streams) -> list[New]:
        events = [
            New(stream, payload) for payload in accession.open_accession(streams.load(ACCESSION, stream).state, opened)
        ]
        if guard and number:
            held = streams.load(TRANSFER_NUMBER, guard).state
            events += [New(guard, payload) for payload in reservation.reserve(held, number, stream)]
        return events

    session.perform("open-accession", decide, correlation=stream, archive=archive)
    _agree(session, stream, request)
    return session.log.load(ACCESSION, stream)


def _known(session: Session, request: IngestRequest, source: Path) -> UUID | None:
    """The accession that is meant: named, or by transfer number, else by source. It is opened by nobody here."""
    if request.accession is not None:
        if session.log.load(ACCESSION, request.accession).state.stage is Stage.NEW:
            raise ArchiveError("accession-unknown", request.accession)
        return request.accession
    archive = session.archive_code(request.archive)
    producer = find_or_register_producer(session, request.producer)
    if request.transfer_number:
        guard = transfer_number_guard(archive, producer, request.transfer_number)
        return session.log.load(TRANSFER_NUMBER, guard).state.holder
    return _accession_from(session, archive, producer, source)


def _accession_from(session: Session, archive: str, producer: UUID, source: Path) -> UUID | None:
    session.catch_up()
    known = session.catalogue.find_accession(archive, producer, None, str(source))
    return known.id if known else None


def _agree(session: Session, stream: UUID, request: IngestRequest) -> None:
    """Record the terms that were stated now; what was not stated stays as it was."""
    if not (request.agreement or request.medium or request.opening_opinion):
        return

    def decide(streams: Streams) -> list[New]:
        state = streams.load(ACCESSION, stream).state
        known = state.terms or accession.TermsAgreed(agreement=None, medium=None, opening_opinion=None)
        terms = accession.TermsAgreed(
            agreement=request.agreement or known.agreement,
            medium=request.medium or known.medium,
            opening_opinion=request.opening_opinion or known.opening_opinion,
        )
        return [New(stream, payload) for payload in accession.agree(state, terms)]

    session.perform("agree-terms", decide, correlation=stream, archive=archive_of(session, stream))


def archive_of(session: Session, stream: UUID) -> str | None:
    """The code of the archive that an accession belongs to."""
    return session.log.stream(stream)[0].envelope.archive
