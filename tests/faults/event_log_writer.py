"""A process that appends to a log until it is killed, and writes down what was acknowledged to it.

Arguments: the log, the file of acknowledgements, a number that names the process's commands.
"""

import os
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from repository.eventlog import EventLog
from tests.event_logs import command, count, reopen

THREADS = 4
SHARED = UUID(int=1)


def main(path: Path, acknowledged: Path, number: int) -> None:
    """Append from several threads, every third time to a stream that all processes share."""
    log = reopen(path, lambda: datetime.now(UTC))
    target = os.open(acknowledged, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    threads = [threading.Thread(target=_append, args=(log, target, number * THREADS + n)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _append(log: EventLog, target: int, name: int) -> None:
    for turn in range(sys.maxsize):
        asked = command(UUID(int=(name << 64) + turn))
        answer = count(log, SHARED if turn % 3 == 0 else UUID(int=1000 + name), 1, 1, by=asked)
        os.write(target, f"{asked.command_id} {answer.first} {answer.last}\n".encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
