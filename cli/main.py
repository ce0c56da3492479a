"""`jingui`: finds the command, runs it, and turns what went wrong into words and a published exit status."""

import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from typing import NoReturn

import typer

from cli.language import text
from cli.options import Lang
from cli.usage import Command, Group, complaint
from repository.errors import ArchiveError, storage_error

COMMANDS = (
    "init",
    "ingest",
    "accession",
    "review",
    "quality",
    "accept",
    "return",
    "handover",
    "pack",
    "validate",
    "qc",
    "list",
    "search",
    "show",
    "describe",
    "revise",
    "move",
    "merge",
    "divide",
    "close",
    "catalogue",
    "view",
    "disseminate",
    "use",
    "request",
    "rate",
    "opening",
    "takedown",
    "hold",
    "materialise",
    "export",
    "statement",
    "status",
    "work",
    "repack",
    "rescan",
    "serve",
    "fixity",
    "schedule",
    "events",
    "replay",
    "diff",
    "timeline",
    "trace",
    "report",
    "rebuild",
    "fsck",
    "audit",
    "witness",
    "restore",
    "doctor",
    "keys",
    "person",
    "annul",
    "expunge",
    "spill",
    "reclassify",
    "decrypt",
)
"""In the order of a working day. Each is a module of `cli.commands`, loaded when it is called."""

BUG, USAGE, INTERRUPTED = 1, 2, 130


def application(arguments: Sequence[str]) -> typer.Typer:
    """The command line as these arguments need it: with the one command that they call, or with all for its help."""
    app = typer.Typer(cls=Group, help=text("jingui.help"), rich_markup_mode=None)

    @app.callback()
    def jingui(lang: Lang = None) -> None:
        """Take the language before the command as well as after it."""

    called = next((name for name in arguments if name in COMMANDS), None)
    for name in [called] if called else COMMANDS:
        module = import_module(f"cli.commands.{name}")
        app.command(name, cls=Command, help=text(f"{name}.help"))(module.command)
    return app


def run() -> None:
    """Entry point of the console script. Called with nothing, it explains itself."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows no Chinese shows ? and stops nothing
    arguments, output = sys.argv[1:] or ["--help"], sys.stdout
    try:
        status = application(arguments)(arguments, prog_name="jingui", standalone_mode=False)
        output.flush()
    except BrokenPipeError:
        _nobody_reads()
    except SystemExit:
        if sys.stdout is not output:  # the library's answer to a closed pipe
            _nobody_reads()
        raise
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the outermost frame: whatever went wrong is told
        sys.exit(_tell(error, as_json="--json" in arguments))
    if status == INTERRUPTED:  # the library's answer to Ctrl-C
        sys.exit(_tell(KeyboardInterrupt(), as_json="--json" in arguments))
    sys.exit(status if isinstance(status, int) else 0)


def _nobody_reads() -> NoReturn:
    """End quietly: whoever read has seen enough, as in `jingui list | head`."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(0)


def _tell(error: BaseException, *, as_json: bool) -> int:
    """Say what went wrong and what to do next; a bug also with its traceback. The exit status."""
    from cli.render import talk_error, talk_problem

    if isinstance(error, OSError):
        # The operating system refused what no layer had a word for: a fault of the place, not of the program.
        error = storage_error(error, error.filename or "-")
    if isinstance(error, ArchiveError):
        talk_error(error, as_json=as_json)
        return error.row.exit
    if isinstance(error, typer.Abort | KeyboardInterrupt):
        talk_problem("interrupted", INTERRUPTED, text("error.interrupted"), text("hint.interrupted"), as_json=as_json)
        return INTERRUPTED
    if isinstance(error, typer.TyperException):
        talk_problem("usage", USAGE, complaint(error), text("hint.usage"), as_json=as_json)
        return USAGE
    traceback.print_exception(error)
    talk_problem("bug", BUG, text("error.bug", reason=repr(error)), text("hint.bug"), as_json=as_json)
    return BUG
