"""Dissemination over a wire (远程利用): asked for at once, made by a job, fetched as often as it takes, then closed.

The log carries the whole of it, so a server that was killed takes up every job: `Requested` and `FormChosen` say what
is to be made, `DipRendered` that it lies in `outgoing/` byte for byte, `DipDelivered` that it may leave - committed
before the first byte does - and `Closed` that the copy in `outgoing/` is gone. Of a controlled record it waits there
sealed, and is opened while it is sent.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

import msgspec

from repository.crypto import SealedReader
from repository.domain import access_request
from repository.domain.access_request import ACCESS_REQUEST, Requested
from repository.domain.authority import may
from repository.domain.envelope import Event
from repository.domain.values import Value, time_of
from repository.errors import ArchiveError
from repository.services import access, requests, rights, stored
from repository.services.access import append, chosen_form
from repository.services.assembly import Assembled, assembled
from repository.services.dip_forms import Wish, checked, pages_of
from repository.services.dip_proof import DipProof, prove_stored
from repository.services.search import position_of
from repository.services.session import Progress, Session
from repository.services.waiting import ROOM, keep, let_go, waiting_file
from repository.storage import kept_in, sweep_outgoing

_FAILED = "failed:"
EXPIRED = "expired"
"""Outcome of a request whose copy nobody fetched, or let go, by its last day."""


class DipReport(msgspec.Struct, frozen=True, kw_only=True):
    """A dissemination as it stands: `requested`, `ready`, `delivered`, `closed` or `failed` (`problem` is the code).

    Once it is ready: name, size and SHA-256 of the file, `until` when it is kept, and digests of the manifests in it.
    """

    schema: str = "jingui.dip/1"
    request: UUID
    state: str
    package: UUID
    form: str
    pages: tuple[int, ...]
    width: int | None
    dip: UUID | None = None
    name: str | None = None
    media_type: str | None = None
    bytes: int | None = None
    sha256: str | None = None
    manifest_sha256: str | None = None
    tagmanifest_sha256: str | None = None
    until: str | None = None
    problem: str | None = None


class Parcel(msgspec.Struct, frozen=True, kw_only=True):
    """A file that may leave now: everything about it is in the log."""

    path: Path
    name: str
    media_type: str
    bytes: int
    sha256: str
    reader: Callable[[], SealedReader] | None = None
    """Opens what reads its plaintext, where the file at the path is ciphertext."""


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """An event of the request: where it stands in the log, what it is, and when it was written."""

    position: int
    type: str
    time: str


def request_dip(
    session: Session, record: str, *, paths: Sequence[str], purpose: str, wish: Wish, as_of: str | None = None
) -> UUID:
    """Ask for a record, or for files of it, in a form. Says at once what can be known at once.

    Raises `record-unknown` and `access-controlled`, both after the refusal was recorded; `file-unknown`,
    `purpose-missing`, `form-unknown`, `pages-invalid`, `width-invalid`.
    """
    session.require("disseminate")
    checked(wish)
    entry = access.find_to_use(session, record, paths=paths, purpose=purpose)
    position, request = position_of(session, as_of), session.new_id()
    asked = access.asked_of(session, request, entry, paths, as_of=position)
    version = stored.newest(session, asked.package, as_of=position)
    pages_of(stored.chosen(session, version, paths, entry.files), wish.pages)
    requested = Requested(packages=(asked.package,), paths=tuple(paths), purpose=purpose)
    chosen = chosen_form(wish, entry.id, position)

    def decide(state: access_request.State) -> list[Value]:
        return [*access_request.request(state, requested), chosen]

    append(session, request, asked.archive, decide)
    access.let_out(session, asked, copy=True)
    return request


def form_of_request(session: Session, request: UUID, wish: Wish) -> None:
    """Choose the form in which a registered request is answered over the wire: what was granted, or is open.

    Raises `request-unknown`, `request-order`, `several-records` (each is a request of its own over a wire),
    `access-controlled` after the refusal was recorded, and what is said of a wish that cannot be met.
    """
    session.require("disseminate")
    checked(wish)
    until = _until(session, session.log.stream(request))
    expired = until is not None and until <= session.now()
    asked, *others = requests.to_let_out(session, request)
    if others:
        raise ArchiveError("several-records", request)
    version = stored.newest(session, asked.package)
    pages_of(stored.chosen(session, version, asked.paths), wish.pages)
    chosen = chosen_form(wish, asked.entry, None)
    access.let_out(session, asked, copy=True)
    append(session, request, asked.archive, lambda state: access_request.choose(state, chosen, expired=expired))


def make_dip(session: Session, request: UUID, progress: Progress) -> None:
    """Make what was asked for and keep it where it can be fetched. A wish that cannot be met closes the request.

    Run again after a kill it makes the package anew; one that is ready or closed is left as it is.
    """
    state = _state(session, request)
    if state.closed or state.rendered is not None or state.requested is None or state.chosen is None:
        return
    archive = _archive(session, request)
    dip = session.new_id()
    let_go(session, request)
    try:
        part = (state.granted.packages[0], state.granted.paths) if state.granted else None
        with assembled(session, request, dip, state.chosen, part=part, over_wire=True) as parcel:
            progress("assemble", parcel.facts.bytes, parcel.facts.bytes)
            _keep(session, request, archive, parcel)
    except ArchiveError as error:
        outcome = f"{_FAILED}{error.code}"
        append(session, request, archive, lambda state: access_request.close(state, outcome=outcome))
        let_go(session, request)


def _keep(session: Session, request: UUID, archive: str | None, made: Assembled) -> None:
    """Lay the file where it waits, durable, and then say in the log what it is."""
    if made.carrier is None:
        raise LookupError(f"nothing of {made.facts.dip} can go over a wire")
    rendered = made.rendered(made.carrier)
    keep(session, request, made, str(rendered.name))

    def decide(state: access_request.State) -> list[Value]:
        assembled_now = access_request.assemble(state, made.facts)
        after = access_request.evolve(state, assembled_now[0])
        return [*assembled_now, *access_request.render(after, rendered)]

    append(session, request, archive, decide)


def read_dip(session: Session, request: UUID) -> DipReport:
    """How it stands, for whoever asked for it and for those who answer for use. `request-unknown` for all others."""
    session.require("disseminate")
    events = _visible(session, request)
    state = _state(session, request)
    if state.requested is None or state.chosen is None:
        raise ArchiveError("request-unknown", request)
    outcome = next((one.payload.outcome for one in events if isinstance(one.payload, access_request.Closed)), "")
    report = DipReport(
        request=request,
        state=_stage(state, outcome),
        package=state.requested.packages[0],
        form=state.chosen.form,
        pages=state.chosen.pages,
        width=state.chosen.width,
        problem=outcome.removeprefix(_FAILED) if outcome.startswith(_FAILED) else None,
    )
    made, rendered = state.assembled, state.rendered
    if made is None or rendered is None:
        return report
    return msgspec.structs.replace(
        report,
        dip=made.dip,
        name=str(rendered.name),
        media_type=rendered.media_type,
        bytes=rendered.bytes,
        sha256=rendered.sha256,
        manifest_sha256=made.manifest_sha256,
        tagmanifest_sha256=made.tagmanifest_sha256,
        until=_until(session, events),
    )


def proof_of_dip(session: Session, request: UUID) -> DipProof:
    """The proof of what it was made from, as often as it is asked for, also once the copy is gone.

    `request-unknown` to all who may not see how the request stands, `dip-not-ready` before there is a package.
    """
    read_dip(session, request)
    made = _state(session, request).assembled
    if made is None:
        raise ArchiveError("dip-not-ready", request)
    return prove_stored(session, made.sources[0].stored_event)


def _until(session: Session, events: Sequence[Event]) -> str | None:
    """Until when the copy is kept that was made last: it was rendered so many days before."""
    made = [one.envelope.occurred_at.time for one in events if isinstance(one.payload, access_request.DipRendered)]
    return kept_until(session, made[-1]) if made else None


def kept_until(session: Session, moment: str) -> str:
    """Until when something is kept to be fetched that was made at this moment."""
    return time_of(datetime.fromisoformat(moment) + timedelta(days=session.settings.outgoing_days))


def _stage(state: access_request.State, outcome: str) -> str:
    if state.closed:
        return "failed" if outcome.startswith(_FAILED) else "closed"
    if state.rendered is None:
        return "requested"
    return "delivered" if state.rendered.dip in state.delivered else "ready"


def open_parcel(session: Session, request: UUID) -> Parcel:
    """Let the file leave. When this returns, `DipDelivered` is committed: not one byte was read for sending before.

    Raises `request-unknown`, `dip-not-ready`, `dip-gone`, `dip-expired` after the copy's last day, and
    `access-controlled` where it was taken down since. Fetching again, whole or in parts, is the same delivery.
    """
    session.require("disseminate")
    events = _visible(session, request)
    state, until = _state(session, request), _until(session, events)
    if until is not None and until <= session.now() and _has_expired(state, events):
        raise ArchiveError("dip-expired", request, until=until)
    if state.closed:
        raise ArchiveError("dip-gone", request)
    if state.rendered is None:
        raise ArchiveError("dip-not-ready", request)
    _still_allowed(session, request, state)
    if state.rendered.dip not in state.delivered:

        def decide(now: access_request.State) -> list[Value]:
            made = now.assembled
            return [] if made and made.dip in now.delivered else access_request.deliver(now, way="http")

        append(session, request, _archive(session, request), decide)
    rendered = state.rendered
    path, reader = waiting_file(session, request, str(rendered.name))
    return Parcel(
        path=path,
        name=str(rendered.name),
        media_type=rendered.media_type,
        bytes=rendered.bytes,
        sha256=rendered.sha256,
        reader=reader,
    )


def _has_expired(state: access_request.State, events: Sequence[Event]) -> bool:
    """Whether the copy is gone for its age and not because somebody had no more use for it."""
    if not state.closed:
        return state.rendered is not None
    return any(isinstance(one.payload, access_request.Closed) and one.payload.outcome == EXPIRED for one in events)


def _still_allowed(session: Session, request: UUID, state: access_request.State) -> None:
    """Ask again before each sending: what was open when it was asked for may be controlled by now."""
    if state.requested is None or state.chosen is None:
        raise ArchiveError("request-unknown", request)
    what = state.granted or state.requested
    package, entry, paths = what.packages[0], state.chosen.description, what.paths
    verdict = rights.may_see(session, session.log, package, entry, paths, state, copy=True)
    if not verdict.allowed:
        raise ArchiveError("access-controlled", package, why=verdict.why)


def close_dip(session: Session, request: UUID) -> None:
    """Whoever asked has what they wanted, or wants it no more: the copy goes. Closing again changes nothing."""
    session.require("disseminate")
    _visible(session, request)
    outcome = "delivered" if _state(session, request).delivered else "withdrawn"

    def decide(state: access_request.State) -> list[Value]:
        return [] if state.closed else access_request.close(state, outcome=outcome)

    append(session, request, _archive(session, request), decide)
    let_go(session, request)


def history_of(session: Session, request: UUID) -> list[Happening]:
    """The events of a request, for those who may see how it stands."""
    session.require("disseminate")
    envelopes = [event.envelope for event in _visible(session, request)]
    return [Happening(position=one.position, type=one.type, time=one.recorded_at) for one in envelopes]


def tidy(session: Session) -> None:
    """Remove what a killed process had begun to make, and copies that are kept no longer."""
    sweep_outgoing(session.folder)
    clear_outgoing(session)


def clear_outgoing(session: Session) -> int:
    """Let go the copies whose last day is over, and those whose request was closed by a process that died then.

    A request for nothing but the copy ends with it. One of a registered use does not: it may be answered anew.
    """
    gone = 0
    for request in kept_in(session.folder / ROOM):
        events, state = session.log.stream(request), _state(session, request)
        until = _until(session, events)
        if not state.closed and (until is None or until > session.now()):
            continue
        if not state.closed and state.use is None:
            append(
                session,
                request,
                _archive(session, request),
                lambda now: [] if now.closed else access_request.close(now, outcome=EXPIRED),
            )
        let_go(session, request)
        gone += 1
    return gone


def unfinished_dips(session: Session) -> Iterator[UUID]:
    """Requests whose package is still to be made; the catalogue helps to find them, the log decides."""
    session.catch_up()
    after: str | None = None
    while True:
        page = session.catalogue.requests(limit=500, after=after)
        for card in (one for one in page.entries if one.state != "closed"):
            state = _state(session, card.id)
            if state.chosen is not None and state.rendered is None and not state.closed:
                yield card.id
        after = page.after
        if after is None:
            return


def discard_parcels(session: Session, package: UUID) -> None:
    """Take away every file made of a package that waits to be fetched, and close its request: `expunged`."""
    for request in kept_in(session.folder / ROOM):
        state = _state(session, request)
        what = state.granted or state.requested
        if what is None or package not in what.packages:
            continue
        let_go(session, request)
        if not state.closed:
            closed = partial(access_request.close, outcome="expunged")
            append(session, request, _archive(session, request), closed)


def _visible(session: Session, request: UUID) -> list[Event]:
    """The request's events. To anybody but its requester and those who manage use there is no such request.

    Staff work on every registered use; what somebody asked for by themselves is for those who could hand out anything.
    """
    events = session.log.stream(request)
    if events and events[0].envelope.type in ("AccessRequest.Requested", "AccessRequest.UseRegistered"):
        first = events[0].envelope
        asked = first.on_behalf_of or first.actor
        registered = first.type == "AccessRequest.UseRegistered"
        if session.principal == asked or may(session.standing(), "survey" if registered else "materialise"):
            return events
    raise ArchiveError("request-unknown", request)


def _state(session: Session, request: UUID) -> access_request.State:
    return session.log.load(ACCESS_REQUEST, request).state


def _archive(session: Session, request: UUID) -> str | None:
    return session.log.stream(request)[0].envelope.archive
