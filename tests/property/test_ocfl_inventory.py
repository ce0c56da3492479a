"""Inventories: what is written is read back, in every version, whatever the names."""

import json
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from packages_spec.digests import Digested
from packages_spec.findings import is_valid
from packages_spec.ocfl import (
    User,
    Version,
    first_inventory,
    inventory_chunks,
    next_inventory,
    object_path,
    read_inventory,
)
from packages_spec.ocfl.judge import judge_inventory

names = st.text(st.characters(codec="utf-8", exclude_characters="/"), min_size=1, max_size=12).filter(
    lambda name: name not in {".", ".."}
)
states = st.dictionaries(names, st.integers(0, 5), min_size=1, max_size=8)
USER = User("tester", "urn:uuid:9a768edc-18b5-4298-86eb-df672e235aac")


def files(state: dict[str, int]) -> list[Digested]:
    return [Digested(f"data/{name}", 1, sha256(b"%d" % content).hexdigest()) for name, content in state.items()]


@given(st.lists(states, min_size=1, max_size=4))
def test_what_is_written_is_read_back_and_sound(history: list[dict[str, int]]) -> None:
    version = Version("2026-01-02T03:04:05Z", {}, "made", USER)
    inventory = first_inventory("urn:uuid:1", files(history[0]), version)
    for state in history[1:]:
        known = set(inventory.manifest)
        inventory = next_inventory(inventory, files(state), [f for f in files(state) if f.sha256 not in known], version)
    data = b"".join(inventory_chunks(inventory))
    judged = judge_inventory(data, "inventory.json")
    assert read_inventory(data) == inventory == judged.inventory
    assert is_valid(judged.findings)
    assert list(json.loads(data)) == ["id", "type", "digestAlgorithm", "head", "manifest", "versions"]
    for number, state in enumerate(history, start=1):
        for file in files(state):
            place = inventory.content_paths(number)[file.path]
            assert place is not None
            assert place in inventory.manifest[file.sha256]
        assert "data/there/is/none" not in inventory.content_paths(number)


@given(states)
def test_the_first_version_stores_each_path_even_of_equal_files(state: dict[str, int]) -> None:
    inventory = first_inventory("urn:uuid:1", files(state), Version("2026-01-02T03:04:05Z", {}))
    stored = [path for paths in inventory.manifest.values() for path in paths]
    assert sorted(stored) == sorted(f"v1/content/{file.path}" for file in files(state))


@given(states)
def test_the_order_in_which_files_come_does_not_matter(state: dict[str, int]) -> None:
    version = Version("2026-01-02T03:04:05Z", {})
    one = first_inventory("urn:uuid:1", files(state), version)
    other = first_inventory("urn:uuid:1", reversed(files(state)), version)
    assert list(inventory_chunks(one)) == list(inventory_chunks(other))


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=200))
def test_an_objects_place_is_short_plain_and_its_own(object_id: str) -> None:
    first, name = object_path(object_id).split("/")
    assert first == sha256(object_id.encode()).hexdigest()[:3]
    assert len(name) <= 100 + 1 + 64
    assert set(name) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_%")
    assert object_path(object_id) != object_path(object_id + "x")


@given(st.binary(max_size=300))
def test_judging_never_breaks(data: bytes) -> None:
    judged = judge_inventory(data, "inventory.json")
    assert judged.findings or judged.inventory


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
keys = ["id", "type", "digestAlgorithm", "head", "manifest", "versions", "fixity", "contentDirectory"]


@given(st.dictionaries(st.sampled_from(keys), json_values), st.dictionaries(st.sampled_from(["v1", "v2"]), json_values))
def test_no_shape_of_json_breaks_the_judge(raw: dict[str, object], versions: dict[str, object]) -> None:
    for one in (raw, {**raw, "versions": versions}):
        judged = judge_inventory(json.dumps(one).encode(), "inventory.json")
        assert judged.findings
        for finding in judged.findings:
            assert finding.message("zh")
            assert finding.message("en")
