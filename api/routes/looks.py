"""Looks (在线阅览): one file of a record, whole or in ranges; the look is in the log before the first byte leaves."""

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import Path, Query, Response

from api.endpoints import Call, Room
from api.parameters import Record
from api.sending import send
from repository.services.looking import look, look_under

room = Room("looks")

File = Annotated[str, Path(max_length=1000, description="The file's path in the record")]
Purpose = Annotated[str, Query(max_length=1000, description="For which purpose it is read")]
Which = Annotated[str | None, Query(max_length=200, description="The record, where several were asked for")]

_BYTES = ("access-controlled", "file-unknown", "bytes-invalid", "fixity-mismatch", "package-not-stored")
_OF_A_RECORD = ("record-unknown", "record-without-package", "purpose-missing", *_BYTES)
_OF_A_REQUEST = ("request-unknown", "request-order", "record-unknown", *_BYTES)
_ALSO = (HTTPStatus.PARTIAL_CONTENT, HTTPStatus.NOT_MODIFIED)


@room.add(
    "GET",
    "/v1/records/{record}/files/{path:path}",
    verb="disseminate",
    deputies=True,
    refused=_OF_A_RECORD,
    media_types=("*/*",),
    also=_ALSO,
)
def read_file(call: Call, record: Record, path: File, purpose: Purpose = "") -> Response:
    """在线阅览。One file of a record, whole or in ranges; each reading is a look of its own in the log."""
    return send(call.request, look(call.session, record, path, purpose=purpose))


@room.add(
    "HEAD",
    "/v1/records/{record}/files/{path:path}",
    verb="disseminate",
    deputies=True,
    refused=_OF_A_RECORD,
    also=_ALSO,
)
def probe_file(call: Call, record: Record, path: File, purpose: Purpose = "") -> Response:
    """阅览前查询。Size and ETag; that somebody was about to read it counts as a look."""
    return send(call.request, look(call.session, record, path, purpose=purpose))


@room.add(
    "GET",
    "/v1/requests/{request_id}/files/{path:path}",
    verb="disseminate",
    deputies=True,
    refused=_OF_A_REQUEST,
    media_types=("*/*",),
    also=_ALSO,
)
def read_requested(call: Call, request_id: UUID, path: File, record: Which = None) -> Response:
    """按申请阅览。One file under a request; all ranges of one version of it are one look."""
    return send(call.request, look_under(call.session, request_id, path, record=record))


@room.add(
    "HEAD",
    "/v1/requests/{request_id}/files/{path:path}",
    verb="disseminate",
    deputies=True,
    refused=_OF_A_REQUEST,
    also=_ALSO,
)
def probe_requested(call: Call, request_id: UUID, path: File, record: Which = None) -> Response:
    """按申请阅览前查询。Size and ETag; it counts as the look."""
    return send(call.request, look_under(call.session, request_id, path, record=record))
