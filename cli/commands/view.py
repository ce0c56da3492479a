"""`jingui view`: look at files of a record; the log says so before the first byte is shown."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from cli.language import text
from cli.options import Archive, Credential, Json, Lang, OnBehalfOf
from cli.render import emit_json, say, say_table, size, talk
from repository.archive import open_archive
from repository.services import access, requests


def command(
    record: Annotated[str, typer.Argument(help=text("show.record"))],
    purpose: Annotated[str, typer.Option("--purpose", help=text("disseminate.purpose"))] = "",
    file: Annotated[list[str] | None, typer.Option("--file", help=text("view.file"))] = None,
    request: Annotated[UUID | None, typer.Option("--request", help=text("view.request"))] = None,
    out: Annotated[Path | None, typer.Option("--out", help=text("view.out"))] = None,
    on_behalf_of: OnBehalfOf = None,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Show them: one file's bytes in a pipe or a file, else what there is to see."""
    if out is not None and len(file or ()) != 1:
        raise typer.BadParameter(text("view.one"), param_hint="--file")
    with open_archive(archive, credential, on_behalf_of=on_behalf_of) as session:
        if request is not None:
            report = requests.view(session, request, record, files=file or ())
        else:
            report = access.view(session, record, paths=file or (), purpose=purpose)
        if out is not None:
            _write(access.shown_bytes(session, report.package, report.files[0]), out)
        elif not as_json and not sys.stdout.isatty() and len(report.files) == 1:
            for chunk in access.shown_bytes(session, report.package, report.files[0]):
                sys.stdout.buffer.write(chunk)
            sys.stdout.flush()
            talk(text("view.recorded", request=report.request))
            return
    if as_json:
        emit_json(report)
        return
    if out is not None:
        say(text("view.done", path=out))
        return
    say_table(
        [text(f"column.{name}") for name in ("file", "size", "sha256")],
        [(one.path, size(one.size), one.sha256) for one in report.files],
    )
    say(text("view.recorded", request=report.request))


def _write(chunks: Iterator[bytes], out: Path) -> None:
    with out.open("xb") as target:
        target.writelines(chunks)
