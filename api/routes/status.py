"""How the archive and its server stand (状态)."""

import msgspec
from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool

from api.endpoints import PUBLIC, Answer, Call, Room
from api.observing import metrics_of
from api.parameters import After, AsOf, Limit
from repository.archive import Served
from repository.catalogue import Run
from repository.services.doctor import DoctorReport, examine
from repository.services.jobs import StatusReport
from repository.services.jobs import status as status_of
from repository.services.schedule import ScheduleReport, schedule
from repository.services.search import Page, list_runs

room = Room("status")
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Whether it is so."""

    schema: str = "jingui.health/1"
    status: str


@room.add("GET", "/v1/status", verb="survey", answer=StatusReport, refused=("time-invalid",))
def status(call: Call, as_of: AsOf = None) -> StatusReport:
    """概况。What the archive holds, and what in it is unfinished, now or as of a moment."""
    return status_of(call.session, as_of=as_of)


@room.add("GET", "/v1/doctor", verb="inspect", answer=DoctorReport)
def doctor(call: Call) -> DoctorReport:
    """体检。Space, clock, programs, people, catalogue, fixity, due work: what is in order, and what to do where not."""
    return examine(call.session)


@room.add("GET", "/v1/runs", verb="inspect", answer=Page[Run], refused=("cursor-invalid", "time-invalid"))
def runs(call: Call, as_of: AsOf = None, limit: Limit = 20, after: After = None) -> Page[Run]:
    """列出作业。Fixity, exports and statistics, in the order in which they began."""
    return list_runs(call.session, as_of=as_of, limit=limit, after=after)


@room.add("GET", "/v1/schedule", verb="inspect", answer=ScheduleReport)
def jobs(call: Call) -> ScheduleReport:
    """日程。What has to be done again and again, its last run, and when it is due next."""
    return schedule(call.session)


@room.add("GET", "/healthz", verb=PUBLIC, answer=Health)
async def alive(_: Request) -> Health:
    """存活。The process answers."""
    return Health(status="alive")


@room.add("GET", "/readyz", verb=PUBLIC, answer=Health, refused=("log-fault", "catalogue-damaged"))
async def ready(request: Request) -> Answer:
    """就绪。Log and catalogue can be read, and the catalogue can be brought to the end of the log."""
    served: Served = request.app.state.served
    await run_in_threadpool(served.base.catch_up)
    return Answer(body=Health(status="ready"))


@room.add("GET", "/metrics", verb="work", media_types=("text/plain",))
def measured(call: Call) -> Response:
    """监测指标。Counters in the text form of Prometheus."""
    metrics = metrics_of(call.request.app)
    metrics.position.set(call.session.log.position())
    metrics.waiting.set(call.work.waiting)
    return Response(metrics.text(), media_type=PROMETHEUS)
