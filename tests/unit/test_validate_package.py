"""Every value in METS, PREMIS or a description that contradicts the bytes is found, and the file is named."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from packages_spec.digests import digest_file
from packages_spec.findings import rules
from packages_spec.profiles import PackageKind, payload_path, validate_package
from tests.packages import PACKAGE, PAGES, description, write_package

FOLDER = f"data/uuid-{PACKAGE}"
METS = f"{FOLDER}/METS.xml"
INNER_METS = f"{FOLDER}/representations/original/METS.xml"
PREMIS = f"{FOLDER}/metadata/preservation/premis.xml"
INNER_PREMIS = f"{FOLDER}/representations/original/metadata/preservation/premis.xml"
ARCHIVE = f"{FOLDER}/metadata/descriptive/archive.xml"
DC = f"{FOLDER}/metadata/descriptive/dc.xml"
PAGE = payload_path(PACKAGE, "001-0001.tif")
GUARDED_BY_THE_MANIFEST_ALONE = {
    "@LABEL",
    "@TYPE",
    "@CONTENTINFORMATIONTYPE",
    "@OTHERCONTENTINFORMATIONTYPE",
    "@schemaLocation",
    "metsHdr@CREATEDATE",
    "metsHdr@LASTMODDATE",
    "agent@ROLE",
    "agent@TYPE",
    "agent@OTHERTYPE",
    "name",
    "note",
    "note@NOTETYPE",
    "altRecordID",
    "altRecordID@TYPE",
    "dmdSec@CREATED",
    "dmdSec@STATUS",
    "digiprovMD@STATUS",
    "mdRef@LOCTYPE",
    "mdRef@type",
    "mdRef@MDTYPE",
    "mdRef@OTHERMDTYPE",
    "mdRef@MDTYPEVERSION",
    "mdRef@MIMETYPE",
    "mdRef@CREATED",
    "amdSec@ID",
    "fileSec@ID",
    "fileGrp@CONTENTINFORMATIONTYPE",
    "fileGrp@OTHERCONTENTINFORMATIONTYPE",
    "file@ID",
    "file@MIMETYPE",
    "file@CREATED",
    "FLocat@LOCTYPE",
    "FLocat@type",
    "structMap@ID",
    "div@ID",
    "mptr@LOCTYPE",
    "mptr@type",
    "mptr@title",
}
"""What the package's METS document says and nothing else repeats (element@attribute)."""


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    write_package(tmp_path)
    return tmp_path


def codes(bag: Path) -> set[tuple[str, str]]:
    found = validate_package(bag)
    for finding in found:
        assert finding.message("zh")
        assert finding.message("en")
    return {(finding.code, finding.path) for finding in found}


def mutations(document: bytes) -> Iterator[tuple[str, bytes]]:
    """Each attribute and each text changed by itself: its place (element@attribute) and the changed document."""
    root = etree.fromstring(document)
    for node in root.iter():
        place = "" if node is root else etree.QName(node).localname
        for name, value in list(node.attrib.items()):
            node.set(name, _other(str(value)))
            yield f"{place}@{etree.QName(name).localname}", etree.tostring(root, encoding="UTF-8")
            node.set(name, value)
        if node.text and node.text.strip():
            kept, node.text = node.text, _other(node.text)
            yield place, etree.tostring(root, encoding="UTF-8")
            node.text = kept


def _other(value: str) -> str:
    return value[:-1] + ("0" if value[-1:] != "0" else "1")


def forge(bag: Path, path: str, old: str, new: str) -> None:
    """Change a document and make every METS document above it agree, as somebody would who knows METS."""
    document = bag / path
    text = document.read_text("utf-8")
    assert old in text
    size, digest = digest_file(document)
    document.write_text(text.replace(old, new), "utf-8")
    new_size, new_digest = digest_file(document)
    for above in (INNER_METS, METS):
        if above != path and digest in (bag / above).read_text("utf-8"):
            lines = (bag / above).read_text("utf-8").splitlines(keepends=True)
            [line] = [line for line in lines if digest in line]
            honest = line.replace(digest, new_digest).replace(f'SIZE="{size}"', f'SIZE="{new_size}"')
            forge(bag, above, line, honest)


def test_a_package_as_written_holds(bag: Path) -> None:
    assert validate_package(bag) == []


@pytest.mark.parametrize("package", [None, "7f1c2a90-3d4e-4b5a-8c7d-0123456789ab"])
def test_a_description_is_written_as_that_of_its_package(tmp_path: Path, package: str | None) -> None:
    write_package(tmp_path, description=description(package=package), kind=PackageKind.DIP)
    assert validate_package(tmp_path) == []


