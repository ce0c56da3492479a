"""Access request (利用申请): somebody asks for records, a dissemination package is made, and it is delivered.

`DipDelivered` is committed before the first byte leaves the archive.
"""

from uuid import UUID

import msgspec

from repository.domain.aggregate import Aggregate
from repository.domain.values import Confidential, Sha256, Value
from repository.errors import ArchiveError


class Requested(Value, frozen=True, kw_only=True):
    """These packages are asked for, whole (`paths` empty) or these files of them, and for which purpose."""

    packages: tuple[UUID, ...]
    paths: tuple[str, ...]
    purpose: Confidential


class DipSource(Value, frozen=True, kw_only=True):
    """Which stored version the dissemination package was made from, and the event that committed it."""

    package: UUID
    generation: int
    version: int
    stored_event: UUID


class DipAssembled(Value, frozen=True, kw_only=True):
    """The dissemination package is ready."""

    dip: UUID
    sources: tuple[DipSource, ...]
    files: int
    bytes: int
    manifest_sha256: Sha256
    tagmanifest_sha256: Sha256


class DipDelivered(Value, frozen=True, kw_only=True):
    """The dissemination package is handed out from now on."""

    dip: UUID
    way: str


class FormChosen(Value, frozen=True, kw_only=True):
    """In which form it is to be made: a bag (the whole record, or the files asked for), or copies made from it.

    `description` is the record that was asked for, which may share its package with others; `as_of` the position of the
    log whose stored version is meant, null for the newest. `pages` are the numbers of the files, from 1 in their order;
    empty for all. `width` is in pixels, for pictures.
    """

    description: UUID
    as_of: int | None
    form: str
    pages: tuple[int, ...]
    width: int | None


class DipRendered(Value, frozen=True, kw_only=True):
    """The one file in which the dissemination package goes over a wire, byte for byte."""

    dip: UUID
    form: str
    name: Confidential
    media_type: str
    bytes: int
    sha256: Sha256


class Closed(Value, frozen=True, kw_only=True):
    """The request is at its end."""

    outcome: str


class State(msgspec.Struct, frozen=True):
    """What the decisions below need to know."""

    requested: Requested | None = None
    chosen: FormChosen | None = None
    assembled: DipAssembled | None = None
    rendered: DipRendered | None = None
    delivered: bool = False
    closed: bool = False


def evolve(state: State, event: Value) -> State:
    """Fold one event."""
    replace = msgspec.structs.replace
    match event:
        case Requested():
            return replace(state, requested=event)
        case FormChosen():
            return replace(state, chosen=event)
        case DipAssembled():
            return replace(state, assembled=event)
        case DipRendered():
            return replace(state, rendered=event)
        case DipDelivered():
            return replace(state, delivered=True)
        case Closed():
            return replace(state, closed=True)
        case _:
            return state


ACCESS_REQUEST = Aggregate("AccessRequest", State(), evolve)


def request(state: State, requested: Requested) -> list[Value]:
    """Ask. Refused without a purpose."""
    if isinstance(requested.purpose, str) and not requested.purpose.strip():
        raise ArchiveError("purpose-missing")
    return [requested] if state.requested is None else []


def choose(state: State, chosen: FormChosen) -> list[Value]:
    """Say in which form. Refused before the request, after its end, and once a package was made."""
    _expect_open(state)
    if state.assembled is not None:
        raise ArchiveError("request-order", "FormChosen")
    return [] if state.chosen == chosen else [chosen]


def assemble(state: State, assembled: DipAssembled) -> list[Value]:
    """Record the package that was made. Refused before the request and after its end."""
    _expect_open(state)
    return [assembled]


def render(state: State, rendered: DipRendered) -> list[Value]:
    """Record the file that it was put into. Refused before it was assembled."""
    _expect_open(state)
    if state.assembled is None:
        raise ArchiveError("request-order", "DipRendered")
    return [rendered]


def deliver(state: State, *, way: str) -> list[Value]:
    """Record that it is handed out. Refused before it was assembled."""
    _expect_open(state)
    if state.assembled is None:
        raise ArchiveError("request-order", "DipDelivered")
    return [DipDelivered(dip=state.assembled.dip, way=way)]


def close(state: State, *, outcome: str) -> list[Value]:
    """End the request."""
    _expect_open(state)
    return [Closed(outcome=outcome)]


def _expect_open(state: State) -> None:
    if state.requested is None or state.closed:
        raise ArchiveError("request-order", "AccessRequest")
