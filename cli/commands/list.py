"""`jingui list`: the records, packages or accessions that the archive holds."""

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

import msgspec
import typer

from cli.language import text
from cli.options import After, Archive, AsOf, Credential, Json, Lang, Limit
from cli.render import emit_json, say, say_table, size, when
from repository.archive import open_archive
from repository.services.search import (
    Page,
    list_accessions,
    list_lagging,
    list_packages,
    list_records,
    list_requests,
    list_runs,
    list_to_migrate,
)


class What(StrEnum):
    """What can be listed; lagging are the packages that `jingui repack` would make anew."""

    RECORDS = "records"
    PACKAGES = "packages"
    ACCESSIONS = "accessions"
    LAGGING = "lagging"
    REQUESTS = "requests"
    RUNS = "runs"
    TO_MIGRATE = "to-migrate"


def command(
    what: Annotated[What, typer.Argument(help=text("list.what"))] = What.RECORDS,
    as_of: AsOf = None,
    limit: Limit = 50,
    after: After = None,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """List them, page by page."""
    with open_archive(archive, credential) as session:
        page = _LISTINGS[what](session, as_of=as_of, limit=limit, after=after)
    if as_json:
        emit_json({"schema": f"jingui.list.{what}/1", **msgspec.to_builtins(page)})
        return
    header, rows = _ROWS[what](page)
    say_table([text(f"column.{name}") for name in header], rows)
    say_more(page)


def say_more(page: Page[Any]) -> None:
    """How many there are, and how to see the next ones."""
    say(text("list.total", total=page.total, more="" if page.total_is_exact else "+"))
    if page.after:
        say(text("list.more", after=page.after))


def _records(page: Page[Any]) -> tuple[list[str], list[list[object]]]:
    rows = [[one.reference_code, one.title, one.date, one.secrecy_class, one.package] for one in page.entries]
    return ["code", "title", "date", "secrecy", "package"], rows


def _packages(page: Page[Any]) -> tuple[list[str], list[list[object]]]:
    rows = [[one.unit, one.files, size(one.bytes), text(f"stage.{one.stage}"), one.id] for one in page.entries]
    return ["unit", "files", "size", "stage", "package"], rows


def _accessions(page: Page[Any]) -> tuple[list[str], list[list[object]]]:
    rows = [
        [when(one.opened.time), text(f"stage.{one.stage}"), f"{one.packages_stored}/{one.units}", one.source, one.id]
        for one in page.entries
    ]
    return ["opened", "stage", "packages", "source", "accession"], rows


def _requests(page: Page[Any]) -> tuple[list[str], list[list[object]]]:
    rows = [
        [when(one.opened.time), text(f"request.{one.state}"), one.files, one.purpose, one.requester, one.id]
        for one in page.entries
    ]
    return ["opened", "stage", "files", "purpose", "requester", "id"], rows


def _runs(page: Page[Any]) -> tuple[list[str], list[list[object]]]:
    rows = [
        [
            when(one.opened.time),
            text(f"run.{one.kind}"),
            text(f"outcome.{one.outcome}") if one.outcome else text("run.under-way"),
            one.done,
            one.id,
        ]
        for one in page.entries
    ]
    return ["opened", "type", "outcome", "done", "id"], rows


def _to_migrate(page: Page[Any]) -> tuple[list[str], list[list[object]]]:
    rows = [
        [one.unit, ", ".join(f"{count.puid} × {count.files}" for count in one.formats if count.puid), one.id]
        for one in page.entries
    ]
    return ["unit", "formats", "package"], rows


_LISTINGS: dict[What, Callable[..., Page[Any]]] = {
    What.RECORDS: list_records,
    What.PACKAGES: list_packages,
    What.ACCESSIONS: list_accessions,
    What.LAGGING: list_lagging,
    What.REQUESTS: list_requests,
    What.RUNS: list_runs,
    What.TO_MIGRATE: list_to_migrate,
}
_ROWS = {
    What.RECORDS: _records,
    What.PACKAGES: _packages,
    What.ACCESSIONS: _accessions,
    What.LAGGING: _packages,
    What.REQUESTS: _requests,
    What.RUNS: _runs,
    What.TO_MIGRATE: _to_migrate,
}
