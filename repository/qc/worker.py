"""The judging process: one file is asked for on a line; its verdicts come back a line a page, then an empty line.

A hostile file may kill it: its memory is limited, its time for each page too, and it can open nothing for writing. What
kills it kills it alone; who asked starts another.
"""

import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import TextIO

import cv2
import msgspec

from repository.qc.files import judge_file
from repository.qc.kinds import named
from repository.qc.profile import Media, Profile

FILES = 64
LONGER = 30
"""How many times as long as a page a recording may take."""


def work(*, seconds: int, memory: int) -> None:
    """Answer until nothing more is asked, within so much time for each page and so much memory."""
    answers = _private_output()
    cv2.setNumThreads(1)
    _limit(memory)
    profiles = msgspec.json.decode(sys.stdin.readline(), type=dict[Media, Profile])
    answers.write("ready\n")
    answers.flush()
    for line in sys.stdin:
        path, name, digests = json.loads(line)
        signal.setitimer(signal.ITIMER_REAL, seconds * (LONGER if named(name) in ("audio", "video") else 1))
        for verdict in judge_file(Path(path), name, profiles, digests):
            answers.write(msgspec.json.encode(verdict).decode() + "\n")
            answers.flush()
            signal.setitimer(signal.ITIMER_REAL, seconds)
        signal.setitimer(signal.ITIMER_REAL, 0)
        answers.write("\n")
        answers.flush()


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
