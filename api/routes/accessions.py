"""Accessions (接收登记): how they stand, and a person's decisions on a delivery - accept it, or give it back."""

from functools import partial
from http import HTTPStatus
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from fastapi import Query, Response

from api.endpoints import Answer, Call, Room
from api.laid_out import PDF, XLSX, made_bytes, made_file
from api.parameters import After, AsOf, Limit
from repository.catalogue import Accession
from repository.services import accession_papers, handover
from repository.services.accession_papers import WorkSheets
from repository.services.accessions import (
    AccessionReport,
    decide_to_accept,
    decide_to_return,
    go_on,
    show_accession,
)
from repository.services.attempts import AccessionPage, list_attempts
from repository.services.search import Page, list_accessions
from repository.services.session import Progress
from repository.services.statement import StatementReport, write_statement
from repository.services.statement import statement as statement_of

room = Room("accessions")

Failed = Annotated[bool, Query(description="Only those whose last delivery failed")]
Delivery = Annotated[int | None, Query(ge=1, le=10_000, description="Number of the delivery; the last without it")]
Contractor = Annotated[str, Query(max_length=200, description="As the work sheet names it")]
First = Annotated[str | None, Query(alias="from", max_length=10, description="First day")]
Last = Annotated[str | None, Query(alias="to", max_length=10, description="Last day, which counts")]
Form = Annotated[Literal["json", "xlsx"], Query(description="In which form")]

_DECIDED = ("accession-unknown", "accession-order", "unit-unknown", "locked")


class Acceptance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which volumes are accepted, by 档号 or path; none named: the whole delivery."""

    volumes: tuple[str, ...] = ()


class GivenBack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which volumes are given back, and why; none named: the whole delivery."""

    reason: str
    volumes: tuple[str, ...] = ()


@room.add(
    "GET",
    "/v1/accessions",
    verb="survey",
    answer=Page[Accession],
    refused=("cursor-invalid", "time-invalid"),
    reads=True,
)
def accessions(call: Call, as_of: AsOf = None, limit: Limit = 20, after: After = None) -> Page[Accession]:
    """列出接收登记。Accessions in the order of their opening."""
    return list_accessions(call.session, as_of=as_of, limit=limit, after=after)


@room.add(
    "GET",
    "/v1/accessions/attempts",
    verb="survey",
    answer=AccessionPage,
    refused=("cursor-invalid", "time-invalid"),
)
def attempts(
    call: Call, failed: Failed = False, as_of: AsOf = None, limit: Limit = 20, after: After = None
) -> AccessionPage:
    """移交经过。Accessions with what became of their deliveries; if wanted, only those whose last failed."""
    return list_attempts(call.session, as_of=as_of, limit=limit, after=after, failed=failed)


@room.add(
    "GET",
    "/v1/accessions/{accession_id}",
    verb="survey",
    answer=AccessionReport,
    refused=("accession-unknown", "time-invalid"),
)
def accession(call: Call, accession_id: UUID, as_of: AsOf = None) -> Answer:
    """查看接收登记。How it stands, unit by unit; the ETag is what a decision must have seen."""
    report = show_accession(call.session, accession_id, as_of=as_of)
    return Answer(body=report, headers={} if as_of else call.etag(accession_id))


@room.add(
    "POST",
    "/v1/accessions/{accession_id}/acceptance",
    verb="accept",
    changes=True,
    answer=AccessionReport,
    status=HTTPStatus.ACCEPTED,
    takes=Acceptance,
    refused=(*_DECIDED, "acceptor-received"),
)
def accept(call: Call, accession_id: UUID) -> Answer:
    """验收。Recorded at once; with the last decision what was accepted is stored by a job. Asked again it goes on."""
    report = decide_to_accept(call.seeing(accession_id), accession_id, call.body(Acceptance).volumes)
    return _go_on(call, accession_id, report)


@room.add(
    "POST",
    "/v1/accessions/{accession_id}/return",
    verb="return",
    changes=True,
    answer=AccessionReport,
    status=HTTPStatus.ACCEPTED,
    takes=GivenBack,
    refused=(*_DECIDED, "reason-missing"),
)
def give_back(call: Call, accession_id: UUID) -> Answer:
    """退回。Recorded at once with its reason; bytes leave the quarantine only after it."""
    given = call.body(GivenBack)
    report = decide_to_return(call.seeing(accession_id), accession_id, given.volumes, given.reason)
    return _go_on(call, accession_id, report)


def _go_on(call: Call, accession: UUID, report: AccessionReport) -> Answer:
    session = call.later

    def follow(progress: Progress) -> None:
        go_on(session, accession, progress)

    call.work.put(accession, follow)
    headers = {"location": f"/v1/accessions/{accession}", **call.etag(accession)}
    return Answer(body=report, status=HTTPStatus.ACCEPTED, headers=headers)


@room.add("GET", "/v1/accessions/{accession_id}/work", verb="survey", answer=WorkSheets, refused=("accession-unknown",))
def work_sheet(call: Call, accession_id: UUID) -> WorkSheets:
    """工作单。Who digitised which pages, on which device, in which shift."""
    return accession_papers.work_sheets(call.session, accession_id)


@room.add(
    "GET",
    "/v1/accessions/{accession_id}/returned",
    verb="survey",
    refused=("accession-unknown", "papers-missing", "fixity-mismatch", "package-not-stored"),
    media_types=(XLSX,),
)
def returned_catalogue(call: Call, accession_id: UUID, delivery: Delivery = None) -> Response:
    """退回目录。The producer's catalogue with the faults beside its rows, of the last delivery that had some."""
    return made_bytes(accession_papers.returned_catalogue(call.session, accession_id, delivery), "退回目录.xlsx", XLSX)


@room.add(
    "POST",
    "/v1/accessions/{accession_id}/handover",
    verb="accept",
    refused=("accession-unknown", "accession-order"),
    media_types=(PDF,),
)
def print_handover(call: Call, accession_id: UUID) -> Response:
    """打印接收登记表。The form that both sides sign, once custody passed; that it was printed is in the log."""
    return made_file(partial(handover.print_handover, call.session, accession_id), "handover.pdf", PDF)


@room.add(
    "GET",
    "/v1/statement",
    verb="account",
    answer=StatementReport,
    refused=("time-invalid",),
    media_types=("application/json", XLSX),
)
def statement(
    call: Call, contractor: Contractor, first: First = None, last: Last = None, as_of: AsOf = None, form: Form = "json"
) -> StatementReport | Response:
    """加工结算单。What a contractor delivered in a period, what went back, and what is payable."""
    report = statement_of(call.session, contractor=contractor, first=first, last=last, as_of=as_of)
    if form == "json":
        return report
    return made_file(lambda place: write_statement(place, report), "statement.xlsx", XLSX)
