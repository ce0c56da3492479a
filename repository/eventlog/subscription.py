"""Subscription (订阅): events as they come, from this process and from others. SQLite tells nobody, so it is asked."""

from collections import deque
from collections.abc import Sequence
from threading import Event

from eventsourcing.persistence import ApplicationRecorder, Notification, Subscription

BATCH = 500
POLL_SECONDS = 0.1


class PollingSubscription(Subscription[ApplicationRecorder]):
    """Yields every event after `gt`, then asks every tenth of a second for more, until it is stopped."""

    def __init__(self, recorder: ApplicationRecorder, gt: int | None, topics: Sequence[str]) -> None:
        super().__init__(recorder=recorder, gt=gt, topics=topics)
        self._stopped = Event()
        self._fetched: deque[Notification] = deque()
        self._after = gt or 0

    def stop(self) -> None:
        """End the iteration; a waiting `next` ends at once. May be called from any thread."""
        super().stop()
        self._stopped.set()

    def __next__(self) -> Notification:
        while not self._stopped.is_set():
            if self._fetched:
                return self._fetched.popleft()
            self._fetch()
        raise StopIteration

    def _fetch(self) -> None:
        found = self._recorder.select_notifications(self._after, BATCH, topics=self._topics, inclusive_of_start=False)
        self._fetched.extend(found)
        if found:
            self._after = found[-1].id
        else:
            self._stopped.wait(POLL_SECONDS)
