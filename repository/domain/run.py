"""Run (作业): long work over many packages - fixity, export, rebuild - with its progress and its end."""

from enum import StrEnum
from uuid import UUID

import msgspec

from repository.domain.aggregate import Aggregate
from repository.domain.key_ring import KeyAt
from repository.domain.values import Confidential, Finding, Outcome, Sha256, Value
from repository.errors import ArchiveError


class RunKind(StrEnum):
    """What the run does."""

    FIXITY = "fixity"
    EXPORT = "export"
    REBUILD = "rebuild"
    REKEY = "rekey"
    SHRED = "shred"
    QUALITY = "quality"
    REPACK = "repack"


class Started(Value, frozen=True, kw_only=True):
    """The run began: what it does, on what, and to which place its result goes."""

    kind: RunKind
    scope: str
    target: Confidential | None


class Progressed(Value, frozen=True, kw_only=True):
    """How far the run has come."""

    done: int
    total: int
    cursor: str


class Verified(Value, frozen=True, kw_only=True):
    """These packages, at most 1,000 of them, were read whole and found to be what the log says of them."""

    packages: tuple[UUID, ...]
    files: int
    bytes: int


class Rekeyed(Value, frozen=True, kw_only=True):
    """The records of these packages, at most 1,000, were wrapped anew to the keys of now; no byte of them changed."""

    keys: tuple[KeyAt, ...]
    packages: tuple[UUID, ...]


class Shredded(Value, frozen=True, kw_only=True):
    """The records of these packages, at most 1,000, were destroyed with their class key: nobody opens them any more.

    What they were, their digests and their history stay, and can still be proven.
    """

    key: UUID
    packages: tuple[UUID, ...]


class VerdictChange(Value, frozen=True, kw_only=True):
    """A page of a package that another profile judges otherwise: its checks' letters before and now, by check."""

    package: UUID
    file: int
    frame: int
    before: tuple[str, ...]
    after: tuple[str, ...]


class VerdictsCompared(Value, frozen=True, kw_only=True):
    """So many pages were judged again; these differ (`Q01:r`: check Q01 sends it to a person). Nothing is changed."""

    profile: str
    profile_sha256: Sha256
    algorithm: int
    packages: int
    pages: int
    changes: tuple[VerdictChange, ...]


class Finished(Value, frozen=True, kw_only=True):
    """The run is at its end. At most 100 findings stand here; `findings_total` counts them all."""

    outcome: Outcome
    done: int
    findings: tuple[Finding, ...]
    findings_total: int


class State(msgspec.Struct, frozen=True):
    """Where the run stands."""

    started: Started | None = None
    progressed: Progressed | None = None
    finished: Finished | None = None


def evolve(state: State, event: Value) -> State:
    """Fold one event."""
    replace = msgspec.structs.replace
    match event:
        case Started():
            return replace(state, started=event)
        case Progressed():
            return replace(state, progressed=event)
        case Finished():
            return replace(state, finished=event)
        case _:
            return state


RUN = Aggregate("Run", State(), evolve)


def start(state: State, started: Started) -> list[Value]:
    """Begin. Refused when it has begun."""
    if state.started is not None:
        raise ArchiveError("run-order", started.kind)
    return [started]


def progress(state: State, progressed: Progressed) -> list[Value]:
    """Say how far it has come. Refused before its beginning and after its end."""
    _expect_running(state)
    return [progressed]


def verify(state: State, verified: Verified) -> list[Value]:
    """Say which packages were found true. Refused before the run's beginning and after its end; nothing for none."""
    _expect_running(state)
    return [verified] if verified.packages else []


def rekey(state: State, rekeyed: Rekeyed) -> list[Value]:
    """Say which records were wrapped anew; nothing for none."""
    _expect_running(state)
    return [rekeyed] if rekeyed.packages else []


def shred(state: State, shredded: Shredded) -> list[Value]:
    """Say which packages can be opened no more; nothing for none."""
    _expect_running(state)
    return [shredded] if shredded.packages else []


def compare(state: State, compared: VerdictsCompared) -> list[Value]:
    """Say what another profile would have found. Refused before the run's beginning and after its end."""
    _expect_running(state)
    return [compared]


def finish(state: State, finished: Finished) -> list[Value]:
    """End it. Refused before its beginning and a second time."""
    _expect_running(state)
    return [finished]


def _expect_running(state: State) -> None:
    if state.started is None or state.finished is not None:
        raise ArchiveError("run-order", state.started.kind if state.started else "Run")
