"""Evidence packs: what a judge gets, verified by a Python that has none of our packages, and refused once changed."""

import hashlib
import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packages_spec.bagit import validate_bag
from repository.archive import clock, open_archive
from repository.crypto import SigningKey
from repository.errors import ArchiveError
from repository.evidence.verify import is_signed
from repository.services.checkpoints import EVIDENCE, attest
from repository.services.evidence_pack import Scope, export_evidence
from repository.services.witness import witness
from tests.command_line import jingui
from tests.faults.small_archive import ingest_again, make_scene
from tests.real_archives import Site


class Made:
    """An archive that a witness saw once, and packs of everything and of a part."""

    def __init__(self, place: Path) -> None:
        self.scene = make_scene(place)
        ingest_again(self.scene)
        self.memory = place / "memory"
        with open_archive(self.scene.archive, self.scene.credential) as session:
            self.key = attest(session).key
            seen = witness(str(self.scene.archive / EVIDENCE), self.memory, clock=clock, log_key=self.key)
            self.witness_key = seen.key
            self.everything = place / "everything"
            self.part = place / "part"
            export_evidence(session, self.everything, Scope(), names=named, held=(self.memory,))
            export_evidence(session, self.part, Scope(since="7", until="19"), names=named, held=(self.memory,))


def named(kind: str) -> tuple[str, str]:
    return f"事件<{kind}>", kind


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(tmp_path_factory.mktemp("packs"))


