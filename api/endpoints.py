"""Endpoints (接口地址): every route with its policy, which is the verb that it asks for, where it is declared.

A route module makes a `Room` and adds its handlers. A handler is a plain function of a `Call` and of parameters that
FastAPI checks; it runs in a thread, calls one service and answers with a value, which is encoded here. What no route
may forget happens here too, in this order: who asks, whether their roles and their key open the verb, whether the
request was made before, and which version of a thing they saw.
"""

import hashlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Annotated, Any, TypeVar, get_type_hints
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.params import Query
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from api.work import Work
from repository.archive import Served
from repository.errors import ArchiveError
from repository.services.keys import repeatable
from repository.services.session import Actor, Session

PUBLIC = "-"
"""Policy of a route that anybody may use."""

ANYBODY = "+"
"""Policy of a route that anybody with a key in force may use."""

LARGEST_BODY = 1 << 20
"""Bytes of a request's JSON."""

_KEY = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=200,
        pattern=r"^[!-~]+$",
        description="Send a request again under the same key: it is done once.",
    ),
]
_BEHALF = Annotated[
    UUID | None,
    Header(alias="On-Behalf-Of", description="Whose deputy the holder of the key is, where they act in that name."),
]
SECOND = "Second-Key"
"""Header with the key of a second person, where two have to agree: checked like the first, kept and logged nowhere.

Nobody can name another. Who agrees lends their own key for this one request, and the event tells of both.
"""
_VERSION = Annotated[
    str | None,
    Header(
        pattern=r'^"[0-9]{1,18}"$',
        description="ETag of what was read; the change is refused when it changed meanwhile.",
    ),
]

