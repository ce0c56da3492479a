"""The feed of events (事件流), for auditors."""

from collections.abc import Iterator
from http import HTTPStatus
from itertools import chain
from typing import Annotated

import msgspec
from fastapi import Path, Query, Response
from starlette.responses import StreamingResponse

from api.bodies import Reason
from api.endpoints import Answer, Call, Room
from repository.services.administration import annul
from repository.services.feed import Record, read_events

room = Room("events")
NDJSON = "application/x-ndjson"

Position = Annotated[str, Query(max_length=40, description="Position, time or day after which to begin")]
Which = Annotated[int, Path(ge=1, le=2**53, description="Position of the event in the log")]
Upto = Annotated[str | None, Query(max_length=40, description="Position, time or day; without it, to the end")]
Of = Annotated[str | None, Query(max_length=200, description="Only those of a record")]
Types = Annotated[list[str], Query(max_length=50, description="Only these types: ArchivalPackage.Stored, or Stored")]


@room.add(
    "GET",
    "/v1/events",
    verb="audit",
    refused=("record-unknown", "time-invalid", "event-type-unknown"),
    media_types=(NDJSON,),
)
def events(call: Call, after: Position = "0", upto: Upto = None, record: Of = None, types: Types = []) -> Response:  # noqa: B006 - FastAPI copies it
    """事件日志。Events by position, one a line: the envelope byte for byte, its salt and payload as they are stored."""
    found = read_events(call.session, record=record, after=after, upto=upto, types=types)
    first = next(found, None)  # so that a refusal is a problem and not a broken stream
    lines = chain(() if first is None else (_line(first),), map(_line, found))
    return StreamingResponse(_batched(lines), media_type=NDJSON)


@room.add(
    "POST",
    "/v1/events/{position}/annulment",
    verb="annul",
    second="annul",
    status=HTTPStatus.NO_CONTENT,
    takes=Reason,
    refused=("position-unknown", "not-annullable", "reason-missing"),
)
def annul_event(call: Call, position: Which) -> Answer:
    """撤销事件。It counts as never having happened; the key of a second administrator, who agrees, in `Second-Key`."""
    annul(call.session, position, reason=call.body(Reason).reason, approver=call.approver)
    return Answer(status=HTTPStatus.NO_CONTENT)


def _line(record: Record) -> bytes:
    return b"%s\n" % msgspec.json.encode(
        {
            "schema": "jingui.event/1",
            "position": record.position,
            "envelope": msgspec.Raw(record.envelope),
            "salt": None if record.salt is None else record.salt.hex(),
            "payload": None if record.payload is None else msgspec.Raw(record.payload),
        }
    )


def _batched(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Lines together, so that a thread is changed for a hundred of them and not for each."""
    waiting: list[bytes] = []
    for line in lines:
        waiting.append(line)
        if len(waiting) == 100:
            yield b"".join(waiting)
            waiting.clear()
    yield b"".join(waiting)
