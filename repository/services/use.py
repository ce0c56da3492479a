"""Use (利用登记): a reader is registered in one call, and a returning one is found again by the paper that they show.

What a reader says of themselves is sealed before it is an event: name, number, contact, for whom they come, and every
free word about the use. The vault's records are durable before the event that needs them is appended.
"""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import msgspec

from repository.catalogue import AccessRequest
from repository.crypto import Place, SubjectKey, seal, unseal
from repository.crypto.vault import paper_number
from repository.domain import access_request, reader
from repository.domain.access_request import (
    ACCESS_REQUEST,
    Channel,
    Requested,
    UseRegistered,
)
from repository.domain.access_request import Capacity as Capacity
from repository.domain.access_request import Purpose as Purpose
from repository.domain.aggregate import New
from repository.domain.reader import READER, Introduced
from repository.domain.reader import Document as Document
from repository.domain.values import Confidential, Day, Sealed
from repository.errors import ArchiveError
from repository.eventlog import Streams
from repository.services import stored
from repository.services.search import find_description
from repository.services.session import Session


class UseForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is written down when a use is registered. `proofs` are the papers beside the one that says who it is."""

    name: str
    document: Document
    number: str
    contact: str | None = None
    capacity: Capacity = Capacity.SELF
    proofs: tuple[Document, ...] = ()
    represented: str | None = None
    channel: Channel = Channel.DESK
    purpose: Purpose
    detail: str | None = None
    reply_by: Day | None = None
    records: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    archive: str | None = None


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """A registered use: its id, the reader's, whether they had been here before, and what they asked for."""

    schema: str = "jingui.use/1"
    request: UUID
    reader: UUID
    returning: bool
    packages: tuple[UUID, ...]


class ReaderFound(msgspec.Struct, frozen=True, kw_only=True):
    """A reader who was here before, in words, and their requests."""

    schema: str = "jingui.reader/1"
    reader: UUID
    document: Document
    name: str
    contact: str | None
    requests: tuple[AccessRequest, ...]


def read_form(text: bytes) -> UseForm:
    """A form written as JSON. `form-invalid` says which field is wrong, and never what stood in it."""
    try:
        return msgspec.json.decode(text, type=UseForm)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        place = str(error).rpartition(" - at ")[2] if " - at " in str(error) else "-"
        raise ArchiveError("form-invalid", place) from None  # the cause would repeat what the reader said


def register_use(session: Session, form: UseForm) -> Registration:
    """Register a use, and the request for records if any are named, in one command.

    Raises `documents-missing`, `name-missing`, `reader-differs` (the paper belongs to another name), `record-unknown`,
    and the vault's errors, of which none tells a word of what was written down.
    """
    session.require("register-use")
    archive = session.archive_code(form.archive)

    # 1 judge the form before anything is kept
    if not form.name.strip() or not form.number.strip():
        raise ArchiveError("name-missing")
    access_request.register_use(access_request.State(), _use(session, form, UUID(int=0), None, None))
    packages, paths = wanted(session, form.records, form.files)
    request = session.new_id()

    # 2 find the reader by the paper, or make a key for a new one; it is durable when this returns
    subject = session.vault.found_or_make(form.document, form.number)
    key = session.vault.key(subject)

    # 3 one command: who it is, the use, and what is asked for
    returning = False

    def decide(streams: Streams) -> list[New]:
        nonlocal returning
        known = streams.load(READER, subject)
        returning = known.state.introduced is not None
        introduced = _introduced(session, form, subject, known.version, key)
        streams.load(ACCESS_REQUEST, request)
        words = partial(_words, key=key, stream=request)
        use = _use(session, form, subject, words(form.represented, 1, "represented"), words(form.detail, 1, "detail"))
        asked: list[New] = []
        if packages:
            purpose = words(form.detail or form.purpose.value, 2, "purpose")
            named = Requested(packages=packages, paths=paths, purpose=purpose or form.purpose.value)
            asked = [New(request, payload) for payload in access_request.request(access_request.State(use=use), named)]
        registered = access_request.register_use(access_request.State(), use)
        return [*introduced, *(New(request, payload) for payload in registered), *asked]

    session.perform("register-use", decide, correlation=request, archive=archive)
    return Registration(request=request, reader=subject, returning=returning, packages=packages)


