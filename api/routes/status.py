"""How the archive and its server stand (状态)."""

import msgspec
from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool

from api.endpoints import PUBLIC, Answer, Call, Room
from api.observing import metrics_of
from repository.archive import Served
from repository.services.jobs import StatusReport
from repository.services.jobs import status as status_of
from repository.services.schedule import ScheduleReport, schedule

room = Room("status")
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Whether it is so."""

    schema: str = "jingui.health/1"
    status: str


@room.add("GET", "/v1/status", verb="survey", answer=StatusReport)
def status(call: Call) -> StatusReport:
    """概况。What the archive holds, and what in it is unfinished."""
    return status_of(call.session)


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
