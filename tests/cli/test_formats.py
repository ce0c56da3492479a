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
        taken = [one.package for one in take(session, LAND_DEEDS).packages]
        bags = {package: session.store.object_folder(package) / "v1" / "content" for package in (taken[0], taken[-1])}
    places = {path.name for path in site.folder.iterdir()}
    assert all(f"`{place}/" in FORMATS or f"`{place}`" in FORMATS for place in places)
    tree = re.search(r"```\n(bagit.*?)```", FORMATS, re.DOTALL)
    assert tree
    described = set(re.findall(r"[\w/.-]+\.(?:txt|xml|ndjson)", tree[1])) - {"README.txt"}
    here = {path.name for bag in bags.values() for path in bag.rglob("*")}
    assert {path.rpartition("/")[2] for path in described} <= here  # the last package holds the delivery's papers
    unnamed = [
        f"{path.relative_to(bag)}"
        for package, bag in bags.items()
        for path in (bag / "data" / f"uuid-{package}").rglob("*")
        if path.is_file() and path.name not in tree[1] and path.parent.name not in ("data", "schemas")
    ]
    assert unnamed == []
