"""The verifier that lies in every store: it finds each flipped byte and needs nothing but Python."""

import hashlib
import json
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from packages_spec.findings import is_valid
from packages_spec.ocfl import validate_object
from repository.storage import verify
from repository.storage.store import Store
from tests.small_store import PACKAGE, make_delivery, make_store, stored
from tests.unit.test_storage_store import second_version


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with make_store(tmp_path / "archive") as store:
        stored(store, make_delivery(tmp_path / "source"))
        second_version(store)
        yield store


def run(store: Store, language: str = "C") -> tuple[int, str]:
    """The copy in the store, by itself: no module of ours can be imported."""
    command = [sys.executable, "-I", "-S", str(store.root / "verify.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={"LANG": language}, cwd="/")
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_a_whole_store_is_well_in_both_languages(store: Store) -> None:
    status, said = run(store)
    assert status == 0
    assert said.startswith("All is well: 1 objects, ")
    status, said = run(store, "zh_CN.UTF-8")
    assert status == 0
    assert said.startswith("全部完好：1 个对象")
    assert verify.WORDS["zh"].keys() == verify.WORDS["en"].keys()


def test_it_is_plain_python_of_3_8() -> None:
    text = Path(verify.__file__).read_text("utf-8")
    compile(text, "verify.py", "exec")
    imported = set(re.findall(r"^(?:import|from) (\w+)", text, re.MULTILINE))
    assert imported == {"__future__", "hashlib", "json", "os", "pathlib", "sys", "typing"}
    assert not re.search(r"^\s*(match .*:|except\* )|removeprefix|removesuffix|is_relative_to", text, re.MULTILINE)


def test_every_stored_byte_is_read_once(store: Store) -> None:
    _, said = run(store)
    counted = int(re.findall(r"(\d+) bytes", said)[0])
    files = [path for path in store.object_folder(PACKAGE).rglob("*") if path.is_file()]
    small = {"0=ocfl_object_1.1", "inventory.json.sha256"}
    assert counted == sum(path.stat().st_size for path in files if path.name not in small)


def flip(path: Path, place: int, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1 << bit
    path.chmod(0o644)
    path.write_bytes(data)


def test_a_flipped_bit_anywhere_is_found_and_its_file_named(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    folder = store.object_folder(PACKAGE)
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size)
    chance = random.Random(20260102)
    for path in files * 12:
        place, bit = chance.randrange(path.stat().st_size), chance.randrange(8)
        flip(path, place, bit)
        findings = validate_object(folder)
        assert verify.main([str(store.root)]) == 1
        said = capsys.readouterr().out
        flip(path, place, bit)
        name = path.relative_to(folder).as_posix()
        own = {name, name.removesuffix(".sha256")}
        assert not is_valid(findings), (name, place, bit)
        assert own & {finding.path for finding in findings}
        assert any(f"{folder}/{one}: " in said for one in own)
    assert verify.main([str(store.root)]) == 0


FAULTS: dict[str, Callable[[Path], object]] = {
    "missing": lambda folder: (folder / "v1/content/data/a.txt").unlink(),
    "changed": lambda folder: flip(folder / "v1/content/data/a.txt", 0, 0),
    "stray": lambda folder: (folder / "v1/content/data/more.txt").write_bytes(b""),
    "link": lambda folder: (folder / "v1/content/data/link").symlink_to("a.txt"),
    "declaration": lambda folder: (folder.parents[1] / "0=ocfl_1.1").write_bytes(b"ocfl_1.0\n"),
    "inventory": lambda folder: (folder / "v1/inventory.json").write_bytes(b"{}"),
    "sidecar": lambda folder: (folder / "inventory.json.sha256").write_bytes(b""),
    "head": lambda folder: (folder / "inventory.json").write_bytes((folder / "inventory.json").read_bytes() + b" "),
    "place": lambda folder: folder.parent.rename(folder.parents[1] / "abc"),
    "history": lambda folder: rewrite(folder / "v1/inventory.json", lambda raw: raw.update(id="urn:uuid:other")),
}


def rewrite(path: Path, change: Callable[[dict[str, object]], object]) -> None:
    raw = json.loads(path.read_bytes())
    change(raw)
    path.write_text(json.dumps(raw), "utf-8")


def forget_in_bag(folder: Path) -> None:
    """A file that the inventory has and the bag's manifest has not."""
    (folder / "v1/content/data/more.txt").write_bytes(b"more")
    digest = hashlib.sha256(b"more").hexdigest()
    for path in ("v1/inventory.json", "v2/inventory.json", "inventory.json"):
        raw = json.loads((folder / path).read_bytes())
        raw["manifest"][digest] = ["v1/content/data/more.txt"]
        raw["versions"]["v1"]["state"][digest] = ["data/more.txt"]
        (folder / path).write_text(json.dumps(raw), "utf-8")


FAULTS["bag"] = forget_in_bag


@pytest.mark.parametrize("code", FAULTS)
def test_each_kind_of_fault_is_named(store: Store, code: str) -> None:
    FAULTS[code](store.object_folder(PACKAGE))
    status, said = run(store)
    assert status == 1
    assert f": {verify.WORDS['en'][code]}" in said
    assert f": {verify.WORDS['zh'][code]}" in run(store, "zh_CN.UTF-8")[1]


def test_names_that_could_deceive_are_escaped(store: Store) -> None:
    (store.object_folder(PACKAGE) / "v1/content/data/a\n\x1b[31mb").write_bytes(b"")
    assert "a\\n\\x1b[31mb" in run(store)[1]


def test_single_objects_and_places_where_nothing_is(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify.main([str(store.object_folder(PACKAGE))]) == 0
    assert verify.main([str(tmp_path / "absent")]) == 1
    assert verify.WORDS["en"]["nothing"] in capsys.readouterr().out
