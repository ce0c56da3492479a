"""Access (利用): records are handed out as dissemination packages, and the log says so before the first byte leaves."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from uuid import UUID

import msgspec

from packages_spec.profiles import PayloadFile
from repository.catalogue import Description
from repository.crypto import expect_recipient
from repository.domain import access_request
from repository.domain.access_request import ACCESS_REQUEST, ContentViewed, FormChosen, Requested, refuse_by_rule
from repository.domain.access_rules import Verdict
from repository.domain.aggregate import New
from repository.domain.authority import may
from repository.domain.description_fields import FileRange
from repository.domain.values import Value
from repository.errors import ArchiveError
from repository.eventlog import Streams
from repository.services import rights, stored
from repository.services.assembly import assembled
from repository.services.dip_forms import Wish, checked
from repository.services.dip_proof import lay_beside, prove_stored
from repository.services.search import find_description, named_package, position_of
from repository.services.session import Session
from repository.services.stored import StoredVersion

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
    form: str = "bag"
    proof: str | None = None
    """The `.tlog-proof` beside it; null where no checkpoint covers that event yet."""


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
    as_of: int | None = None


def disseminate(
    session: Session,
    record: str,
    *,
    paths: Sequence[str],
    purpose: str,
    target: Path,
    as_of: str | None = None,
    wish: Wish | None = None,
    recipient: str | None = None,
) -> DisseminationReport:
    """Hand out a record (named by 档号, description or package), whole or the files at `paths`, in the form wished for.

    The package appears in `target` as a new folder `uuid-<dip>`, or as a file of that name, made of the newest version,
    or of the newest that was stored at a moment of the past; of a record that shares a package with others, its own
    files. Raises `record-unknown` (also for what the one who asks may not know of) and `access-controlled`, both after
    the refusal was recorded; `file-unknown`, `purpose-missing`, `fixity-mismatch` (nothing is handed out),
    `folder-exists`, and what is said of a wish that cannot be met: `form-unknown`, `form-unfit`, `pages-invalid`,
    `width-invalid`. With a `recipient` (`age1...`) it leaves as one file that only they can open; `recipient-unknown`.
    """
    session.require("disseminate")
    wish = checked(Wish() if wish is None else wish)
    if recipient is not None:
        recipient = expect_recipient(recipient)
        wish = msgspec.structs.replace(wish, form="zip") if wish.form == "bag" else wish

    # 1 register what is asked for, why, and in which form; what the rules refuse ends here, in the log
    asked = ask(session, record, paths=paths, purpose=purpose, wish=wish, as_of=position_of(session, as_of))

    # 2-3 assemble, record the delivery, and only then let the first byte out
    report = hand_out(session, asked, target, wish=wish, recipient=recipient)

    # 4 close the request
    append(session, asked.request, asked.archive, lambda state: access_request.close(state, outcome="delivered"))
    return report


def view(session: Session, record: str, *, paths: Sequence[str], purpose: str) -> ViewReport:
    """Let files of a record be looked at; the look is in the log before anything is shown. Raises as `disseminate`."""
    session.require("disseminate")
    asked = ask(session, record, paths=paths, purpose=purpose)
    report = show_files(session, asked)
    append(session, asked.request, asked.archive, lambda state: access_request.close(state, outcome="viewed"))
    return report


def ask(
    session: Session,
    record: str,
    *,
    paths: Sequence[str],
    purpose: str,
    wish: Wish | None = None,
    as_of: int | None = None,
) -> Asked:
    """Register what is asked for, and in which form where it is no plain bag; what the rules refuse is recorded."""
    entry = find_to_use(session, record, paths=paths, purpose=purpose)
    asked = asked_of(session, session.new_id(), entry, paths, as_of=as_of)
    requested = Requested(packages=(asked.package,), paths=asked.paths, purpose=purpose)
    chosen = [] if wish is None or wish == Wish() else [chosen_form(wish, entry.id, as_of)]

    def register(state: access_request.State) -> list[Value]:
        return [*access_request.request(state, requested), *chosen]

    append(session, asked.request, asked.archive, register)
    let_out(session, asked, copy=True)
    return asked


def find_to_use(session: Session, record: str, *, paths: Sequence[str], purpose: str) -> Description:
    """The record of that name, to use it.

    One who may not know of it leaves the same two events, and meets the same error, as one who asks for what is not
    there.
    """
    try:
        entry = find_description(session, record)
    except ArchiveError as error:
        if error.code == "record-unknown" and not may(session.standing(), "survey"):
            hidden = named_package(session, record)
            requested = Requested(packages=(hidden,) if hidden else (), paths=tuple(paths), purpose=purpose)
            request, archive = session.new_id(), session.archive_code(None)
            append(session, request, archive, lambda state: access_request.request(state, requested))
            append(session, request, archive, lambda state: refuse_by_rule(state, None))
        raise
    if entry.package is None:
        raise ArchiveError("record-without-package", record)
    return entry


def asked_of(
    session: Session, request: UUID, entry: Description, paths: Sequence[str], *, as_of: int | None = None
) -> Asked:
    """What of an entry is to leave under a request."""
    if entry.package is None:
        raise ArchiveError("record-without-package", entry.id)
    archive = session.log.stream(entry.package)[0].envelope.archive
    return Asked(
        request=request,
        archive=archive,
        package=entry.package,
        entry=entry.id,
        own=entry.files,
        paths=tuple(paths),
        as_of=as_of,
    )


def chosen_form(wish: Wish, entry: UUID, as_of: int | None) -> FormChosen:
    """What the log says of a wish: of which description, as of which position, in which form."""
    return FormChosen(description=entry, as_of=as_of, form=wish.form, pages=wish.pages, width=wish.width)


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


def hand_out(
    session: Session, asked: Asked, target: Path, *, wish: Wish | None = None, recipient: str | None = None
) -> DisseminationReport:
    """Make a dissemination package for a request and hand it out, if the rules still allow it at that moment."""
    wish, request, archive = Wish() if wish is None else wish, asked.request, asked.archive
    chosen = chosen_form(wish, asked.entry, asked.as_of)

    # assemble the package from the stored version, every byte compared with its manifest
    with assembled(session, request, session.new_id(), chosen, part=(asked.package, asked.paths)) as parcel:
        append(session, request, archive, lambda state: access_request.assemble(state, parcel.facts))
        if parcel.carrier is not None:
            rendered = parcel.rendered(parcel.carrier)
            append(session, request, archive, lambda state: access_request.render(state, rendered))

        # prove where it comes from: of a history that contradicts what was signed nothing leaves
        proof = prove_stored(session, parcel.source.stored_event)

        # record the delivery, and only then let the first byte out; the proof lies beside it
        _let_out(session, asked, lambda state: access_request.deliver(state, way="folder"), copy=True)
        out = parcel.hand_out(target, recipient)
        beside = lay_beside(proof, target, parcel.facts.dip)
    return DisseminationReport(
        request=request,
        dip=parcel.facts.dip,
        package=asked.package,
        version=parcel.source.version,
        stored_event=parcel.source.stored_event,
        path=str(out),
        files=parcel.facts.files,
        bytes=parcel.facts.bytes,
        form=wish.form,
        proof=None if beside is None else str(beside),
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


def places_of(session: Session, asked: Asked) -> tuple[ShownFile, ...]:
    """Where the files lie that are asked for. For those who compare them first: whoever shows them records it."""
    version = stored.newest(session, asked.package)
    files = stored.chosen(session, version, asked.paths, asked.own)
    return tuple(_shown(session, version, file) for file in files)


def _shown(session: Session, version: StoredVersion, file: PayloadFile) -> ShownFile:
    place = stored.place_of(session, version, stored.place_in(session, version, file.path))
    return ShownFile(
        path=file.path,
        place=str(place),
        size=file.size,
        sha256=stored.payload_digest(version, file),
        media_type=file.media_type,
    )


def shown_bytes(session: Session, package: UUID, file: ShownFile) -> Iterator[bytes]:
    """The bytes of a file that is shown, streamed, and opened in passing where they lie encrypted.

    `fixity-mismatch` at the end where they were not the stored ones.
    """
    digest, version = hashlib.sha256(), stored.newest(session, package)
    for chunk in stored.bytes_of(session, version, file.path):
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != file.sha256:
        raise ArchiveError("fixity-mismatch", file.place, expected=file.sha256, found=digest.hexdigest())


def append(session: Session, request: UUID, archive: str | None, decide: Decide) -> bool:
    """Append what is decided to the request's stream; whether the same command had done so before."""

    def decided(streams: Streams) -> list[New]:
        return [New(request, payload) for payload in decide(streams.load(ACCESS_REQUEST, request).state)]

    return session.perform("disseminate", decided, correlation=request, archive=archive).already


def _let_out(session: Session, asked: Asked, decide: Decide, *, copy: bool) -> None:
    """The event after which bytes leave, decided together with the right to it: a grant that ends now ends it."""

    def decided(streams: Streams) -> list[New]:
        state = streams.load(ACCESS_REQUEST, asked.request).state
        verdict = rights.may_see(session, streams, asked.package, asked.entry, asked.paths, state, copy=copy)
        if not verdict.allowed:
            raise ArchiveError("access-controlled", asked.package, why=verdict.why)
        return [New(asked.request, payload) for payload in decide(state)]

    session.perform("let-out", decided, correlation=asked.request, archive=asked.archive)
