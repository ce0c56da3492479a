"""The burned server: killed at random under load, everything gone but one further store and the shares of a key.

What comes back is judged by other people's programs: `sha256sum` the packages, `age` a controlled record, the verifier
of one file and Go's `sumdb` the log.
"""

import json
import os
import shutil
import subprocess
import sys
from contextlib import closing
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from repository.archive import LOG, clock
from repository.crypto import combine_shares
from repository.crypto.age import write_identity
from repository.domain.values import SecrecyClass
from repository.eventlog import database
from repository.evidence import Proof, Tiles, inclusion_path, read_checkpoint, write_proof
from repository.services.key_ring import KeyPurpose, create_key
from repository.services.preserving import VAULT
from repository.services.restoring import Restored, restore_archive
from repository.storage import Tails
from tests.conformance.test_sumdb import LIBRARY, SOURCE
from tests.key_rings import Ring, new_ring
from tests.real_archives import deliver, silent, take

CODE, TITLE, PAGE = "M-1", "聂荣将军密电译稿", b"a controlled page\n" * 500
CATALOGUE = f"档号,题名,责任者,日期,密级,保管期限,页数,文件\n{CODE},{TITLE},机要室,19520301,秘密,永久,1,卷甲\n"
MOST = 60
"""Seconds of history that may be lost, whatever happens."""

LOAD = """
import sys
from pathlib import Path
from repository.archive import open_archive
from repository.services.ingest import IngestRequest, ingest
from repository.services.replication import replicate
archive, credential, place = map(Path, sys.argv[1:])
with open_archive(archive, credential) as session:
    for number in range(10_000):
        source = place / f"load-{number}"
        for unit in range(3):
            (source / f"{unit}").mkdir(parents=True)
            (source / f"{unit}" / "1.txt").write_text(f"page of {number}/{unit}\\n" * 50)
        ingest(session, IngestRequest(source=source, per_folder=True), lambda *_: None)
        replicate(session)
        print(session.log.position(), flush=True)
"""


def burn(place: Path, random: Random) -> tuple[Ring, Path, list[tuple[int, str, bytes]], int]:
    """Work until the thread has reached the store by itself, go on for a while, die. What the log held, and the store.

    Answers with the ring (whose shares are left), the store, the dead log's events, and what the store had been seen
    to hold while the process lived.
    """
    ring, second = new_ring(place), place / "second"
    second.mkdir()
    settings = ring.site.folder / "jingui.toml"
    more = f'seal_from = "秘密"\nstores = ["{second}"]\ntail_seconds = 1\ncheckpoint_seconds = 1\n'
    text = settings.read_text("utf-8").replace('secrecy_ceiling = "内部"', 'secrecy_ceiling = "机密"')
    settings.write_text(text + more, "utf-8")
    with ring.open("officer") as session:
        create_key(session, SecrecyClass.MIMI.value, KeyPurpose.CLASS, [ring.people["officer"]], None)
    with ring.open("archivist") as session:
        source = deliver(place / "controlled", {f"卷甲/{CODE}-001.txt": PAGE, "catalogue.csv": CATALOGUE.encode()})
        assert take(session, source).outcome == "completed"
    before = Tails(second).reached()
    command: list[Any] = [sys.executable, "-c", LOAD, ring.site.folder, ring.credential("archivist"), place]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as working:
        assert working.stdout is not None
        for _ in working.stdout:
            if Tails(second).reached() > before:
                break
        seen = Tails(second).reached()
        for _ in range(random.randrange(4)):
            working.stdout.readline()
        for _ in range(random.randrange(200_000)):
            pass  # somewhere inside the next delivery
        working.kill()
    assert seen > before
    with closing(database.connect(ring.site.folder / LOG)) as connection:
        rows = "SELECT position, recorded_at, envelope FROM events ORDER BY position"
        return ring, second, connection.execute(rows).fetchall(), seen


@pytest.mark.parametrize(
    "seed", [7, *(pytest.param(seed, marks=pytest.mark.faults) for seed in range(100, 120))], ids=str
)
def test_one_store_and_the_shares_bring_it_back(tmp_path: Path, seed: int) -> None:
    place = tmp_path / "burned"
    place.mkdir()
    ring, second, log, seen = burn(place, Random(seed))
    shares = ring.share_files()[:2]

    # everything is gone
    for path in (*ring.site.folder.parent.iterdir(),):
        if path not in {second, ring.shares}:
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    done = restore_archive(second, tmp_path / "back", shares=shares, clock=clock, progress=silent)

    # all but the last moments are back, byte for byte, at their positions
    assert done.events >= seen
    with closing(database.connect(tmp_path / "back" / LOG, "ro")) as connection:
        back = connection.execute("SELECT position, recorded_at, envelope FROM events ORDER BY position").fetchall()
    assert back == log[: done.events]
    lost = log[done.events :]
    span = moment(log[-1]) - moment(lost[0]) if lost else 0.0
    assert span <= MOST
    print(f"seed {seed}: {len(log)} events, {len(lost)} lost over {span:.2f} s, {len(done.lacking)} lacking")
    expect_only_what_was_under_way(done, back)
    assert [one.why for one in done.lacking if one.what == "class-key"] == ["missing"]

    by_sha256sum(tmp_path / "back" / "store")
    by_age(tmp_path, second, [path.read_text("ascii") for path in shares], shares)
    by_the_verifier(tmp_path, second, done)
    by_go(tmp_path, done)
    assert (place / "master").read_bytes().startswith(b"jingui-vault-1.")


