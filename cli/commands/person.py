"""`jingui person`: the people of the archive, their roles and credentials."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from cli.language import text
from cli.options import Archive, AsOf, Credential, Json, Lang
from cli.render import emit_json, say, say_table
from repository.archive import open_archive
from repository.services.administration import (
    Departure,
    Role,
    add_person,
    appoint_deputy,
    change_roles,
    depart,
    dismiss_deputy,
    list_people,
    revoke_credential,
    write_credential,
)


def command(
    add: Annotated[str | None, typer.Option("--add", help=text("person.add"))] = None,
    change: Annotated[UUID | None, typer.Option("--change", help=text("person.change"))] = None,
    role: Annotated[list[Role] | None, typer.Option("--role", help=text("person.role"))] = None,
    without: Annotated[list[Role] | None, typer.Option("--without", help=text("person.without"))] = None,
    revoke: Annotated[UUID | None, typer.Option("--revoke-credential", help=text("person.revoke"))] = None,
    deputy: Annotated[UUID | None, typer.Option("--deputy", help=text("person.deputy"))] = None,
    until: Annotated[str | None, typer.Option("--until", help=text("person.until"))] = None,
    leaves: Annotated[UUID | None, typer.Option("--depart", help=text("person.depart"))] = None,
    successor: Annotated[UUID | None, typer.Option("--successor", help=text("person.successor"))] = None,
    reason: Annotated[str, typer.Option("--reason", help=text("option.reason"))] = "",
    out: Annotated[Path | None, typer.Option("--credential-out", help=text("person.out"))] = None,
    as_of: AsOf = None,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Add one, change one, or list them all."""
    if add is not None and out is None:
        raise typer.BadParameter(text("person.out.missing"), param_hint="--credential-out")
    with open_archive(archive, credential) as session:
        if add is not None and out is not None:
            person, issued = add_person(session, name=add, roles=role or [])
            write_credential(out, issued)
            _added(person, out, as_json=as_json)
            return
        if leaves is not None:
            _departed(depart(session, leaves, successor=successor, reason=reason), as_json=as_json)
            return
        if change is not None and deputy is not None:
            if until is not None:
                appoint_deputy(session, change, deputy, until)
            else:
                dismiss_deputy(session, change, deputy, reason)
        if change is not None:
            change_roles(session, change, grant=role or [], revoke=without or [], reason=reason)
            if revoke is not None:
                revoke_credential(session, change, revoke, reason)
        people = list_people(session, as_of=as_of)
    if as_json:
        emit_json({"schema": "jingui.people/1", "people": people})
        return
    rows = [(one.name, ", ".join(one.roles), one.id, ", ".join(map(str, one.credentials))) for one in people]
    say_table([text(f"column.{name}") for name in ("name", "roles", "id", "credentials")], rows)


def _departed(left: Departure, *, as_json: bool) -> None:
    if as_json:
        emit_json(left)
        return
    say(text("person.departed", person=left.person, roles=len(left.roles), credentials=len(left.credentials)))
    if left.reassigned:
        say(text("person.reassigned", count=len(left.reassigned)))


def _added(person: UUID, out: Path, *, as_json: bool) -> None:
    if as_json:
        emit_json({"schema": "jingui.person/1", "person": person, "credential": str(out)})
    else:
        say(text("person.added", person=person, path=out))
