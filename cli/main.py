"""`jingui`: finds the command, runs it, and turns what went wrong into words and a published exit status."""

import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

import typer

from cli.language import text
from cli.options import Lang
from repository.errors import ArchiveError

COMMANDS = (
    "init",
    "ingest",
    "pack",
    "validate",
    "list",
    "search",
    "show",
    "disseminate",
    "materialise",
    "status",
    "work",
    "events",
    "replay",
    "rebuild",
    "fsck",
    "person",
    "annul",
)
"""In the order of a working day. Each is a module of `cli.commands`, loaded when it is called."""

BUG, USAGE, INTERRUPTED = 1, 2, 130


def application(arguments: Sequence[str]) -> typer.Typer:
    """The command line as these arguments need it: with the one command that they call, or with all for its help."""
    app = typer.Typer(no_args_is_help=True, help=text("jingui.help"), rich_markup_mode=None)

    @app.callback()
    def jingui(lang: Lang = None) -> None:
        """Take the language before the command as well as after it."""

    called = next((name for name in arguments if name in COMMANDS), None)
    for name in [called] if called else COMMANDS:
        module = import_module(f"cli.commands.{name}")
        app.command(name, help=text(f"{name}.help"))(module.command)
    return app


def _stop_writing() -> NoReturn:
    """Whoever read the output has had enough, which is no error; what is still to be flushed goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(0)


def run() -> None:
    """Entry point of the console script."""
    as_json = "--json" in sys.argv
    try:
        status = application(sys.argv[1:])(prog_name="jingui", standalone_mode=False)
        sys.stdout.flush()
    except typer.TyperException as error:
        sys.stderr.write(f"{error.format_message()}\n{text('error.usage')}\n")
        sys.exit(USAGE)
    except (typer.Abort, KeyboardInterrupt):
        sys.stderr.write(f"{text('error.interrupted')}\n")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        _stop_writing()
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # the library beneath makes exit 1 of it, which is a bug's
            _stop_writing()
        raise
    except ArchiveError as error:
        from cli.render import talk_error

        talk_error(error, as_json=as_json)
        sys.exit(error.row.exit)
    except Exception as error:  # noqa: BLE001 - the outermost frame: a bug is told with its traceback and in words
        traceback.print_exc()
        sys.stderr.write(f"{text('error.bug', reason=repr(error))}\n")
        sys.exit(BUG)
    sys.exit(status if isinstance(status, int) else 0)
