"""What METS, PREMIS and whole packages cost: flat memory always, speed against the plainest template."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from html import escape
from pathlib import Path
from urllib.parse import quote

import pytest

from packages_spec import mets
from packages_spec.mets import Header, MetsFile
from packages_spec.profiles import build
from tests.packages import CREATED, NullSink, content

FILES = 100_000
LIMIT_MIB = 64
HEADER = Header(
    objid="original",
    package_type="AIP",
    content_category="Mixed",
    label="l",
    created=CREATED,
    modified=CREATED,
    software="s",
    software_version="1",
    archive="a",
)
IN_A_FRESH_PROCESS = """
import resource, tempfile
from packages_spec import mets, premis
from packages_spec.premis import FileObject, Format, Identifier
from tests.benchmarks.test_package_documents import FILES, HEADER, listed

def grown():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

def objects():
    for file in listed():
        yield FileObject(Identifier("local", file.path), file.path, file.size, file.sha256, Format(puid="fmt/353"))

before = grown()
with tempfile.TemporaryFile() as out:
    out.writelines(mets.representation_mets(HEADER, name="original", provenance=(), files=listed()))
    out.seek(0)
    assert sum(isinstance(item, mets.FileReference) for item in mets.read_mets(out)) == FILES
for name, chunks in premis.premis_documents(objects()):
    with tempfile.TemporaryFile() as out:
        out.writelines(chunks)
        out.seek(0)
        FILES -= sum(1 for statement in premis.read_premis(out))
assert FILES == 0
print(grown() - before)
"""


def listed() -> Iterator[MetsFile]:
    for number in range(FILES):
        yield MetsFile(
            f"data/J001-WS-1931-Y-{number // 500:04}/{number:06}.tif", number, "0" * 64, "image/tiff", CREATED
        )


def plain_template(files: Iterable[MetsFile]) -> Iterator[bytes]:
    """The floor: one template a file, escaped by the standard library, with no id that follows from the path."""
    for number, file in enumerate(files):
        yield (
            f'<file ID="file-{number}" MIMETYPE="{escape(file.media_type)}" SIZE="{file.size}" '
            f'CREATED="{file.created}" CHECKSUM="{file.sha256}" CHECKSUMTYPE="SHA-256">'
            f'<FLocat LOCTYPE="URL" xlink:type="simple" xlink:href="{quote(file.path)}"/></file>\n'
        ).encode()


def cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def test_a_hundred_thousand_files_are_written_and_read_in_flat_memory() -> None:
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", IN_A_FRESH_PROCESS],
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert int(done.stdout) / 1024 <= LIMIT_MIB


@pytest.mark.bench
def test_mets_costs_at_most_three_plain_templates() -> None:
    files = list(listed())
    plain = min(cpu(lambda: sum(map(len, plain_template(files)))) for _ in range(3))
    document = partial(mets.representation_mets, HEADER, name="original", provenance=())
    ours = min(cpu(lambda: sum(map(len, document(files=files)))) for _ in range(3))
    print(f"\nMETS of {FILES} files: {ours:.2f} s, {ours / plain:.1f} times a plain template")
    assert ours <= 3 * plain


@pytest.mark.bench
def test_a_small_package_is_written_in_under_two_milliseconds() -> None:
    what, sink = content(), NullSink()
    each = min(cpu(lambda: [build(what, sink) for _ in range(200)]) for _ in range(3)) / 200
    print(f"\npackage of 3 pages: {each * 1e3:.2f} ms of CPU")
    assert each <= 0.002
