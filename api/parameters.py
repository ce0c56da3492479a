"""Parameters that many routes share, each stated once."""

from typing import Annotated

from fastapi import Header, Path, Query

Limit = Annotated[int, Query(ge=1, le=1000, description="Entries of one page")]
After = Annotated[str | None, Query(max_length=40, description="Page marker that the last page gave")]
AsOf = Annotated[
    str | None,
    Query(max_length=40, description="State at a date, a time, or a position of the log", examples=["2026-11-24"]),
]
Record = Annotated[str, Path(max_length=200, description="档号, or the id of a description or package")]
Offset = Annotated[int, Header(alias="Upload-Offset", ge=0, le=2**53, description="Byte at which this part begins")]
