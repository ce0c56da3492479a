"""A process that has everything loaded which `jingui` loads, and becomes one with each request.

Loading takes more of the processor than most commands take. This process loads once, opens nothing, and forks for each
call: what runs is a process of its own as always, with its own environment, folder, streams and exit status, which
chooses its language and loads the command line proper itself. Only the start of the interpreter is not in it.
"""

import gc
import importlib
import json
import os
import pkgutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

_MORE = 1 << 20
"""Bytes of the longest request."""
NEEDED = ("typer.main", "typer._adapters", "openpyxl", "repository.archive")
_START = "from tests.warm_program import serve, end; serve(); end()"


class WarmProgram:
    """Runs the command line in forks of one process, one at a time."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._ours, theirs = socket.socketpair()
        self._turn = threading.Lock()
        with theirs:
            command = [sys.executable, "-c", _START, str(theirs.fileno())]
            self._process = subprocess.Popen(command, env=dict(environment), pass_fds=[theirs.fileno()])

    def run(
        self, arguments: Sequence[str], environment: Mapping[str, str], folder: Path | None, *, seconds: int
    ) -> tuple[int, bytes, bytes]:
        """Exit status (negative for a signal), standard output, standard error. TimeoutError after so many seconds."""
        request = json.dumps([list(arguments), dict(environment), str(folder or Path.cwd())]).encode()
        with (
            self._turn,
            open(os.devnull, "rb") as nothing,  # noqa: PTH123 - a device
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
        ):
            socket.send_fds(self._ours, [len(request).to_bytes(4)], [one.fileno() for one in (nothing, out, err)])
            self._ours.sendall(request)
            self._ours.settimeout(seconds)
            answer = self._ours.recv(_MORE)
            if not answer:
                raise ConnectionError(f"the warm process ended with {self._process.wait()}")
            out.seek(0)
            err.seek(0)
            return int(answer), out.read(), err.read()

    def close(self) -> None:
        """End it."""
        self._ours.close()
        self._process.wait()


def serve() -> None:
    """Load, then answer until nobody asks any more; returns in the process that a request became."""
    place = socket.socket(fileno=int(sys.argv[1]))
    _load()
    gc.collect()
    gc.freeze()  # what is loaded stays as it is, and shared
    while True:
        length, streams, _, _ = socket.recv_fds(place, 4, 3)
        if not length:
            os._exit(0)
        request = b""
        while len(request) < int.from_bytes(length):
            request += place.recv(_MORE)
        child = os.fork()
        if child == 0:
            place.close()
            arguments, environment, folder = json.loads(request)
            _become(arguments, environment, folder, streams)
            return
        for stream in streams:
            os.close(stream)
        _, status = os.waitpid(child, 0)
        place.sendall(str(os.waitstatus_to_exitcode(status)).encode())


def end() -> None:
    """Run the command line as the process that a request became.

    It ends without taking down, object by object, all that it never touched.
    """
    status: object = 0
    try:
        from cli.main import run

        run()
    except SystemExit as ended:
        status = ended.code
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status if isinstance(status, int) else 0 if status is None else 1)


def _load() -> None:
    """Everything below the command line: its own modules choose their language as they are loaded."""
    import repository.services
    from cli.language import table

    for name in NEEDED:
        importlib.import_module(name)
    for module in pkgutil.iter_modules(repository.services.__path__):
        if not module.name.endswith("_worker"):
            importlib.import_module(f"repository.services.{module.name}")
    table()


def _become(arguments: list[str], environment: dict[str, str], folder: str, streams: list[int]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for place, stream in enumerate(streams):
        os.dup2(stream, place)
        os.close(stream)
    sys.argv = ["jingui", *arguments]