def wanted(session: Session, records: Sequence[str], files: Sequence[str]) -> tuple[tuple[UUID, ...], tuple[str, ...]]:
    """The packages and files that records mean. Of a record that shares its package with others, its own files.

    `record-unknown`, `record-without-package`, and `files-of-several` where files are named and records are several.
    """
    entries = [find_description(session, record) for record in records]
    for entry, record in zip(entries, records, strict=True):
        if entry.package is None:
            raise ArchiveError("record-without-package", record)
    packages = tuple(dict.fromkeys(entry.package for entry in entries if entry.package is not None))
    shared = [entry for entry in entries if entry.files is not None]
    if (files or shared) and len(entries) > 1:
        raise ArchiveError("files-of-several", len(entries))
    for entry in shared:
        if entry.package is not None:
            own = stored.chosen(session, stored.newest(session, entry.package), files, entry.files)
            return packages, tuple(file.path for file in own)
    return packages, tuple(files)


def find_reader(session: Session, document: Document, number: str) -> ReaderFound:
    """The reader to whom a paper belongs. `reader-unknown` when nobody showed it here before."""
    session.require("read-sealed")
    subject = session.vault.find(document, number)
    if subject is None or session.log.load(READER, subject).state.introduced is None:
        raise ArchiveError("reader-unknown", document)
    session.catch_up()
    said = _said(session, subject, session.vault.key(subject))
    requests = session.catalogue.requests(reader=subject, limit=1_000).entries
    return ReaderFound(
        reader=subject, document=document, name=said["name"] or "", contact=said["contact"], requests=requests
    )


def reader_words(session: Session, subject: UUID) -> dict[str, str | None]:
    """Name, number and contact of a reader, for those who may read them."""
    session.require("read-sealed")
    return _said(session, subject, session.vault.key(subject))


def open_words(session: Session, stream: UUID, fields: Sequence[str], *, upto: int | None = None) -> dict[str, str]:
    """The free words of a request's events, opened: the last word of each field, those that are plain as they are.

    Those of events after the position `upto` are left out.
    """
    session.require("read-sealed")
    found: dict[str, str] = {}
    keys: dict[UUID, SubjectKey] = {}
    for event in session.log.stream(stream):
        if upto is not None and event.envelope.position > upto:
            break
        for name in fields:
            words = getattr(event.payload, name, None)
            if isinstance(words, Sealed):
                subject = words.sealed.subject
                if subject not in keys:
                    keys[subject] = session.vault.key(subject)
                place = Place(stream=stream, version=event.envelope.version, field=name)
                found[name] = unseal(words, keys[subject], place)
            elif isinstance(words, str):
                found[name] = words
    return found


def sealed_for(
    session: Session, state: access_request.State, stream: UUID, version: int, field: str, words: str | None
) -> Confidential | None:
    """Words about a request, sealed under its reader's key for the event that will have this version."""
    if words is None or not words.strip() or state.use is None:
        return words
    return _words(words, version, field, key=session.vault.key(state.use.reader), stream=stream)


def _words(words: str | None, version: int, field: str, *, key: SubjectKey, stream: UUID) -> Sealed | None:
    return None if not words else seal(words, key, Place(stream=stream, version=version, field=field))


def _use(
    session: Session, form: UseForm, subject: UUID, represented: Confidential | None, detail: Confidential | None
) -> UseRegistered:
    return UseRegistered(
        reader=subject,
        capacity=form.capacity,
        documents=tuple(dict.fromkeys((form.document, *form.proofs))),
        represented=represented,
        requesters=session.agents,
        channel=form.channel,
        purpose=form.purpose,
        detail=detail,
        reply_by=form.reply_by,
    )


def _introduced(session: Session, form: UseForm, subject: UUID, version: int, key: SubjectKey) -> list[New]:
    """The reader's own event: for a new one, and where a known one says another contact than before."""
    said = _said(session, subject, key)
    if said:
        if paper_number(said["number"] or "") != paper_number(form.number):
            raise ArchiveError("key-record-damaged", session.vault.folder)
        if (said["name"] or "").strip() != form.name.strip():
            raise ArchiveError("reader-differs", subject)
        if form.contact is None or said["contact"] == form.contact:
            return []
    words = partial(_words, key=key, stream=subject)
    name, number = words(form.name.strip(), version + 1, "name"), words(form.number.strip(), version + 1, "number")
    contact = words(form.contact, version + 1, "contact")
    if name is None or number is None:
        raise ArchiveError("name-missing")
    payloads = reader.introduce(
        reader.State(), Introduced(document=form.document, name=name, number=number, contact=contact)
    )
    return [New(subject, payload) for payload in payloads]


def _said(session: Session, subject: UUID, key: SubjectKey) -> dict[str, str | None]:
    """What a reader last said of themselves; empty for one who is not introduced yet."""
    said: dict[str, str | None] = {}
    for event in session.log.stream(subject):
        if isinstance(event.payload, Introduced):
            for name in ("name", "number", "contact"):
                words = getattr(event.payload, name)
                place = Place(stream=subject, version=event.envelope.version, field=name)
                said[name] = unseal(words, key, place) if isinstance(words, Sealed) else words
    return said
