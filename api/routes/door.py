"""The door (入口): the document, its page, and the one-time link of whoever started the server."""

from http import HTTPStatus
from typing import Annotated

from fastapi import Path, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse

from api.endpoints import PUBLIC, Answer, Room
from api.language import preferred
from api.link import Link
from api.page import docs_page, link_page
from repository.archive import Served
from repository.errors import ArchiveError
from repository.services.keys import IssuedKey, issue_link_key

room = Room("door")
Token = Annotated[str, Path(max_length=100)]
_SAFE = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


@room.add("GET", "/v1/openapi.json", verb=PUBLIC, media_types=("application/json", "application/openapi+json"))
async def openapi(request: Request) -> Response:
    """接口说明（机器可读）。This document."""
    return Response(request.app.state.document, media_type="application/json")


@room.add("GET", "/docs", verb=PUBLIC, media_types=("text/html",))
async def docs(request: Request) -> Response:
    """接口说明。The same for people, without a byte from anywhere else."""
    language = preferred(request.headers.get("accept-language"))
    return HTMLResponse(docs_page(request.app.state.document, language), headers=_SAFE)


@room.add("GET", "/link/{token}", verb=PUBLIC, media_types=("text/html",))
async def link(request: Request, token: Token) -> Response:  # noqa: ARG001 - of the path; used by the button
    """一次性链接。A page with one button; looking at it opens nothing."""
    return HTMLResponse(link_page(preferred(request.headers.get("accept-language"))), headers=_SAFE)


@room.add(
    "POST",
    "/link/{token}",
    verb=PUBLIC,
    answer=IssuedKey,
    status=HTTPStatus.CREATED,
    refused=("link-invalid",),
)
async def use_link(request: Request, token: Token) -> Answer:
    """使用一次性链接。Opens once: a key of whoever started the server, with all of their verbs, for a day."""
    known: Link | None = request.app.state.link
    if known is None:
        raise ArchiveError("link-invalid")
    known.use(token)
    served: Served = request.app.state.served
    key = await run_in_threadpool(issue_link_key, served.base)
    return Answer(body=key, status=HTTPStatus.CREATED, headers={"cache-control": "no-store"})