def judged(pack: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What the verifier of the pack says, run by a Python that knows nothing of this project."""
    command = [sys.executable, "-I", "-S", "-B", "-X", "utf8", str(pack / "data" / "verify.py"), *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=60, cwd=pack.parent)


@pytest.mark.parametrize("name", ["everything", "part"])
def test_an_honest_pack_is_true_and_a_bag(made: Made, name: str) -> None:
    pack: Path = getattr(made, name)
    done = judged(pack, "--log-key", made.key, "--witness-key", made.witness_key)
    assert (done.returncode, done.stdout.splitlines()[0][:2]) == (0, "属实"), done.stdout + done.stderr
    assert "witnessed by witness: " in done.stdout
    assert validate_bag(pack) == []
    alone = judged(pack)
    assert "The key used lies in the pack" in alone.stdout


def test_a_part_holds_what_was_asked_for_byte_for_byte(made: Made) -> None:
    with open_archive(made.scene.archive, made.scene.credential) as session:
        stored = {one.position: one for one in session.log.raw(after=7, upto=19)}
    lines = (made.part / "data" / "events.ndjson").read_bytes().splitlines()
    assert lines == [one.envelope for one in stored.values()]
    with closing(sqlite3.connect(made.part / "data" / "events.sqlite")) as connection:
        rows = connection.execute("SELECT position, envelope, payload FROM events ORDER BY position").fetchall()
    assert rows == [
        (one.position, one.envelope.decode(), one.payload.decode() if one.payload else None) for one in stored.values()
    ]
    page = (made.part / "data" / "index.html").read_text("utf-8")
    assert "这份凭证说明什么" in page
    assert "事件&lt;" in page


def wrap(pack: Path) -> None:
    """Make every manifest fit again, as anybody can."""
    paths = [path for path in sorted((pack / "data").rglob("*")) if path.is_file()]
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(pack)}\n" for path in paths]
    (pack / "manifest-sha256.txt").write_text("".join(lines), "utf-8")
    names = ("bag-info.txt", "bagit.txt", "manifest-sha256.txt", "pack.note")
    tags = [f"{hashlib.sha256((pack / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (pack / "tagmanifest-sha256.txt").write_text("".join(tags), "utf-8")


def sign(pack: Path, key: SigningKey) -> None:
    """Sign the pack, as whoever holds that key can."""
    names = ("bag-info.txt", "bagit.txt", "manifest-sha256.txt")
    lines = "".join(f"{hashlib.sha256((pack / name).read_bytes()).hexdigest()}  {name}\n" for name in names)
    from repository.evidence import Note, Signature

    text = f"jingui.evidence-pack/1\n{lines}"
    note = Note(text, (Signature(key.public.name, key.public.key_id, key.sign(text.encode())),))
    (pack / "pack.note").write_bytes(note.encode())
    wrap(pack)


@pytest.mark.parametrize("seed", range(24))
def test_a_changed_byte_anywhere_is_refused(made: Made, tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    pack = tmp_path / "pack"
    shutil.copytree(made.part if seed % 2 else made.everything, pack)
    judge = shutil.copy(pack / "data" / "verify.py", tmp_path / "verify.py")
    path = random.choice([one for one in sorted(pack.rglob("*")) if one.is_file()])
    content = bytearray(path.read_bytes())
    if content:
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)
    path.write_bytes(bytes(content) or b"x")
    for again in (False, True):
        if again:
            wrap(pack)  # with manifests that fit the signature is what tells
        command = [sys.executable, "-I", "-S", "-B", "-X", "utf8", judge, pack, "--log-key", made.key]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=60)
        is_of_bag = path.name in ("manifest-sha256.txt", "tagmanifest-sha256.txt")
        assert done.returncode == (0 if again and is_of_bag else 1), (path, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr


def edit(name: str, change: Callable[[list[Any]], list[Any]]) -> Callable[[Path], None]:
    def edited(pack: Path) -> None:
        path = pack / "data" / name
        lines = [json.loads(line) for line in path.read_bytes().splitlines()]
        words = [json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in change(lines)]
        path.write_text("".join(f"{word}\n" for word in words), "utf-8")

    return edited


def first_actor(lines: list[Any]) -> list[Any]:
    return [lines[0] | {"actor": lines[0]["event_id"]}, *lines[1:]]


def first_payload(lines: list[Any]) -> list[Any]:
    return [lines[0] | {"payload": lines[0]["payload"].replace("{", "{ ", 1)}, *lines[1:]]


@pytest.mark.parametrize(
    "forgery",
    [
        edit("events.ndjson", first_actor),
        edit("events.ndjson", lambda lines: lines[1:]),
        edit("events.ndjson", lambda lines: [*lines, lines[-1]]),
        edit("events.ndjson", lambda lines: [lines[1], lines[0], *lines[2:]]),
        edit("payloads.ndjson", first_payload),
        edit("payloads.ndjson", lambda lines: lines[:-1]),
        edit("payloads.ndjson", lambda lines: [*lines, lines[-1]]),
    ],
)
@pytest.mark.parametrize("name", ["everything", "part"])
def test_even_who_holds_the_signing_key_cannot_change_an_event(
    made: Made, tmp_path: Path, forgery: Callable[[Path], None], name: str
) -> None:
    from repository.crypto import read_signing_key
    from repository.settings import log_key_file, read_settings

    pack = tmp_path / "pack"
    shutil.copytree(getattr(made, name), pack)
    forgery(pack)
    wrap(pack)
    sign(pack, read_signing_key(log_key_file(read_settings(made.scene.archive))))
    done = judged(pack, "--log-key", made.key)
    assert (done.returncode, "FALSE" in done.stdout, done.stderr) == (1, True, ""), done.stdout


def test_another_key_than_the_trusted_one_is_refused(made: Made, tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    shutil.copytree(made.part, pack)
    other = SigningKey(made.key.partition("+")[0], 1, bytes(32))
    (pack / "data" / "keys" / "log.vkey").write_text(other.public.text, "utf-8")
    wrap(pack)
    sign(pack, other)
    assert judged(pack, "--log-key", made.key).returncode == 1
    stranger = SigningKey("stranger", 4, bytes(32)).public.text
    assert judged(made.part, "--log-key", made.key, "--witness-key", stranger).returncode == 1


def test_an_expunged_or_empty_scope_and_a_folder_that_is_there(made: Made, tmp_path: Path) -> None:
    with open_archive(made.scene.archive, made.scene.credential) as session:
        end = session.log.position()
        for scope, target, code in (
            (Scope(since=str(end)), tmp_path / "pack", "evidence-empty"),
            (Scope(since="9", until="3"), tmp_path / "pack", "range-invalid"),
            (Scope(), made.part, "folder-exists"),
        ):
            with pytest.raises(ArchiveError) as refused:
                export_evidence(session, target, scope, names=named)
            assert refused.value.code == code
        assert session.log.position() == end


def test_on_the_command_line(made: Made, tmp_path: Path) -> None:
    site = Site(made.scene.archive, made.scene.credential)
    events = [json.loads(one) for one in (made.everything / "data" / "events.ndjson").read_bytes().splitlines()]
    package = next(one["stream"] for one in events if one["type"] == "ArchivalPackage.Stored")
    said = jingui("audit", "export", "--record", package, "--out", tmp_path / "pack", "--lang", "zh", site=site)
    assert (said.status, "凭证包：事件" in said.out) == (0, True), said
    assert judged(tmp_path / "pack", "--log-key", made.key).returncode == 0
    page = (tmp_path / "pack" / "data" / "index.html").read_text("utf-8")
    assert "存入" in page
    assert jingui("audit", "export", site=site).status == 2


KEYS = [SigningKey("a", 1, bytes([number]) * 32) for number in range(4)]


@given(st.sampled_from(KEYS), st.binary(max_size=80), st.integers(0, 511))
@settings(max_examples=40, deadline=None)
def test_the_verifiers_own_ed25519_agrees_with_the_library(key: SigningKey, message: bytes, bit: int) -> None:
    signature = bytearray(key.sign(message))
    public = key.public
    assert is_signed(public.material, message, bytes(signature))
    assert not is_signed(public.material, message + b"x", bytes(signature))
    signature[bit // 8] ^= 1 << bit % 8
    assert is_signed(public.material, message, bytes(signature)) == public.verify(message, bytes(signature)) == False  # noqa: E712 - both, and it
