"""The report (质检报告) of what machines found, kept beside a delivery until its packages are built.

A package's `metadata/other/qc-report.json` is a JSON array whose elements stand one a line, one for each part of the
verdict: take a line without its comma, and its SHA-256 is the `report_sha256` of the event.
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from repository.domain.assessment import Assessment
from repository.errors import ArchiveError
from repository.storage import keep_beside

REPORT = "metadata/other/qc-report.json"
"""Where a package has it."""
SUFFIX = ".quality"
"""Folder beside a delivery in quarantine, behind the delivery's number."""


class Reports:
    """The reports of one delivery's parts, found by their digests. A file holds the lines of one batch."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._places: dict[str, tuple[Path, int, int]] = {}
        for path in sorted(folder.glob("*.ndjson")):
            self._read(path)

    @classmethod
    def of(cls, quarantine: Path) -> "Reports":
        """Those of the delivery that lies in this folder."""
        return cls(quarantine.with_name(f"{quarantine.name}{SUFFIX}"))

    def _read(self, path: Path) -> None:
        place = 0
        with path.open("rb") as stream:
            for line in stream:
                text = line.rstrip(b"\n")
                self._places[hashlib.sha256(text).hexdigest()] = (path, place, len(text))
                place += len(line)

    def keep(self, lines: Sequence[bytes]) -> None:
        """Keep the lines of one batch, durable, before anything names them."""
        content = b"".join(line + b"\n" for line in lines)
        path = self._folder / f"{hashlib.sha256(content).hexdigest()}.ndjson"
        keep_beside(path, content)
        self._read(path)

    def __contains__(self, sha256: str) -> bool:
        return sha256 in self._places

    def line(self, sha256: str) -> bytes:
        """One part. `quality-report-lost` where it is not here: the verdict has to be made again."""
        if sha256 not in self._places:
            raise ArchiveError("quality-report-lost", sha256)
        path, place, size = self._places[sha256]
        with path.open("rb") as stream:
            stream.seek(place)
            return stream.read(size)

    def document(self, verdict: Assessment) -> Iterator[bytes]:
        """A package's whole report, part after part; nothing where no page was judged."""
        digests = [verdict.assessed[part].report_sha256 for part in sorted(verdict.assessed)]
        for number, sha256 in enumerate(digests):
            yield (b",\n" if number else b"[\n") + self.line(sha256)
        if digests:
            yield b"\n]\n"


def read_report(content: bytes) -> Iterator[dict[str, Any]]:
    """The pages that a report tells of, each as it was judged."""
    for part in msgspec.json.decode(content or b"[]", type=list[dict[str, Any]]):
        yield from part["pages"]
