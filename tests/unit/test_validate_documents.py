"""What becomes of a METS or PREMIS document by itself, and of each fault of form and of reference, one at a time."""

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from packages_spec.digests import digest_file
from packages_spec.eark import validate_eark
from packages_spec.findings import Finding, rules
from packages_spec.grammar import judge_form
from packages_spec.profiles import PackageKind
from repository.errors import ArchiveError
from repository.services.validation import validate
from tests.packages import PACKAGE, write_package

FOLDER = f"data/uuid-{PACKAGE}"
PREMIS = "metadata/preservation/premis.xml"
SPACE = 'xmlns="http://www.loc.gov/premis/v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


@pytest.fixture
def package(tmp_path: Path) -> Path:
    write_package(tmp_path)
    return tmp_path / FOLDER


def form(document: Path, old: str, new: str) -> set[str]:
    text = document.read_text("utf-8")
    assert old in text
    return {finding.code for finding in judge_form(text.replace(old, new, 1).encode(), "x.xml")}


METS_FORM = {
    "grammar.attribute": ('ID="structure"', 'ID="structure" COLOUR="red"'),
    "grammar.attribute-missing": (' MDTYPE="DC"', ""),
    "grammar.children": ("<fileSec ", "<structLink/><fileSec "),
    "grammar.id-twice": ('ID="structure"', 'ID="administrative"'),
    "grammar.reference": ('FILEID="group-schemas"', 'FILEID="group-none"'),
    "grammar.text": ('<fileSec ID="file-section">', '<fileSec ID="file-section">words'),
    "grammar.value": ('LOCTYPE="URL"', 'LOCTYPE="WEB"'),
}


@pytest.mark.parametrize("code", METS_FORM)
def test_a_fault_of_form_in_mets(package: Path, code: str) -> None:
    assert code in form(package / "METS.xml", *METS_FORM[code])


def test_faults_of_form_in_premis(package: Path) -> None:
    assert "grammar.type" in form(package / PREMIS, 'xsi:type="intellectualEntity"', 'xsi:type="thing"')
    assert "grammar.children" in form(package / PREMIS, "<eventDateTime>", "<eventNote>x</eventNote><eventDateTime>")
    assert "grammar.value" in form(package / PREMIS, 'version="3.0"', 'version="2.2"')
    document = f"<fixity {SPACE}><messageDigestAlgorithm>x</messageDigestAlgorithm></fixity>".encode()
    assert {"grammar.root", "grammar.children"} <= {finding.code for finding in judge_form(document, "x.xml")}
    many = b"<premis " + SPACE.encode() + b' version="3.0">' + b"<a/>" * 1000 + b"<agent/>" * 1000 + b"</premis>"
    assert [finding.code for finding in judge_form(many, "x.xml")][-1] == "grammar.more"


def replace(old: str, new: str) -> Callable[[Path], None]:
    def change(package: Path) -> None:
        text = (package / "METS.xml").read_text("utf-8")
        assert old in text
        (package / "METS.xml").write_text(text.replace(old, new, 1), "utf-8")

    return change


def crlf(package: Path) -> None:
    readme = package / "documentation" / "README.txt"
    text = readme.read_bytes().replace(b"\n", b"\r\n")
    readme.write_bytes(text)
    size, digest = digest_file(readme)
    readme.write_bytes(text.replace(b"\r\n", b"\n"))
    old_size, old_digest = digest_file(readme)
    replace(f'SIZE="{old_size}"', f'SIZE="{size}"')(package)
    replace(old_digest, digest)(package)


