"""The OpenAPI 3.1 document (接口说明): what FastAPI knows of the routes, and what our values say of their contents."""

import string
from collections.abc import Iterable, Mapping
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from api.endpoints import ANYBODY, PUBLIC, SECOND, Policy
from api.problems import MEDIA_TYPE, Problem, problem_of
from repository.errors import ArchiveError, table

REF = "#/components/schemas/{name}"
_ALWAYS = ("request-invalid",)
_DOOR = ("key-missing", "key-invalid", "credential-unknown")
_ROLES = ("not-allowed", "scope-missing", "own-name-only")
_TWO = ("second-key-missing", "second-key-invalid", "second-person-needed")
_DEPUTY = ("not-deputy", "roles-forbidden")
_REPEATED = ("command-reused", "conflict")
_CHANGING = ("version-differs", "version-missing", "conflict")


def complete(app: FastAPI) -> bytes:
    """The whole document, ready to be sent."""
    routes = [route for route in app.routes if isinstance(route, APIRoute)]
    document = get_openapi(title=app.title, version=app.version, openapi_version="3.1.0", routes=routes)
    document["info"]["description"] = (
        "A digital archive after OAIS. 时间为 UTC；列表以 `after` 翻页；错误为 RFC 9457。"
        " Times are UTC; lists are walked with `after`; errors are RFC 9457."
    )
    policies: Mapping[tuple[str, str], Policy] = app.state.policies
    kinds: list[Any] = [Problem]
    for policy in policies.values():
        kinds += [kind for kind in (policy.answer, policy.takes) if kind is not None]
    schemas, components = msgspec.json.schema_components(kinds, ref_template=REF)
    named = dict(zip(map(repr, kinds), schemas, strict=True))
    document["components"] = {
        "schemas": components,
        "securitySchemes": {
            "key": {"type": "http", "scheme": "bearer", "description": "id.secret"},
            "second": {"type": "apiKey", "in": "header", "name": SECOND, "description": "id.secret of another person"},
        },
    }
    for route in routes:
        for method in route.methods or ():
            operation = document["paths"][route.path_format][method.lower()]
            _describe(operation, int(route.status_code or HTTPStatus.OK), policies[method, route.path], named)
    return msgspec.json.format(msgspec.json.encode(document), indent=1)


def _describe(operation: dict[str, Any], status: int, policy: Policy, named: Mapping[str, Any]) -> None:
    operation["x-verb"] = {PUBLIC: "public", ANYBODY: "any key"}.get(policy.verb, policy.verb)
    operation["security"] = [] if policy.verb == PUBLIC else [{"key": [], **({"second": []} if policy.second else {})}]
    shown = _examples().get(operation["operationId"], {})
    if policy.takes is not None:
        content: dict[str, Any] = {"schema": named[repr(policy.takes)]}
        if "request" in shown:
            content["example"] = shown["request"]
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    elif policy.content is not None:
        content = {"schema": {"type": "string", "format": "binary"}}
        operation["requestBody"] = {"required": True, "content": {policy.content: content}}
    operation["responses"] = {
        **{str(one): _good(one, policy, named, shown) for one in dict.fromkeys((status, *policy.also))},
        **_problems(_codes(policy, operation)),
    }


def _good(status: int, policy: Policy, named: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if policy.method == "HEAD" or status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
        return said
    if policy.answer is not None:
        content: dict[str, Any] = {"schema": named[repr(policy.answer)]}
        if "answer" in shown:
            content["example"] = shown["answer"]
        said["content"] = {"application/json": content, **{one: {} for one in policy.media_types[1:]}}
    else:
        said["content"] = {kind: {} for kind in policy.media_types}
    return said


def _codes(policy: Policy, operation: Mapping[str, Any]) -> list[str]:
    codes = [*policy.refused, *_ALWAYS]
    if policy.verb != PUBLIC:
        codes += _DOOR
    if policy.verb not in (PUBLIC, ANYBODY):
        codes += _ROLES
    if policy.second is not None:
        codes += _TWO
    if policy.deputies:
        codes += _DEPUTY
    if policy.method == "POST" and policy.verb != PUBLIC:
        codes += _REPEATED
    if policy.takes is not None:
        codes.append("request-too-large")
    if any(one["name"] == "if-match" for one in operation.get("parameters", ())):
        codes += _CHANGING
    return sorted(set(codes))


def _problems(codes: Iterable[str]) -> dict[str, Any]:
    by_status: dict[str, list[str]] = {}
    for code in codes:
        by_status.setdefault(str(table()[code].http), []).append(code)
    return {
        status: {
            "description": ", ".join(together),
            "content": {
                MEDIA_TYPE: {
                    "schema": {"$ref": REF.format(name="Problem")},
                    "examples": {code: {"value": _example(code)} for code in together},
                }
            },
        }
        for status, together in sorted(by_status.items())
    }


def _example(code: str) -> Any:
    """The problem as it is answered; what stands in angle brackets is filled."""
    row = table()[code]
    words = f"{row.zh}{row.hint_zh}{row.en}{row.hint_en}"
    names = {name for _, name, _, _ in string.Formatter().parse(words) if name and name != "thing"}
    error = ArchiveError(code, "<thing>", **{name: f"<{name}>" for name in names})
    return msgspec.to_builtins(problem_of(error, "zh", "urn:uuid:00000000-0000-4000-8000-000000000000"))


@cache
def _examples() -> dict[str, dict[str, Any]]:
    """A true exchange for each operation, as it was recorded; a test makes them all again and compares."""
    found = files("api").joinpath("examples.json")
    examples: dict[str, dict[str, Any]] = msgspec.json.decode(found.read_bytes()) if found.is_file() else {}
    return examples
