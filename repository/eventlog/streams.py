"""Streams: what a decision loads, each under its lock, with the version that the append will expect."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from uuid import UUID

from repository.domain.aggregate import Aggregate, Loaded, New
from repository.domain.envelope import Command
from repository.eventlog.application import Pending
from repository.eventlog.codec import Codec

State = TypeVar("State")
Load = Callable[[Aggregate[Any], UUID], Loaded[Any]]


class KeyedLocks:
    """A lock per stream, there only while somebody wants it."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[UUID, tuple[threading.Lock, int]] = {}

    def acquire(self, key: UUID, *, blocking: bool) -> bool:
        """Take a lock; without blocking, answer whether it was free."""
        with self._guard:
            lock, users = self._locks.get(key, (threading.Lock(), 0))
            self._locks[key] = (lock, users + 1)
        taken = lock.acquire(blocking=blocking)
        if not taken:
            self._leave(key)
        return taken

    def release(self, key: UUID) -> None:
        """Give a lock back."""
        self._locks[key][0].release()
        self._leave(key)

    def _leave(self, key: UUID) -> None:
        with self._guard:
            lock, users = self._locks.pop(key)
            if users > 1:
                self._locks[key] = (lock, users - 1)


class Streams:
    """The streams that one command loads.

    Locks are waited for in rising order of stream only, so that two commands never wait for each other. A stream asked
    for out of that order is locked if its lock is free and read without it if not: the version guard stays the judge,
    and a command that runs again locks everything that it is known to need, in order, before it reads.
    """

    def __init__(self, locks: KeyedLocks, load: Load) -> None:
        self._locks = locks
        self._load = load
        self._held: set[UUID] = set()
        self._highest: UUID | None = None
        self._loaded: dict[UUID, tuple[str, Loaded[Any]]] = {}

    @property
    def asked(self) -> set[UUID]:
        """Every stream that was loaded."""
        return set(self._loaded)

    @property
    def versions(self) -> dict[UUID, int]:
        """Every stream that was loaded, with the version that it stands at."""
        return {stream: loaded.version for stream, (_, loaded) in self._loaded.items()}

    @contextmanager
    def locked(self, known: Iterable[UUID]) -> Iterator["Streams"]:
        """Hold the locks of these streams, and of those loaded meanwhile, to the end of the block."""
        try:
            for stream in sorted(known):
                self._lock(stream)
            yield self
        finally:
            for stream in self._held:
                self._locks.release(stream)
            self._held.clear()
            self._highest = None

    def load(self, aggregate: Aggregate[State], stream: UUID) -> Loaded[State]:
        """The stream as it stands; asked again, the same answer."""
        if stream not in self._loaded:
            self._lock(stream)
            self._loaded[stream] = (aggregate.name, self._load(aggregate, stream))
        name, loaded = self._loaded[stream]
        if name != aggregate.name:
            raise LookupError(f"stream {stream} was loaded as {name}, not as {aggregate.name}")
        return loaded

    def pending(self, new: Iterable[New], command: Command, codec: Codec) -> list[Pending]:
        """The events to append, each with the version that follows. `LookupError` for a stream that was not loaded."""
        decided = list(new)  # a decision may load as it goes
        versions = self.versions
        events = []
        for event in decided:
            if event.stream not in versions:
                raise LookupError(f"stream {event.stream} was not loaded by the command that appends to it")
            versions[event.stream] += 1
            kind = codec.type_of(self._loaded[event.stream][0], event.payload)
            events.append(Pending(event.stream, versions[event.stream], kind, event.payload, command))
        return events

    def _lock(self, stream: UUID) -> None:
        if stream not in self._held:
            in_order = self._highest is None or self._highest < stream
            if self._locks.acquire(stream, blocking=in_order):
                self._held.add(stream)
                self._highest = stream if in_order else self._highest