REFERENCES: dict[str, Callable[[Path], object]] = {
    "reference.algorithm-unknown": replace('CHECKSUMTYPE="SHA-256"', 'CHECKSUMTYPE="TIGER"'),
    "reference.elsewhere": replace('href="documentation/README.txt"', 'href="https://example.org/README.txt"'),
    "reference.line-ends": crlf,
    "reference.name-case": lambda package: (package / "schemas/archive.xsd").rename(package / "schemas/Archive.XSD"),
    "reference.not-a-file": lambda package: (package / "link").symlink_to("/etc/hostname"),
    "reference.not-mets": lambda package: (package / "METS.xml").write_bytes(b"<mets/>"),
    "reference.premis-version": lambda package: (package / PREMIS).write_bytes(
        b'<premis xmlns="info:lc/xmlns/premis-v2" version="2.2"/>'
    ),
    "reference.unlisted": lambda package: (package / "documentation" / "more.txt").write_bytes(b""),
}


@pytest.mark.parametrize("code", REFERENCES)
def test_a_fault_of_reference(package: Path, code: str) -> None:
    REFERENCES[code](package)
    assert code in {finding.code for finding in validate_eark(package)}


def test_a_technical_section_has_no_number_and_is_held_against_its_file_all_the_same(package: Path) -> None:
    section = (
        '<techMD ID="t"><mdRef LOCTYPE="URL" xlink:type="simple" xlink:href="{}" MDTYPE="OTHER" SIZE="1" '
        'CHECKSUM="00" CHECKSUMTYPE="SHA-256"/></techMD>'
    )
    begin = '<amdSec ID="administrative">'
    replace(begin, begin + section.format("documentation/README.txt"))(package)
    assert {"reference.size", "reference.checksum"} <= {finding.code for finding in validate_eark(package)}
    replace('xlink:href="documentation/README.txt" MDTYPE="OTHER"', 'xlink:href="none" MDTYPE="OTHER"')(package)
    assert "reference.missing" in {finding.code for finding in validate_eark(package)}


def test_line_ends_that_explain_only_the_size_leave_the_checksum_wrong(package: Path) -> None:
    crlf(package)
    text = (package / "METS.xml").read_text("utf-8")
    (package / "METS.xml").write_text(text.replace('CHECKSUM="', 'CHECKSUM="0', 1), "utf-8")
    assert {"reference.line-ends", "eark.CSIP29"} <= {finding.code for finding in validate_eark(package)}


def test_nothing_outside_the_package_is_looked_at(package: Path) -> None:
    (package.parent / "outside.txt").write_bytes(b"x")
    replace('href="documentation/README.txt"', 'href="../outside.txt"')(package)
    assert "eark.CSIP79.missing" in {finding.code for finding in validate_eark(package)}


@pytest.mark.parametrize(("document", "kind"), [("METS.xml", "mets"), (PREMIS, "premis")])
def test_a_document_by_itself_is_judged_by_its_form_and_its_files_are_not(
    package: Path, document: str, kind: str
) -> None:
    report = validate(package / document)
    assert (report.kind, report.verdict) == (kind, "warning")
    assert report.findings == (Finding("reference.files-not-judged", Path(document).name),)
    text = (package / document).read_text("utf-8")
    (package / document).write_text(text.replace("</", "<x/></", 1), "utf-8")
    assert validate(package / document).verdict == "invalid"


