"""Options that many commands share, each stated once."""

from pathlib import Path
from typing import Annotated, TypeVar
from uuid import UUID

import typer

from cli.language import LANGUAGES, text

Given = TypeVar("Given")


def needed(value: Given | None, option: str) -> Given:
    """An option that this action cannot do without."""
    if value is None:
        raise typer.BadParameter(text("option.needed"), param_hint=option)
    return value


def _known(value: str | None) -> str | None:
    if value is not None and value not in LANGUAGES:
        raise typer.BadParameter(text("option.lang.unknown", value=value))
    return value


Archive = Annotated[Path | None, typer.Option("--archive", help=text("option.archive"), show_default=False)]
Credential = Annotated[Path | None, typer.Option("--credential", help=text("option.credential"), show_default=False)]
Json = Annotated[bool, typer.Option("--json", help=text("option.json"))]
Lang = Annotated[
    str | None, typer.Option("--lang", help=text("option.lang"), callback=_known, show_default=False, metavar="zh|en")
]
AsOf = Annotated[str | None, typer.Option("--as-of", help=text("option.as-of"), show_default=False)]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1000, help=text("option.limit"))]
After = Annotated[str | None, typer.Option("--after", help=text("option.after"), show_default=False)]
OnBehalfOf = Annotated[
    UUID | None, typer.Option("--on-behalf-of", help=text("option.on-behalf-of"), show_default=False)
]
