"""The archive's side of the judging processes (质检进程): files go out, verdicts come back in the files' order.

Each process judges one file at a time, within its own limits of memory and time. A file that brings a process down is
answered with a failed F01 that says how, another process takes its place, and the batch goes on.
"""

import json
import os
import selectors
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

import msgspec

from repository.domain.quality import Check, PageVerdict, outcome_of
from repository.errors import ArchiveError
from repository.qc.kinds import named
from repository.qc.profile import Profile, default_profile

_ROOT = Path(__file__).parents[2]
_START = (
    "import sys; sys.path.insert(0, sys.argv[1]); from repository.qc.worker import work; "
    "work(seconds=int(sys.argv[2]), memory=int(sys.argv[3]))"
)
READY, END = b"ready", b""

SECONDS = 60
"""For one page, by the clock on the wall."""
MEMORY = 4 << 30
"""Address space of one process in bytes, libraries included."""
AHEAD = 64
"""Files that may be judged before an earlier one is done: what is kept in memory to answer in order."""

_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OPENCV_FOR_THREADS_NUM": "1"}


class Asked(msgspec.Struct, frozen=True):
    """A file to judge: where it lies, what the verdict calls it, and the digests that its producer gave (F02)."""

    path: Path
    name: str
    digests: Mapping[str, str] = msgspec.field(default_factory=dict)


class _File:
    """One file under way, and the verdicts that came back for it."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.verdicts: list[PageVerdict] = []
        self.done = False


class _Worker:
    """One process, and the file that it has in hand."""

    def __init__(self, seconds: int, memory: int, profiles: bytes) -> None:
        command = [sys.executable, "-I", "-c", _START, str(_ROOT), str(seconds), str(memory)]
        try:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=os.environ | _ONE_THREAD,
            )
        except OSError as error:
            raise ArchiveError("quality-failed", command[0], reason=error) from error
        self.file: _File | None = None
        self.is_up = False
        self._rest = b""
        self._tell(profiles)

    def ask(self, file: _File) -> None:
        """Give it a file."""
        self.file = file
        asked = file.asked
        self._tell(json.dumps([str(asked.path), asked.name, dict(asked.digests)]).encode())

    def _tell(self, line: bytes) -> None:
        with suppress(BrokenPipeError):  # it is gone, which the end of its answers says too
            if self.process.stdin is not None:
                self.process.stdin.write(line + b"\n")
                self.process.stdin.flush()

    def lines(self) -> list[bytes] | None:
        """What it said since the last time, by line; None when it is gone."""
        if self.process.stdout is None:
            return None
        chunk = os.read(self.process.stdout.fileno(), 1 << 20)
        if not chunk:
            return None
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        return lines

    def ended(self) -> int:
        """How it ended."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):  # words left over for one who is gone
                    pipe.close()
        return self.process.wait()


class Assessor:
    """Judges files in a pool of processes that start with the first file and end with `close`."""

    def __init__(
        self, profile: Profile | None = None, *, workers: int = 0, seconds: int = SECONDS, memory: int = MEMORY
    ) -> None:
        """`profile` judges files of its own sort (pages, sound or film), the default profiles the others.

        `workers` 0 means one for each processor.
        """
        profiles = {media: default_profile(media) for media in ("page", "audio", "video")}
        if profile is not None:
            profiles[profile.media] = profile
        self.profiles = profiles
        self._said = msgspec.json.encode(profiles)
        self._limits = (seconds, memory)
        self._count = workers or os.cpu_count() or 1
        self._workers: list[_Worker] = []
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def assess(self, files: Iterable[Asked]) -> Iterator[PageVerdict]:
        """The verdicts on all pages of the files, file by file in their order, page by page.

        `quality-failed` when no process can be started at all.
        """
        waiting, order = iter(files), deque[_File]()
        exhausted = False
        while True:
            # (1) Give every idle process a file, as long as not too many are finished ahead of a slow one.
            while not exhausted and len(order) < AHEAD and (idle := self._idle()) is not None:
                asked = next(waiting, None)
                if asked is None:
                    exhausted = True
                    break
                order.append(_File(asked))
                idle.ask(order[-1])
            # (2) Answer what is done, in order.
            while order and order[0].done:
                yield from order.popleft().verdicts
            if not order and exhausted:
                return
            # (3) Wait for the next word of any process.
            if order:
                self._listen()

    def close(self) -> None:
        """End the processes."""
        for worker in self._workers:
            self._forget(worker)
            if worker.file is not None:
                worker.process.kill()
            worker.ended()
        self._workers = []
        self._selector.close()

    def _idle(self) -> _Worker | None:
        for worker in self._workers:
            if worker.file is None:
                return worker
        if len(self._workers) == self._count:
            return None
        worker = _Worker(*self._limits, self._said)
        self._workers.append(worker)
        if worker.process.stdout is not None:
            self._selector.register(worker.process.stdout, selectors.EVENT_READ, worker)
        return worker

    def _listen(self) -> None:
        for key, _ in self._selector.select():
            worker: _Worker = key.data
            lines = worker.lines()
            if lines is None:
                self._bury(worker)
                continue
            for line in lines:
                _take(worker, line)

    def _bury(self, worker: _Worker) -> None:
        """A process is gone: its file has its finding, and one that never came up is everybody's failure."""
        self._workers.remove(worker)
        self._forget(worker)
        ended, file = worker.ended(), worker.file
        if file is None or not worker.is_up:
            raise ArchiveError("quality-failed", sys.executable, reason=_word(ended))
        file.verdicts.append(_fallen(file, _word(ended)))
        file.done = True

    def _forget(self, worker: _Worker) -> None:
        if worker.process.stdout is not None and not worker.process.stdout.closed:
            with suppress(KeyError):  # never registered
                self._selector.unregister(worker.process.stdout)


def _take(worker: _Worker, line: bytes) -> None:
    """One line of a process: that it is up, a verdict, or that its file is done."""
    if line == READY:
        worker.is_up = True
    elif worker.file is None:
        raise ArchiveError("quality-failed", sys.executable, reason="an answer that nobody asked for")
    elif line == END:
        worker.file.done, worker.file = True, None
    else:
        worker.file.verdicts.append(msgspec.json.decode(line, type=PageVerdict))


def _fallen(file: _File, word: str) -> PageVerdict:
    """The verdict on the page at which the process fell; later pages of its file were not judged."""
    kind = named(file.asked.name) or "unknown"
    checks = (Check("F01", "fail", reason=word),)
    return PageVerdict(
        path=file.asked.name, frame=len(file.verdicts) + 1, kind=kind, outcome=outcome_of(checks), checks=checks
    )


def _word(ended: int) -> str:
    """How a process ended, as the reason of a check."""
    if ended == -signal.SIGALRM:
        return "too-slow"
    return "decoder-killed" if ended < 0 else "decoder-ended"
