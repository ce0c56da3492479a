"""The turnstile (旋转门): processes that write one log take turns, each held for one transaction.

Without it SQLite lets the unlucky one wait for seconds. A process whose command was overtaken by another decides it
again while it has the turn: then nobody can overtake it.
"""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Turnstile:
    """A lock between processes, on a file beside the database. The file stays; what counts is who has it locked.

    All threads of a process share its turn: among themselves they have the one writer.
    """

    def __init__(self, database: Path) -> None:
        path = database.with_name(f"{database.name}.turnstile")
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._guard = threading.Lock()
        self._holders = 0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Wait for the process's turn, for as long as it takes, and keep it to the end of the block."""
        with self._guard:
            if not self._holders:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            self._holders += 1
        try:
            yield
        finally:
            with self._guard:
                self._holders -= 1
                if not self._holders:
                    fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)
