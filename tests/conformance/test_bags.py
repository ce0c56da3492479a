"""Bags made by others: our verdict is theirs, for every case of their tables, and by the reason they give."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from packages_spec.bagit import is_bag, validate_bag
from packages_spec.findings import is_valid
from packages_spec.safe_archive import is_archive, members, scan
from tests.shared_data import shared_data

REASONS = {
    "bags/v0.97/invalid/baginfo-missing-encoding": "bag.encoding-unknown",
    "bags/v0.97/invalid/bom-in-bagit.txt": "bag.byte-order-mark",
    "bags/v0.97/invalid/corrupt-data-file": "bag.digest-wrong",
    "bags/v0.97/invalid/corrupt-tag-file": "bag.digest-wrong",
    "bags/v0.97/invalid/extra-file-in-bag": "bag.file-unlisted",
    "bags/v0.97/invalid/invalid-version-number": "bag.version-malformed",
    "bags/v0.97/invalid/missing-baginfo": "bag.file-missing",
    "bags/v0.97/invalid/missing-bagit.txt": "bag.declaration-missing",
    "bags/v0.97/invalid/out-of-scope-file-paths-using-dot-notation": "path.dots",
    "bags/v0.97/invalid/out-of-scope-file-paths-using-dot-notation-for-fetch": "path.dots",
    "bags/v0.97/invalid/same-filename-listed-twice-with-different-hashes": "bag.path-twice",
    "transfers/TestTransfers/bagitTests/bag fail manifest": "bag.digest-wrong",
    "transfers/TestTransfers/bagitTests/bag fail payload oxum": "bag.oxum-wrong",
    "transfers/TestTransfers/bagitTests/bag fail tag manifest": "bag.digest-wrong",
}


def cases(suite: str) -> dict[str, Any]:
    table: dict[str, Any] = json.loads((shared_data(suite) / "expected.json").read_text("utf-8"))["cases"]
    return table


@pytest.mark.parametrize(("suite", "number"), [("bags", 37), ("transfers", 15)])
def test_every_verdict_is_theirs(suite: str, number: int) -> None:
    table = cases(suite)
    assert len(table) >= number
    verdicts = {name: "valid" if is_valid(validate_bag(shared_data(suite) / name)) else "invalid" for name in table}
    assert verdicts == {name: case["verdict"] for name, case in table.items()}


@pytest.mark.parametrize("suite", ["bags", "transfers"])
def test_a_valid_bag_has_no_finding_at_all(suite: str) -> None:
    findings = {name: validate_bag(shared_data(suite) / name) for name in cases(suite)}
    assert {name for name, found in findings.items() if found} == {
        name for name, case in cases(suite).items() if case["verdict"] == "invalid"
    }


@pytest.mark.parametrize(("name", "code"), REASONS.items())
def test_an_invalid_bag_is_refused_for_its_fault(name: str, code: str) -> None:
    suite, _, path = name.partition("/")
    assert code in {finding.code for finding in validate_bag(shared_data(suite) / path)}


@pytest.mark.parametrize("suite", ["bags", "transfers"])
def test_every_bag_is_known_for_one(suite: str) -> None:
    assert [name for name in cases(suite) if not is_bag(shared_data(suite) / name)] == []


def test_a_zipped_bag_is_unpacked_into_a_valid_bag(tmp_path: Path) -> None:
    archive = shared_data("transfers") / "SampleTransfers" / "ZippedBag.zip"
    assert is_archive(archive)
    assert scan(archive) == []
    for member in members(archive):
        place = tmp_path / member.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"".join(member.chunks))
    (bag,) = tmp_path.iterdir()
    assert validate_bag(bag) == []


def test_the_zips_of_the_transfers_are_judged_without_an_exception() -> None:
    archives = sorted(shared_data("transfers").rglob("*.zip"))
    assert len(archives) > 20
    for archive in archives:
        assert is_archive(archive)
        if not scan(archive):
            with zipfile.ZipFile(archive) as other:
                sizes = [info.file_size for info in other.infolist() if not info.is_dir()]
            assert [sum(map(len, member.chunks)) for member in members(archive)] == sizes
