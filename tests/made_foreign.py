"""Packages as other systems write them, small, made here after what those systems' own look like."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from tests import made_formats as made

AIP_UUID = "6a5f1d2e-9b7c-4c1d-8e2f-0123456789ab"
RODA_ID = "b1c2d3e4-0000-4000-8000-aaaaaaaaaaaa"
PREMIS = (
    '<premis:premis xmlns:premis="http://www.loc.gov/premis/v3" version="3.0"><premis:agent>'
    "<premis:agentIdentifier><premis:agentIdentifierType>x</premis:agentIdentifierType>"
    "<premis:agentIdentifierValue>Zhang San</premis:agentIdentifierValue></premis:agentIdentifier>"
    "<premis:agentName>Zhang San</premis:agentName></premis:agent></premis:premis>"
)
DC = 'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/"'
METS = 'xmlns:mets="http://www.loc.gov/METS/" xmlns:csip="https://DILCIS.eu/XML/METS/CSIPExtensionMETS"'

Files = Mapping[str, bytes | str]


def lay(folder: Path, files: Files) -> Path:
    """These files in a folder."""
    for path, content in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def bag(folder: Path, files: Files, info: Mapping[str, str] | None = None) -> Path:
    """A bag with this payload."""
    lay(folder, {f"data/{path}": content for path, content in files.items()})
    entries = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder)}\n" for path in entries]
    said = "".join(f"{label}: {value}\n" for label, value in (info or {}).items())
    return lay(
        folder,
        {
            "manifest-sha256.txt": "".join(lines),
            "bagit.txt": "BagIt-Version: 0.97\nTag-File-Character-Encoding: UTF-8\n",
            "bag-info.txt": said,
        },
    )


def archivematica(folder: Path) -> Path:
    """An AIP of Archivematica 1.x: a bag with METS, objects, logs and thumbnails."""
    mets = (
        f'<mets:mets {METS} OBJID="{AIP_UUID}"><mets:metsHdr CREATEDATE="2024-03-01T00:00:00"/>'
        f'<mets:dmdSec ID="dmdSec_1"><mets:mdWrap MDTYPE="DC"><mets:xmlData><dcterms:dublincore {DC}>'
        "<dc:title>河道治理照片</dc:title><dc:creator>水利局</dc:creator><dc:date>1962-05</dc:date>"
        "<dc:identifier>SL-1962-17</dc:identifier></dcterms:dublincore></mets:xmlData></mets:mdWrap></mets:dmdSec>"
        f"<mets:amdSec ID='amdSec_1'>{PREMIS}</mets:amdSec><mets:fileSec/></mets:mets>"
    )
    return bag(
        folder,
        {
            f"METS.{AIP_UUID}.xml": mets,
            "README.html": "<p>AIP</p>",
            "objects/照片/a.jpg": made.picture(),
            "objects/b.txt": "说明\n",
            "objects/metadata/transfers/x/metadata.csv": "filename,dc.title\n",
            "objects/submissionDocumentation/transfer-x/METS.xml": "<mets/>",
            "logs/filenameCleanup.log": "cleaned\n",
            "thumbnails/1.jpg": made.picture(size=(8, 8)),
        },
        {"External-Identifier": AIP_UUID, "Bagging-Date": "2024-03-01"},
    )


def roda(folder: Path) -> Path:
    """An AIP of RODA 5 as it lies in its storage."""
    said = f'{{"id":"{RODA_ID}","ingestSIPIds":["uuid-AAAA"],"state":"ACTIVE","type":"MIXED"}}'
    ead = (
        '<ead xmlns="urn:isbn:1-931666-22-9"><archdesc level="file"><did><unitid>PT-1</unitid>'
        "<unittitle>Minutes of the council</unittitle><unitdate>1974-04-25</unitdate>"
        "<origination>Council</origination></did></archdesc></ead>"
    )
    return lay(
        folder,
        {
            "aip.json": said,
            "metadata/descriptive/ead2002.xml": ead,
            "metadata/preservation/x.xml": PREMIS,
            "representations/rep1/data/minutes.pdf": made.pdf(),
            "representations/rep1/metadata/preservation/y.xml": PREMIS,
        },
    )


def eark(folder: Path, kind: str = "SIP", *, agent: str = "", representations: int = 1) -> Path:
    """An E-ARK package; `agent` names the software that its METS says."""
    agents = f"<mets:agent><mets:name>{agent}</mets:name></mets:agent>" if agent else ""
    mets = (
        f'<mets:mets {METS} OBJID="uuid-EARK-{kind}" PROFILE="https://earksip.dilcis.eu/profile/E-ARK-SIP.xml">'
        f'<mets:metsHdr CREATEDATE="2024-01-01T00:00:00" csip:OAISPACKAGETYPE="{kind}">{agents}</mets:metsHdr>'
        "<mets:amdSec/><mets:fileSec/></mets:mets>"
    )
    files: dict[str, bytes | str] = {
        "METS.xml": mets,
        "metadata/descriptive/dc.xml": f"<simpledc {DC}><dc:title>土地登记簿</dc:title><dc:date>1951-13-40</dc:date>"
        "<dc:date>1951</dc:date><dc:creator>县政府</dc:creator></simpledc>",
        "metadata/preservation/premis.xml": PREMIS,
        "documentation/read.txt": "读我\n",
    }
    for number in range(1, representations + 1):
        files[f"representations/rep{number}/METS.xml"] = mets
        files[f"representations/rep{number}/data/页/1.txt"] = f"第{number}\n"
    return lay(folder, files)


def dspace_mets(folder: Path, profile: str = "http://www.dspace.org/schema/aip/mets_aip_1_0.xsd") -> Path:
    """A METS package of DSpace, as `dspace packager` writes it."""
    mets = (
        f'<mets:mets {METS} OBJID="hdl:123456789/8" LABEL="DSpace Item" PROFILE="{profile}"><mets:metsHdr><mets:agent>'
        "<mets:name>DSpace at My University</mets:name></mets:agent></mets:metsHdr><mets:dmdSec ID='d1'>"
        "<mets:mdWrap MDTYPE='MODS'><mets:xmlData><mods:mods xmlns:mods='http://www.loc.gov/mods/v3'><mods:titleInfo>"
        "<mods:title>A thesis</mods:title></mods:titleInfo>"
        "<mods:name><mods:namePart>Li, Wei</mods:namePart></mods:name>"
        "<mods:originInfo><mods:dateIssued>2009-06-01</mods:dateIssued></mods:originInfo>"
        "<mods:identifier type='uri'>http://hdl.handle.net/123456789/8</mods:identifier></mods:mods></mets:xmlData>"
        "</mets:mdWrap></mets:dmdSec><mets:fileSec/></mets:mets>"
    )
    return lay(folder, {"mets.xml": mets, "bitstream_26.pdf": made.pdf(), "bitstream_27.txt": "text\n"})


def dspace_items(folder: Path, items: int = 2) -> Path:
    """A batch in DSpace's Simple Archive Format."""
    for number in range(items):
        lay(
            folder / f"item_{number:03}",
            {
                "dublin_core.xml": '<?xml version="1.0" encoding="utf-8"?><dublin_core><dcvalue element="title" '
                f'qualifier="none">Report {number}</dcvalue><dcvalue element="contributor" qualifier="author">Wang'
                '</dcvalue><dcvalue element="date" qualifier="issued">1999-02</dcvalue></dublin_core>',
                "contents": "report.txt\tbundle:ORIGINAL\nlicense.txt\tbundle:LICENSE\n",
                "handle": f"123456789/{100 + number}\n",
                "report.txt": f"report {number}\n",
                "license.txt": "yours\n",
            },
        )
    return folder
