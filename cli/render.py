"""What people and programs read: data on standard output, talk on standard error."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from cli.language import language, text
from packages_spec.findings import Finding
from repository.errors import ArchiveError

if TYPE_CHECKING:
    from repository.services.session import Progress


WIDE = 10_000
"""Columns of a table that is not printed on a terminal: nothing in it is broken or cut off."""


def emit_json(value: object) -> None:
    """One JSON object on a line of its own."""
    sys.stdout.buffer.write(msgspec.json.encode(value, enc_hook=_plain) + b"\n")
    sys.stdout.flush()


def say(words: str = "") -> None:
    """One line of data for a person."""
    sys.stdout.write(f"{printable(words)}\n")


def talk(words: str) -> None:
    """One line about the work itself, which no program reads."""
    sys.stdout.flush()
    sys.stderr.write(f"{printable(words)}\n")
    sys.stderr.flush()


def printable(words: str) -> str:
    """The words without anything that could drive a terminal or break the encoding of the stream."""
    shown = "".join(character if character.isprintable() else "�" for character in words)
    encoding = sys.stdout.encoding or "utf-8"
    return shown.encode(encoding, "replace").decode(encoding)


def say_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table that keeps its columns where half the letters are twice as wide."""
    from rich.console import Console  # what only a table needs is loaded only for a table
    from rich.table import Column, Table

    grid = Table(*(Column(name, overflow="fold") for name in header), box=None, pad_edge=False, header_style="bold")
    for row in rows:
        grid.add_row(*(printable("" if cell is None else str(cell)) for cell in row), style=None)
    Console(markup=False, highlight=False, width=None if sys.stdout.isatty() else WIDE).print(grid)


def findings_json(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Findings as `--json` prints them, words included."""
    return [finding.as_json(language()) for finding in findings]


def say_findings(findings: Iterable[Finding]) -> None:
    """Findings for a person, one on a line."""
    for finding in findings:
        say(f"  [{text(f'severity.{finding.severity.value}')}] {finding.message(language())} ({finding.code})")


def talk_error(error: ArchiveError, *, as_json: bool) -> None:
    """What happened, to which thing, and what to do next."""
    if as_json:
        problem = {"schema": "jingui.error/1", "code": error.code, "exit": error.row.exit}
        emit_json(problem | {"message": error.message(language()), "hint": error.hint(language())})
    talk(text("error.line", message=error.message(language()), code=error.code))
    talk(text("error.hint", hint=error.hint(language())))


def size(count: int) -> str:
    """A number of bytes in the unit that reads best."""
    if count < 1000:
        return f"{count} B"
    value = float(count)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        if value < 1000 or unit == "TB":
            return f"{value:.1f} {unit}"
    raise AssertionError(count)


@contextmanager
def progress(*, as_json: bool) -> "Iterator[Progress]":
    """Show long work on a terminal, with the time that it will still take; say nothing where nobody looks."""
    if as_json or not sys.stderr.isatty():
        yield lambda _step, _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def show(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(text(f"step.{step}"), total=total)
            bars.update(tasks[step], completed=done, total=total)

        yield show


def _plain(value: object) -> object:
    raise TypeError(f"not for JSON: {type(value).__name__}")
