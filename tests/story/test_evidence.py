"""An auditor who trusts nobody: checkpoints, proofs, a witness on another machine, and what each of them refuses."""

import functools
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from repository.archive import open_archive, serve_archive, verify_archive
from repository.crypto import SigningKey, read_public_key
from repository.domain.values import Role
from repository.errors import ArchiveError
from repository.evidence import (
    Checkpoint,
    cosigned_at,
    leaf_hash,
    read_checkpoint,
    read_proof,
    sign_checkpoint,
    signed_by,
)
from repository.services.administration import add_person
from repository.services.audit_verify import AuditVerdict
from repository.services.checkpoints import EVIDENCE, Attested, attest
from repository.services.jobs import status, work
from repository.services.proving import prove
from repository.services.witness import Witnessed, keep_watch, witness
from repository.settings import log_key_file
from tests.command_line import jingui
from tests.faults.small_archive import Scene, ingest_again, make_scene
from tests.real_archives import Site

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "jingui"


@pytest.fixture
def scene(tmp_path: Path, home: Path) -> Scene:
    """An archive with two packages."""
    made = make_scene(tmp_path)
    ingest_again(made)
    return made


def hire(scene: Scene, *names: str) -> None:
    with open_archive(scene.archive, scene.credential) as session:
        for name in names:
            add_person(session, name=name, roles=[Role.ARCHIVIST])


def attested(scene: Scene) -> Attested:
    with open_archive(scene.archive, scene.credential) as session:
        return attest(session)


def look(scene: Scene, memory: Path, *, source: str = "", log_key: str | None = None) -> Witnessed:
    return witness(source or str(scene.archive / EVIDENCE), memory, clock=lambda: NOON, log_key=log_key)


def verified(scene: Scene, *held: Path, log_key: str | None = None) -> AuditVerdict:
    progress = lambda step, done, total: None  # noqa: E731 - said once, for nobody
    return verify_archive(scene.archive, scene.credential, progress, held=held, log_key=log_key)


def error_of(action: Callable[[], object]) -> str:
    with pytest.raises(ArchiveError) as refused:
        action()
    return refused.value.code


def test_every_command_that_writes_leaves_a_checkpoint_of_all_that_was_written(scene: Scene, home: Path) -> None:
    with open_archive(scene.archive, scene.credential) as session:
        end = session.log.position()
        key = log_key_file(session.settings)
    checkpoint, note = read_checkpoint((scene.archive / EVIDENCE / "checkpoint").read_bytes())
    public = read_public_key((scene.archive / EVIDENCE / "log.vkey").read_text("utf-8"))
    assert (checkpoint.size, checkpoint.origin) == (end, public.name)
    assert signed_by(note, public)
    assert (key.parent, key.stat().st_mode & 0o777) == (home, 0o600)
    assert attested(scene).is_new is False


