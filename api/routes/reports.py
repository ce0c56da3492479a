"""Reports (统计报表): figures as of any date and over any period, and what each of them counts."""

from typing import Annotated, Literal

from fastapi import Path, Query, Response

from api.endpoints import Call, Room
from api.laid_out import MEDIA_TYPES, made_bytes
from api.language import preferred, text
from api.parameters import AsOf
from repository.services import reports
from repository.services.reports import Explanation, Report
from repository.services.tables import FORMATS, Table

room = Room("reports")

Name = Annotated[str, Path(max_length=100, description="Name of the report", examples=["annual"])]
Item = Annotated[str, Path(max_length=100, description="Id of the figure")]
Since = Annotated[str | None, Query(alias="from", max_length=40, description="First day or instant of the period")]
Until = Annotated[str | None, Query(alias="to", max_length=40, description="Last day or instant of the period")]

Form = Annotated[Literal["json", "xlsx", "csv", "html"], Query(description="In which form")]

_REFUSED = ("report-unknown", "time-invalid", "range-invalid", "position-unknown")


@room.add(
    "GET",
    "/v1/reports/{name}",
    verb="inspect",
    answer=Report,
    refused=_REFUSED,
    media_types=("application/json", *MEDIA_TYPES.values()),
)
def report(
    call: Call, name: Name, as_of: AsOf = None, since: Since = None, until: Until = None, form: Form = "json"
) -> Report | Response:
    """统计报表。A report by its name, for a program, a spreadsheet or paper; no data is null, never zero."""
    period = reports.period_of(call.session, as_of=as_of, since=since, until=until)
    made = reports.report(call.session, name, period)
    if form == "json":
        return made
    table = _table(made, preferred(call.request.headers.get("accept-language")))
    return made_bytes(FORMATS[form](table), f"{made.name}.{form}", MEDIA_TYPES[form])


def _table(made: Report, language: str) -> Table:
    """The report in one language."""
    zh, nothing = language == "zh", text("report.nothing", language)
    rows = (
        (one.zh if zh else one.en, one.value or nothing, one.unit_zh if zh else one.unit_en, one.id)
        for one in made.items
    )
    return Table(
        language=language,
        title=text("report.title", language, name=made.name),
        notes=(text("report.note", language, position=made.period.at),),
        header=tuple(text(f"report.{column}", language) for column in ("figure", "value", "unit", "item")),
        rows=tuple(rows),
    )


@room.add("GET", "/v1/figures/{item}", verb="inspect", answer=Explanation, refused=_REFUSED)
def figure(call: Call, item: Item, as_of: AsOf = None, since: Since = None, until: Until = None) -> Explanation:
    """数字的由来。One figure, how it is counted, and everything that it counts."""
    period = reports.period_of(call.session, as_of=as_of, since=since, until=until)
    return reports.explain(call.session, item, period)
