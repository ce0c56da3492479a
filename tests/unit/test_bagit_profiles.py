"""A bag is judged by what its sender and receiver agreed on; each rule of BagIt Profiles 1.4 is named by its code."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from packages_spec.bagit import (
    Profile,
    RefusedProfile,
    load_profile,
    read_profile,
    validate_bag,
    validate_profile,
)
from packages_spec.findings import is_valid
from tests.bag_maker import make_bag, without_tag_manifest, write

NAME = "http://archive.example/profiles/linxi-1.json"
ABOUT = {
    "BagIt-Profile-Identifier": NAME,
    "BagIt-Profile-Version": "1.4.0",
    "Source-Organization": "临溪县档案馆",
    "External-Description": "移交数字副本",
    "Version": "1",
}
LEAST: dict[str, Any] = {
    "BagIt-Profile-Info": ABOUT,
    "Accept-BagIt-Version": ["1.0"],
    "Accept-Serialization": ["application/zip"],
}
INFO = f"BagIt-Profile-Identifier: {NAME}\nContact-Name: 周\nContact-Name: 王\n题名: 地契\n"


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    root = without_tag_manifest(make_bag(tmp_path / "bag", {"a.txt": b"alpha", "pages/1.tif": b"1"}))
    (root / "bag-info.txt").write_text(INFO, "utf-8")
    write(root, "notes/read.txt", b"x")
    return root


def profile(more: Mapping[str, Any] | None = None) -> Profile:
    return read_profile(json.dumps(LEAST | dict(more or {})).encode())


def codes(bag: Path, more: Mapping[str, Any] | None = None, serialization: str | None = None) -> list[str]:
    findings = validate_profile(bag, profile(more), serialization=serialization)
    assert all(finding.message("zh") and finding.message("en") for finding in findings)
    return [finding.code.removeprefix("profile.") for finding in findings]


BROKEN: Mapping[str, tuple[Mapping[str, Any], list[str]]] = {
    "required tag": ({"Bag-Info": {"Bagging-Date": {"required": True}}}, ["tag-missing"]),
    "recommended tag": ({"Bag-Info": {"Bagging-Date": {"recommended": True}}}, ["tag-recommended"]),
    "value": ({"Bag-Info": {"contact-name": {"values": ["王"]}}}, ["tag-value"]),
    "repeated": ({"Bag-Info": {"Contact-Name": {"repeatable": False}}}, ["tag-repeated"]),
    "manifest missing": ({"Manifests-Required": ["SHA-512"]}, ["manifest-missing"]),
    "manifest not allowed": ({"Manifests-Allowed": ["sha512"]}, ["manifest-not-allowed"]),
    "tag manifest missing": ({"Tag-Manifests-Required": ["sha256"]}, ["manifest-missing"]),
    "fetch missing": ({"Fetch.txt-Required": True}, ["fetch-missing"]),
    "tag file missing": ({"Tag-Files-Required": ["notes/more.txt"]}, ["tag-file-missing"]),
    "tag file not allowed": ({"Tag-Files-Allowed": ["DPN/*"]}, ["tag-file-not-allowed"]),
    "no tag file allowed": ({"Tag-Files-Allowed": []}, ["tag-file-not-allowed"]),
    "payload file missing": ({"Payload-Files-Required": ["data/b.txt"]}, ["payload-file-missing"]),
    "payload folder missing": ({"Payload-Files-Required": ["data/ocr/"]}, ["payload-file-missing"]),
    "payload file not allowed": ({"Payload-Files-Allowed": ["data/pages/*"]}, ["payload-file-not-allowed"]),
    "payload not empty": ({"Data-Empty": True}, ["payload-not-empty"]),
    "version": ({"Accept-BagIt-Version": ["0.97"]}, ["version-not-accepted"]),
    "must be packed": (
        {"Serialization": "required", "Accept-Serialization": ["application/zip"]},
        ["serialization-required"],
    ),
    "unknown rule": ({"Other-Info": [], "Bag-Info": {"题名": {"regex": "x"}}}, ["not-judged", "not-judged"]),
    "identifier listed": ({"Bag-Info": {"BagIt-Profile-Identifier": {"required": True}}}, ["needless"]),
    "bag-info listed": ({"Tag-Files-Required": ["bag-info.txt"]}, ["needless"]),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_departs_from_the_profile_is_named(bag: Path, name: str) -> None:
    more, expected = BROKEN[name]
    assert codes(bag, more) == expected


KEPT: tuple[Mapping[str, Any], ...] = (
    {},
    {"Bag-Info": {"contact-name": {"required": True, "values": ["王", "周"]}, "题名": {"repeatable": False}}},
    {"Manifests-Required": ["sha256"], "Manifests-Allowed": ["sha-256", "md5"]},
    {"Tag-Manifests-Allowed": []},
    {"Allow-Fetch.txt": False},
    {"Tag-Files-Required": ["notes/read.txt", "notes/"], "Tag-Files-Allowed": ["notes/*"]},
    {"Payload-Files-Required": ["data/pages/", "data/a.txt"], "Payload-Files-Allowed": ["data/*"]},
    {"Payload-Files-Allowed": ["data/[ab].txt", "data/pages/?.tif"]},
    {"Serialization": "forbidden"},
    {"Serialization": "optional", "Accept-Serialization": ["application/zip"]},
    {"Accept-BagIt-Version": ["0.97", "1.0"]},
)


@pytest.mark.parametrize("more", KEPT)
def test_what_keeps_the_profile_passes(bag: Path, more: Mapping[str, Any]) -> None:
    assert codes(bag, more) == []


def test_a_label_that_is_not_reserved_keeps_its_case(bag: Path) -> None:
    (bag / "bag-info.txt").write_text(INFO + "Title: x\n", "utf-8")
    assert codes(bag, {"Bag-Info": {"title": {"required": True}}}) == ["tag-missing"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda info: info.unlink(), ["bag-info-missing"]),
        (lambda info: info.write_text("Contact-Name: 周\n", "utf-8"), ["identifier-missing"]),
        (lambda info: info.write_text("BagIt-Profile-Identifier: http://other\n"), ["identifier-other"]),
        (lambda info: info.write_text(f"BagIt-Profile-Identifier: http://other\n{INFO}", "utf-8"), []),
    ],
)
def test_a_bag_names_its_profile(bag: Path, change: Callable[[Path], object], expected: list[str]) -> None:
    change(bag / "bag-info.txt")
    assert codes(bag) == expected


def test_a_fetch_list_that_is_not_allowed(bag: Path) -> None:
    write(bag, "fetch.txt", b"http://h/a - data/a.txt\n")
    assert codes(bag, {"Allow-Fetch.txt": False}) == ["fetch-not-allowed"]
    assert codes(bag, {"Fetch.txt-Required": True, "Tag-Files-Allowed": ["notes/*"]}) == []


def test_a_tag_manifest_that_is_not_allowed(bag: Path) -> None:
    write(bag, "tagmanifest-md5.txt", b"")
    assert codes(bag, {"Tag-Manifests-Allowed": ["sha256"]}) == ["manifest-not-allowed"]
    assert codes(bag, {"Manifests-Allowed": ["sha256"]}) == []


@pytest.mark.parametrize(("payload", "empty"), [({}, True), ({".keep": b""}, True), ({"a": b"", "b": b""}, False)])
def test_an_empty_payload_may_hold_one_empty_file(tmp_path: Path, payload: dict[str, bytes], empty: bool) -> None:
    bag = make_bag(tmp_path / "bag", payload)
    assert ("payload-not-empty" in codes(bag, {"Data-Empty": True})) is not empty


@pytest.mark.parametrize(
    ("rule", "serialization", "expected"),
    [
        ({"Serialization": "forbidden"}, "application/zip", ["serialization-forbidden"]),
        ({"Accept-Serialization": ["application/zip"]}, "application/x-tar", ["serialization-not-accepted"]),
        ({"Accept-Serialization": ["application/tar"]}, "application/x-tar", []),
        ({"Accept-Serialization": ["application/x-gzip"]}, "application/gzip", []),
        ({"Accept-Serialization": []}, "application/zip", ["no-serialization"]),
        ({"Accept-Serialization": [], "Serialization": "forbidden"}, None, []),
    ],
)
def test_how_a_bag_is_packed(
    bag: Path, rule: Mapping[str, Any], serialization: str | None, expected: list[str]
) -> None:
    assert codes(bag, rule, serialization) == expected


def test_what_is_not_accepted_is_judged_no_further(bag: Path) -> None:
    more = {"Accept-BagIt-Version": ["0.96"], "Manifests-Required": ["md5"]}
    assert codes(bag, more) == ["version-not-accepted"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", ["malformed"]),
        (b"[]", ["malformed"]),
        (b"\xff", ["malformed"]),
        (b"[" * 100_000, ["malformed"]),
        (b" " * ((1 << 18) + 1), ["malformed"]),
        (b"{}", ["malformed"]),
        (json.dumps(LEAST | {"Manifests-Required": "md5"}).encode(), ["malformed"]),
        (json.dumps(LEAST | {"Serialization": "perhaps"}).encode(), ["malformed"]),
        (json.dumps(LEAST | {"Bag-Info": {"A": {"required": "yes"}}}).encode(), ["malformed"]),
        (json.dumps(LEAST | {"Accept-BagIt-Version": []}).encode(), ["no-version"]),
        (json.dumps(LEAST | {"BagIt-Profile-Info": ABOUT | {"Version": " "}}).encode(), ["info-missing"]),
        (
            json.dumps(LEAST | {"BagIt-Profile-Info": ABOUT | {"BagIt-Profile-Version": "2.0.0"}}).encode(),
            ["version-unknown"],
        ),
        (json.dumps(LEAST | {"Allow-Fetch.txt": False, "Fetch.txt-Required": True}).encode(), ["contradiction"]),
        (json.dumps(LEAST | {"Serialization": "required", "Accept-Serialization": []}).encode(), ["contradiction"]),
        (
            json.dumps(LEAST | {"Manifests-Required": ["md5"], "Manifests-Allowed": ["sha1"]}).encode(),
            ["contradiction"],
        ),
        (
            json.dumps(LEAST | {"Payload-Files-Required": ["data/x/"], "Payload-Files-Allowed": ["data/y/*"]}).encode(),
            ["contradiction"],
        ),
    ],
)
def test_a_profile_by_which_nothing_can_be_judged_is_refused(content: bytes, expected: list[str]) -> None:
    with pytest.raises(RefusedProfile) as refused:
        read_profile(content)
    assert [finding.code.removeprefix("profile.") for finding in refused.value.findings] == expected
    assert all(finding.message("zh") and finding.message("en") for finding in refused.value.findings)


def test_a_profile_that_states_no_version_of_its_form_is_an_old_one(tmp_path: Path, bag: Path) -> None:
    about = {key: value for key, value in ABOUT.items() if key != "BagIt-Profile-Version"}
    place = tmp_path / "old.json"
    place.write_text(json.dumps(LEAST | {"BagIt-Profile-Info": about}), "utf-8")
    assert validate_profile(bag, load_profile(place)) == []
    assert is_valid(validate_bag(bag))
