"""Problems (RFC 9457): every error of the archive's one table as `application/problem+json`, in zh or en."""

import logging
from http import HTTPStatus
from uuid import uuid4

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from api.endpoints import PUBLIC, session_of
from api.language import preferred
from repository.errors import ArchiveError, storage_error

MEDIA_TYPE = "application/problem+json"
_log = logging.getLogger("jingui.api")

_BY_STATUS = {HTTPStatus.NOT_FOUND: "route-unknown", HTTPStatus.METHOD_NOT_ALLOWED: "method-unknown"}


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong. `code` is the row of the error table, `hint` what to do next, `instance` this one occurrence."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str
    instance: str


def problem_of(error: ArchiveError, language: str, instance: str) -> Problem:
    """An error as a problem. Its title does not change with the thing that it happened to."""
    status = HTTPStatus(error.row.http)
    return Problem(
        type=f"urn:jingui:problem:{error.code}",
        title=status.phrase,
        status=status.value,
        detail=error.message(language),
        code=error.code,
        hint=error.hint(language),
        instance=instance,
    )


def answer(request: Request, error: ArchiveError, headers: dict[str, str] | None = None) -> Response:
    """The answer that tells of an error. Serious ones are in the server's log under the same `instance`."""
    instance = f"urn:uuid:{uuid4()}"
    language = preferred(request.headers.get("accept-language"))
    body = msgspec.json.encode(problem_of(error, language, instance))
    also = {"content-language": language, "vary": "accept-language", **(headers or {})}
    if error.row.http == HTTPStatus.UNAUTHORIZED:
        also["www-authenticate"] = "Bearer"
    if error.row.http >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("problem", extra={"facts": {"code": error.code, "instance": instance}}, exc_info=error)
    request.state.code = error.code
    return Response(body, error.row.http, also, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Answer whatever is raised anywhere with a problem."""

    def of_archive(request: Request, error: Exception) -> Response:
        return answer(
            request, error if isinstance(error, ArchiveError) else ArchiveError("internal", type(error).__name__)
        )

    def of_place(request: Request, error: Exception) -> Response:
        if not isinstance(error, OSError):
            raise error
        return answer(request, storage_error(error, "-"))

    def of_form(request: Request, error: Exception) -> Response:
        """A parameter is wrong; who may not come in at all is told that first, and of the parameter nothing."""
        policy = app.state.policies[request.method, request.scope["route"].path]
        try:
            if policy.verb != PUBLIC:
                session_of(request, policy)
        except ArchiveError as refusal:
            return answer(request, refusal)
        first = error.errors()[0] if isinstance(error, RequestValidationError) else {"loc": (), "msg": str(error)}
        place = ".".join(str(part) for part in first["loc"])
        return answer(request, ArchiveError("request-invalid", place, reason=first["msg"]))

    def of_http(request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        code = _BY_STATUS.get(HTTPStatus(error.status_code), "request-invalid")
        return answer(
            request,
            ArchiveError(
                code,
                request.method if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED else request.url.path,
                reason=error.detail,
            ),
            dict(error.headers or {}),
        )

    def of_bug(request: Request, error: Exception) -> Response:
        failure = ArchiveError("internal", type(error).__name__)
        failure.__cause__ = error
        return answer(request, failure)

    app.add_exception_handler(ArchiveError, of_archive)
    app.add_exception_handler(OSError, of_place)
    app.add_exception_handler(RequestValidationError, of_form)
    app.add_exception_handler(HTTPException, of_http)
    app.add_exception_handler(Exception, of_bug)
