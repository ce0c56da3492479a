"""`jingui request`: requests for records - asked, decided by somebody else, handed out."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import msgspec
import typer

from cli.commands.list import say_more
from cli.language import text
from cli.options import After, Archive, AsOf, Credential, Json, Lang, Limit, OnBehalfOf, needed
from cli.render import emit_json, say, say_table, size, when
from repository.archive import open_archive
from repository.services import requests
from repository.services.requests import Ground, RequestReport
from repository.services.search import Page, position_of
from repository.services.session import Session


class Action(StrEnum):
    """What to do with a request."""

    LIST = "list"
    SHOW = "show"
    MAKE = "make"
    ASSIGN = "assign"
    GRANT = "grant"
    REFUSE = "refuse"
    REVOKE = "revoke"
    DELIVER = "deliver"
    CERTIFY = "certify"
    ANNUL_CERTIFICATE = "annul-certificate"
    CLOSE = "close"


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What the options say, for whichever step needs it."""

    records: tuple[str, ...]
    files: tuple[str, ...]
    purpose: str
    until: str | None
    copies: bool
    conditions: str | None
    ground: Ground | None
    reason: str
    objection: str | None
    person: UUID | None
    dip: UUID | None
    number: str
    certificate: UUID | None
    to: Path


def command(
    action: Annotated[Action, typer.Argument(help=text("request.action"))] = Action.LIST,
    request: Annotated[UUID | None, typer.Argument(help=text("request.request"))] = None,
    record: Annotated[list[str] | None, typer.Option("--record", help=text("request.record"))] = None,
    file: Annotated[list[str] | None, typer.Option("--file", help=text("request.file"))] = None,
    purpose: Annotated[str, typer.Option("--purpose", help=text("disseminate.purpose"))] = "",
    until: Annotated[str | None, typer.Option("--until", help=text("request.until"))] = None,
    look_only: Annotated[bool, typer.Option("--look-only", help=text("request.look-only"))] = False,
    conditions: Annotated[str | None, typer.Option("--conditions", help=text("request.conditions"))] = None,
    ground: Annotated[Ground | None, typer.Option("--ground", help=text("opening.ground"))] = None,
    reason: Annotated[str, typer.Option("--reason", help=text("option.reason"))] = "",
    objection: Annotated[str | None, typer.Option("--objection", help=text("request.objection"))] = None,
    person: Annotated[UUID | None, typer.Option("--person", help=text("request.person"))] = None,
    dip: Annotated[UUID | None, typer.Option("--dip", help=text("request.dip"))] = None,
    number: Annotated[str, typer.Option("--number", help=text("request.number"))] = "",
    certificate: Annotated[UUID | None, typer.Option("--certificate", help=text("request.certificate"))] = None,
    to: Annotated[Path, typer.Option("--to", help=text("disseminate.to"))] = Path(),
    waiting: Annotated[bool, typer.Option("--waiting", help=text("request.only-waiting"))] = False,
    mine: Annotated[bool, typer.Option("--mine", help=text("request.only-mine"))] = False,
    as_of: AsOf = None,
    limit: Limit = 50,
    after: After = None,
    on_behalf_of: OnBehalfOf = None,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """List, show, or take the next step."""
    wish = Wish(
        records=tuple(record or ()),
        files=tuple(file or ()),
        purpose=purpose,
        until=until,
        copies=not look_only,
        conditions=conditions,
        ground=ground,
        reason=reason,
        objection=objection,
        person=person,
        dip=dip,
        number=number,
        certificate=certificate,
        to=to,
    )
    with open_archive(archive, credential, on_behalf_of=on_behalf_of) as session:
        if action is Action.LIST:
            position = position_of(session, as_of)
            page = requests.list_requests(session, waiting=waiting, mine=mine, as_of=position, limit=limit, after=after)
            _say_list(page, as_json=as_json)
            return
        chosen = needed(request, "REQUEST")
        if action in _ANSWERS:
            _ANSWERS[action](session, chosen, wish, as_json)
            return
        if action in _STEPS:
            _STEPS[action](session, chosen, wish)
        then = as_of if action is Action.SHOW else None
        _show(requests.show_request(session, chosen, as_of=then), as_json=as_json)


def _say_list(page: Page[Any], *, as_json: bool) -> None:
    if as_json:
        emit_json({"schema": "jingui.requests/1", **msgspec.to_builtins(page)})
        return
    say_table(
        [text(f"column.{name}") for name in ("opened", "state", "records", "reply-by", "id")],
        [
            (when(one.opened.time), text(f"request.{one.state}"), len(one.packages), one.reply_by, one.id)
            for one in page.entries
        ],
    )
    say_more(page)


def _grant(session: Session, request: UUID, wish: Wish) -> None:
    requests.grant(
        session,
        request,
        records=wish.records,
        files=wish.files,
        until=wish.until,
        copies=wish.copies,
        conditions=wish.conditions,
    )


def _refuse(session: Session, request: UUID, wish: Wish) -> None:
    ground = needed(wish.ground, "--ground")
    requests.refuse(session, request, ground=ground, reason=wish.reason or None, objection=wish.objection)


def _annul_certificate(session: Session, request: UUID, wish: Wish) -> None:
    requests.annul_certificate(session, request, needed(wish.certificate, "--certificate"), wish.reason)


_STEPS: dict[Action, Callable[[Session, UUID, Wish], None]] = {
    Action.MAKE: lambda session, request, wish: requests.make_request(
        session, request, wish.records, files=wish.files, purpose=wish.purpose
    ),
    Action.ASSIGN: lambda session, request, wish: requests.assign(session, request, needed(wish.person, "--person")),
    Action.GRANT: _grant,
    Action.REFUSE: _refuse,
    Action.REVOKE: lambda session, request, wish: requests.revoke(session, request, wish.reason),
    Action.ANNUL_CERTIFICATE: _annul_certificate,
    Action.CLOSE: lambda session, request, wish: requests.close(session, request, wish.reason or "closed"),
}
"""Steps after which the request is shown as it stands then."""


def _certify(session: Session, request: UUID, wish: Wish, as_json: bool) -> None:
    issued = requests.certify(session, request, needed(wish.dip, "--dip"), wish.number)
    if as_json:
        emit_json(issued)
    else:
        say(text("request.certified", number=issued.number, sha256=issued.manifest_sha256))


def _deliver(session: Session, request: UUID, wish: Wish, as_json: bool) -> None:
    done = requests.deliver(session, request, wish.to)
    if as_json:
        emit_json(done)
        return
    for one in done.packages:
        say(text("disseminate.done", path=one.path, files=one.files, size=size(one.bytes)))
        say(text("disseminate.source", package=one.package, version=one.version, event=one.stored_event))


_ANSWERS: dict[Action, Callable[[Session, UUID, Wish, bool], None]] = {
    Action.DELIVER: _deliver,
    Action.CERTIFY: _certify,
}
"""Steps that have an answer of their own."""


def _show(report: RequestReport, *, as_json: bool) -> None:
    """A request for a person: where it stands, who asks, for what, and what was decided."""
    if as_json:
        emit_json(report)
        return
    card = report.request
    facts = {"id": card.id, "state": text(f"request.{card.state}"), "reply-by": card.reply_by, "rating": card.rating}
    facts |= {"reader": (report.reader or {}).get("name"), "contact": (report.reader or {}).get("contact")}
    facts |= {"package": ", ".join(map(str, card.packages)), "file": ", ".join(card.paths), "assigned": card.assigned}
    if card.grant is not None:
        facts |= {"until": card.grant.until}
    for name, value in facts.items():
        if value:
            say(text("show.field", name=text(f"column.{name}"), value=value))
    for name, words in (report.words or {}).items():
        say(text("show.field", name=text(f"words.{name}"), value=words))
    if report.needs_decision:
        say(text("request.waits"))
