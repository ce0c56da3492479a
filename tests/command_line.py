"""The command line as a person or a program meets it: a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from tests.real_archives import Site

ROOT = Path(__file__).parents[1]
PROGRAM = [sys.executable, "-c", "from cli.main import run; run()"]


class Said(msgspec.Struct, frozen=True):
    """How a run of the program ended, and what it said on each stream."""

    status: int
    out: str
    err: str

    def json(self) -> Any:
        """Standard output as the one JSON object that it has to be."""
        return json.loads(self.out)

    def lines(self) -> list[Any]:
        """Standard output as NDJSON."""
        return [json.loads(line) for line in self.out.splitlines()]


def environment(site: Site | None = None) -> dict[str, str]:
    """An environment in which nothing of the tester's own decides anything."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("JINGUI", "LC_", "LANG", "_"))}
    plain |= {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "COLUMNS": "100", "LANG": "en_GB.UTF-8", "TERM": "dumb"}
    if site is not None:
        plain |= {"JINGUI_ARCHIVE": str(site.folder), "JINGUI_CREDENTIAL": str(site.credential)}
    return plain


def jingui(
    *arguments: object, site: Site | None = None, cwd: Path | None = None, variables: Mapping[str, str] | None = None
) -> Said:
    """Run `jingui` with these arguments, and these variables more in its environment."""
    done = subprocess.run(
        [*PROGRAM, *map(str, arguments)],
        env=environment(site) | dict(variables or {}),
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    return Said(done.returncode, done.stdout, done.stderr)
