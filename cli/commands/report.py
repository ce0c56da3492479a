"""`jingui report`: figures as of any date, on the screen, for a spreadsheet, or for paper."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.language import language, text
from cli.options import Archive, AsOf, Credential, Json, Lang
from cli.render import emit_json, say, say_table, say_verbatim, when
from repository.archive import open_archive
from repository.services.reports import Explanation, Item, Period, Report, explain, period_of, report
from repository.services.tables import FORMATS, Cell, Table


class Form(StrEnum):
    """How a report can be had."""

    TABLE = "table"
    CSV = "csv"
    XLSX = "xlsx"
    HTML = "html"
    JSON = "json"


def command(
    name: Annotated[str, typer.Argument(help=text("report.name"))] = "annual",
    item: Annotated[str | None, typer.Option("--explain", help=text("report.explain"), show_default=False)] = None,
    since: Annotated[str | None, typer.Option("--from", help=text("report.from"), show_default=False)] = None,
    until: Annotated[str | None, typer.Option("--to", help=text("report.to"), show_default=False)] = None,
    as_of: AsOf = None,
    form: Annotated[Form, typer.Option("--format", help=text("report.format"))] = Form.TABLE,
    out: Annotated[Path | None, typer.Option("--out", help=text("report.out"), show_default=False)] = None,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Make it; or explain one of its figures, with everything that it counts."""
    with open_archive(archive, credential) as session:
        period = period_of(session, as_of=as_of, since=since, until=until)
        made = explain(session, item, period) if item else report(session, name, period)
    if as_json or form is Form.JSON:
        emit_json(made)
        return
    table = _explained(made) if isinstance(made, Explanation) else table_of(made, language())
    if form is not Form.TABLE:
        _write(FORMATS[form](table), out)
        return
    for note in (table.title, *table.notes):
        say(note)
    if isinstance(made, Explanation):
        for line in made.question.splitlines():
            say_verbatim(f"  {line}")
    say()
    say_table(table.header, table.rows)


def table_of(made: Report, tongue: str) -> Table:
    """A report as a table in one language."""
    return Table(
        language=tongue,
        title=text(f"report.{made.name}"),
        notes=(_about(made.period),),
        header=tuple(text(f"column.{name}") for name in ("figure", "value", "measure", "item")),
        rows=tuple((_name(one), _value(one), _unit(one), one.id) for one in made.items),
    )


def _explained(made: Explanation) -> Table:
    counted = made.counted_zh if language() == "zh" else made.counted_en
    value = f"{_name(made.item)}: {_value(made.item)} {_unit(made.item)}"
    return Table(
        language=language(),
        title=value,
        notes=(_about(made.period), counted, text("report.rests-on", types=", ".join(made.rests_on))),
        header=tuple(text(f"column.{name}") for name in ("id", "thing", "count")),
        rows=tuple((one.id, one.label, one.amount) for one in made.things),
    )


def _about(period: Period) -> str:
    begin = when(period.since) if period.since else text("report.beginning")
    end = when(period.until) if period.until else text("report.now")
    return text("report.period", at=period.at, known=period.known, begin=begin, end=end)


def _name(item: Item) -> str:
    return item.zh if language() == "zh" else item.en


def _unit(item: Item) -> str:
    return item.unit_zh if language() == "zh" else item.unit_en


def _value(item: Item) -> Cell:
    if item.value is None:
        return text("report.no-data")
    return int(item.value) if item.value.isdigit() else item.value


def _write(data: bytes, out: Path | None) -> None:
    if out is None:
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
        return
    out.write_bytes(data)
    say(text("report.written", path=out))
