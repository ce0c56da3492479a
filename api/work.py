"""Work (作业) that the process does beside requests: packages to be made, deposits to be taken in - one after another.

What is to be done stands in the log or in the quarantine, never only here: a process that was killed finds it again.
Those who follow a piece of work are woken whenever something happened to it; what happened they read from the log.

Work that meets somebody else at the same thing is tried again after a while, and again after a
longer one. Long work has a lane of its own, so that a reader need not wait for it.
"""

import asyncio
import logging
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from repository.errors import PASSING, ArchiveError
from repository.services.session import Progress

_log = logging.getLogger("jingui.work")

Task = Callable[[Progress], None]
GivenUp = Callable[[ArchiveError], None]
LOOK_AGAIN = 1.0
"""Seconds after which those who follow look again: another process may have done something."""

PAUSES = (1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 900.0)
"""Seconds to wait after the first, second, ... conflict; after the last of them the next process takes it up."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A piece of work: on what, how, in which lane, what to do when it is given up, and how often it met somebody."""

    subject: UUID
    task: Task
    lane: ThreadPoolExecutor
    given_up: GivenUp | None
    met: int = 0

    def once_more(self) -> "_Piece":
        return _Piece(self.subject, self.task, self.lane, self.given_up, self.met + 1)


class Work:
    """The queue of one process. Started with the loop that its followers wait in."""

    def __init__(self, pauses: Sequence[float] = PAUSES) -> None:
        self._quick = ThreadPoolExecutor(max_workers=1, thread_name_prefix="work")
        self._slow = ThreadPoolExecutor(max_workers=1, thread_name_prefix="long-work")
        self._pauses = pauses
        self._guard = threading.Lock()
        self._followers: dict[UUID, set[asyncio.Event]] = defaultdict(set)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._doing: set[UUID] = set()
        self.progress: dict[UUID, tuple[str, int, int]] = {}
        self.done = 0
        self.failed = 0

    @property
    def waiting(self) -> int:
        """Pieces of work that are queued, under way, or wait to be tried again."""
        return len(self._doing)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Whoever follows does so in this loop."""
        self._loop = loop

    def put(self, subject: UUID, task: Task, *, long: bool = False, given_up: GivenUp | None = None) -> None:
        """Have it done, unless it is queued already. May be called by any thread.

        `given_up` is called where somebody else was at it to the end, so that whoever waits is told.
        """
        with self._guard:
            if subject in self._doing:
                return
            self._doing.add(subject)
        self._submit(_Piece(subject, task, self._slow if long else self._quick, given_up))

    def stop(self) -> None:
        """Finish what is under way; what only waits is found again."""
        for lane in (self._quick, self._slow):
            lane.shutdown(wait=True, cancel_futures=True)

    def _submit(self, piece: _Piece) -> None:
        with suppress(RuntimeError):  # the process is stopping: the next one finds it again
            piece.lane.submit(self._run, piece)

    def _run(self, piece: _Piece) -> None:
        subject, again = piece.subject, False

        def progress(step: str, done: int, total: int) -> None:
            self.progress[subject] = (step, done, total)
            self._wake(subject)

        try:
            piece.task(progress)
            self.done += 1
        except ArchiveError as error:
            again = error.code in PASSING and self._later(piece)
            facts = {"subject": str(subject), "code": error.code, "again": again}
            _log.warning("work failed", extra={"facts": facts})
            if not again:
                self.failed += 1
                if error.code in PASSING and piece.given_up is not None:
                    piece.given_up(error)
        except Exception as error:  # noqa: BLE001 - one piece of work that fails must not stop those that wait
            self.failed += 1
            _log.exception("work failed", extra={"facts": {"subject": str(subject), "code": type(error).__name__}})
        finally:
            if not again:
                with self._guard:
                    self._doing.discard(subject)
            self.progress.pop(subject, None)
            self._wake(subject)

    def _later(self, piece: _Piece) -> bool:
        """Have it tried again after a while. False where it was tried often enough, or nobody is there to wait."""
        loop = self._loop
        if piece.met >= len(self._pauses) or loop is None or loop.is_closed():
            return False
        loop.call_soon_threadsafe(loop.call_later, self._pauses[piece.met], self._submit, piece.once_more())
        return True

    def _wake(self, subject: UUID) -> None:
        with self._guard:
            waiting = list(self._followers.get(subject, ()))
        if self._loop is not None and not self._loop.is_closed():
            for event in waiting:
                self._loop.call_soon_threadsafe(event.set)

    async def follow(self, subject: UUID) -> AsyncIterator[tuple[str, int, int] | None]:
        """Once at the beginning, and whenever something may have happened: how far the work is, None if unknown."""
        event = asyncio.Event()
        with self._guard:
            self._followers[subject].add(event)
        try:
            while True:
                yield self.progress.get(subject)
                try:
                    await asyncio.wait_for(event.wait(), LOOK_AGAIN)
                except TimeoutError:
                    continue
                finally:
                    event.clear()
        finally:
            with self._guard:
                self._followers[subject].discard(event)
                if not self._followers[subject]:
                    del self._followers[subject]
