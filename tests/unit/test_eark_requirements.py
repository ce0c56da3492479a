"""Every requirement of CSIP, SIP, DIP and AIP that can be broken, broken once in a package that keeps all of them.

The table is the fixture: each row names a code and the one change that breaks it. A second test asks that no row is
missing, a third that the package without any change has nothing to be said against it.
"""

import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
from lxml import etree

from packages_spec.eark import validate_eark
from packages_spec.findings import Severity, rules
from packages_spec.profiles import PackageKind
from repository.services.validation import validate
from tests.packages import PACKAGE, event, write_package

SPACES = {
    "m": "http://www.loc.gov/METS/",
    "p": "http://www.loc.gov/premis/v3",
    "xlink": "http://www.w3.org/1999/xlink",
    "csip": "https://DILCIS.eu/XML/METS/CSIPExtensionMETS",
    "sip": "https://DILCIS.eu/XML/METS/SIPExtensionMETS",
}
ROOT = "representations/original"
Change = Callable[[Path], None]
Node = etree._Element
Act = Callable[[Node], object]


def at(xpath: str, act: Act, document: str = "METS.xml") -> Change:
    """Do something to the first element at a path of a document."""

    def change(package: Path) -> None:
        tree = etree.fromstring((package / document).read_bytes())
        act(found(tree, xpath))
        (package / document).write_bytes(etree.tostring(tree, encoding="UTF-8", xml_declaration=True))

    return change


def found(tree: Node, xpath: str) -> Node:
    """The first element at a path."""
    return cast("list[Node]", tree.xpath(xpath, namespaces=SPACES))[0]


def put(xpath: str, name: str, value: str, document: str = "METS.xml") -> Change:
    return at(xpath, lambda node: node.set(_name(name), value), document)


def drop(xpath: str, name: str, document: str = "METS.xml") -> Change:
    return at(xpath, lambda node: node.attrib.pop(_name(name)), document)


def cut(xpath: str, document: str = "METS.xml") -> Change:
    return at(xpath, lambda node: _parent(node).remove(node), document)


def twice(xpath: str) -> Change:
    return at(xpath, lambda node: node.addnext(etree.fromstring(etree.tostring(node))))


def say(xpath: str, words: str) -> Change:
    def act(node: Node) -> None:
        node.text = words

    return at(xpath, act)


def add(xpath: str, xml: str, document: str = "METS.xml") -> Change:
    """Put an element behind the one at the path."""
    spaces = " ".join(f'xmlns:{prefix}="{space}"' for prefix, space in SPACES.items())
    return at(xpath, lambda node: node.addnext(etree.fromstring(f"<z {spaces}>{xml}</z>")[0]), document)


def both(*changes: Change) -> Change:
    def change(package: Path) -> None:
        for each in changes:
            each(package)

    return change


def gone(path: str) -> Change:
    return lambda package: shutil.rmtree(package / path) if (package / path).is_dir() else (package / path).unlink()


def moved(path: str, new: str) -> Change:
    def change(package: Path) -> None:
        (package / path).rename(package / new)

    return change


def made(path: str) -> Change:
    def change(package: Path) -> None:
        (package / path).parent.mkdir(parents=True, exist_ok=True)
        (package / path).write_bytes(b"x")

    return change


def _name(name: str) -> str:
    prefix, _, local = name.rpartition(":")
    return f"{{{SPACES[prefix]}}}{local}" if prefix else name


def _parent(node: Node) -> Node:
    parent = node.getparent()
    assert parent is not None
    return parent


def empty(xpath: str, ends: str = "") -> Change:
    """Take the children out whose names end so."""

    def act(node: Node) -> None:
        for child in [each for each in node if each.tag.endswith(ends)]:
            node.remove(child)

    return at(xpath, act)


def without(*names: str) -> Change:
    """Take every element of these names out of the package's PREMIS."""

    def change(package: Path) -> None:
        tree = etree.fromstring((package / PREMIS).read_bytes())
        for node in [each for name in names for each in tree.iter(f"{{{SPACES['p']}}}{name}")]:
            _parent(node).remove(node)
        (package / PREMIS).write_bytes(etree.tostring(tree))

    return change


