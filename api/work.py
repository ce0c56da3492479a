"""Work (作业) that the process does beside requests: packages to be made, deposits to be taken in - one after another.

What is to be done stands in the log or in the quarantine, never only here: a process that was killed finds it again.
Those who follow a piece of work are woken whenever something happened to it; what happened they read from the log.
"""

import asyncio
import logging
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from repository.errors import ArchiveError
from repository.services.session import Progress

_log = logging.getLogger("jingui.work")

Task = Callable[[Progress], None]
LOOK_AGAIN = 1.0
"""Seconds after which those who follow look again: another process may have done something."""


class Work:
    """The queue of one process. Started with the loop that its followers wait in."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="work")
        self._guard = threading.Lock()
        self._followers: dict[UUID, set[asyncio.Event]] = defaultdict(set)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._doing: set[UUID] = set()
        self.progress: dict[UUID, tuple[str, int, int]] = {}
        self.done = 0
        self.failed = 0

    @property
    def waiting(self) -> int:
        """Pieces of work that are queued or under way."""
        return len(self._doing)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Whoever follows does so in this loop."""
        self._loop = loop

    def put(self, subject: UUID, task: Task) -> None:
        """Have it done, unless it is queued already. May be called by any thread."""
        with self._guard:
            if subject in self._doing:
                return
            self._doing.add(subject)
        self._pool.submit(self._run, subject, task)

    def stop(self) -> None:
        """Finish what is under way; what only waits is found again."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self, subject: UUID, task: Task) -> None:
        def progress(step: str, done: int, total: int) -> None:
            self.progress[subject] = (step, done, total)
            self._wake(subject)

        try:
            task(progress)
            self.done += 1
        except ArchiveError as error:
            self.failed += 1
            _log.warning("work failed", extra={"facts": {"subject": str(subject), "code": error.code}})
        except Exception as error:  # noqa: BLE001 - one piece of work that fails must not stop those that wait
            self.failed += 1
            _log.exception("work failed", extra={"facts": {"subject": str(subject), "code": type(error).__name__}})
        finally:
            with self._guard:
                self._doing.discard(subject)
            self.progress.pop(subject, None)
            self._wake(subject)

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
