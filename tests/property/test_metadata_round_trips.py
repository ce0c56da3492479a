"""What is written into METS, PREMIS and the descriptions comes back as it was, however hostile the words are."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packages_spec import mets, premis
from packages_spec.descriptive import Description, dublin_core, read_archive_xml, read_dc, write_archive_xml, write_dc
from packages_spec.descriptive import description as closed
from packages_spec.descriptive.sections import SECTIONS, Holding, Section
from packages_spec.mets import FileReference, MetsFile
from packages_spec.premis import (
    Agent,
    AgentLink,
    Event,
    EventType,
    FileObject,
    Format,
    Identifier,
    PackageEntity,
    Representation,
    Rights,
    Source,
)
from packages_spec.safe_xml import UnsafeXml, parse
from packages_spec.technical import Part, Property, Technical
from packages_spec.xml_text import attribute, carried_name, href, in_chunks, is_writable, original_name, path_of, text
from tests.packages import CREATED, description

HOSTILE = [
    "]]>",
    "<!--",
    "&amp;",
    "&#0;",
    "\r\n",
    "\t",
    "'",
    '"',
    "%",
    "%25",
    "<?",
    "\u202e",
    "地契",
    "\u0085",
    "\u2028",
]
ANY_TEXT = st.lists(st.sampled_from(HOSTILE) | st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).map(
    "".join
)
WORDS = ANY_TEXT.filter(is_writable)
MAYBE_WORDS = st.none() | WORDS
UUIDS = st.uuids().map(str)
NUMBERS = st.integers(min_value=0, max_value=2**63 - 1)
DIGESTS = st.text(alphabet="0123456789abcdef", min_size=64, max_size=64)
IDENTIFIERS = st.builds(Identifier, WORDS, WORDS)
SEVERAL = st.lists(IDENTIFIERS, max_size=3).map(tuple)
PUIDS = st.none() | st.from_regex(r"(x-)?fmt/[1-9][0-9]{0,3}", fullmatch=True)
FORMATS = st.builds(Format, puid=PUIDS, basis=MAYBE_WORDS) | st.builds(
    Format, WORDS.filter(lambda name: name != "unknown"), MAYBE_WORDS, PUIDS, MAYBE_WORDS
)
NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True)
VALUES = st.lists(st.builds(Property, NAMES, WORDS | st.just(""), MAYBE_WORDS), max_size=4).map(tuple)
PARTS = st.lists(st.builds(Part, NAMES, WORDS | st.just(""), VALUES), max_size=3).map(tuple)
TECHNICAL = st.builds(Technical, NAMES, WORDS, VALUES, PARTS, MAYBE_WORDS, MAYBE_WORDS)
OBJECTS = (
    st.builds(FileObject, IDENTIFIERS, ANY_TEXT, NUMBERS, DIGESTS, FORMATS, st.none() | ANY_TEXT, st.none() | TECHNICAL)
    | st.builds(Representation, IDENTIFIERS, IDENTIFIERS)
    | st.builds(
        PackageEntity,
        IDENTIFIERS,
        SEVERAL,
        st.lists(st.builds(Source, UUIDS, st.integers(1, 999), st.none() | UUIDS), max_size=2).map(tuple),
    )
)
EVENTS = st.builds(
    Event,
    identifier=UUIDS,
    type=st.sampled_from(EventType),
    time=st.just(CREATED),
    detail=WORDS,
    outcome=st.sampled_from(["success", "failure", "not checked"]),
    outcome_note=MAYBE_WORDS,
    agents=st.lists(st.builds(AgentLink, IDENTIFIERS, WORDS), max_size=2).map(tuple),
    objects=SEVERAL,
)
AGENTS = st.builds(Agent, IDENTIFIERS, st.just("software"), MAYBE_WORDS, MAYBE_WORDS) | st.builds(
    Agent, IDENTIFIERS, st.just("person")
)
RIGHTS = st.builds(Rights, IDENTIFIERS, WORDS, WORDS, MAYBE_WORDS, SEVERAL)


def sections(kind: type[Section]) -> st.SearchStrategy[Section]:
    """A section in which something is said."""
    values: dict[str, st.SearchStrategy[object]] = {
        **dict.fromkeys(("keywords", "file"), st.lists(WORDS, min_size=1, max_size=3).map(tuple)),
        "form": st.sampled_from(["siard", "as-delivered"]),
        **dict.fromkeys(("seconds", "tables", "rows", "pages_scanned"), NUMBERS),
    }
    said = st.sets(st.sampled_from(kind.__struct_fields__), min_size=1)
    return said.flatmap(lambda names: st.builds(kind, **{name: values.get(name, WORDS) for name in sorted(names)}))


DESCRIPTIONS = st.builds(
    Description,
    package=st.none() | UUIDS,
    level=st.sampled_from(get_args(closed.Level)),
    reference_code=MAYBE_WORDS,
    fonds_code=MAYBE_WORDS,
    title=WORDS,
    responsible_party=MAYBE_WORDS,
    date=MAYBE_WORDS,
    year=st.none() | st.integers(0, 9999),
    retention_period=MAYBE_WORDS,
    secrecy_class=st.sampled_from(get_args(closed.SecrecyClass)),
    access_status=st.none() | st.sampled_from(get_args(closed.AccessStatus)),
    record_type=st.sampled_from(get_args(closed.RecordType)),
    carrier=st.sampled_from(get_args(closed.Carrier)),
    page_count=st.none() | NUMBERS,
    **{name: st.none() | sections(kind) for name, kind in SECTIONS.items()},
)


@given(WORDS)
def test_text_and_attributes_come_back(words: str) -> None:
    root = parse(f'<a b="{attribute(words)}">{text(words)}</a>'.encode())
    assert (root.text, root.get("b")) == (words, words)


@given(ANY_TEXT)
def test_paths_and_delivered_names_come_back(name: str) -> None:
    assert path_of(href(name)) == name
    assert href(name).isascii()
    assert original_name(carried_name(name)) == name
    assert is_writable(carried_name(name))


@given(st.lists(ANY_TEXT, max_size=5).map(lambda pieces: [*pieces, *[""] * 300, *pieces]))
def test_chunks_hold_every_piece_in_order(pieces: list[str]) -> None:
    assert b"".join(in_chunks(pieces)) == "".join(pieces).encode()


@pytest.mark.parametrize("value", ["\0", "a\x0bb", "\ud800", "\ufffe", "\x1f"])
def test_what_xml_cannot_carry_is_never_written(value: str) -> None:
    for escape in (text, attribute):
        with pytest.raises(ValueError, match="XML cannot carry"):
            escape(value)
    with pytest.raises(ValueError, match="title"):
        description(title=value)


@given(DESCRIPTIONS)
def test_a_description_comes_back_from_archive_xml(what: Description) -> None:
    assert read_archive_xml(write_archive_xml(what)) == what


@given(DESCRIPTIONS)
def test_dublin_core_comes_back(what: Description) -> None:
    assert read_dc(write_dc(dublin_core(what))) == dublin_core(what)


@given(
    st.lists(OBJECTS, min_size=1, max_size=4),
    st.lists(EVENTS, max_size=2),
    st.lists(AGENTS, max_size=2),
    st.lists(RIGHTS, max_size=1),
)
def test_premis_comes_back(
    objects: list[premis.PackageEntity], events: list[Event], agents: list[Agent], rights: list[Rights]
) -> None:
    [(name, chunks)] = premis.premis_documents(objects, events, agents, rights)
    assert name == "premis.xml"
    assert list(premis.read_premis(b"".join(chunks))) == [*objects, *events, *agents, *rights]


@given(WORDS, st.lists(st.builds(MetsFile, ANY_TEXT, NUMBERS, DIGESTS, WORDS, st.just(CREATED)), max_size=4))
def test_mets_gives_back_its_files_and_its_label(label: str, files: list[MetsFile]) -> None:
    header = mets.Header(
        objid="original",
        package_type="AIP",
        content_category="Mixed",
        label=label,
        created=CREATED,
        modified=CREATED,
        software=label,
        software_version="1",
        archive=label,
        reference_code=label,
    )
    document = b"".join(mets.representation_mets(header, name="original", provenance=(), files=files))
    items = list(mets.read_mets(document))
    assert items[0] == mets.Root("original", label, mets.PROFILES["AIP"], "AIP")
    assert [item for item in items if isinstance(item, FileReference)] == [
        FileReference(
            path=file.path,
            kind="file",
            size=file.size,
            checksum=file.sha256,
            checksum_type="SHA-256",
            media_type=file.media_type,
            use="Representations/original/data",
            created=file.created,
        )
        for file in files
    ]


def test_a_description_of_version_1_0_is_read_as_it_was() -> None:
    plain = description()
    older = write_archive_xml(plain)
    assert b'version="1.0"' in older
    assert read_archive_xml(older) == plain
    newer = description(holding=Holding(rack="12"))
    assert b'version="1.1"' in write_archive_xml(newer)
    assert read_archive_xml(write_archive_xml(newer)) == newer


def test_sections_of_a_later_version_are_passed_over() -> None:
    later = b'<map xmlns="urn:jingui:archive:1:maps"><scale>1:500</scale></map>\n</archive>'
    assert read_archive_xml(write_archive_xml(description()).replace(b"</archive>", later)) == description()


@pytest.mark.parametrize("wrong", [b"<unknown>1</unknown>", b"<pagesScanned>-1</pagesScanned>", b"<rack></rack>"])
def test_a_section_that_does_not_follow_the_schema_is_refused(wrong: bytes) -> None:
    section = b'<holding xmlns="urn:jingui:archive:1:sections">' + wrong + b"</holding>\n</archive>"
    with pytest.raises(UnsafeXml, check=lambda error: error.finding.code == "descriptive.archive-invalid"):
        read_archive_xml(write_archive_xml(description()).replace(b"</archive>", section))
