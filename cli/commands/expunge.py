"""`jingui expunge`: words and readers' keys that the law says must go - asked for by one, approved by another."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

import typer

from cli.language import text
from cli.options import Archive, Credential, Json, Lang, OnBehalfOf, needed
from cli.render import emit_json, progress, say, say_table
from repository.archive import open_archive
from repository.services import removal
from repository.services.removal import RemovalKind, RemovalReport, RemovalRequest


class Action(StrEnum):
    """What to do."""

    LIST = "list"
    PROPOSE = "propose"
    APPROVE = "approve"
    WITHDRAW = "withdraw"
    RESUME = "resume"


def command(
    action: Annotated[Action, typer.Argument(help=text("expunge.action"))] = Action.LIST,
    removal_id: Annotated[UUID | None, typer.Argument(metavar="REMOVAL", help=text("expunge.removal"))] = None,
    words: Annotated[list[str] | None, typer.Option("--words", help=text("expunge.words"))] = None,
    position: Annotated[list[int] | None, typer.Option("--position", help=text("expunge.position"))] = None,
    reader: Annotated[list[UUID] | None, typer.Option("--reader", help=text("expunge.reader"))] = None,
    unused: Annotated[int | None, typer.Option("--unused-years", min=0, help=text("expunge.unused"))] = None,
    basis: Annotated[str, typer.Option("--legal-basis", help=text("expunge.basis"))] = "",
    reason: Annotated[str, typer.Option("--reason", help=text("option.reason"))] = "",
    on_behalf_of: OnBehalfOf = None,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Show removals, or take the next step of one."""
    with open_archive(archive, credential, on_behalf_of=on_behalf_of) as session, progress(as_json=as_json) as show:
        match action:
            case Action.LIST:
                say_removals(removal.removals(session), as_json=as_json)
            case Action.PROPOSE:
                readers = (*(reader or ()), *(removal.readers_unused(session, unused) if unused is not None else ()))
                request = RemovalRequest(
                    kind=RemovalKind.READERS if readers else RemovalKind.WORDS,
                    legal_basis=basis,
                    reason=reason,
                    words=tuple(words or ()),
                    positions=tuple(position or ()),
                    readers=readers,
                )
                say_removal(removal.propose(session, request), as_json=as_json)
            case Action.APPROVE:
                chosen = needed(removal_id, "REMOVAL")
                say_removal(removal.approve(session, chosen, show), as_json=as_json)
            case Action.RESUME:
                chosen = needed(removal_id, "REMOVAL")
                say_removal(removal.carry_out(session, chosen, show), as_json=as_json)
            case Action.WITHDRAW:
                chosen = needed(removal_id, "REMOVAL")
                say_removal(removal.withdraw(session, chosen, reason), as_json=as_json)


def say_removals(reports: list[RemovalReport], *, as_json: bool) -> None:
    """Every removal, one a line."""
    if as_json:
        emit_json({"schema": "jingui.removals/1", "removals": reports})
        return
    say_table(
        [text(f"column.{name}") for name in ("state", "records", "events", "removal")],
        [(text(f"expunge.{one.state}"), len(one.packages), len(one.positions), one.removal) for one in reports],
    )


def say_removal(report: RemovalReport, *, as_json: bool) -> None:
    """One removal: how it stands, what it takes, and what it did not reach."""
    if as_json:
        emit_json(report)
        return
    say(text("expunge.stands", state=text(f"expunge.{report.state}"), removal=report.removal))
    counts = {"events": report.positions, "packages": report.packages, "files": report.files, "readers": report.readers}
    say(text("expunge.takes", **{name: len(things) for name, things in counts.items()}))
    if report.state == "waiting":
        say(text("expunge.next", removal=report.removal))
    for one in report.unreached:
        say(text(f"unreached.{one.place}", thing=one.thing))