Body = TypeVar("Body")
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Call:
    """One request: whose it is, what it carries, and the work that the process does beside requests."""

    session: Session
    later: Session
    """Of the same person, for work that goes on after the answer: its ids are new each time it runs."""
    request: Request
    work: Work
    raw: bytes
    version: int | None = None
    second: Session | None = None
    """Of the other person who agrees, where the route needs two."""

    def body(self, kind: type[Body]) -> Body:
        """The JSON that was sent. `request-invalid` where it is not of this kind."""
        try:
            return msgspec.json.decode(self.raw, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ArchiveError("request-invalid", "body", reason=error) from error

    def seeing(self, stream: UUID) -> Session:
        """The session that changes this stream only as the caller saw it. `version-missing` when they did not say."""
        if self.version is None:
            raise ArchiveError("version-missing", stream)
        return replace(self.session, expected=(stream, self.version))

    def if_seen(self, stream: UUID) -> Session:
        """The same where the caller need not say, but may."""
        return self.session if self.version is None else self.seeing(stream)

    @property
    def approver(self) -> Actor:
        """The other person who agrees. Only of a route that states whose agreement it needs."""
        if self.second is None:
            raise LookupError("this route asks for no second person")
        return self.second.actor

    def etag(self, stream: UUID) -> dict[str, str]:
        """The header with a stream's version, which the next change must have seen."""
        return {"etag": f'"{self.session.version_of(stream)}"'}


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """Who may use a route - whose key and whose roles open `verb` - and what it takes and answers.

    `second` is the verb that another person's key must open too; `deputies` whether one may act in another's name.
    """

    method: str
    path: str
    verb: str
    second: str | None = None
    deputies: bool = False
    answer: Any = None
    takes: type | None = None
    refused: tuple[str, ...] = ()
    media_types: tuple[str, ...] = ("application/json",)
    also: tuple[int, ...] = ()
    content: str | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A value with the status and the headers to send it with. `body` None: nothing follows the headers."""

    body: Any = None
    status: int = HTTPStatus.OK
    headers: dict[str, str] = {}


class Room:
    """The routes of one module."""

    def __init__(self, tag: str) -> None:
        self.router = APIRouter(tags=[tag])
        self.policies: dict[tuple[str, str], Policy] = {}

    def add(
        self,
        method: str,
        path: str,
        *,
        verb: str,
        second: str | None = None,
        deputies: bool = False,
        answer: object = None,
        status: int = HTTPStatus.OK,
        takes: type | None = None,
        refused: Sequence[str] = (),
        changes: bool = False,
        media_types: Sequence[str] = ("application/json",),
        also: Sequence[int] = (),
        content: str | None = None,
        reads: bool = False,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Declare a route: who may use it, what it takes and answers, and the codes of the errors that are its own.

        `reads`: the answer follows from the question, the key and the log alone, and nothing is written by asking.
        """

        def declare(handler: Callable[..., Any]) -> Callable[..., Any]:
            policy = self.policies[method, path] = Policy(
                method=method,
                path=path,
                verb=verb,
                second=second,
                deputies=deputies,
                answer=answer,
                takes=takes,
                refused=tuple(refused),
                media_types=tuple(media_types),
                also=tuple(map(int, also)),
                content=content,
            )
            route = APIRoute(
                path,
                _endpoint(handler, policy, status, changes=changes, reads=reads),
                methods=[method],
                status_code=int(status),
                operation_id=handler.__name__,
                summary=inspect.getdoc(handler),
                tags=list(self.router.tags),
                response_class=Response,
                response_model=None,
            )
            self.router.routes.append(route)
            return handler

        return declare


async def body_of(request: Request) -> bytes:
    """The body, whole. `request-too-large` before more of it is read than is allowed."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST_BODY:
            raise ArchiveError("request-too-large", LARGEST_BODY)
        parts.append(part)
    return b"".join(parts)


def key_of(request: Request) -> str:
    """The key that a request carries. `key-missing`, `key-invalid`."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if not scheme:
        raise ArchiveError("key-missing")
    if scheme.lower() != "bearer" or not key:
        raise ArchiveError("key-invalid")
    return key.strip()


def place_of(request: Request) -> str | None:
    """The address that a request came from; behind a proxy, the proxy's, for what it says of others is only said."""
    return request.client.host if request.client else None


def session_of(request: Request, policy: Policy) -> Session:
    """The session of whoever asks, in their own name or as somebody's deputy, if they may do this at all.

    `own-name-only` where nobody can stand in for another: it would be done in a name that was not meant.
    """
    served: Served = request.app.state.served
    session = served.session_for(key_of(request), place_of(request))
    request.state.actor = session.actor.agent
    principal = request.headers.get("on-behalf-of")
    if principal is not None:
        if not policy.deputies:
            raise ArchiveError("own-name-only", policy.path)
        session = session.in_the_name_of(_identity(principal))
    if policy.verb != ANYBODY:
        session.require(policy.verb)
    return session


def _identity(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise ArchiveError("request-invalid", "header.On-Behalf-Of", reason=error) from error


def second_of(request: Request, verb: str) -> Session:
    """The session of the other person who agrees. `second-key-missing`; `second-key-invalid` says no more of it."""
    served: Served = request.app.state.served
    key = request.headers.get(SECOND)
    if key is None:
        raise ArchiveError("second-key-missing", verb)
    try:
        session = served.session_for(key.strip(), place_of(request))
    except ArchiveError as error:
        raise ArchiveError("second-key-invalid") from error
    session.require(verb)
    return session


def rendered(answer: object, status: int) -> Response:
    """A value as bytes."""
    if isinstance(answer, Response):
        return answer
    if not isinstance(answer, Answer):
        return Response(_encode(answer), status, media_type="application/json")
    if answer.body is None:
        return Response(None, answer.status, answer.headers)
    return Response(_encode(answer.body), answer.status, answer.headers, "application/json")


class _Front(msgspec.Struct, frozen=True, kw_only=True):
    """What happens before every handler of a route."""

    policy: Policy
    questions: frozenset[str]
    reads: bool

    def prepare(self, request: Request, values: dict[str, Any]) -> Call:
        """Who asks, and whether they may; what is asked, and whether it was before; which version they saw."""
        raw, key, seen = values.pop("raw", b""), values.pop("idempotency_key", None), values.pop("if_match", None)
        values.pop("on_behalf_of", None)  # read with the key, so that it is refused where it has no place
        session = later = session_of(request, self.policy)
        second = second_of(request, self.policy.second) if self.policy.second else None
        expect_known(request, self.questions)
        if self.reads:
            request.state.position = session.log.position()
        if key is not None:
            asked = hashlib.sha256(b"\0".join((request.method.encode(), request.url.path.encode(), raw)))
            session = repeatable(session, key, asked.hexdigest())
        version = None if seen is None else int(seen.strip('"'))
        return Call(session, later, request, request.app.state.work, raw, version, second)


def _endpoint(
    handler: Callable[..., Any], policy: Policy, status: int, *, changes: bool, reads: bool
) -> Callable[..., Any]:
    """The function that FastAPI calls, in a thread; a handler that is a coroutine stays in the loop."""
    front = _Front(policy=policy, questions=_questions(handler), reads=reads)

    async def open_to_all(request: Request, **values: Any) -> Response:
        expect_known(request, front.questions)
        return rendered(await handler(request, **values), status)

    async def in_the_loop(request: Request, **values: Any) -> Response:
        call = await run_in_threadpool(front.prepare, request, values)
        return rendered(await handler(call, **values), status)

    def in_a_thread(request: Request, **values: Any) -> Response:
        return rendered(handler(front.prepare(request, values), **values), status)

    chosen: Callable[..., Any] = in_a_thread
    if inspect.iscoroutinefunction(handler):
        chosen = open_to_all if policy.verb == PUBLIC else in_the_loop
    added: dict[str, tuple[Any, Any]] = {"request": (Request, inspect.Parameter.empty)}
    if policy.takes is not None:
        added["raw"] = (Annotated[bytes, Depends(body_of)], inspect.Parameter.empty)
    if policy.method == "POST" and policy.verb != PUBLIC:
        added["idempotency_key"] = (_KEY, None)
    if changes:
        added["if_match"] = (_VERSION, None)
    if policy.deputies:
        added["on_behalf_of"] = (_BEHALF, None)
    chosen.__name__ = handler.__name__
    chosen.__signature__ = _signature(handler, added)  # type: ignore[attr-defined] # what `inspect` reads
    return chosen


def expect_known(request: Request, known: frozenset[str]) -> None:
    """Refuse a question that nobody understands: a filter with a slip in its name would find everything."""
    for name in request.query_params:
        if name not in known:
            raise ArchiveError("request-invalid", f"query.{name[:40]}", reason=", ".join(sorted(known)) or "-")


def _questions(handler: Callable[..., Any]) -> frozenset[str]:
    """Names of the handler's query parameters."""
    hints = get_type_hints(handler, include_extras=True)
    return frozenset(
        part.alias or name
        for name, hint in hints.items()
        for part in getattr(hint, "__metadata__", ())
        if isinstance(part, Query)
    )


def _signature(handler: Callable[..., Any], added: Mapping[str, tuple[Any, Any]]) -> inspect.Signature:
    """The handler's own parameters, as FastAPI is to see them, and those that are taken care of here."""
    kind = inspect.Parameter.KEYWORD_ONLY
    own = [
        one.replace(kind=kind)
        for one in inspect.signature(handler).parameters.values()
        if one.name not in ("call", "request", "_")
    ]
    more = [inspect.Parameter(name, kind, annotation=what, default=value) for name, (what, value) in added.items()]
    return inspect.Signature([*own, *more])