def twice_in_premis(package: Path) -> None:
    """Two objects by one local identifier."""
    path = package / INNER_PREMIS
    tree = etree.fromstring(path.read_bytes())
    values = list(tree.iter(f"{{{SPACES['p']}}}objectIdentifierValue"))
    values[2].text = values[1].text
    path.write_bytes(etree.tostring(tree))


def no_premis(package: Path) -> None:
    """METS that speaks of no PREMIS."""
    tree = etree.fromstring((package / "METS.xml").read_bytes())
    for node in tree.iter(f"{{{SPACES['m']}}}mdRef"):
        node.set("MDTYPE", "OTHER")
    (package / "METS.xml").write_bytes(etree.tostring(tree))


DMD, PROV, RIGHTS = "m:dmdSec/m:mdRef", "m:amdSec/m:digiprovMD/m:mdRef", "m:amdSec/m:rightsMD/m:mdRef"
FILE, LOCATION, POINTER = "//m:fileGrp/m:file", "//m:file/m:FLocat", "//m:mptr"
MAIN = "m:structMap/m:div"
SOFTWARE = "m:metsHdr/m:agent[@OTHERTYPE='SOFTWARE']"
OWNER, SUBMITTER = "//m:agent[@ROLE='ARCHIVIST']", "//m:agent[@ROLE='CREATOR'][@TYPE='ORGANIZATION']"
KEEPER, CONTACT = "//m:agent[@ROLE='PRESERVATION']", "//m:agent[@TYPE='INDIVIDUAL']"
PREMIS = "metadata/preservation/premis.xml"
INNER_PREMIS = f"{ROOT}/metadata/preservation/premis.xml"
CODED = '<m:note csip:NOTETYPE="IDENTIFICATIONCODE">1</m:note>'
AGENTS = (
    f'<m:agent ROLE="PRESERVATION" TYPE="ORGANIZATION"><m:name>k</m:name>{CODED}</m:agent>',
    "<m:agent ROLE='CREATOR' TYPE='INDIVIDUAL'><m:name>c</m:name><m:note>t</m:note></m:agent>",
)


def reference(numbers: tuple[int, ...], core: str, location: str) -> Iterator[tuple[str, Change]]:
    """The rows of one kind of reference: LOCTYPE, type, href, MDTYPE, MIMETYPE, SIZE, CREATED, CHECKSUM, its type."""
    loctype, link, href, kind, mime, size, created, checksum, algorithm = numbers
    yield f"CSIP{loctype}", put(location, "LOCTYPE", "OTHER")
    yield f"CSIP{link}", drop(location, "xlink:type")
    yield f"CSIP{href}", drop(location, "xlink:href")
    yield f"CSIP{href}.missing", put(location, "xlink:href", "nowhere/else.xml")
    if kind:
        yield f"CSIP{kind}", put(core, "MDTYPE", "MINE")
    if mime:
        yield f"CSIP{mime}", put(core, "MIMETYPE", "no media type")
        yield f"CSIP{mime}.unknown", put(core, "MIMETYPE", "application/never-heard-of")
        yield f"CSIP{mime}.private", put(core, "MIMETYPE", "audio/x-wav")
        yield f"CSIP{mime}.long", put(core, "MIMETYPE", "a" * 300)
        yield f"CSIP{size}", drop(core, "SIZE")
        yield f"CSIP{size}.differs", put(core, "SIZE", "1")
        yield f"CSIP{created}", put(core, "CREATED", "yesterday")
        yield f"CSIP{checksum}", put(core, "CHECKSUM", "")
        yield f"CSIP{checksum}.differs", put(core, "CHECKSUM", "0" * 64)
        yield f"CSIP{algorithm}", put(core, "CHECKSUMTYPE", "SHA-3")


def divisions() -> Iterator[tuple[str, Change]]:
    """The rows of the divisions that gather file groups."""
    table = {
        "Documentation": (93, 94, 95, 96, 116),
        "Schemas": (97, 98, 99, 100, 118),
        "Representations": (101, 102, 103, 104, 119),
    }
    for name, (there, identifier, label, pointers, pointed) in table.items():
        path = f"{MAIN}/m:div[@LABEL='{name}']"
        yield f"CSIP{there}", cut(path)
        yield f"CSIP{there}.single", twice(path)
        yield f"CSIP{identifier}", drop(path, "ID")
        yield f"CSIP{identifier}.unique", put(path, "ID", "structure")
        yield f"CSIP{label}", put(path, "LABEL", name.lower())
        yield f"CSIP{pointers}", cut(f"{path}/m:fptr")
        yield f"CSIP{pointed}", put(f"{path}/m:fptr", "FILEID", "administrative")


