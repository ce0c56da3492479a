"""Figures (统计指标): what a report says in numbers, each defined once in `figures.toml`, words and question alike.

A figure of what is held asks the catalogue for the things that it counts; one of what happened names the events. So
every number can be followed to what it counts, and each says on which types of events it rests.
"""

import tomllib
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import msgspec


class Figure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One definition, as `figures.toml` explains them. `events` may end in any type's name: `*.Annulled`."""

    id: str
    zh: str
    en: str
    unit_zh: str
    unit_en: str
    counted_zh: str
    counted_en: str
    rests_on: tuple[str, ...]
    reports: tuple[str, ...]
    things: str | None = None
    events: tuple[str, ...] = ()
    only: dict[str, int] = {}
    amount: str | None = None
    ratio: tuple[str, str] | None = None


class Thing(NamedTuple):
    """One thing that is counted: its id, what people call it, and its amount; null where nobody recorded one."""

    id: str
    label: str | None
    amount: int | None


@cache
def figures() -> dict[str, Figure]:
    """Every figure by its id, in the order of the reports."""
    table = tomllib.loads(files("repository.catalogue").joinpath("figures.toml").read_text("utf-8"))
    return {name: msgspec.convert({"id": name, **row}, Figure) for name, row in table.items()}


REPORTS = ("holdings", "digitisation", "accessions", "uses", "ratings", "decisions", "annual")
"""What can be asked for; `annual` are the figures of the yearly statistics (档案统计年报)."""
