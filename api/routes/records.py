"""Finding and showing records (检索)."""

from typing import Annotated

from fastapi import Query

from api.endpoints import Answer, Call, Room
from api.parameters import After, AsOf, Limit, Record
from repository.catalogue import Description, Package
from repository.services.description import version_of
from repository.services.search import (
    Page,
    RecordReport,
    list_lagging,
    list_packages,
    list_to_migrate,
    search_records,
    show_record,
)

room = Room("records")

Code = Annotated[str | None, Query(max_length=200, description="档号, whole")]
Prefix = Annotated[str | None, Query(max_length=200, description="How the 档号 begins")]
Fonds = Annotated[str | None, Query(max_length=100, description="全宗号")]
Year = Annotated[int | None, Query(ge=-9999, le=9999)]
Words = Annotated[str, Query(max_length=400, description="Words of the title; empty for all records by 档号")]


@room.add(
    "GET",
    "/v1/records",
    verb="search",
    answer=Page[Description],
    refused=("cursor-invalid", "time-invalid"),
    reads=True,
)
def search(
    call: Call,
    q: Words = "",
    reference_code: Code = None,
    prefix: Prefix = None,
    fonds: Fonds = None,
    from_year: Year = None,
    to_year: Year = None,
    as_of: AsOf = None,
    limit: Limit = 20,
    after: After = None,
) -> Page[Description]:
    """检索档案。Records by the words of their titles and by what they are."""
    return search_records(
        call.session,
        q,
        as_of=as_of,
        limit=limit,
        after=after,
        reference_code=reference_code,
        reference_code_prefix=prefix,
        fonds=fonds,
        year_from=from_year,
        year_to=to_year,
    )


@room.add(
    "GET",
    "/v1/records/{record}",
    verb="search",
    answer=RecordReport,
    refused=("record-unknown", "time-invalid", "fixity-mismatch"),
)
def show(call: Call, record: Record, as_of: AsOf = None) -> Answer:
    """查看档案。A record: its description, package, files and history; the ETag is what a change must see."""
    report = show_record(call.session, record, as_of=as_of)
    seen = {} if as_of else {"etag": f'"{version_of(call.session, report.description.id)}"'}
    return Answer(body=report, headers=seen)


@room.add(
    "GET", "/v1/packages", verb="survey", answer=Page[Package], refused=("cursor-invalid", "time-invalid"), reads=True
)
def packages(call: Call, as_of: AsOf = None, limit: Limit = 20, after: After = None) -> Page[Package]:
    """列出存档信息包。Archival packages in the order of their creation."""
    return list_packages(call.session, as_of=as_of, limit=limit, after=after)


@room.add(
    "GET", "/v1/packages/lagging", verb="survey", answer=Page[Package], refused=("cursor-invalid", "time-invalid")
)
def lagging(call: Call, as_of: AsOf = None, limit: Limit = 20, after: After = None) -> Page[Package]:
    """待更新的信息包。Those that tell less than the log knows of their descriptions (`POST /v1/repack`)."""
    return list_lagging(call.session, as_of=as_of, limit=limit, after=after)


@room.add(
    "GET", "/v1/packages/to-migrate", verb="survey", answer=Page[Package], refused=("cursor-invalid", "time-invalid")
)
def to_migrate(call: Call, as_of: AsOf = None, limit: Limit = 20, after: After = None) -> Page[Package]:
    """待迁移的信息包。Those with files that the format policy, as it reads today, wants migrated."""
    return list_to_migrate(call.session, as_of=as_of, limit=limit, after=after)
