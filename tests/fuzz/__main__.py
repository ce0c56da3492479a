"""Fuzz entry points, guided by coverage: `python -m tests.fuzz SECONDS [TARGET...]`. Needs atheris (`make fuzz`).

Each target runs for so many seconds in a process of its own. An input that makes one fail is named and kept in the
temporary folder, and the whole ends with 1.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import atheris

LONGEST = 4096
MEMORY_MIB = 1024
SECONDS_EACH = 10
ONE = "--one"
IN_MEMORY = Path("/dev/shm")


def fuzz(name: str, seconds: int, artifacts: str) -> None:
    """Run one target; libFuzzer ends the process itself, so whoever started it cleans up."""
    with atheris.instrument_imports(include=["packages_spec", "repository.services.catalogue_file"]):
        from tests.fuzz.targets import TARGETS
    corpus = Path(tempfile.mkdtemp())
    for number, seed in enumerate(TARGETS[name].seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    options = {
        "max_total_time": seconds,
        "max_len": LONGEST,
        "rss_limit_mb": MEMORY_MIB,
        "timeout": SECONDS_EACH,
        "artifact_prefix": f"{artifacts}/jingui-fuzz-{name}-",
        "print_final_stats": 1,
        "verbosity": 0,
    }
    arguments = [f"-{key}={value}" for key, value in options.items()]
    atheris.Setup(["fuzz", *arguments, str(corpus)], TARGETS[name].function)
    atheris.Fuzz()


def all_of(names: list[str], seconds: int) -> int:
    """Every target in its own process; how many found a fault."""
    from tests.fuzz.targets import TARGETS

    failed = 0
    for name in names or list(TARGETS):
        command = [sys.executable, "-m", "tests.fuzz", str(seconds), ONE, name, tempfile.gettempdir()]
        with tempfile.TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as place:
            ended = subprocess.run(
                command,
                check=False,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                env=os.environ | {"TMPDIR": place},
            )
        told = dict(line.removeprefix("stat::").split(":", 1) for line in ended.stdout.splitlines() if "stat::" in line)
        units = told.get("number_of_executed_units", "?").strip()
        sys.stdout.write(f"{name}: {units} inputs in {seconds} s, {'no fault' if not ended.returncode else 'FAULT'}\n")
        sys.stdout.flush()
        if ended.returncode:
            sys.stdout.write(ended.stdout)
            failed += 1
    return failed


if __name__ == "__main__":
    if ONE in sys.argv:
        fuzz(sys.argv[3], int(sys.argv[1]), sys.argv[4])
    sys.exit(1 if all_of(sys.argv[2:], int(sys.argv[1])) else 0)
