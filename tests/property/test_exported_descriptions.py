"""EAD3 and transfer sets carry every word, however hostile, and are never documents that cannot be read."""

from functools import cache

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from packages_spec.descriptive import Component, Description, FindingAid, write_ead3
from packages_spec.descriptive.ead3 import NAMESPACE
from packages_spec.digests import Digested
from packages_spec.transfer_set import Item, ItemFile, TransferSet, item_folder, schema, write_set
from tests.property.test_metadata_round_trips import DESCRIPTIONS, WORDS

EAD = f"{{{NAMESPACE}}}"


@cache
def own() -> etree.XMLSchema:
    return etree.XMLSchema(etree.fromstring(schema()))


class Kept:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def write(self, path: str, chunks: object) -> Digested:
        assert path not in self.files
        self.files[path] = b"".join(chunks)  # type: ignore[arg-type] # chunks of bytes, as writers give them
        return Digested(path, len(self.files[path]), "0" * 64)


@given(st.lists(DESCRIPTIONS, min_size=1, max_size=3), WORDS)
def test_ead3_keeps_titles_and_codes(descriptions: list[Description], title: str) -> None:
    aid = FindingAid(identifier="urn:x", title=title, archive="1", agency="1", created="2026", software="x")
    document = etree.fromstring("".join(write_ead3(aid, [Component(each) for each in descriptions])).encode())
    found = [each.text or "" for each in document.iter(f"{EAD}c") for each in each.iter(f"{EAD}unittitle")]
    top = len(descriptions) == 1 and descriptions[0].level == "fonds"
    assert found == ([] if top else [each.title for each in descriptions])
    assert document.findtext(f".//{EAD}titleproper") == title


@given(st.lists(DESCRIPTIONS, min_size=1, max_size=3), WORDS)
def test_a_transfer_set_follows_its_schema_whatever_it_says(descriptions: list[Description], word: str) -> None:
    taken: set[str] = set()
    items = tuple(
        Item(
            f"{item_folder(each, taken)}-{number}",
            each,
            (ItemFile(f"{number}.tif", 1, "0" * 64, word, None),),
            "urn:uuid:x/v1",
        )
        for number, each in enumerate(descriptions)
    )
    sink = Kept()
    described = TransferSet(identifier="urn:x", archive=word, created="2026", software=word, items=items, placed=())
    every = write_set(described, sink)
    assert {entry.path for entry in every} == sink.files.keys()
    for path, content in sink.files.items():
        if path.endswith(("目录.xml", "元数据.xml")):
            own().assertValid(etree.fromstring(content))
    titles = [
        etree.fromstring(sink.files[f"{item.folder}/元数据.xml"]).findtext(".//{urn:jingui:transfer-set:1}题名")
        for item in items
    ]
    assert titles == [each.title for each in descriptions]
