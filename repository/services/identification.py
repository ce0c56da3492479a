"""Format identification (格式识别) with Siegfried's PRONOM signatures, offline, through `pygfried`.

It runs in a process of its own: a file that brings the identifier down takes nothing else with it, and the memory of
its signatures is not the archive's.
"""

import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import msgspec

from repository.errors import ArchiveError

AT_ONCE = 500
"""Files handed over at a time: the answer for them stays small in memory."""


class Identified(msgspec.Struct, frozen=True):
    """What one file is. `puid` is PRONOM's key, None where no signature matches.

    `basis` is what that rests on, and of what Siegfried warns. Names and versions that PRONOM does not give are empty.
    A format that only our own signature knows (OFD) has a name and no key.
    """

    puid: str | None
    name: str
    version: str
    media_type: str
    basis: str


UNKNOWN = Identified(None, "", "", "application/octet-stream", "")
"""What a file is taken for that was not identified."""


class About(msgspec.Struct, frozen=True):
    """Which program identifies, and by which signatures."""

    tool: str
    signatures: str


class FormatIdentifier(Protocol):
    """The port: Siegfried stands behind it, and in an archive that switches it off, nothing does."""

    @property
    def about(self) -> About:
        """Program and signatures, with their versions."""

    def identify(self, paths: Iterable[Path]) -> Iterator[Identified]:
        """One answer for each path, in order."""


class Siegfried:
    """Siegfried in a wheel, in a worker process that starts with the first question."""

    def __init__(self) -> None:
        self._worker: subprocess.Popen[bytes] | None = None
        self._turn = threading.Lock()

    @cached_property
    def about(self) -> About:
        """Program and signatures, with their versions."""
        answer = self._ask([__file__])
        return About(f"siegfried {answer['siegfried']}", str(answer["identifiers"][0]["details"]))

    def identify(self, paths: Iterable[Path]) -> Iterator[Identified]:
        """Identify files in groups. `identification-failed` when one cannot be read, or stops the identifier."""
        rest = iter(paths)
        while group := [str(path) for path in islice(rest, AT_ONCE)]:
            for path, row in zip(group, self._ask(group)["files"], strict=True):
                yield _identified(path, row)

    def close(self) -> None:
        """End the worker."""
        if self._worker is not None:
            self._worker.communicate()
            self._worker = None

    def _ask(self, paths: list[str]) -> dict[str, Any]:
        """One question and its answer; threads take turns."""
        with self._turn:
            return self._answer(paths)

    def _answer(self, paths: list[str]) -> dict[str, Any]:
        if self._worker is None:
            command = [sys.executable, "-I", str(Path(__file__).with_name("siegfried_worker.py"))]
            self._worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        asked, answers = self._worker.stdin, self._worker.stdout
        if asked is None or answers is None:
            raise ArchiveError("identification-failed", paths[0], reason="no pipe")
        try:
            asked.write(msgspec.json.encode(paths) + b"\n")
            asked.flush()
            line = answers.readline()
        except OSError as error:
            raise ArchiveError("identification-failed", paths[0], reason=error) from error
        if not line:
            raise ArchiveError("identification-failed", paths[0], reason=f"exit {self._worker.wait()}")
        answer: dict[str, Any] = msgspec.json.decode(line)
        return answer


def _identified(path: str, row: Mapping[str, Any]) -> Identified:
    error = row.get("errors") or ""
    if row["filename"] != path or (error and not row["matches"]):
        raise ArchiveError("identification-failed", path, reason=error or row["filename"])
    if own := row.get("own"):
        return _known(None, own["format"], own["version"], own["mime"], own["basis"])
    match = next((match for match in row["matches"] if match["id"] not in ("", "UNKNOWN")), None)
    # What Siegfried cannot look into, because it is damaged inside, is known by its outside, and the basis says so.
    warnings = [match["warning"]] if match and match.get("warning") else []
    warnings += [error.replace(path, "file")] if error and error != "empty source" else []
    warning = "".join(f"; warning: {one}" for one in warnings)
    if match is None:
        return Identified(None, "", "", UNKNOWN.media_type, warning.removeprefix("; ")) if warning else UNKNOWN
    media_type = (match["mime"] or UNKNOWN.media_type).split(",")[0].strip()
    return _known(match["id"], match["format"], match["version"], media_type, match["basis"] + warning)


@lru_cache(maxsize=4096)
def _known(puid: str | None, name: str, version: str, media_type: str, basis: str) -> Identified:
    """One value for all files that are the same in everything: a delivery has few kinds of files."""
    return Identified(puid, name, version, media_type, basis)
