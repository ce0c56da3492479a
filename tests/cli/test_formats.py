"""FORMATS.md says of the stored forms what the code writes."""

import re
from pathlib import Path

from repository.domain.envelope import Envelope
from repository.domain.ids import NAMESPACE
from repository.eventlog import registry
from tests.real_archives import LAND_DEEDS, new_site, take

ROOT = Path(__file__).parents[2]
FORMATS = (ROOT / "packages_spec" / "FORMATS.md").read_text("utf-8")


def test_the_envelope_has_the_keys_that_are_listed_in_their_order() -> None:
    line = next(line for line in FORMATS.splitlines() if line.startswith("`event_id`"))
    assert tuple(re.findall(r"`(\w+)`", line)) == Envelope.__struct_fields__


def test_the_published_namespace_is_the_one_in_use() -> None:
    assert str(NAMESPACE) in FORMATS


def test_the_events_that_are_named_exist() -> None:
    names = {name.partition(".")[2] for name in registry.event_types()}
    assert {"Stored", "PayloadExpunged"} <= names & set(re.findall(r"\w+", FORMATS))


def test_an_archive_and_its_packages_are_laid_out_as_described(tmp_path: Path) -> None:
    site = new_site(tmp_path)
    with site.open() as session:
        package = take(session, LAND_DEEDS).packages[0].package
        bag = session.store.object_folder(package) / "v1" / "content"
    places = {path.name for path in site.folder.iterdir()}
    assert all(f"`{place}/" in FORMATS or f"`{place}`" in FORMATS for place in places)
    tree = re.search(r"```\n(bagit.*?)```", FORMATS, re.DOTALL)
    assert tree
    root = bag / "data" / f"uuid-{package}"
    described = set(re.findall(r"[\w/.-]+\.(?:txt|xml|ndjson)", tree[1])) - {"README.txt"}
    here = {path.name for path in (*bag.iterdir(), *root.rglob("*"))}
    assert {path.rpartition("/")[2] for path in described} <= here
    unnamed = [
        f"{path.relative_to(root)}"
        for path in root.rglob("*")
        if path.is_file() and path.name not in tree[1] and path.parent.name not in ("data", "schemas")
    ]
    assert unnamed == []
