"""The archive's side of the readers' process: asks for one file after another, and outlives what a file does to it."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import msgspec

from packages_spec.technical import Technical
from repository.errors import ArchiveError

_ROOT = Path(__file__).parents[2]
_START = (
    "import sys; sys.path.insert(0, sys.argv[1]); from repository.characterisation.worker import work; "
    "work(seconds=int(sys.argv[2]), memory=int(sys.argv[3]))"
)
_READY = b"ready\n"

SECONDS = 10
"""For one file, by the clock on the wall."""
MEMORY = 512 << 20
"""Address space of the reader in bytes, libraries included."""


class Asked(msgspec.Struct, frozen=True):
    """A file: where it lies, what PRONOM takes it for, and the name that it was delivered under."""

    path: Path
    media_type: str
    name: str


class Characteriser:
    """Reads files' technical metadata in a worker process that starts with the first question."""

    def __init__(self, *, seconds: int = SECONDS, memory: int = MEMORY) -> None:
        self._limits = [str(seconds), str(memory)]
        self._worker: subprocess.Popen[bytes] | None = None

    def characterise(self, files: Iterable[Asked]) -> Iterator[Technical | None]:
        """One answer for each file, in order: None where there is no reader for it.

        A file that brings the reader down, or takes too long, is answered with that as its failure; the next file gets
        a new process. `characterisation-failed` when no process can be started at all.
        """
        for file in files:
            yield self._ask(file)

    def close(self) -> None:
        """End the worker."""
        if self._worker is not None:
            self._worker.communicate()
            self._worker = None

    def _ask(self, file: Asked) -> Technical | None:
        worker = self._started()
        question = json.dumps([str(file.path), file.media_type, file.name]).encode() + b"\n"
        line = b""
        with suppress(BrokenPipeError):  # it is gone, which the missing answer says too
            if worker.stdin is not None and worker.stdout is not None:
                worker.stdin.write(question)
                worker.stdin.flush()
                line = worker.stdout.readline()
        if line.endswith(b"\n"):
            return _decoded(line)
        self._worker = None
        ended = _reap(worker)
        return Technical("unknown", "jingui", failure=_why(ended))

    def _started(self) -> "subprocess.Popen[bytes]":
        if self._worker is None:
            command = [sys.executable, "-I", "-c", _START, str(_ROOT), *self._limits]
            try:
                self._worker = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
                )
            except OSError as error:
                raise ArchiveError("characterisation-failed", command[0], reason=error) from error
            if self._worker.stdout is None or self._worker.stdout.readline() != _READY:
                ended, self._worker = _reap(self._worker), None
                raise ArchiveError("characterisation-failed", command[0], reason=_why(ended))
        return self._worker


def _reap(worker: "subprocess.Popen[bytes]") -> int:
    """How a worker ended that answers no more."""
    for pipe in (worker.stdin, worker.stdout):
        if pipe is not None:
            with suppress(BrokenPipeError):  # words left over for one who is gone
                pipe.close()
    return worker.wait()


def _why(ended: int) -> str:
    if ended == -signal.SIGALRM:
        return "the reader took too long"
    return f"the reader ended by signal {-ended}" if ended < 0 else f"the reader ended with exit {ended}"


@lru_cache(maxsize=4096)
def _decoded(line: bytes) -> Technical | None:
    """One value for all files that say the same: pages of one scan do."""
    return msgspec.json.decode(line, type=Technical | None)
