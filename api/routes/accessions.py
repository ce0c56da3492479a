"""Accessions (接收登记): how they stand, and a person's decisions on a delivery - accept it, or give it back."""

from http import HTTPStatus
from uuid import UUID

import msgspec

from api.endpoints import Answer, Call, Room
from api.parameters import After, AsOf, Limit
from repository.catalogue import Accession
from repository.services.accessions import (
    AccessionReport,
    decide_to_accept,
    decide_to_return,
    go_on,
    show_accession,
)
from repository.services.search import Page, list_accessions
from repository.services.session import Progress

room = Room("accessions")

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
