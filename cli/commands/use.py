"""`jingui use`: register a use, or find a reader who was here before.

What a reader says of themselves never stands among the arguments, which everybody on the machine can list: it is read
from a form, from standard input, or asked for.
"""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from cli.language import text
from cli.options import Archive, Credential, Json, Lang, OnBehalfOf
from cli.render import emit_json, say, say_table, when
from repository.archive import open_archive
from repository.services.use import Capacity, Document, Purpose, find_reader, read_form, register_use


class Action(StrEnum):
    """What to do."""

    REGISTER = "register"
    FIND = "find"


def command(
    action: Annotated[Action, typer.Argument(help=text("use.action"))] = Action.REGISTER,
    form: Annotated[Path | None, typer.Option("--form", help=text("use.form"))] = None,
    on_behalf_of: OnBehalfOf = None,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Register or find, from a form."""
    if action is Action.REGISTER:
        said = read_form(_form(form, ("name", "document", "number", "contact", "capacity", "proofs", "purpose")))
        with open_archive(archive, credential, on_behalf_of=on_behalf_of) as session:
            done = register_use(session, said)
        if as_json:
            emit_json(done)
            return
        say(text("use.returning" if done.returning else "use.new", reader=done.reader))
        say(text("use.done", request=done.request, count=len(done.packages)))
        return
    asked = msgspec.json.decode(_form(form, ("document", "number")), type=dict[str, str])
    with open_archive(archive, credential, on_behalf_of=on_behalf_of) as session:
        found = find_reader(session, _document(asked.get("document", "")), asked.get("number", ""))
    if as_json:
        emit_json(found)
        return
    say(text("use.found", name=found.name, contact=found.contact or "-", reader=found.reader))
    say_table(
        [text(f"column.{name}") for name in ("opened", "state", "id")],
        [(when(one.opened.time), text(f"request.{one.state}"), one.id) for one in found.requests],
    )


def _form(path: Path | None, fields: tuple[str, ...]) -> bytes:
    """The form as JSON: from a file, from standard input, or asked for on a terminal."""
    if path is not None:
        return path.read_bytes()
    if not sys.stdin.isatty():
        return sys.stdin.buffer.read()
    said: dict[str, Any] = {}
    for name in fields:
        answer = typer.prompt(text(f"use.ask.{name}", known=_known(name)), default="", show_default=False, err=True)
        if answer.strip():
            said[name] = answer.split() if name == "proofs" else answer.strip()
    return msgspec.json.encode(said)


def _known(field: str) -> str:
    choices = {"document": Document, "proofs": Document, "capacity": Capacity, "purpose": Purpose}
    return ", ".join(choice.value for choice in choices[field]) if field in choices else ""


def _document(value: str) -> Document:
    try:
        return Document(value)
    except ValueError as error:
        raise typer.BadParameter(text("use.document.unknown", known=_known("document"))) from error