def test_a_process_that_serves_attests_as_it_goes(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JINGUI_CHECKPOINT_SECONDS", "1")
    path = scene.archive / EVIDENCE / "checkpoint"
    before = read_checkpoint(path.read_bytes())[0].size
    with serve_archive(scene.archive, scene.credential) as served:
        add_person(served.base, name="戊", roles=[Role.ARCHIVIST])
        end = served.base.log.position()
        waiting = threading.Event()
        for _ in range(200):
            if read_checkpoint(path.read_bytes())[0].size == end:
                break
            waiting.wait(0.05)
        assert before < read_checkpoint(path.read_bytes())[0].size == end


def test_an_event_is_proven_to_whoever_has_its_envelope_and_the_key(scene: Scene) -> None:
    with open_archive(scene.archive, scene.credential) as session:
        records = list(session.log.raw())
        public = read_public_key((scene.archive / EVIDENCE / "log.vkey").read_text("utf-8"))
        for record in records[::5]:
            proven = prove(session, str(json.loads(record.envelope)["event_id"]))
            proof = read_proof(proven.proof.encode())
            assert (proven.position, proof.index) == (record.position, record.position - 1)
            assert proof.holds_for(leaf_hash(record.envelope))
            assert signed_by(proof.note, public)
        assert error_of(functools.partial(prove, session, "0")) == "event-unknown-here"
        assert error_of(functools.partial(prove, session, "no id")) == "event-unknown-here"
        add_person(session, name="己", roles=[Role.ARCHIVIST])
        assert error_of(functools.partial(prove, session, str(len(records) + 1))) == "event-uncovered"


def test_a_proof_under_a_checkpoint_that_a_witness_signed_bears_its_time(scene: Scene, tmp_path: Path) -> None:
    look(scene, tmp_path / "memory", log_key=attested(scene).key)
    hire(scene, "庚")
    own = read_public_key((tmp_path / "memory" / "witness.vkey").read_text("utf-8"))
    with open_archive(scene.archive, scene.credential) as session:
        proven = prove(session, "3", held=tmp_path / "memory" / "checkpoint")
        assert proven.size < session.log.position()
    assert cosigned_at(read_proof(proven.proof.encode()).note, own) == int(NOON.timestamp())


def test_a_witness_sees_that_the_log_only_grows(scene: Scene, tmp_path: Path) -> None:
    memory, key = tmp_path / "memory", attested(scene).key
    assert error_of(functools.partial(look, scene, memory)) == "witness-key-needed"
    first = look(scene, memory, log_key=key)
    assert look(scene, memory).before == first.size
    hire(scene, "辛", "壬")
    second = look(scene, memory)
    assert (second.before, second.size > first.size) == (first.size, True)
    assert sorted(int(one.name) for one in (memory / "seen").iterdir()) == [first.size, second.size]
    assert (memory / "witness.key").stat().st_mode & 0o777 == 0o600


class Quiet(SimpleHTTPRequestHandler):
    """A web server of files that tells nobody what it did."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def published(folder: Path) -> Iterator[str]:
    handler = functools.partial(Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


def test_a_witness_looks_over_http_with_nothing_of_the_archive(scene: Scene, tmp_path: Path) -> None:
    memory, key = tmp_path / "memory", attested(scene).key
    with published(scene.archive / EVIDENCE) as address:
        first = look(scene, memory, source=address, log_key=key)
        hire(scene, "癸")
        assert look(scene, memory, source=address).before == first.size
    assert error_of(functools.partial(look, scene, memory, source=address)) == "witness-source"
    with published(tmp_path / "home") as address:
        assert error_of(functools.partial(look, scene, memory, source=address)) == "checkpoint-missing"


class AtOnce(threading.Event):
    """The rounds follow one another without a pause."""

    def wait(self, timeout: float | None = None) -> bool:
        del timeout
        return self.is_set()


def test_a_witness_keeps_watch_until_it_is_stopped(scene: Scene, tmp_path: Path) -> None:
    """A place that cannot be reached is tried again; a history that was rewritten ends the watch with its error."""
    source, memory, stop = scene.archive / EVIDENCE, tmp_path / "memory", AtOnce()
    older = scene.copy("older")
    key = attested(scene).key
    watch = keep_watch(str(source), memory, every=1, stop=stop, clock=lambda: NOON, log_key=key)
    first = next(watch)
    source.rename(scene.archive / "away")
    gone = next(watch)
    (scene.archive / "away").rename(source)
    hire(scene, "寅")
    third = next(watch)
    assert isinstance(first, Witnessed)
    assert isinstance(third, Witnessed)
    assert (isinstance(gone, ArchiveError) and gone.code, third.before) == ("checkpoint-missing", first.size)
    shutil.rmtree(source)
    shutil.copytree(older.archive / EVIDENCE, source)
    assert error_of(functools.partial(next, watch)) == "witness-shrunk"
    stop.set()
    assert list(keep_watch(str(source), memory, every=1, stop=stop, clock=lambda: NOON)) == []


def test_a_watch_on_the_command_line_ends_when_it_is_told_to(scene: Scene, tmp_path: Path) -> None:
    key, memory = attested(scene).key, tmp_path / "memory"
    command = [sys.executable, "-c", "from cli.main import run; run()", "witness", str(scene.archive / EVIDENCE)]
    options = ["--memory", str(memory), "--log-key", key, "--every", "3600", "--json"]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert '"jingui.witness/1"' in running.stdout.readline()
        running.terminate()
        assert running.wait(timeout=30) == 0


def test_a_witness_signs_no_history_that_was_cut_short_or_rewritten(scene: Scene, tmp_path: Path) -> None:
    memory = tmp_path / "memory"
    older = scene.copy("older")
    hire(scene, "甲")
    seen = look(scene, memory, log_key=attested(scene).key)
    signed = (memory / "checkpoint").read_bytes()
    assert error_of(functools.partial(look, older, memory)) == "witness-shrunk"
    hire(older, "乙")
    assert error_of(functools.partial(look, older, memory)) == "witness-forked"
    hire(older, "丙", "丁")
    assert error_of(functools.partial(look, older, memory)) == "witness-forked"
    assert (memory / "checkpoint").read_bytes() == signed
    other = SigningKey(seen.origin, 1, bytes(32))
    checkpoint = Checkpoint(origin=seen.origin, size=seen.size, root=bytes.fromhex(seen.root))
    (scene.archive / EVIDENCE / "checkpoint").write_bytes(sign_checkpoint(checkpoint, other).encode())
    assert error_of(functools.partial(look, scene, memory)) == "checkpoint-invalid"
    assert error_of(functools.partial(look, scene, memory, log_key=other.public.text)) == "log-key-differs"


def test_nothing_is_signed_that_contradicts_what_was_signed(scene: Scene) -> None:
    older = scene.copy("older")
    hire(scene, "甲")
    for path in ("checkpoint", "tile"):
        (older.archive / EVIDENCE / path).rename(older.archive / EVIDENCE / f"{path}.old")
        (scene.archive / EVIDENCE / path).rename(older.archive / EVIDENCE / path)
    assert error_of(functools.partial(attested, older)) == "checkpoint-contradicts"
    with pytest.raises(ArchiveError):
        hire(older, "乙", "丙")


def test_lost_tiles_are_made_again_from_the_log(scene: Scene) -> None:
    root = attested(scene).root
    tile = next((scene.archive / EVIDENCE / "tile").rglob("*.p/*"))
    tile.unlink()
    assert [fault.code for fault in verified(scene).faults] == ["evidence.tile-missing"]
    hire(scene, "甲")
    assert verified(scene).faults == ()
    assert attested(scene).root != root


def test_another_key_or_none_signs_nothing(scene: Scene, home: Path, tmp_path: Path) -> None:
    (key,) = home.glob("*.log-key")
    mine = key.read_bytes()
    key.unlink()
    hire(scene, "甲")  # who has no key can work all the same
    with open_archive(scene.archive, scene.credential) as session:
        report = status(session)
        assert report.attested == report.position - 3
    assert error_of(functools.partial(attested, scene)) == "log-key-missing"
    SigningKey("jingui/other", 1, bytes(32)).keep(key)
    assert error_of(functools.partial(attested, scene)) == "log-key-differs"
    key.write_bytes(mine)
    with open_archive(scene.archive, scene.credential) as session:
        work(session, lambda step, done, total: None)
        report = status(session)
        assert report.attested == report.position, "what a crash left is taken up by `work`"
    hire(scene, "乙")
    assert not attested(scene).is_new
    inside = scene.archive / "log-key"
    os.environ["JINGUI_LOG_KEY"] = str(inside)
    try:
        assert error_of(functools.partial(attested, scene)) == "log-key-inside"
    finally:
        del os.environ["JINGUI_LOG_KEY"]


def test_only_what_somebody_else_holds_proves(scene: Scene, tmp_path: Path) -> None:
    memory, attest_ = tmp_path / "memory", attested(scene)
    alone = verified(scene)
    assert (alone.verdict, alone.proven, alone.unproven) == ("unproven", 0, alone.events)
    look(scene, memory, log_key=attest_.key)
    proven = verified(scene, memory)
    assert (proven.verdict, proven.proven, proven.unproven, proven.faults) == ("proven", proven.events, 0, ())
    hire(scene, "甲")
    later = verified(scene, memory / "checkpoint", log_key=attest_.key)
    assert (later.verdict, later.proven, later.unproven > 0) == ("unproven", proven.events, True)
    assert error_of(functools.partial(verified, scene, tmp_path / "nothing")) == "checkpoint-missing"
    other = SigningKey("jingui/other", 1, bytes(32)).public.text
    assert error_of(functools.partial(verified, scene, memory / "checkpoint", log_key=other)) == "checkpoint-invalid"


def test_on_the_command_line(scene: Scene, tmp_path: Path) -> None:
    site = Site(scene.archive, scene.credential)
    signed = jingui("audit", "checkpoint", "--json", site=site).json()
    assert signed["schema"] == "jingui.checkpoint/1"
    memory = tmp_path / "memory"
    source = scene.archive / EVIDENCE
    seen = jingui("witness", source, "--memory", memory, "--log-key", signed["key"], "--name", "a b", "--lang", "en")
    assert (seen.status, "Not a name that a signature" in seen.err) == (2, True), seen
    seen = jingui("witness", source, "--memory", memory, "--log-key", signed["key"], "--json")
    assert (seen.status, seen.json()["size"]) == (0, signed["size"]), seen.err
    told = jingui("audit", "verify", "--held", memory, "--lang", "zh", site=site)
    assert (told.status, "全部属实，且有别处的检查点为证" in told.out) == (0, True), told
    proof = tmp_path / "event.tlog-proof"
    proven = jingui("audit", "prove", "2", "--out", proof, "--lang", "en", site=site)
    assert (proven.status, "position 2" in proven.out) == (0, True), proven
    printed = jingui("audit", "prove", "2", site=site)
    assert printed.out == proof.read_text("utf-8")
    assert jingui("audit", "prove", "2", "--out", proof, site=site).status == 11
    assert jingui("audit", "prove", site=site).status == 2
    (scene.archive / EVIDENCE / "log.vkey").write_text(SigningKey("jingui/x", 1, bytes(32)).public.text, "utf-8")
    told = jingui("audit", "verify", "--held", memory, "--lang", "en", site=site)
    assert (told.status, "publishes another key" in told.out) == (23, True), told