CSIP: dict[str, Change] = {
    "CSIP1": put(".", "OBJID", ""),
    "CSIP1.folder": put(".", "OBJID", "other"),
    "CSIP1.representation": put(".", "OBJID", "other", f"{ROOT}/METS.xml"),
    "CSIP2": put(".", "TYPE", "Things"),
    "CSIP2.other": put(".", "TYPE", "Other"),
    "CSIP3": put(".", "TYPE", "OTHER"),
    "CSIP4": drop(".", "csip:CONTENTINFORMATIONTYPE"),
    "CSIP4.representation": drop(".", "csip:CONTENTINFORMATIONTYPE", f"{ROOT}/METS.xml"),
    "CSIP4.value": put(".", "csip:CONTENTINFORMATIONTYPE", "mine"),
    "CSIP5": drop(".", "csip:OTHERCONTENTINFORMATIONTYPE"),
    "CSIP6": drop(".", "PROFILE"),
    "CSIP7": put("m:metsHdr", "CREATEDATE", "2026-02-30T00:00:00"),
    "CSIP8": drop("m:metsHdr", "LASTMODDATE"),
    "CSIP8.value": put("m:metsHdr", "LASTMODDATE", "2026"),
    "CSIP9": put("m:metsHdr", "csip:OAISPACKAGETYPE", "BOX"),
    "CSIP10": both(cut("m:metsHdr/m:agent"), cut("m:metsHdr/m:agent")),
    "CSIP11": put(SOFTWARE, "ROLE", "EDITOR"),
    "CSIP12": put(SOFTWARE, "TYPE", "INDIVIDUAL"),
    "CSIP13": put(SOFTWARE, "OTHERTYPE", "ROBOT"),
    "CSIP14": say(f"{SOFTWARE}/m:name", " "),
    "CSIP15": cut(f"{SOFTWARE}/m:note"),
    "CSIP16": drop(f"{SOFTWARE}/m:note", "csip:NOTETYPE"),
    "CSIP17": both(cut("m:dmdSec"), cut("m:dmdSec")),
    "CSIP18": drop("m:dmdSec", "ID"),
    "CSIP18.unique": put("m:dmdSec[2]", "ID", "dmd-metadata_descriptive_dc.xml"),
    "CSIP19": put("m:dmdSec", "CREATED", "2026-11-24"),
    "CSIP20": drop("m:dmdSec", "STATUS"),
    "CSIP20.value": put("m:dmdSec", "STATUS", "current"),
    "CSIP21": cut(DMD),
    **dict(reference((22, 23, 24, 25, 26, 27, 28, 29, 30), DMD, DMD)),
    "CSIP31": both(cut("m:amdSec"), gone("metadata/preservation")),
    "CSIP31.undescribed": cut("m:amdSec"),
    "CSIP31.empty": both(gone("metadata/preservation"), empty("m:amdSec")),
    "CSIP31.single": add("m:amdSec", '<m:amdSec ID="second"/>'),
    "CSIP32": both(gone("metadata/preservation"), empty("m:amdSec", "digiprovMD")),
    "CSIP32.undescribed": made("metadata/preservation/more.xml"),
    "CSIP32.empty": gone("metadata/preservation"),
    "CSIP33": drop("m:amdSec/m:digiprovMD", "ID"),
    "CSIP33.unique": put("m:amdSec/m:digiprovMD", "ID", "administrative"),
    "CSIP34": drop("m:amdSec/m:digiprovMD", "STATUS"),
    "CSIP34.value": put("m:amdSec/m:digiprovMD", "STATUS", "OLD"),
    "CSIP35": cut(PROV),
    **dict(reference((36, 37, 38, 39, 40, 41, 42, 43, 44), PROV, PROV)),
    "CSIP46": drop("m:amdSec/m:rightsMD", "ID"),
    "CSIP46.unique": put("m:amdSec/m:rightsMD", "ID", "administrative"),
    "CSIP47": drop("m:amdSec/m:rightsMD", "STATUS"),
    "CSIP47.value": put("m:amdSec/m:rightsMD", "STATUS", "OLD"),
    "CSIP48": cut(RIGHTS),
    **dict(reference((49, 50, 51, 52, 53, 54, 55, 56, 57), RIGHTS, RIGHTS)),
    "CSIP58": cut("m:fileSec"),
    "CSIP58.single": twice("m:fileSec"),
    "CSIP59": drop("m:fileSec", "ID"),
    "CSIP59.unique": put("m:fileSec", "ID", "administrative"),
    "CSIP60": put("//m:fileGrp[@USE='Documentation']", "USE", "Metadata"),
    "CSIP61": put("//m:fileGrp", "ADMID", "structure"),
    "CSIP62": drop("//m:fileGrp[@USE='Representations/original']", "csip:CONTENTINFORMATIONTYPE"),
    "CSIP62.value": put("//m:fileGrp", "csip:CONTENTINFORMATIONTYPE", "mine"),
    "CSIP63": drop("//m:fileGrp", "csip:OTHERCONTENTINFORMATIONTYPE"),
    "CSIP64": drop("//m:fileGrp", "USE"),
    "CSIP64.word": put("//m:fileGrp", "USE", "Things"),
    "CSIP64.folder": put("//m:fileGrp", "USE", "Documentation/nowhere"),
    "CSIP65": drop("//m:fileGrp", "ID"),
    "CSIP65.unique": put("//m:fileGrp", "ID", "administrative"),
    "CSIP66": cut(FILE),
    "CSIP67": drop(FILE, "ID"),
    "CSIP67.unique": put("//m:fileGrp[2]/m:file", "ID", "file-documentation_README.txt"),
    **dict(reference((77, 78, 79, 0, 68, 69, 70, 71, 72), FILE, LOCATION)),
    "CSIP73": put(FILE, "OWNERID", ""),
    "CSIP74": put(FILE, "ADMID", "structure"),
    "CSIP75": put(FILE, "DMDID", "structure"),
    "CSIP76": cut(LOCATION),
    "CSIP80": twice("m:structMap"),
    "CSIP81": put("m:structMap", "TYPE", "LOGICAL"),
    "CSIP82": put("m:structMap", "LABEL", "MINE"),
    "CSIP83": drop("m:structMap", "ID"),
    "CSIP83.unique": put("m:structMap", "ID", "administrative"),
    "CSIP84": twice(MAIN),
    "CSIP85": drop(MAIN, "ID"),
    "CSIP85.unique": put(MAIN, "ID", "administrative"),
    "CSIP86": both(
        put(".", "PROFILE", "https://earkcsip.dilcis.eu/profile/E-ARK-CSIP-v2-0-4.xml"), put(MAIN, "LABEL", "other")
    ),
    "CSIP88": cut(f"{MAIN}/m:div[@LABEL='Metadata']"),
    "CSIP89": drop(f"{MAIN}/m:div[@LABEL='Metadata']", "ID"),
    "CSIP89.unique": put(f"{MAIN}/m:div[@LABEL='Metadata']", "ID", "structure"),
    "CSIP90": put(f"{MAIN}/m:div[@LABEL='Metadata']", "LABEL", "metadata"),
    "CSIP91": drop(f"{MAIN}/m:div[@LABEL='Metadata']", "ADMID"),
    "CSIP91.unknown": put(f"{MAIN}/m:div[@LABEL='Metadata']", "ADMID", "administrative structure"),
    "CSIP92": drop(f"{MAIN}/m:div[@LABEL='Metadata']", "DMDID"),
    "CSIP92.unknown": put(f"{MAIN}/m:div[@LABEL='Metadata']", "DMDID", "structure"),
    **dict(divisions()),
    "CSIP101": both(cut(f"{MAIN}/m:div[@LABEL='Representations']"), cut(f"{MAIN}/m:div[m:mptr]")),
    "CSIP105": cut(POINTER),
    "CSIP106": drop(f"{MAIN}/m:div[m:mptr]", "ID"),
    "CSIP106.unique": put(f"{MAIN}/m:div[m:mptr]", "ID", "structure"),
    "CSIP107": put(f"{MAIN}/m:div[m:mptr]", "LABEL", "Representations/other"),
    "CSIP108": put(POINTER, "xlink:title", "other"),
    "CSIP109": twice(POINTER),
    "CSIP110": drop(POINTER, "xlink:href"),
    "CSIP110.missing": put(POINTER, "xlink:href", "representations/other/METS.xml"),
    "CSIP111": drop(POINTER, "xlink:type"),
    "CSIP112": put(POINTER, "LOCTYPE", "URN"),
    "CSIP113": put("//m:fileGrp[@USE='Schemas']", "USE", "Metadata"),
    "CSIP114": put("//m:fileGrp[@USE='Representations/original']", "USE", "Metadata"),
    "CSIP117": cut("m:metsHdr"),
    "CSIPSTR2": put(".", "OBJID", "other"),
    "CSIPSTR4": moved("METS.xml", "mets.xml"),
    "CSIPSTR5": moved("metadata", "Metadata"),
    "CSIPSTR6": gone("metadata/preservation"),
    "CSIPSTR6.none": both(gone("metadata/preservation"), gone("METS.xml")),
    "CSIPSTR7": gone("metadata/descriptive"),
    "CSIPSTR7.none": both(gone("metadata/descriptive"), gone("METS.xml")),
    "CSIPSTR9": gone("representations"),
    "CSIPSTR10": made("representations/loose.txt"),
    "CSIPSTR11": gone(f"{ROOT}/data"),
    "CSIPSTR12": gone(f"{ROOT}/METS.xml"),
    "CSIPSTR13": gone(f"{ROOT}/metadata"),
    "CSIPSTR15": gone("schemas"),
    "CSIPSTR16": gone("documentation"),
}
AIP: dict[str, Change] = {
    "AIP4": twice_in_premis,
    "AIP3": cut(POINTER),
    "AIP12": both(without("relationship"), cut("//m:mdRef[@MDTYPE='PREMIS']", f"{ROOT}/METS.xml")),
    "AIP13": add(
        "m:structMap",
        '<m:structMap LABEL="parent AIP"><m:div><m:mptr xlink:href="urn:uuid:1"/></m:div></m:structMap>',
    ),
    "AIP16": without("linkingAgentIdentifier"),
    "AIP17": without("linkingObjectIdentifier", "relatedEventIdentifier"),
    "AIP18": without("agent"),
    "AIP19": add(
        "p:object[1]/p:relationship[last()]",
        "<p:linkingRightsStatementIdentifier><p:linkingRightsStatementIdentifierType>local"
        "</p:linkingRightsStatementIdentifierType><p:linkingRightsStatementIdentifierValue>none"
        "</p:linkingRightsStatementIdentifierValue></p:linkingRightsStatementIdentifier>",
        PREMIS,
    ),
    "not-judged": both(),
}
AIP_PROFILE = put(".", "PROFILE", "https://earkaip.dilcis.eu/profile/E-ARK-AIP-v2-2-0.xml")
AIPM: dict[str, Change] = {
    "AIPM1": put(".", "OBJID", ""),
    "AIPM2": put(".", "PROFILE", "https://example.org/E-ARK-AIP.xml"),
    "AIPM3": put("m:metsHdr", "csip:OAISPACKAGETYPE", "SIP"),
    "AIPM4": put("m:metsHdr", "csip:OAISPACKAGETYPE", "SIP"),
    "AIPM5": cut("m:amdSec"),
    "AIPM6": no_premis,
}
DIP: dict[str, Change] = {
    "DIP1": put(".", "OBJID", ""),
    "DIP2": put(".", "PROFILE", "https://example.org/E-ARK-DIP.xml"),
    "DIP3": put("m:metsHdr", "csip:OAISPACKAGETYPE", "AIP"),
    "DIP4": put("m:dmdSec", "STATUS", "SUPERSEDED"),
}
SIP: dict[str, Change] = {
    "SIP1": drop(".", "LABEL"),
    "SIP2": put(".", "PROFILE", "https://example.org/profile"),
    "SIP3": put("m:metsHdr", "RECORDSTATUS", "LATER"),
    "SIP4": put("m:metsHdr", "csip:OAISPACKAGETYPE", "AIP"),
    "SIP5": add("//m:altRecordID", '<m:altRecordID TYPE="SUBMISSIONAGREEMENT"> </m:altRecordID>'),
    "SIP6": cut("//m:altRecordID[@TYPE='PREVIOUSSUBMISSIONAGREEMENT']"),
    "SIP7": twice("//m:altRecordID[@TYPE='REFERENCECODE']"),
    "SIP8": cut("//m:altRecordID[@TYPE='PREVIOUSREFERENCECODE']"),
    "SIP9": cut(OWNER),
    "SIP10": drop(OWNER, "ROLE"),
    "SIP11": put(OWNER, "TYPE", "OTHER"),
    "SIP12": say(f"{OWNER}/m:name", " "),
    "SIP13": cut(f"{OWNER}/m:note"),
    "SIP14": drop(f"{OWNER}/m:note", "csip:NOTETYPE"),
    "SIP15": both(cut(SUBMITTER), cut(CONTACT)),
    "SIP16": drop(SUBMITTER, "ROLE"),
    "SIP17": put(SUBMITTER, "TYPE", "OTHER"),
    "SIP18": say(f"{SUBMITTER}/m:name", " "),
    "SIP19": cut(f"{SUBMITTER}/m:note"),
    "SIP20": drop(f"{SUBMITTER}/m:note", "csip:NOTETYPE"),
    "SIP21": cut(CONTACT),
    "SIP22": put(CONTACT, "ROLE", "EDITOR"),
    "SIP23": put(CONTACT, "TYPE", "OTHER"),
    "SIP24": say(f"{CONTACT}/m:name", " "),
    "SIP25": cut(f"{CONTACT}/m:note"),
    "SIP26": cut(KEEPER),
    "SIP27": both(put(KEEPER, "OTHERROLE", "PRESERVATION"), put(KEEPER, "ROLE", "OTHER")),
    "SIP28": put(KEEPER, "TYPE", "INDIVIDUAL"),
    "SIP29": say(f"{KEEPER}/m:name", " "),
    "SIP30": cut(f"{KEEPER}/m:note"),
    "SIP31": drop(f"{KEEPER}/m:note", "csip:NOTETYPE"),
    "SIP32": drop(FILE, "sip:FILEFORMATNAME"),
    "SIP32.value": put(FILE, "sip:FILEFORMATNAME", ""),
    "SIP33": drop(FILE, "sip:FILEFORMATVERSION"),
    "SIP33.value": put(FILE, "sip:FILEFORMATVERSION", ""),
    "SIP34": drop(FILE, "sip:FILEFORMATREGISTRY"),
    "SIP34.value": put(FILE, "sip:FILEFORMATREGISTRY", ""),
    "SIP35": drop(FILE, "sip:FILEFORMATKEY"),
    "SIP35.value": put(FILE, "sip:FILEFORMATKEY", ""),
}
PACKED = {"CSIPSTR1", "AIP20", "AIP22", "AIP27", "AIP28"}


