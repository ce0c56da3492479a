"""What people and programs read: data on standard output, talk on standard error."""

import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from cli.columns import fold, laid_out
from cli.language import language, text
from packages_spec.findings import Finding
from repository.errors import ArchiveError

if TYPE_CHECKING:
    from repository.services.session import Progress


def emit_json(value: object) -> None:
    """One JSON object on a line of its own."""
    sys.stdout.buffer.write(msgspec.json.encode(value, enc_hook=_plain) + b"\n")
    sys.stdout.flush()


def say(words: str = "") -> None:
    """One line of data for a person; on a terminal as many lines as it takes, broken between words."""
    _write(printable(words), "")


def flush() -> None:
    """Hand on what was said so far, for somebody who waits for it."""
    sys.stdout.flush()


def say_verbatim(words: str) -> None:
    """A line that is copied as it stands, such as a command."""
    sys.stdout.write(f"{printable(words)}\n")


def talk(words: str) -> None:
    """One line about the work itself, which no program reads."""
    sys.stdout.flush()
    sys.stderr.write(f"{printable(words)}\n")
    sys.stderr.flush()


def printable(words: str) -> str:
    """The words without anything that could drive a terminal."""
    return "".join(character if character.isprintable() else "�" for character in words)


def say_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table that keeps its columns where half the letters are twice as wide, and loses no letter of any cell.

    Where a terminal is too narrow the last column, which people copy, moves to lines of its own, and then the widest
    column is folded. In a pipe every row is one line, whatever its length.
    """
    cells = [[printable("" if cell is None else str(cell)) for cell in row] for row in rows]
    room = terminal_width()
    for number, lines in enumerate(laid_out([list(header), *cells], room)):
        for line in lines:
            sys.stdout.write(f"{bold(line) if number == 0 else line}\n")


def terminal_width() -> int | None:
    """Columns of the terminal that standard output is; None where it is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def bold(words: str) -> str:
    """The words so that they stand out, where somebody looks who did not ask for plain text."""
    return _styled(words, "1")


def head(words: str) -> None:
    """A heading, set off from what stands before it."""
    sys.stdout.write(f"\n{bold(printable(words))}\n")


def claim(words: str, *, holds: bool) -> None:
    """A claim and whether it is true; the colour says nothing that the words do not say."""
    mark = _styled("✓", "32") if holds else _styled("✗", "1;31")
    _write(text("claim.true" if holds else "claim.false", claim=printable(words)), f"{mark} ")


def _write(words: str, mark: str) -> None:
    """Print words behind a mark of two places or none, further lines indented."""
    room = terminal_width()
    margin = len(words) - len(words.lstrip()) + 2
    first, *more = [words] if room is None else fold(words, room - margin, whole=True)
    sys.stdout.write("\n".join([mark + first, *(" " * margin + line for line in more)]) + "\n")


def _styled(words: str, style: str) -> str:
    plain = not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return words if plain else f"\x1b[{style}m{words}\x1b[0m"


def findings_json(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Findings as `--json` prints them, words included."""
    return [finding.as_json(language()) for finding in findings]


def say_findings(findings: Iterable[Finding]) -> None:
    """Findings for a person, one on a line."""
    for finding in findings:
        say(f"  [{text(f'severity.{finding.severity.value}')}] {finding.message(language())} ({finding.code})")


def talk_error(error: ArchiveError, *, as_json: bool) -> None:
    """What happened, to which thing, and what to do next."""
    talk_problem(error.code, error.row.exit, error.message(language()), error.hint(language()), as_json=as_json)


def talk_problem(code: str, status: int, message: str, hint: str, *, as_json: bool) -> None:
    """Why work cannot go on: for a person in words, for a program as `jingui.error/1` too."""
    if as_json:
        emit_json({"schema": "jingui.error/1", "code": code, "exit": status, "message": message, "hint": hint})
    talk(text("error.line", message=message, code=code))
    talk(text("error.hint", hint=hint))


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


def when(time: str) -> str:
    """A time of the log as the clock on this wall shows it, with its distance from UTC."""
    return f"{datetime.fromisoformat(time).astimezone():%Y-%m-%d %H:%M:%S %z}"


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
