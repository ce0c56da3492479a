"""The archive's side of the copyist's process."""

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from repository.errors import ArchiveError

_ROOT = Path(__file__).parents[2]
_START = (
    "import sys; sys.path.insert(0, sys.argv[1]); from repository.copies.worker import work; "
    "work(seconds=int(sys.argv[2]), memory=int(sys.argv[3]))"
)
SECONDS = 4 * 3600
"""For all copies of one request: a film may take its time, nothing takes for ever."""
MEMORY = 6 << 30
"""Address space of the process in bytes, libraries and the threads of an encoder included."""


class Original(msgspec.Struct, frozen=True):
    """A true copy of a stored file: where it lies, its name in the record, and what PRONOM takes it for."""

    place: str
    name: str
    media_type: str


class Copying(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be made, of what, and into which folder; `words` stand on every page, `plain_words` in ASCII."""

    form: str
    originals: tuple[Original, ...]
    folder: str
    width: int
    words: str
    plain_words: str


class Copied(msgspec.Struct, frozen=True, kw_only=True):
    """What the process answers: names of the files that it made, or the file that has no such form, and why."""

    made: tuple[str, ...] = ()
    unfit: str | None = None
    reason: str = ""


def make_copies(copying: Copying, *, seconds: int = SECONDS, memory: int = MEMORY) -> Sequence[str]:
    """Make the copies; their names, in order. `form-unfit` for a file of which none can be made, and why."""
    command = [sys.executable, "-I", "-c", _START, str(_ROOT), str(seconds), str(memory)]
    done = subprocess.run(command, input=msgspec.json.encode(copying), capture_output=True, check=False)
    if done.returncode or not done.stdout:
        first = copying.originals[0].name if copying.originals else copying.form
        raise ArchiveError("form-unfit", first, form=copying.form, reason=_why(done.returncode))
    copied = msgspec.json.decode(done.stdout, type=Copied)
    if copied.unfit is not None:
        raise ArchiveError("form-unfit", copied.unfit, form=copying.form, reason=copied.reason)
    return copied.made


def _why(ended: int) -> str:
    if ended == -signal.SIGALRM:
        return "it took too long"
    return f"the decoder ended by signal {-ended}" if ended < 0 else f"the decoder ended with exit {ended}"
