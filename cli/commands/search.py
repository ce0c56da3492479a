"""`jingui search`: records by the words of their titles, by 档号, and by what they are."""

from typing import Annotated

import msgspec
import typer

from cli.commands.list import say_more
from cli.language import text
from cli.options import After, Archive, AsOf, Credential, Json, Lang, Limit
from cli.render import emit_json, say_table
from repository.archive import open_archive
from repository.services.search import search_records


def command(
    words: Annotated[list[str] | None, typer.Argument(help=text("search.words"))] = None,
    code: Annotated[str | None, typer.Option("--reference-code", help=text("search.code"))] = None,
    prefix: Annotated[str | None, typer.Option("--prefix", help=text("search.prefix"))] = None,
    fonds: Annotated[str | None, typer.Option("--fonds", help=text("search.fonds"))] = None,
    year_from: Annotated[int | None, typer.Option("--from-year", help=text("search.from"))] = None,
    year_to: Annotated[int | None, typer.Option("--to-year", help=text("search.to"))] = None,
    as_of: AsOf = None,
    limit: Limit = 20,
    after: After = None,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Search, and show a page of what is found."""
    with open_archive(archive, credential) as session:
        page = search_records(
            session,
            " ".join(words or ()),
            as_of=as_of,
            limit=limit,
            after=after,
            reference_code=code,
            reference_code_prefix=prefix,
            fonds=fonds,
            year_from=year_from,
            year_to=year_to,
        )
    if as_json:
        emit_json({"schema": "jingui.search/1", **msgspec.to_builtins(page)})
        return
    rows = [(one.reference_code, one.title, one.responsible_party, one.date, one.package) for one in page.entries]
    say_table([text(f"column.{name}") for name in ("code", "title", "party", "date", "package")], rows)
    say_more(page)
