"""What judging a package of 100,000 files costs in memory: the whole process, measured by the system."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

LIMIT_MIB = 64
IN_A_FRESH_PROCESS = """
import re, sys
from hashlib import sha256
from pathlib import Path
from packages_spec.digests import Digested
from packages_spec.eark import validate_eark
from packages_spec.findings import is_valid
from packages_spec.profiles import build, payload_path
from packages_spec.profiles.content import PayloadFile
from packages_spec.profiles.validate import validate_package
from tests.packages import CREATED, PACKAGE, FolderSink, content

COUNT, DIGEST = int(sys.argv[1]), sha256(b"x").hexdigest()


class Each:
    def __len__(self):
        return COUNT

    def __iter__(self):
        for number in range(COUNT):
            yield self.one(f"J001-WS-1931-Y-{number // 500:04}/{number:06}.tif")


class Files(Each):
    def one(self, path):
        return PayloadFile(path=path, size=1, sha256=DIGEST, created=CREATED, media_type="image/tiff", puid="fmt/353")


class Placed(Each):
    def one(self, path):
        return Digested(payload_path(PACKAGE, path), 1, DIGEST)


root = Path(sys.argv[2])
for entry in Placed():
    path = root / entry.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
if sys.argv[3] == "write":
    build(content(files=Files(), placed=Placed(), delivery=()), FolderSink(root))
else:
    found = [*validate_eark(root / "data" / f"uuid-{PACKAGE}"), *validate_package(root)]
    assert {finding.code for finding in found} == {"eark.not-judged"}, found[:5]
    assert is_valid(found)
# Of this process alone: what `getrusage` says begins with what the one that started it had in memory.
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""


def peak(count: int, root: Path, step: str) -> float:
    """The most memory that a process has had while it did one step, interpreter and libraries included, in MiB."""
    done = subprocess.run(
        [sys.executable, "-c", IN_A_FRESH_PROCESS, str(count), str(root), step],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return int(done.stdout) / 1024


def test_memory_hardly_grows_with_the_number_of_files(tmp_path: Path) -> None:
    """Twice the files cost a few hundred bytes each, far from what a tree of them would."""
    few, many = 2_000, 6_000
    peaks = []
    for count in (few, many):
        peak(count, tmp_path / f"{count}", "write")
        peaks.append(peak(count, tmp_path / f"{count}", "judge"))
    assert (peaks[1] - peaks[0]) * 1024 * 1024 / (many - few) <= 1_000


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_a_package_of_a_hundred_thousand_files_is_judged_in_64_mib(tmp_path: Path) -> None:
    written = peak(100_000, tmp_path, "write")
    judged = peak(100_000, tmp_path, "judge")
    print(f"\n100,000 files: written in {written:.1f} MiB, judged in {judged:.1f} MiB, whole process")
    assert judged <= LIMIT_MIB
