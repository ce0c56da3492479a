"""The readers' own process: one file is asked for on a line, and answered on a line, before the next.

A hostile file may kill it: its memory is limited, its time for each file too, and it can open nothing for writing. What
kills it kills it alone; who asked starts another.
"""

import json
import os
import resource
import signal
import sys
from importlib import import_module
from pathlib import Path
from typing import TextIO

import msgspec

from packages_spec.technical import Technical
from repository.characterisation.bounded import ReadTooMuch, Source
from repository.characterisation.kinds import Kind, kind_of
from repository.characterisation.report import Unreadable, plain

FILES = 64
READY = "ready\n"
"""Said once, before anything is asked."""

_READERS: dict[Kind, tuple[str, str, str]] = {
    "image": ("images", "read", "image"),
    "pdf": ("documents", "read", "pdf"),
    "zip": ("zips", "read", "office"),
    "ole": ("compounds", "read", "office"),
    "recording": ("recordings", "read", "recording"),
    "message": ("messages", "read_eml", "message"),
}
"""Module, function, and what a file is called that it could not read. A module is loaded with its first file."""


def work(*, seconds: int, memory: int) -> None:
    """Answer until nothing more is asked, within so much time for each file and so much memory."""
    answers = _private_output()
    _limit(memory)
    answers.write(READY)
    answers.flush()
    for line in sys.stdin:
        path, media_type, name = json.loads(line)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        answer = characterise(Path(path), media_type, name)
        signal.setitimer(signal.ITIMER_REAL, 0)
        answers.write(msgspec.json.encode(answer).decode() + "\n")
        answers.flush()


def characterise(path: Path, media_type: str, name: str) -> Technical | None:
    """What the file says of itself, why that could not be read, or None where no reader is for it."""
    source = Source(path, media_type, name)
    try:
        kind = kind_of(source.head, media_type, name)
        if kind is None:
            return None
        module, function, called = _READERS[kind]
        try:
            reader = getattr(import_module(f"repository.characterisation.{module}"), function)
            answer: Technical | None = reader(source)
        except (Unreadable, ReadTooMuch) as error:
            return Technical(called, module, failure=plain(error) or "unreadable")
        except Exception as error:  # noqa: BLE001 - a hostile file may raise anything that a reader of it can
            return Technical(called, module, failure=plain(f"{type(error).__name__}: {error}"))
        return answer
    finally:
        source.close()


def _private_output() -> TextIO:
    """The pipe to who asks, kept from libraries that print: their words go nowhere."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    return answers


def _limit(memory: int) -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends the process wherever it is, in a library's loop too
    for what, limit in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, FILES),
    ):
        resource.setrlimit(what, (limit, limit))
