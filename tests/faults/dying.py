"""A process that dies, or a disk that fails, at the n-th change that it makes to the file system."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from repository.storage import durable

CHANGES = ("open", "write", "rename", "mkdir", "unlink", "rmdir", "fsync", "ftruncate")


class Death(BaseException):
    """The process is gone: nothing catches this, and whatever is still tried fails the same way."""


class Changes:
    """Counts the changes made; at number `at`, `fault` happens - for good if it is a death, once if an error."""

    def __init__(self, at: int | None, fault: Callable[[], BaseException]) -> None:
        self.count = 0
        self.names: list[str] = []
        self._at = at
        self._fault = fault

    def step(self, name: str = "step") -> None:
        """One change is about to be made."""
        self.count += 1
        self.names.append(name)
        if self._at is not None and self.count >= self._at:
            fault = self._fault()
            if isinstance(fault, Death) or self.count == self._at:
                raise fault


@contextmanager
def changes(at: int | None = None, fault: Callable[[], BaseException] = Death) -> Iterator[Changes]:
    """Within, every change to the file system is counted, and the one of that number fails."""
    counted = Changes(at, fault)

    def counting(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            reading = real is real_open and len(arguments) > 1 and not arguments[1] & (os.O_WRONLY | os.O_RDWR)
            if not reading:
                counted.step(name)
            return real(*arguments, **named)

        return call

    real_open = os.open
    with pytest.MonkeyPatch.context() as patch:
        for name in CHANGES:
            patch.setattr(os, name, counting(name, getattr(os, name)))
        patch.setattr(durable, "syncfs", counting("syncfs", durable.syncfs))
        yield counted