def test_digests_that_are_known_are_not_computed_again(bag: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("other")
    built = write_package(root)
    for name in PAGES:
        (root / payload_path(PACKAGE, name)).write_bytes(b"changed since")
    assert validate_package(root, digests=built.entries) == []
    assert validate_package(root) != []


@pytest.mark.parametrize("path", [PREMIS, INNER_PREMIS, INNER_METS, ARCHIVE, DC])
def test_every_changed_value_of_a_listed_document_is_found(bag: Path, path: str) -> None:
    places = 0
    for place, changed in mutations((bag / path).read_bytes()):
        (bag / path).write_bytes(changed)
        assert ("mets.checksum", path) in codes(bag), place
        places += 1
    assert places > 5


def test_every_changed_value_of_the_mets_document_is_found_if_anything_repeats_it(bag: Path) -> None:
    unnoticed, noticed = set[str](), set[str]()
    for place, changed in mutations((bag / METS).read_bytes()):
        (bag / METS).write_bytes(changed)
        findings = validate_package(bag)
        (noticed if findings else unnoticed).add(place)
        assert not findings or any(METS in f.path + f.expected + f.found for f in findings), place
    assert unnoticed == GUARDED_BY_THE_MANIFEST_ALONE
    assert {"@OBJID", "@PROFILE", "metsHdr@OAISPACKAGETYPE", "mdRef@href", "mdRef@SIZE", "mdRef@CHECKSUM"} <= noticed
    assert {"div@LABEL", "div@ADMID", "fptr@FILEID", "mptr@href", "structMap@TYPE", "fileGrp@USE"} <= noticed


RIGHTS_LINK = "</rightsGranted><linkingObjectIdentifier><linkingObjectIdentifierType>"
FORGED = [
    ("premis.digest", PAGE, INNER_PREMIS, "<messageDigest>", "<messageDigest>0"),
    ("premis.size", PAGE, INNER_PREMIS, "<size>8<", "<size>9<"),
    ("premis.file-missing", f"{PAGE}x", INNER_PREMIS, "data/001-0001.tif", "data/001-0001.tifx"),
    ("premis.object-missing", PAGE, INNER_PREMIS, "data/001-0001.tif", "data/001-0001.tifx"),
    ("premis.object-twice", PAGE, INNER_PREMIS, "data/001-0003.tif", "data/001-0001.tif"),
    ("premis.identifier", INNER_PREMIS, INNER_PREMIS, f"urn:uuid:{PACKAGE}", "urn:uuid:0"),
    ("premis.identifier", PREMIS, PREMIS, f"urn:uuid:{PACKAGE}", "urn:uuid:0"),
    ("premis.link", PREMIS, PREMIS, "linkingAgentIdentifierValue>jingui", "linkingAgentIdentifierValue>other"),
    ("premis.link", PREMIS, PREMIS, "linkingObjectIdentifierValue>urn", "linkingObjectIdentifierValue>x"),
    ("premis.link", PREMIS, PREMIS, RIGHTS_LINK, RIGHTS_LINK + "X"),
    ("premis.identifier", INNER_PREMIS, INNER_PREMIS, "001-0001.tif</objectId", "001-0002.tif</objectId"),
    ("premis.malformed", PREMIS, PREMIS, ">ingestion<", ">digestion<"),
    ("premis.malformed", INNER_PREMIS, INNER_PREMIS, "<size>8<", "<size>eight<"),
    ("premis.malformed", INNER_PREMIS, INNER_PREMIS, 'xsi:type="file"', 'xsi:type="bitstream"'),
    ("xml.malformed", INNER_PREMIS, INNER_PREMIS, "</premis>", ""),
    ("xml.doctype", INNER_METS, INNER_METS, "<mets ", "<!DOCTYPE mets><mets "),
    ("xml.encoding", DC, DC, "UTF-8", "GBK"),
    ("mets.objid", INNER_METS, INNER_METS, 'OBJID="original"', 'OBJID="access"'),
    ("mets.objid", METS, METS, f'OBJID="uuid-{PACKAGE}"', 'OBJID="uuid-0"'),
    ("mets.profile", METS, METS, 'PACKAGETYPE="AIP"', 'PACKAGETYPE="SIP"'),
    ("mets.header", METS, METS, "metsHdr", "metsHeader"),
    ("mets.structure", METS, METS, 'TYPE="PHYSICAL"', 'TYPE="LOGICAL"'),
    ("mets.structure", METS, METS, "</mets>", '<structMap TYPE="PHYSICAL" LABEL="CSIP"><div/></structMap></mets>'),
    ("mets.pointer", METS, METS, 'FILEID="group-schemas"', 'FILEID="group-schemata"'),
    ("mets.section", METS, METS, 'LABEL="Schemas"', 'LABEL="Schemata"'),
    ("mets.section", METS, METS, 'ID="group-schemas"', 'ID="group-documentation"'),
    ("mets.section", METS, METS, 'ADMID="prov-', 'ADMID="prov-0'),
    ("mets.division", METS, METS, 'LABEL="Metadata"', 'LABEL="Data"'),
    ("mets.file-missing", f"{PAGE}x", INNER_METS, "data/001-0001.tif", "data/001-0001.tifx"),
    ("mets.file-missing", f"{FOLDER}/../../bagit.txt", INNER_METS, "data/001-0001.tif", "../../../../bagit.txt"),
    (
        "mets.file-missing",
        f"{FOLDER}/representations/0/METS.xml",
        METS,
        '"representations/original/',
        '"representations/0/',
    ),
    ("mets.file-unlisted", PAGE, INNER_METS, "data/001-0001.tif", "data/001-0001.tifx"),
    ("mets.file-listed-twice", PAGE, INNER_METS, "data/001-0003.tif", "data/001-0001.tif"),
    ("mets.size", PAGE, INNER_METS, 'SIZE="8"', 'SIZE="08x"'),
    ("mets.checksum", PAGE, INNER_METS, 'CHECKSUMTYPE="SHA-256"', 'CHECKSUMTYPE="MD5"'),
    ("descriptive.archive-invalid", ARCHIVE, ARCHIVE, "<level>item<", "<level>box<"),
    ("descriptive.package", ARCHIVE, ARCHIVE, f"<package>{PACKAGE[0]}", "<package>0"),
    ("descriptive.dc-differs", DC, ARCHIVE, "地契一份", "地契二份"),
    ("descriptive.dc-differs", DC, DC, "地契一份", "地契二份"),
]


@pytest.mark.parametrize(("code", "path", "document", "old", "new"), FORGED)
def test_a_document_that_lies_is_found_even_when_mets_agrees(
    bag: Path, code: str, path: str, document: str, old: str, new: str
) -> None:
    forge(bag, document, old, new)
    assert (code, path) in codes(bag)


def test_changes_of_files_are_found(bag: Path) -> None:
    (bag / PAGE).write_bytes(b"Page one")
    (bag / FOLDER / "stray.txt").write_bytes(b"")
    (bag / payload_path(PACKAGE, "001-0003.tif")).unlink()
    (bag / FOLDER / "link").symlink_to("/etc/passwd")
    missing = payload_path(PACKAGE, "001-0003.tif")
    assert codes(bag) == {
        ("mets.checksum", PAGE),
        ("premis.digest", PAGE),
        ("mets.file-unlisted", f"{FOLDER}/stray.txt"),
        ("mets.file-missing", missing),
        ("premis.file-missing", missing),
    }


def test_a_link_in_the_place_of_a_file_is_not_that_file(bag: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "page"
    (bag / PAGE).rename(elsewhere)
    (bag / PAGE).symlink_to(elsewhere)
    assert codes(bag) == {("mets.file-missing", PAGE), ("premis.file-missing", PAGE)}


@pytest.mark.parametrize("path", [METS, PREMIS, DC])
def test_a_package_without_what_is_compulsory_is_found(bag: Path, path: str) -> None:
    (bag / path).unlink()
    assert ("package.file-missing", path) in codes(bag)


def test_a_bag_without_exactly_one_package_is_found(bag: Path, tmp_path: Path) -> None:
    (bag / "data" / "other").mkdir()
    assert codes(bag) == {("package.folder", "data")}
    assert codes(tmp_path / "nothing") == {("package.folder", "data")}
    (bag / "data" / "other").rmdir()
    (bag / FOLDER).rename(bag / "elsewhere")
    (bag / FOLDER).symlink_to(bag / "elsewhere")
    assert codes(bag) == {("package.folder", "data")}


def test_every_rule_of_these_rooms_has_its_case() -> None:
    mine = {code for code in rules() if code.split(".")[0] in {"mets", "premis", "descriptive"}}
    assert mine == {code for code, *_ in FORGED if code.split(".")[0] in {"mets", "premis", "descriptive"}}
