"""Rules of OCFL that no fixture of others breaks: one fault each, put into a whole object."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from packages_spec.digests import Digested
from packages_spec.findings import Severity, rules
from packages_spec.ocfl import (
    Version,
    first_inventory,
    inventory_chunks,
    object_folders,
    object_path,
    root_files,
    sidecar,
    validate_object,
    validate_root,
)
from packages_spec.ocfl.inventory import User, next_inventory

Raw = dict[str, Any]
A, B = (hashlib.sha256(content).hexdigest() for content in (b"a", b"b"))
USER = User("t", "urn:uuid:1")


def put(root: Path, path: str, content: bytes) -> Digested:
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    return Digested(path.split("/content/")[-1], len(content), hashlib.sha256(content).hexdigest())


def write_inventory(folder: Path, data: bytes) -> None:
    put(folder, "inventory.json", data)
    put(folder, "inventory.json.sha256", sidecar(hashlib.sha256(data).hexdigest()))


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """An object of two versions with nothing wrong."""
    root = tmp_path / "object"
    put(root, "0=ocfl_object_1.1", b"ocfl_object_1.1\n")
    one, two = put(root, "v1/content/a.txt", b"a"), put(root, "v2/content/sub/b.txt", b"b")
    version = Version("2026-01-02T03:04:05Z", {}, "made", USER)
    first = first_inventory("urn:uuid:1", [one], version)
    second = next_inventory(first, [one, two], [two], version)
    write_inventory(root / "v1", b"".join(inventory_chunks(first)))
    for folder in (root, root / "v2"):
        write_inventory(folder, b"".join(inventory_chunks(second)))
    return root


def codes(root: Path) -> set[str]:
    """What is found, but for the word that the specification has on SHA-256 (W004)."""
    return {finding.code for finding in validate_object(root)} - {"ocfl.sha256"}


def edit(root: Path, change: Callable[[Raw], object], folders: tuple[str, ...] = ("", "v2")) -> None:
    for folder in folders:
        raw = json.loads((root / folder / "inventory.json").read_bytes())
        change(raw)
        write_inventory(root / folder, json.dumps(raw).encode())


def test_a_whole_object_has_nothing_wrong(whole: Path) -> None:
    assert codes(whole) == set()


INVENTORY_FAULTS: dict[str, Callable[[Raw], object]] = {
    "ocfl.key-unknown": lambda raw: raw.update(more=1),
    "ocfl.key-missing": lambda raw: raw.pop("type"),
    "ocfl.id": lambda raw: raw.update(id=7),
    "ocfl.id-no-uri": lambda raw: raw.update(id="plain"),
    "ocfl.id-changed": lambda raw: raw.update(id="urn:uuid:2"),
    "ocfl.type": lambda raw: raw.update(type="https://ocfl.io/9/spec/#inventory"),
    "ocfl.type-differs": lambda raw: raw.update(type="https://ocfl.io/1.0/spec/#inventory"),
    "ocfl.type-order": lambda raw: raw.update(type="https://ocfl.io/1.0/spec/#inventory"),
    "ocfl.digest-algorithm": lambda raw: raw.update(digestAlgorithm="md5"),
    "ocfl.content-directory": lambda raw: raw.update(contentDirectory="a/b"),
    "ocfl.content-directory-changed": lambda raw: raw.update(contentDirectory="inside"),
    "ocfl.manifest-form": lambda raw: raw["manifest"].update({A: "v1/content/a.txt"}),
    "ocfl.manifest-unused": lambda raw: raw["manifest"].update({"c" * 64: ["v1/content/a.txt"]}),
    "ocfl.digest-twice": lambda raw: raw["manifest"].update({A.upper(): ["v1/content/a.txt"]}),
    "ocfl.content-path-slash": lambda raw: raw["manifest"][A].append("/v1/content/a.txt"),
    "ocfl.content-path-part": lambda raw: raw["manifest"][A].append("v1/content/../a.txt"),
    "ocfl.content-path-place": lambda raw: raw["manifest"][A].append("v1/inventory.json"),
    "ocfl.content-conflict": lambda raw: raw["manifest"][A].append("v1/content/a.txt/b"),
    "ocfl.content-missing": lambda raw: raw["manifest"][A].append("v1/content/absent"),
    "ocfl.versions-form": lambda raw: raw.update(versions=[]),
    "ocfl.version-name": lambda raw: raw["versions"].update(third=raw["versions"]["v2"]),
    "ocfl.version-gap": lambda raw: raw["versions"].update(v4=raw["versions"]["v2"]),
    "ocfl.version-padding": lambda raw: raw["versions"].update(v03=raw["versions"]["v2"]),
    "ocfl.version-folders": lambda raw: raw["versions"].update(v3=raw["versions"]["v2"]),
    "ocfl.version-form": lambda raw: raw["versions"]["v2"].pop("created"),
    "ocfl.version-unexplained": lambda raw: raw["versions"]["v2"].pop("message"),
    "ocfl.version-metadata-differs": lambda raw: raw["versions"]["v1"].update(message="other"),
    "ocfl.head": lambda raw: raw.update(head="v1"),
    "ocfl.created": lambda raw: raw["versions"]["v2"].update(created="2026-13-02T03:04:05Z"),
    "ocfl.message": lambda raw: raw["versions"]["v2"].update(message=["x"]),
    "ocfl.user": lambda raw: raw["versions"]["v2"].update(user={"address": "urn:x:y"}),
    "ocfl.user-address": lambda raw: raw["versions"]["v2"].update(user={"name": "t"}),
    "ocfl.state-form": lambda raw: raw["versions"]["v2"].update(state=[]),
    "ocfl.state-digest": lambda raw: raw["versions"]["v2"]["state"].update({"c" * 64: ["c.txt"]}),
    "ocfl.state-differs": lambda raw: raw["versions"]["v1"]["state"].update({A: ["other.txt"]}),
    "ocfl.logical-path-slash": lambda raw: raw["versions"]["v2"]["state"][A].append("/a"),
    "ocfl.logical-path-part": lambda raw: raw["versions"]["v2"]["state"][A].append("a/./b"),
    "ocfl.logical-conflict": lambda raw: raw["versions"]["v2"]["state"][A].append("a.txt/b"),
    "ocfl.fixity-form": lambda raw: raw.update(fixity={"md5": []}),
    "ocfl.fixity-algorithm": lambda raw: raw.update(fixity={"crc": {}}),
    "ocfl.fixity-twice": lambda raw: raw.update(fixity={"md5": {"AA": [], "aa": []}}),
    "ocfl.digest-form": lambda raw: raw["manifest"].update({"abc": ["v1/content/a.txt"]}),
    "ocfl.fixity-missing": lambda raw: raw.update(fixity={"md5": {"0" * 32: ["v1/content/absent"]}}),
    "ocfl.fixity-digest": lambda raw: raw.update(fixity={"md5": {"0" * 32: ["v1/content/a.txt"]}}),
}


@pytest.mark.parametrize("code", INVENTORY_FAULTS)
def test_a_fault_in_the_inventory(whole: Path, code: str) -> None:
    edit(whole, INVENTORY_FAULTS[code])
    assert code in codes(whole)


def grow(root: Path, path: str) -> None:
    put(root, path, b"x")


def link(root: Path) -> None:
    (root / "v1/content/a.txt").unlink()
    (root / "v1/content/a.txt").symlink_to("/etc/hostname")


DISK_FAULTS: dict[str, Callable[[Path], object]] = {
    "ocfl.declaration-missing": lambda root: (root / "0=ocfl_object_1.1").unlink(),
    "ocfl.declaration-name": lambda root: grow(root, "0=ocfl_object_7"),
    "ocfl.declaration-name ": lambda root: (root / "0=ocfl_object_1.1").rename(root / "1=ocfl_object_1.1"),
    "ocfl.declaration-content": lambda root: grow(root, "0=ocfl_object_1.1"),
    "ocfl.stray": lambda root: (root / "folder").mkdir(),
    "ocfl.link": link,
    "ocfl.extension-stray": lambda root: grow(root, "extensions/file"),
    "ocfl.extension-name": lambda root: grow(root, "extensions/mine/file"),
    "ocfl.inventory-missing": lambda root: (root / "inventory.json").unlink(),
    "ocfl.inventory-json": lambda root: write_inventory(root, b"[]"),
    "ocfl.version-stray": lambda root: grow(root, "v1/file"),
    "ocfl.version-folder-extra": lambda root: grow(root, "v1/folder/file"),
    "ocfl.version-without-inventory": lambda root: (root / "v1/inventory.json").unlink(),
    "ocfl.head-inventory": lambda root: edit(root, lambda raw: raw["versions"]["v2"].update(message="z"), ("",)),
    "ocfl.sidecar-missing": lambda root: (root / "v2/inventory.json.sha256").unlink(),
    "ocfl.sidecar-algorithm": lambda root: grow(root, "v2/inventory.json.md5"),
    "ocfl.sidecar-form": lambda root: grow(root, "v2/inventory.json.sha256"),
    "ocfl.sidecar-digest": lambda root: put(root, "v2/inventory.json.sha256", sidecar("0" * 64)),
    "ocfl.content-missing": lambda root: (root / "v1/content/a.txt").unlink(),
    "ocfl.content-digest": lambda root: grow(root, "v1/content/a.txt"),
    "ocfl.content-unlisted": lambda root: grow(root, "v1/content/c.txt"),
    "ocfl.empty-folder": lambda root: (root / "v1/content/empty").mkdir(),
    "ocfl.version-folders": lambda root: (root / "v3").mkdir(),
}


@pytest.mark.parametrize("code", DISK_FAULTS)
def test_a_fault_on_disk(whole: Path, code: str) -> None:
    DISK_FAULTS[code](whole)
    assert code.strip() in codes(whole)


def test_an_inventory_that_gives_a_key_twice(whole: Path) -> None:
    data = (whole / "inventory.json").read_bytes().replace(b'"head"', b'"head": "v1", "head"')
    for folder in (whole, whole / "v2"):
        write_inventory(folder, data)
    assert "ocfl.digest-twice" in codes(whole)


def test_versions_with_padded_names_are_only_warned_of(whole: Path, tmp_path: Path) -> None:
    text = (whole / "v1/inventory.json").read_text().replace('"v1', '"v001')
    root = tmp_path / "padded"
    put(root, "0=ocfl_object_1.1", b"ocfl_object_1.1\n")
    put(root, "v001/content/a.txt", b"a")
    for folder in (root, root / "v001"):
        write_inventory(folder, text.encode())
    assert codes(root) == {"ocfl.version-padded"}


def test_digests_that_the_caller_knows_are_not_computed_again(whole: Path) -> None:
    (whole / "v1/content/a.txt").write_bytes(b"changed")
    known = {"v1/content/a.txt": A, "v2/content/sub/b.txt": B}
    assert not [finding for finding in validate_object(whole, digests=known) if finding.severity is Severity.ERROR]
    wrong = {**known, "v1/content/a.txt": B}
    assert "ocfl.content-digest" in {finding.code for finding in validate_object(whole, digests=wrong)}


@pytest.fixture
def store(tmp_path: Path, whole: Path) -> Path:
    root = tmp_path / "store"
    for path, data in root_files().items():
        put(root, path, data)
    put(root, "README.txt", b"hello")
    place = root / object_path("urn:uuid:1")
    place.parent.mkdir()
    whole.rename(place)
    return root


def declare(root: Path, version: str) -> None:
    (root / "0=ocfl_1.1").unlink()
    put(root, f"0=ocfl_{version}", f"ocfl_{version}\n".encode())


ROOT_FAULTS: dict[str, Callable[[Path], object]] = {
    "ocfl.root-declaration": lambda root: grow(root, "0=ocfl_1.1"),
    "ocfl.root-layout": lambda root: grow(root, "ocfl_layout.json"),
    "ocfl.root-stray": lambda root: grow(root, "abc/file"),
    "ocfl.root-empty-folder": lambda root: (root / "abc").mkdir(),
    "ocfl.root-extension-stray": lambda root: grow(root, "extensions/file"),
    "ocfl.root-extension-name": lambda root: grow(root, "extensions/mine/file"),
    "ocfl.root-place": lambda root: (root / object_path("urn:uuid:1")).parent.rename(root / "abc"),
    "ocfl.link": lambda root: (root / "abc").symlink_to(root),
    "ocfl.root-object-newer": lambda root: declare(root, "1.0"),
    "ocfl.root-layouts-mixed": lambda root: grow(root, "abc/def/ghi/0=ocfl_object_1.1"),
}


def test_a_whole_root_has_nothing_wrong(store: Path) -> None:
    assert validate_root(store) == []
    assert list(object_folders(store)) == [store / object_path("urn:uuid:1")]


@pytest.mark.parametrize("code", ROOT_FAULTS)
def test_a_fault_in_the_root(store: Path, code: str) -> None:
    ROOT_FAULTS[code](store)
    assert code in {finding.code for finding in validate_root(store)}


def test_every_rule_of_ocfl_is_broken_by_some_test() -> None:
    elsewhere = {"ocfl.no-versions", "ocfl.sha256", "ocfl.version-padded", "ocfl.content-folder-empty"}
    shown = {code.strip() for code in (*INVENTORY_FAULTS, *DISK_FAULTS, *ROOT_FAULTS, *elsewhere)}
    assert {code for code in rules() if code.startswith("ocfl.")} == shown


def test_an_empty_content_folder_and_no_versions(whole: Path) -> None:
    (whole / "v2/content/sub/b.txt").unlink()
    (whole / "v2/content/sub").rmdir()
    assert "ocfl.content-folder-empty" in codes(whole)
    edit(whole, lambda raw: raw.update(versions={}))
    assert "ocfl.no-versions" in codes(whole)
    assert "ocfl.sha256" in {finding.code for finding in validate_object(whole)}


def test_a_root_and_an_object_of_version_1_0_are_judged_by_it(store: Path) -> None:
    place = store / object_path("urn:uuid:1")
    for path, old, new in (
        ("0=ocfl_object_1.1", b"1.1", b"1.0"),
        ("inventory.json", b"ocfl.io/1.1", b"ocfl.io/1.0"),
        ("v1/inventory.json", b"ocfl.io/1.1", b"ocfl.io/1.0"),
        ("v2/inventory.json", b"ocfl.io/1.1", b"ocfl.io/1.0"),
    ):
        content = (place / path).read_bytes().replace(old, new)
        if path.endswith(".json"):
            write_inventory((place / path).parent, content)
        else:
            (place / path).rename(place / path.replace("1.1", "1.0"))
            (place / path.replace("1.1", "1.0")).write_bytes(content)
    declare(store, "1.0")
    assert validate_root(store) == []
    assert codes(place) == set()
