"""The copyist's own process: one question on its input, the copies in their folder, one answer on its output."""

import os
import resource
import signal
import sys
from importlib import import_module
from pathlib import Path

import msgspec

from repository.copies.copyist import Copied, Copying

FILES = 4_096
"""Open files at most: a PDF of many pages is put together from one for each."""


class Unfit(Exception):  # noqa: N818 - named after what the file is, not after being an error
    """A file has no such form: its name, and why."""

    def __init__(self, name: str, reason: object) -> None:
        super().__init__(name)
        self.name, self.reason = name, str(reason)


def work(*, seconds: int, memory: int) -> None:
    """Answer the one question, within so much time and memory."""
    answers = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)  # what a library prints is no answer
    os.dup2(nowhere, 2)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(seconds)
    for what, limit in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, min(FILES, resource.getrlimit(resource.RLIMIT_NOFILE)[1])),
    ):
        resource.setrlimit(what, (limit, limit))
    answer = copied(msgspec.json.decode(sys.stdin.buffer.read(), type=Copying))
    os.write(answers, msgspec.json.encode(answer))


def copied(copying: Copying) -> Copied:
    """Make the copies with the module of their form, which is loaded only here."""
    folder = Path(copying.folder)
    folder.mkdir(parents=True)
    try:
        make = import_module(f"repository.copies.{copying.form}").make
        return Copied(made=tuple(make(copying, folder)))
    except Unfit as error:
        return Copied(unfit=error.name, reason=error.reason)
    except (MemoryError, Exception) as error:  # noqa: BLE001 - a hostile file may raise anything that a decoder can
        return Copied(
            unfit=copying.originals[0].name if copying.originals else "-", reason=f"{type(error).__name__}: {error}"
        )