def moment(row: tuple[int, str, bytes]) -> float:
    return datetime.fromisoformat(row[1]).timestamp()


def expect_only_what_was_under_way(done: Restored, back: list[tuple[int, str, bytes]]) -> None:
    """A version that is missing is one of those that no `Replicated` speaks of: its copy was still to be made."""
    stored = [json.loads(row[2]) for row in back]
    copied = {said["stream"] for said in stored if said["type"] == "ArchivalPackage.Replicated"}
    missing = {one.thing.partition(" ")[0] for one in done.lacking if one.what == "version"}
    assert missing.isdisjoint(copied)
    assert {one.why for one in done.lacking} <= {"missing", "unproven"}
    assert {one.what for one in done.lacking} <= {"version", "events", "class-key"}


def by_sha256sum(store: Path) -> None:
    bags = sorted(store.glob("*/*/v1/content"))
    assert bags
    for bag in bags:
        for manifest in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
            subprocess.run(["sha256sum", "-c", "--quiet", manifest], cwd=bag, check=True, timeout=60)


def by_age(place: Path, second: Path, words: list[str], shares: list[Path]) -> None:
    """The record gives the identity, the identity the file; `age` and the shares alone."""
    age = shutil.which("age") or pytest.skip("the public program age is not installed")
    assert len(words) == 2
    key = place / "recovery.txt"
    unseal: list[Any] = [age, "-d", "-i", place / "identity.txt"]
    key.write_bytes(write_identity(combine_shares(shares)))
    records = sorted((second / "extensions" / VAULT / "packages").rglob("*.age"))
    opened: list[bytes] = []
    for record in records:
        identity = place / "identity.txt"
        subprocess.run([age, "-d", "-i", key, "-o", identity, record], check=True, timeout=60)
        package = record.name.partition(".g")[0]
        files = sorted((place / "back" / "store").glob(f"*/urn*{package}/v1/content/**/data/*.age"))
        opened += [subprocess.run([*unseal, one], check=True, capture_output=True).stdout for one in files]
    assert PAGE in opened


def by_the_verifier(place: Path, second: Path, done: Restored) -> None:
    """The tails, concatenated, are what the verifier of one file checks; it is run by a Python without our packages."""
    data, tails = place / "data", Tails(second)
    data.mkdir()
    events = list(tails.events())[: done.proven]
    (data / "events.ndjson").write_bytes(b"".join(envelope + b"\n" for _, envelope, _ in events))
    (data / "payloads.ndjson").write_bytes(b"".join(payload + b"\n" for _, _, payload in events))
    (data / "pack.json").write_text(json.dumps({"complete": True, "events": len(events)}))
    program = (
        "import base64, pathlib, sys; sys.path.insert(0, sys.argv[1]); import verify\n"
        "data, evidence = map(pathlib.Path, sys.argv[2:])\n"
        "key = verify.read_key((evidence / 'log.vkey').read_text().strip())\n"
        "text = verify.open_note((evidence / 'checkpoint').read_bytes(), key)\n"
        "_, size, root = text.split('\\n')[:3]\n"
        "print(*verify.check_events(data, int(size), base64.b64decode(root)))\n"
    )
    folder = place / "verifier"
    folder.mkdir()
    shutil.copyfile(Path(__file__).parents[2] / "repository" / "evidence" / "verify.py", folder / "verify.py")
    command: list[Any] = [sys.executable, "-I", "-S", "-B", "-c", program, folder, data, place / "back" / "evidence"]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.split() == [str(done.proven), "0"]


def by_go(place: Path, done: Restored) -> None:
    if shutil.which("go") is None or not LIBRARY.is_dir():
        return
    program, evidence = place / "main", place / "back" / "evidence"
    environment = os.environ | {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOCACHE": str(place / "cache")}
    subprocess.run(["go", "build", "-o", program, SOURCE], env=environment, check=True, timeout=250)
    checkpoint, note = read_checkpoint((evidence / "checkpoint").read_bytes())
    tiles = Tiles.of_folder(evidence, checkpoint.size)
    with closing(database.connect(place / "back" / LOG, "ro")) as connection:
        ((envelope,),) = connection.execute("SELECT envelope FROM events WHERE position = ?", (done.proven,)).fetchall()
    path = tuple(inclusion_path(done.proven - 1, checkpoint.size, tiles.hash))
    proof = Proof(index=done.proven - 1, path=path, checkpoint=checkpoint, note=note)
    (place / "proof").write_bytes(write_proof(proof))
    (place / "envelope").write_bytes(envelope)
    command = [program, evidence / "log.vkey", evidence, evidence / "checkpoint", place / "proof", place / "envelope"]
    told = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert told.stdout.startswith(f"proven: event {done.proven} of"), told.stdout + told.stderr
