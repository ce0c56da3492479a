"""Format identification (格式识别) with Siegfried's PRONOM signatures, offline, through `pygfried`."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from sys import intern
from typing import Any, Protocol

import msgspec

from repository.errors import ArchiveError

AT_ONCE = 500
"""Files handed over at a time: the answer for them stays small in memory."""


class Identified(msgspec.Struct, frozen=True):
    """What one file is. `puid` is PRONOM's key, None where no signature matches; `basis` is what that rests on.

    Names and versions that PRONOM does not give are empty.
    """

    puid: str | None
    name: str
    version: str
    media_type: str
    basis: str


UNKNOWN = Identified(None, "", "", "application/octet-stream", "")
"""What a file is taken for that was not identified."""


class FormatIdentifier(Protocol):
    """The port: Siegfried stands behind it, and in an archive that switches it off, nothing does."""

    @property
    def tool(self) -> str:
        """Program and version."""

    @property
    def signatures(self) -> str:
        """Version of the signature file."""

    def identify(self, paths: Iterable[Path]) -> Iterator[Identified]:
        """One answer for each path, in order."""


class Siegfried:
    """Siegfried in a wheel. Loaded at first use, since its signatures cost a tenth of a second."""

    def __init__(self) -> None:
        import pygfried

        self._pygfried = pygfried
        probe = pygfried.identify(__file__, detailed=True)
        self.tool = f"siegfried {probe['siegfried']}"
        self.signatures = str(probe["identifiers"][0]["details"])

    def identify(self, paths: Iterable[Path]) -> Iterator[Identified]:
        """Identify files in groups. `identification-failed` when a file cannot be read."""
        rest = iter(paths)
        while group := list(islice(rest, AT_ONCE)):
            answer = self._pygfried.identify_many([str(path) for path in group], workers=2)
            if len(answer["files"]) != len(group):
                raise ArchiveError("identification-failed", group[0], reason=f"{len(answer['files'])}/{len(group)}")
            for path, row in zip(group, answer["files"], strict=True):
                yield _identified(path, row)


def _identified(path: Path, row: Mapping[str, Any]) -> Identified:
    if row["filename"] != str(path):
        raise ArchiveError("identification-failed", path, reason=row["filename"])
    error = row.get("errors") or ""
    if error and error != "empty source":
        raise ArchiveError("identification-failed", path, reason=error)
    match = next((match for match in row["matches"] if match["id"] not in ("", "UNKNOWN")), None)
    if match is None:
        return UNKNOWN
    media_type = (match["mime"] or UNKNOWN.media_type).split(",")[0].strip()
    return Identified(*map(intern, (match["id"], match["format"], match["version"], media_type, match["basis"])))