@pytest.mark.parametrize(
    "content",
    [b"", b"<", b"<a/>", b"<!DOCTYPE mets><mets xmlns='http://www.loc.gov/METS/'/>", b"\xff\xfe\x00", b"<mets/>"],
)
def test_what_is_no_document_of_ours_is_not_judged_and_does_not_pass(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.xml").write_bytes(content)
    report = validate(tmp_path / "x.xml")
    assert (report.kind, report.verdict) == ("file", "invalid")
    assert [finding.code for finding in report.findings] == ["package.cannot-judge"]


@pytest.mark.parametrize(
    "content", [b"", b"<", b"<!DOCTYPE x><x/>", b"\xff\xfe<", b"<mets xmlns='http://www.loc.gov/METS/'/>"]
)
def test_no_mets_document_breaks_the_judge(package: Path, content: bytes) -> None:
    for document in ("METS.xml", "representations/original/METS.xml"):
        (package / document).write_bytes(content)
        assert validate(package).verdict == "invalid"


def test_a_bag_that_holds_a_package_of_others_is_judged_as_both(tmp_path: Path) -> None:
    """Without our marks it is a bag with an E-ARK package, and a fault of either is found."""
    write_package(tmp_path, kind=PackageKind.DIP)
    info = tmp_path / "bag-info.txt"
    info.write_text(info.read_text("utf-8").replace("urn:jingui:bag-profile:1", "urn:other"), "utf-8")
    (tmp_path / FOLDER / "metadata/descriptive/archive.xml").unlink()
    report = validate(tmp_path)
    found = {finding.code for finding in report.findings}
    assert report.kind == "package"
    assert {"bag.file-missing", "bag.digest-wrong", "eark.CSIP24.missing"} <= found
    assert not {code for code in found if code.startswith("package.")}


def test_a_folder_that_holds_nothing_but_a_package_is_judged_as_that(tmp_path: Path) -> None:
    write_package(tmp_path / "outer" / "bag")
    assert validate(tmp_path / "outer") == msgspec.structs.replace(
        validate(tmp_path / "outer" / "bag"), path=str(tmp_path / "outer")
    )
    (tmp_path / "outer" / "letter.txt").write_bytes(b"")
    assert [finding.code for finding in validate(tmp_path / "outer").findings] == ["package.cannot-judge"]
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "bag").symlink_to(tmp_path / "outer" / "bag")
    assert validate(tmp_path / "linked").verdict == "invalid"


def test_a_profile_judges_bags_and_is_never_passed_over(tmp_path: Path) -> None:
    write_package(tmp_path / "bag")
    about = dict.fromkeys(
        ("BagIt-Profile-Identifier", "Source-Organization", "External-Description", "Version"), "urn:x"
    )
    terms = {"Bag-Info": {"Contact-Name": {"required": True}}, "Accept-BagIt-Version": ["1.0"]}
    profile = tmp_path / "profile.json"
    profile.write_text(json.dumps({"BagIt-Profile-Info": about, **terms}))
    report = validate(tmp_path / "bag", profile=profile)
    assert report.verdict == "invalid"
    assert {finding.code for finding in report.findings} > {"eark.not-judged"}
    assert "profile.no-bag" in {each.code for each in validate(tmp_path / "bag" / FOLDER, profile=profile).findings}
    profile.write_text("{")
    assert {each.code for each in validate(tmp_path / "bag", profile=profile).findings} == {"profile.malformed"}
    with pytest.raises(ArchiveError):
        validate(tmp_path / "bag", profile=tmp_path / "none.json")


SCHEMA = b"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="http://www.loc.gov/METS/">
<xs:element name="mets"/></xs:schema>"""


def test_schemas_that_cannot_judge_are_said_not_to(package: Path, tmp_path: Path) -> None:
    def codes(name: str, schema: bytes) -> set[str]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "mets.xsd").write_bytes(schema)
        found = validate_eark(package, schemas=tmp_path / name)
        return {finding.code for finding in found if finding.code.startswith("schema.")}

    assert codes("empty", b"") == {"schema.unusable"}
    assert codes("mets only", SCHEMA) == {"schema.not-judged"}  # PREMIS and Dublin Core; METS passes
    assert "schema.invalid" in codes("strict", SCHEMA.replace(b'name="mets"', b'name="mets" type="xs:string"'))


def test_every_rule_of_form_and_reference_has_its_case() -> None:
    elsewhere = {
        *("grammar.type", "grammar.root", "grammar.more", "reference.size", "reference.checksum", "reference.missing"),
        *("reference.files-not-judged", "schema.unusable", "schema.not-judged", "schema.invalid"),
        "reference.unreadable",
    }
    mine = {code for code in rules() if code.partition(".")[0] in {"grammar", "reference", "schema"}}
    assert mine == {*METS_FORM, *REFERENCES, *elsewhere}
