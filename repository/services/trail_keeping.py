"""Writing the trail (踪迹): once a minute where a process serves many people, and when an archive is closed.

A process that is killed loses what happened at its door since the last writing, at most a minute of it; what people
did to the archive was written when they did it.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from repository.domain.aggregate import New
from repository.domain.door import DOOR
from repository.errors import ArchiveError
from repository.eventlog import Streams
from repository.services.session import Session

MINUTE = 60.0
"""Seconds between two writings; the log grows by three events at most in that time, whatever strangers do."""

_log = logging.getLogger("jingui.trail")


def write_trail(session: Session) -> None:
    """Append what has been gathered, to the stream of this process's session; nothing where nothing happened.

    What cannot be written is kept for the next time, and the error raised.
    """
    taken = session.trail.take()
    if not taken:
        return
    stream = session.actor.authenticated_by.session or session.new_id()

    def decide(streams: Streams) -> list[New]:
        streams.load(DOOR, stream)
        return [New(stream, payload) for payload in taken]

    try:
        session.perform("write-trail", decide, correlation=stream, archive=None)
    except BaseException:
        session.trail.give_back(taken)
        raise


@contextmanager
def writing_trail(session: Session) -> Iterator[None]:
    """Write it in a thread every minute, for as long as a process serves. What fails is tried again the next time."""
    stop = threading.Event()

    def attend() -> None:
        while not stop.wait(MINUTE):
            try:
                write_trail(session)
            except (ArchiveError, OSError) as error:
                _log.warning("trail", exc_info=error)

    thread = threading.Thread(target=attend, name="trail", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
