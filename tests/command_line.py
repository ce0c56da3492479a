"""The command line as a person or a program meets it: a process of its own."""

import atexit
import json
import os
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from tests.real_archives import Site
from tests.warm_program import WarmProgram

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
    asked = environment(site) | dict(variables or {})
    status, out, err = _warm().run([*map(str, arguments)], asked, cwd, seconds=60)
    return Said(status, out.decode(), err.decode())


@cache
def _warm() -> WarmProgram:
    program = WarmProgram(environment())
    atexit.register(program.close)
    return program
