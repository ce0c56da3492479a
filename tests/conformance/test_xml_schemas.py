"""Our documents against the official schemas (Library of Congress, DILCIS, DCMI) and our bags against `bagit`."""

from functools import cache
from pathlib import Path
from typing import cast

import bagit
import pytest
from lxml import etree

from packages_spec import premis
from packages_spec.descriptive import Description, dublin_core, schema, write_archive_xml, write_dc
from packages_spec.premis import FileObject, Format, Identifier
from packages_spec.premis.writer import OBJECTS_PER_SHARD
from packages_spec.profiles import PackageKind
from tests.packages import description, event, write_package
from tests.shared_data import shared_data

LEAST = Description(
    package=None,
    level="fonds",
    reference_code=None,
    fonds_code=None,
    title="未名",
    responsible_party=None,
    date=None,
    year=None,
    retention_period=None,
    secrecy_class="内部",
    access_status=None,
    record_type="database",
    carrier="digital",
    page_count=None,
)


@cache
def official(name: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(shared_data("schemas") / name, etree.XMLParser(no_network=True)))


def expect_valid(name: str, document: bytes) -> None:
    official(name).assertValid(etree.fromstring(document))


@pytest.mark.parametrize("kind", PackageKind)
def test_mets_and_premis_follow_their_schemas(tmp_path: Path, kind: PackageKind) -> None:
    write_package(tmp_path, kind=kind, modified="2027-01-02T03:04:05.678901Z")
    mets, premis_files = sorted(tmp_path.rglob("METS.xml")), sorted(tmp_path.rglob("premis.xml"))
    assert (len(mets), len(premis_files)) == (2, 2)
    for path in mets:
        expect_valid("driver-eark.xsd", path.read_bytes())
    for path in premis_files:
        expect_valid("premis/premis.xsd", path.read_bytes())


@pytest.mark.parametrize("kind", PackageKind)
def test_packages_of_nothing_but_what_is_compulsory_follow_their_schemas(tmp_path: Path, kind: PackageKind) -> None:
    bare = dict.fromkeys(("delivery", "extras", "events", "agents", "rights", "sources", "other_identifiers"), ())
    write_package(tmp_path, {"a.bin": b"a"}, kind=kind, description=LEAST, bag_group=None, **bare)
    for path in tmp_path.rglob("METS.xml"):
        expect_valid("driver-eark.xsd", path.read_bytes())
    for path in tmp_path.rglob("premis.xml"):
        expect_valid("premis/premis.xsd", path.read_bytes())


def test_every_shard_of_a_large_premis_follows_the_schema() -> None:
    objects = (
        FileObject(Identifier("local", str(number)), f"data/{number}", number, "0" * 64, Format())
        for number in range(2 * OBJECTS_PER_SHARD + 1)
    )
    shards = {name: b"".join(chunks) for name, chunks in premis.premis_documents(objects, [event()])}
    assert list(shards) == ["premis.xml", "premis-0002.xml", "premis-0003.xml"]
    for document in shards.values():
        expect_valid("premis/premis.xsd", document)
    counts = [sum(isinstance(each, FileObject) for each in premis.read_premis(shard)) for shard in shards.values()]
    assert counts == [OBJECTS_PER_SHARD, OBJECTS_PER_SHARD, 1]
    assert [document.count(b"<event>") for document in shards.values()] == [1, 0, 0]


@pytest.mark.parametrize("what", [LEAST, description()], ids=["least", "full"])
def test_dublin_core_statements_follow_dcmi(what: Description) -> None:
    statements = list(etree.fromstring(write_dc(dublin_core(what))))
    assert statements
    for statement in statements:
        expect_valid("driver-dc.xsd", etree.tostring(statement))


@pytest.mark.parametrize("what", [LEAST, description()], ids=["least", "full"])
def test_archive_xml_follows_the_schema_that_packages_carry(what: Description) -> None:
    own = etree.XMLSchema(etree.fromstring(schema()))
    own.assertValid(etree.fromstring(write_archive_xml(what)))


def test_the_reference_implementation_of_bagit_finds_our_bags_valid(tmp_path: Path) -> None:
    write_package(tmp_path)
    bag = bagit.Bag(str(tmp_path))
    bag.validate()
    info = cast("dict[str, str]", bag.info)
    assert set(info) == {
        "External-Identifier",
        "Payload-Oxum",
        "Bagging-Date",
        "Bag-Software-Agent",
        "Bag-Group-Identifier",
        "BagIt-Profile-Identifier",
    }
