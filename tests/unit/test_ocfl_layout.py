"""Where objects stand: the examples that the extension's own text gives, and the root's files."""

import hashlib
import json

import pytest

from packages_spec.ocfl import object_path, root_files

TEN = "abcdefghij"


@pytest.mark.parametrize(
    ("object_id", "path"),
    [
        ("object-01", "3c0/object-01"),
        ("..hor/rib:le-$id", "487/%2e%2ehor%2frib%3ale-%24id"),
        ("..Hor/rib:lè-$id", "373/%2e%2eHor%2frib%3al%c3%a8-%24id"),
        (TEN * 10 + "a", f"5cc/{TEN * 10}-5cc73e648fbcff136510e330871180922ddacf193b68fdeff855683a01464220"),
        (TEN * 10, f"{hashlib.sha256((TEN * 10).encode()).hexdigest()[:3]}/{TEN * 10}"),
    ],
)
def test_the_examples_of_the_extension(object_id: str, path: str) -> None:
    assert object_path(object_id) == path


def test_the_root_says_what_its_layout_is() -> None:
    files = root_files()
    assert files["0=ocfl_1.1"] == b"ocfl_1.1\n"
    name = json.loads(files["ocfl_layout.json"])["extension"]
    config = json.loads(files[f"extensions/{name}/config.json"])
    assert config == {"extensionName": name, "digestAlgorithm": "sha256", "tupleSize": 3, "numberOfTuples": 1}
