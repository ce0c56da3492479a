"""`jingui diff`: the archive at two moments, and what differs between them."""

from typing import Annotated, Any

import msgspec
import typer

from cli.language import table, text
from cli.options import Archive, Credential, Json, Lang
from cli.render import emit_json, say, say_table, when
from repository.archive import open_archive
from repository.services.history import Comparison, Difference, Place, compare, diff

SIGNS = {"added": "+", "changed": "~", "removed": "-"}
LABELS = ("reference_code", "title", "name", "unit", "transfer_number", "source", "kind", "purpose", "reason")
BOOKKEEPING = ("changed",)
"""Fields that differ in every card that differs at all."""


def command(
    moments: Annotated[str, typer.Argument(help=text("diff.moments"))],
    lines: Annotated[bool, typer.Option("--ndjson", help=text("diff.ndjson"))] = False,
    archive: Archive = None,
    credential: Credential = None,
    as_json: Json = False,
    lang: Lang = None,
) -> None:
    """Show what was added, changed and removed, and how many events of each type lie between."""
    with open_archive(archive, credential) as session:
        if as_json and not lines:
            emit_json(diff(session, moments))
            return
        comparison, differences = compare(session, moments)
        if lines:
            emit_json(comparison)
            for one in differences:
                emit_json({"schema": "jingui.diff.change/1", **msgspec.to_builtins(one)})
            return
        _say_comparison(comparison)
        count = 0
        for one in differences:
            _say_difference(one)
            count += 1
        say(text("diff.total", count=count))


def _say_comparison(comparison: Comparison) -> None:
    say(text("diff.between", earlier=_place(comparison.earlier), later=_place(comparison.later)))
    if comparison.events:
        rows = [(text(f"event.{name.partition('.')[2]}"), name, count) for name, count in comparison.events.items()]
        say_table([text(f"column.{name}") for name in ("event", "type", "count")], rows)
    say()


def _say_difference(one: Difference) -> None:
    label = next((str(one.card[name]) for name in LABELS if one.card.get(name)), "")
    say(f"{SIGNS[one.change]} {text(f'cards.{one.kind}')} {one.id} {label}".rstrip())
    for name, field in one.fields.items():
        if name not in BOOKKEEPING:
            say(text("diff.field", name=_field(name), before=_value(field.before), after=_value(field.after)))


def _place(place: Place) -> str:
    return f"{place.position} ({when(place.time)})" if place.time else str(place.position)


def _field(name: str) -> str:
    key = f"field.{name}"
    return text(key) if key in table() else name


def _value(value: Any) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