def package(place: Path, kind: PackageKind) -> Path:
    """A package that has everything that a rule can be about."""
    write_package(place, kind=kind, events=(event(), event(identifier="2b671a64-40d5-491e-99b0-da01ff1f3341")))
    root = place / "data" / f"uuid-{PACKAGE}"
    rights = found(etree.fromstring((root / "METS.xml").read_bytes()), PROV)
    wrapped = f'<m:rightsMD ID="rights" STATUS="CURRENT">{etree.tostring(rights).decode()}</m:rightsMD>'
    at("m:amdSec", lambda node: node.insert(0, etree.fromstring(f'<z xmlns:m="{SPACES["m"]}">{wrapped}</z>')[0]))(root)
    metadata = f"{MAIN}/m:div[@LABEL='Metadata']"
    at(metadata, lambda node: node.set("ADMID", f"rights {node.get('ADMID')}"))(root)
    if kind is PackageKind.SIP:
        both(
            *(add(SUBMITTER, each) for each in AGENTS),
            *(add(f"{who}/m:name", CODED) for who in (OWNER, SUBMITTER)),
            put("m:metsHdr", "RECORDSTATUS", "NEW"),
            *(
                add("//m:altRecordID", f'<m:altRecordID TYPE="{name}">1</m:altRecordID>')
                for name in ("SUBMISSIONAGREEMENT", "PREVIOUSSUBMISSIONAGREEMENT", "PREVIOUSREFERENCECODE")
            ),
            *(put(FILE, f"sip:FILEFORMAT{name}", "1") for name in ("NAME", "VERSION", "REGISTRY", "KEY")),
        )(root)
    return root


