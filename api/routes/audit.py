"""Looking back (审计): the log folded anew, two moments compared, what happened to a thing, and what led to what."""

from typing import Annotated

from fastapi import Path, Query

from api.endpoints import Call, Room
from api.parameters import AsOf
from repository.services.audit import ReplayReport
from repository.services.audit import replay as replay_log
from repository.services.checkpoints import Attested, attest
from repository.services.history import DiffReport
from repository.services.history import diff as compare
from repository.services.history_rules import RulesReport, ask_rules
from repository.services.proving import Proven, prove
from repository.services.timeline import TimelineReport
from repository.services.timeline import timeline as timeline_of
from repository.services.tracing import TraceReport
from repository.services.tracing import trace as chain_of

room = Room("audit")

Named = Annotated[str, Path(max_length=200, description="档号, name, or the id of anything that the log knows")]
Moments = Annotated[str, Query(max_length=90, description="A..B: positions, times or days", examples=["1..20"])]
Event = Annotated[str, Path(max_length=60, description="Id of an event, or its position")]
Days = Annotated[int, Query(ge=1, le=100_000, description="How many days back")]
_NAMED = ("record-unknown", "name-ambiguous", "time-invalid")


@room.add("GET", "/v1/replay", verb="audit", answer=ReplayReport, refused=("time-invalid",))
def replay(call: Call, as_of: AsOf = None) -> ReplayReport:
    """重放。The log folded into an empty catalogue, and its digest beside the live one's."""
    return replay_log(call.session, as_of, lambda _step, _done, _total: None)


@room.add("GET", "/v1/diff", verb="audit", answer=DiffReport, refused=("range-invalid", "time-invalid"))
def diff(call: Call, moments: Moments) -> DiffReport:
    """比较两个时刻。What was added, changed and removed between two moments."""
    return compare(call.session, moments)


@room.add("GET", "/v1/timeline/{named}", verb="audit", answer=TimelineReport, refused=_NAMED)
def timeline(call: Call, named: Named, as_of: AsOf = None) -> TimelineReport:
    """经过。Everything that happened to a record, or was done by or to a person."""
    return timeline_of(call.session, named, as_of=as_of)


@room.add("GET", "/v1/trace/{named}", verb="audit", answer=TraceReport, refused=(*_NAMED, "not-traceable"))
def trace(call: Call, named: Named, as_of: AsOf = None) -> TraceReport:
    """溯源。The chain from a delivery to its readers, from any of its members."""
    return chain_of(call.session, named, as_of=as_of)


@room.add(
    "POST",
    "/v1/checkpoints",
    verb="inspect",
    answer=Attested,
    refused=(
        *("log-key-missing", "log-key-open", "log-key-invalid", "log-key-inside", "log-key-differs"),
        *("checkpoint-contradicts", "locked"),
    ),
)
def checkpoint(call: Call) -> Attested:
    """签署日志。Sign the head of the log where it is now; where it stands there already, nothing changes."""
    return attest(call.session)


@room.add(
    "GET",
    "/v1/proofs/{event}",
    verb="audit",
    answer=Proven,
    refused=(
        *("event-unknown-here", "checkpoint-missing", "event-uncovered", "checkpoint-invalid"),
        "checkpoint-contradicts",
    ),
)
def proof(call: Call, event: Event) -> Proven:
    """证明一个事件。That it stands in the log under the newest signed checkpoint; anybody can check it."""
    return prove(call.session, event)


@room.add("GET", "/v1/rules", verb="audit", answer=RulesReport)
def rules(call: Call, days: Days = 90) -> RulesReport:
    """历史规则。What in the log's history looks unusual, by the rules that the archive has for it."""
    return ask_rules(call.session, days=days)
