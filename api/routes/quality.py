"""Review of quality (质检复核): what machines refused or left to a person, the decisions on it, and samples."""

from http import HTTPStatus
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from fastapi import Path, Query, Response

from api.endpoints import Answer, Call, Room
from api.laid_out import MEDIA_TYPES, PDF, made_bytes, made_file
from api.language import preferred
from api.parameters import After, AsOf, Limit, Record
from repository.services import accessions, contact_sheet, quality_charts, review, sampling
from repository.services.fourfold import FourfoldReport, Moment, fourfold
from repository.services.fourfold_table import as_table
from repository.services.review import Decision, DecisionReport, RecordQuality, ReviewQueue, find_reviewed
from repository.services.sampling import SampleBy, SampleReport
from repository.services.session import Progress
from repository.services.tables import FORMATS

room = Room("quality")

Of = Annotated[UUID | None, Query(description="Only those of this accession")]
At = Annotated[Moment, Query(description="At receipt, at transfer of custody, or in keeping")]
Form = Annotated[Literal["json", "xlsx", "csv", "html"], Query(description="In which form")]
Chart = Annotated[Literal["pareto", "trend"], Path(description="Which chart")]
By = Annotated[quality_charts.By, Query(description="What pages are told apart by")]
Drawn = Annotated[Literal["json", "svg"], Query(description="Figures, or a picture of them")]
SVG = "image/svg+xml"
Every = Annotated[bool, Query(description="Every page, also those that simply passed")]

_FOUND = ("record-unknown", "fixity-mismatch", "package-not-stored", "time-invalid")
_DECIDED = (
    *("accession-order", "own-work", "reason-missing", "overrule-needed", "nothing-to-overrule", "page-unknown"),
    "nothing-to-review",
)
_SAMPLE = ("accession-unknown", "accession-order", "sample-needed", "sample-small", "sample-drawn", "sample-empty")


class QualityDecision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is decided on which pages, by their files' numbers; none named: on all that wait. `check`: on that alone."""

    decision: Decision
    files: tuple[Annotated[int, msgspec.Meta(ge=1, le=2**31)], ...] = ()
    check: str | None = None
    reason: str | None = None


class SampleWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Drawn by item or by volume, and how many of a hundred; without a number, the site's."""

    by: SampleBy = SampleBy.ITEM
    percent: Annotated[int, msgspec.Meta(ge=1, le=100)] | None = None


class SampleFault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The number of a file, and what is wrong with it."""

    file: Annotated[int, msgspec.Meta(ge=1, le=2**31)]
    reason: str


class SampleJudgement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person found of a sampled unit: whether it is linked rightly, and its faults."""

    unit: str
    linked: bool = True
    faults: tuple[SampleFault, ...] = ()
    note: str | None = None


@room.add("GET", "/v1/reviews", verb="survey", answer=ReviewQueue, refused=("cursor-invalid", "time-invalid"))
def review_queue(
    call: Call, accession: Of = None, as_of: AsOf = None, limit: Limit = 50, after: After = None
) -> ReviewQueue:
    """复核队列。Records with pages on which a person has to decide, and samples under way."""
    return review.list_queue(call.session, accession=accession, as_of=as_of, limit=limit, after=after)


@room.add("GET", "/v1/records/{record}/quality", verb="survey", answer=RecordQuality, refused=_FOUND)
def show_quality(call: Call, record: Record, every: Every = False, as_of: AsOf = None) -> Answer:
    """质检结论。The verdict on a record, page by page; the ETag is what a decision must have seen."""
    shown = review.show_quality(call.session, record, every=every, as_of=as_of)
    return Answer(body=shown, headers={} if as_of else call.etag(shown.package))


@room.add(
    "GET",
    "/v1/records/{record}/quality/sheet",
    verb="review-quality",
    refused=(*_FOUND, "access-controlled"),
    media_types=("text/html", PDF),
)
def quality_sheet(call: Call, record: Record, form: Annotated[Literal["html", "pdf"], Query()] = "html") -> Response:
    """质检样张。The record's pages in small, with what their checks drew on them; of a stored one it is a look."""
    language = preferred(call.request.headers.get("accept-language"))
    media_type = {"html": "text/html; charset=utf-8", "pdf": PDF}[form]
    return made_file(
        lambda place: contact_sheet.write_sheet(call.session, record, place, language=language),
        f"quality.{form}",
        media_type,
    )


@room.add(
    "POST",
    "/v1/records/{record}/quality/decision",
    verb="review-quality",
    deputies=True,
    changes=True,
    answer=DecisionReport,
    takes=QualityDecision,
    refused=("record-unknown", *_DECIDED),
)
def decide_quality(call: Call, record: Record) -> Answer:
    """复核决定。Accept pages, return them, or overrule the machine with a reason; nobody overrules their own work."""
    made = call.body(QualityDecision)
    package = find_reviewed(call.session, record)
    done = review.decide(
        call.seeing(package), record, made.decision, files=made.files, check=made.check, reason=made.reason
    )
    return Answer(body=done, headers=call.etag(package))