def codes(root: Path) -> set[str]:
    findings = validate_eark(root)
    assert all(finding.message("zh") != finding.message("en") for finding in findings)
    return {finding.code.removeprefix("eark.") for finding in findings if finding.code.startswith("eark.")}


@pytest.mark.parametrize("kind", PackageKind)
def test_a_package_that_keeps_every_requirement_has_nothing_against_it(tmp_path: Path, kind: PackageKind) -> None:
    assert {finding.code for finding in validate_eark(package(tmp_path, kind))} <= {"eark.not-judged"}


@pytest.mark.parametrize("code", CSIP)
def test_a_requirement_of_every_package(tmp_path: Path, code: str) -> None:
    root = package(tmp_path, PackageKind.AIP)
    CSIP[code](root)
    assert code in codes(root)


@pytest.mark.parametrize("code", SIP)
def test_a_requirement_of_a_sip(tmp_path: Path, code: str) -> None:
    root = package(tmp_path, PackageKind.SIP)
    assert code not in codes(root)
    SIP[code](root)
    assert code in codes(root)


@pytest.mark.parametrize("code", DIP)
def test_a_requirement_of_a_dip(tmp_path: Path, code: str) -> None:
    root = package(tmp_path, PackageKind.DIP)
    DIP[code](root)
    assert code in codes(root)


