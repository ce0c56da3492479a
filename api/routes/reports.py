"""Reports (统计报表): figures as of any date and over any period, and what each of them counts."""

from typing import Annotated

from fastapi import Path, Query

from api.endpoints import Call, Room
from api.parameters import AsOf
from repository.services import reports
from repository.services.reports import Explanation, Report

room = Room("reports")

Name = Annotated[str, Path(max_length=100, description="Name of the report", examples=["annual"])]
Item = Annotated[str, Path(max_length=100, description="Id of the figure")]
Since = Annotated[str | None, Query(alias="from", max_length=40, description="First day or instant of the period")]
Until = Annotated[str | None, Query(alias="to", max_length=40, description="Last day or instant of the period")]

_REFUSED = ("report-unknown", "time-invalid", "range-invalid", "position-unknown")


@room.add("GET", "/v1/reports/{name}", verb="inspect", answer=Report, refused=_REFUSED)
def report(call: Call, name: Name, as_of: AsOf = None, since: Since = None, until: Until = None) -> Report:
    """统计报表。A report by its name; no data is null, never zero."""
    period = reports.period_of(call.session, as_of=as_of, since=since, until=until)
    return reports.report(call.session, name, period)


@room.add("GET", "/v1/figures/{item}", verb="inspect", answer=Explanation, refused=_REFUSED)
def figure(call: Call, item: Item, as_of: AsOf = None, since: Since = None, until: Until = None) -> Explanation:
    """数字的由来。One figure, how it is counted, and everything that it counts."""
    period = reports.period_of(call.session, as_of=as_of, since=since, until=until)
    return reports.explain(call.session, item, period)