@room.add(
    "POST",
    "/v1/accessions/{accession_id}/quality/decision",
    verb="review-quality",
    deputies=True,
    answer=DecisionReport,
    takes=QualityDecision,
    refused=("accession-unknown", "record-unknown", *_DECIDED),
)
def decide_all_quality(call: Call, accession_id: UUID) -> DecisionReport:
    """整批复核。The same on every record of an accession that waits now; it is about what waits, whatever that is."""
    made = call.body(QualityDecision)
    return review.decide(
        call.session, str(accession_id), made.decision, files=made.files, check=made.check, reason=made.reason
    )


@room.add("GET", "/v1/accessions/{accession_id}/sample", verb="survey", answer=SampleReport, refused=_SAMPLE)
def show_sample(call: Call, accession_id: UUID) -> Answer:
    """查看抽样。The sample of the delivery in hand; the ETag is what the next judgement must have seen."""
    return Answer(body=sampling.show_sample(call.session, accession_id), headers=call.etag(accession_id))


@room.add(
    "POST",
    "/v1/accessions/{accession_id}/sample",
    verb="review-quality",
    deputies=True,
    changes=True,
    answer=SampleReport,
    status=HTTPStatus.CREATED,
    takes=SampleWish,
    refused=_SAMPLE,
)
def draw_sample(call: Call, accession_id: UUID) -> Answer:
    """抽样。Draw the sample of the delivery that waits; its seed is in the log, so anybody can draw it again."""
    wish = call.body(SampleWish)
    drawn = sampling.draw_sample(call.seeing(accession_id), accession_id, by=wish.by, percent=wish.percent)
    return Answer(body=drawn, status=HTTPStatus.CREATED, headers=call.etag(accession_id))


@room.add(
    "POST",
    "/v1/accessions/{accession_id}/sample/judgements",
    verb="review-quality",
    deputies=True,
    changes=True,
    answer=SampleReport,
    takes=SampleJudgement,
    refused=(*_SAMPLE, "sample-stranger", "page-unknown", "reason-missing"),
)
def judge_sample(call: Call, accession_id: UUID) -> Answer:
    """抽检结论。What a person found of a sampled unit; with the last one the sample is decided."""
    said = call.body(SampleJudgement)
    judged = sampling.judge_sample(
        call.seeing(accession_id),
        accession_id,
        said.unit,
        linked=said.linked,
        faults={fault.file: fault.reason for fault in said.faults},
        note=said.note,
    )
    return Answer(body=judged, headers=call.etag(accession_id))


@room.add(
    "POST",
    "/v1/accessions/{accession_id}/review/end",
    verb="return",
    answer=accessions.AccessionReport,
    status=HTTPStatus.ACCEPTED,
    refused=(
        "accession-unknown",
        "accession-order",
        "quality-open",
        "sample-open",
        "sample-needed",
        "quality-refused",
        "locked",
    ),
)
def finish_review(call: Call, accession_id: UUID) -> Answer:
    """结束复核。Records with bad pages go back with their reasons, the rest is accepted, and stored by a job."""
    sampling.settle_review(call.session, accession_id)
    session = call.later

    def follow(progress: Progress) -> None:
        accessions.go_on(session, accession_id, progress)

    call.work.put(accession_id, follow)
    report = accessions.show_accession(call.session, accession_id)
    headers = {"location": f"/v1/accessions/{accession_id}", **call.etag(accession_id)}
    return Answer(body=report, status=HTTPStatus.ACCEPTED, headers=headers)


@room.add(
    "GET",
    "/v1/accessions/{accession_id}/quality",
    verb="survey",
    answer=FourfoldReport,
    refused=("accession-unknown", "time-invalid", "fixity-mismatch"),
    media_types=("application/json", *MEDIA_TYPES.values()),
)
def four_properties(
    call: Call, accession_id: UUID, moment: At = Moment.RECEIPT, as_of: AsOf = None, form: Form = "json"
) -> FourfoldReport | Response:
    """四性检测报告。Authenticity, integrity, usability, security; what nobody checked is never called passed."""
    report = fourfold(call.session, accession_id, moment, as_of=as_of)
    if form == "json":
        return report
    table = as_table(report, preferred(call.request.headers.get("accept-language")))
    return made_bytes(FORMATS[form](table), f"four-properties.{form}", MEDIA_TYPES[form])


@room.add(
    "GET",
    "/v1/quality/{chart}",
    verb="account",
    answer=quality_charts.QualityFigures,
    refused=("time-invalid",),
    media_types=("application/json", SVG),
)
def quality_figures(
    call: Call, chart: Chart, by: By = quality_charts.By.DEVICE, as_of: AsOf = None, form: Drawn = "json"
) -> quality_charts.QualityFigures | Response:
    """缺陷统计。Defects by device, operator, contractor or batch: the most frequent first, or over time."""
    found = quality_charts.figures(call.session, by, as_of=as_of)
    if form == "json":
        return found
    language = preferred(call.request.headers.get("accept-language"))
    return made_bytes(quality_charts.CHARTS[chart](found, language), f"{chart}.svg", SVG)
