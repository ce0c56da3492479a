"""Virus check (病毒检查): `clamdscan` or `clamscan` where the settings name one; otherwise recorded as not checked."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from repository.errors import ArchiveError

AT_ONCE = 500
CLEAN, INFECTED = 0, 1


class Scanned(msgspec.Struct, frozen=True):
    """Which of the files are infected, and by which word of the scanner's."""

    infected: dict[Path, str]


class VirusScanner(Protocol):
    """The port: a ClamAV program stands behind it; none at all where a site has no scanner."""

    @property
    def tool(self) -> str:
        """Program and version."""

    @property
    def signatures(self) -> str:
        """Version and date of its signatures."""

    def scan(self, paths: Sequence[Path]) -> Scanned:
        """Scan the files, every one of them. `virus-scan-failed` when the scanner cannot say."""


class ClamAv:
    """ClamAV's command-line scanners; `program` is the path of `clamscan` or `clamdscan`."""

    def __init__(self, program: str) -> None:
        self._program = program
        answer = _run([program, "--version"])
        words = answer.stdout.strip().split("/", 1)
        self.tool, self.signatures = words[0], words[1] if len(words) > 1 else ""

    def scan(self, paths: Sequence[Path]) -> Scanned:
        """Scan in groups; a group that the scanner does not finish is an error, never a pass."""
        infected: dict[Path, str] = {}
        for start in range(0, len(paths), AT_ONCE):
            group = paths[start : start + AT_ONCE]
            answer = _run([self._program, "--no-summary", "--infected", "--stdout", "--", *map(str, group)])
            if answer.returncode not in (CLEAN, INFECTED):
                raise ArchiveError("virus-scan-failed", group[0], reason=answer.stdout + answer.stderr)
            found = re.findall(r"^(.*): (.+) FOUND$", answer.stdout, re.MULTILINE)
            if bool(found) != (answer.returncode == INFECTED):
                raise ArchiveError("virus-scan-failed", group[0], reason=answer.stdout)
            infected |= {Path(name): word for name, word in found}
        return Scanned(infected)


def _run(arguments: list[str]) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(arguments, capture_output=True, text=True, errors="replace", check=False)
    except OSError as error:
        raise ArchiveError("virus-scan-failed", arguments[0], reason=error) from error
