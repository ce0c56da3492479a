"""Where the reference implementation departs from RFC 8493: what it does, and that we do not."""

from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path

import bagit
import pytest

from packages_spec.bagit import read_bag, validate_bag
from packages_spec.findings import Severity
from tests.bag_maker import line, make_bag, without_tag_manifest, write

Change = Callable[[Path], object]
ACCEPTED, REFUSED, RAISED = "accepted", "refused", "raised"


def add(name: str, content: str) -> Change:
    def change(root: Path) -> None:
        place = root / name
        place.write_bytes((place.read_bytes() if place.exists() else b"") + content.encode())

    return change


def neighbour(root: Path) -> None:
    """A file of another folder, whose name begins as this bag's does."""
    other = root.parent / (root.name + "-evil")
    other.mkdir()
    write(other, "s.txt", b"secret")
    add("manifest-sha256.txt", f"{sha256(b'secret').hexdigest()}  ../{other.name}/s.txt\n")(root)


def out_and_in(root: Path) -> None:
    digest = sha256((root / "bagit.txt").read_bytes()).hexdigest()
    add("manifest-sha256.txt", f"{digest}  data/../bagit.txt\n")(root)


def second_manifest(root: Path) -> None:
    write(root, "manifest-md5.txt", line(root, "data/a.txt", "md5").encode())


CASES: Mapping[str, tuple[Change, str, set[str]]] = {
    "a file of a neighbouring folder": (neighbour, ACCEPTED, {"path.dots"}),
    "out of the payload and in again": (out_and_in, ACCEPTED, {"path.dots"}),
    "a second manifest that lacks a file": (second_manifest, ACCEPTED, {"bag.manifest-incomplete"}),
    "a fetch list that points into this machine": (
        add("fetch.txt", "file:///etc/passwd - data/a.txt\n"),
        ACCEPTED,
        {"bag.fetch-local"},
    ),
    "a Payload-Oxum that is no number": (
        lambda root: write(root, "bag-info.txt", b"Payload-Oxum: many\n"),
        RAISED,
        {"bag.oxum-malformed"},
    ),
    "a tag file that is not UTF-8": (
        lambda root: write(root, "bag-info.txt", "题名: 契\n".encode("gbk")),
        RAISED,
        {"bag.encoding-wrong"},
    ),
    "a line that is no entry": (add("manifest-sha256.txt", "nodigest\n"), ACCEPTED, {"bag.manifest-malformed"}),
}


def told_by_the_reference(root: Path) -> str:
    try:
        return ACCEPTED if bagit.Bag(str(root)).is_valid() else REFUSED
    except (bagit.BagError, ValueError):
        return RAISED


@pytest.mark.parametrize("name", CASES)
def test_what_the_reference_lets_through_is_refused_by_name(tmp_path: Path, name: str) -> None:
    change, theirs, ours = CASES[name]
    bag = without_tag_manifest(make_bag(tmp_path / "bag", {"a.txt": b"alpha", "b.txt": b"beta"}))
    assert told_by_the_reference(bag) == ACCEPTED
    change(bag)
    assert {finding.code for finding in validate_bag(bag) if finding.severity is Severity.ERROR} == ours
    assert told_by_the_reference(bag) == theirs


@pytest.mark.parametrize("name", ["f%0A1.txt", "f\n1.txt", "f\r1.txt", "100%.txt", "%25.txt", "%0d", "%7E"])
def test_a_name_that_must_be_encoded_comes_back(tmp_path: Path, name: str) -> None:
    bag = make_bag(tmp_path / "bag", {name: b"alpha"})
    assert not [finding for finding in validate_bag(bag) if finding.severity is Severity.ERROR]
    assert read_bag(bag).manifests["sha256"].keys() == {f"data/{name}"}
    (bag / "data" / name).write_bytes(b"alphb")
    assert {"bag.digest-wrong"} <= {finding.code for finding in validate_bag(bag)}