@pytest.mark.parametrize("code", AIP)
def test_a_requirement_of_an_aip(tmp_path: Path, code: str) -> None:
    root = package(tmp_path, PackageKind.AIP)
    AIP[code](root)
    assert code in codes(root)


@pytest.mark.parametrize("code", AIPM)
def test_a_requirement_of_the_profile_of_aips(tmp_path: Path, code: str) -> None:
    root = package(tmp_path, PackageKind.AIP)
    AIP_PROFILE(root)
    assert not {each for each in codes(root) if each.startswith("AIPM")}
    AIPM[code](root)
    assert code in codes(root)


def test_requirements_on_a_packed_file(tmp_path: Path) -> None:
    root = package(tmp_path / "bag", PackageKind.AIP)
    packed, named = tmp_path / "box.tar.gz", tmp_path / f"{root.name}_v1.tar"
    with tarfile.open(packed, "w:gz") as archive:
        archive.add(root, root.name)
    with tarfile.open(named, "w") as archive:
        archive.add(root, root.name)
    assert {"AIP20", "AIP22", "AIP28"} <= {each.code.removeprefix("eark.") for each in validate(packed).findings}
    assert {each.code for each in validate(named).findings} == {"eark.not-judged"}


def test_a_packed_file_without_a_folder(tmp_path: Path) -> None:
    root = package(tmp_path / "bag", PackageKind.AIP)
    packed = tmp_path / "box.tar"
    with tarfile.open(packed, "w") as archive:
        for each in root.iterdir():
            archive.add(each, each.name)
    assert {"CSIPSTR1", "AIP27"} <= {each.code.removeprefix("eark.") for each in validate(packed).findings}


def test_every_requirement_has_its_case() -> None:
    mine = {code.removeprefix("eark.") for code in rules() if code.startswith("eark.")}
    assert mine == {*CSIP, *SIP, *DIP, *AIP, *AIPM, *PACKED}


def test_what_the_standard_only_permits_is_never_more_than_a_note() -> None:
    may = {"SIP1", "SIP3", *(f"SIP{number}" for number in (5, 6, 7, 8, 9, 12, 13, 18, 19, 21, 25, 26, 29, 30))}
    assert {rules()[f"eark.{code}"].severity for code in may} == {Severity.INFO}
