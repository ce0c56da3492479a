"""METS as a stream of escaped templates: memory does not grow with the number of files.

Ids follow from paths, so they are the same in every version of a package. Everything is written in one order.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256

from packages_spec.mets.values import PROFILES, Header, MetadataFile, MetsFile
from packages_spec.xml_text import DECLARATION, attribute, href, in_chunks, text

CONTENT_SPECIFICATION = "urn:jingui:package:1"
"""Our own content information type (CSIP4, CSIP5): E-ARK has none for scanned records."""

_PLAIN = re.compile("[0-9A-Za-z./-]+").fullmatch
_CONTENT_TYPE = f'csip:CONTENTINFORMATIONTYPE="OTHER" csip:OTHERCONTENTINFORMATIONTYPE="{CONTENT_SPECIFICATION}"'
_NAMESPACES = (
    'xmlns="http://www.loc.gov/METS/" xmlns:xlink="http://www.w3.org/1999/xlink" '
    'xmlns:csip="https://DILCIS.eu/XML/METS/CSIPExtensionMETS" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xsi:schemaLocation="http://www.loc.gov/METS/ http://www.loc.gov/standards/mets/mets.xsd '
    "http://www.w3.org/1999/xlink http://www.loc.gov/standards/xlink/xlink.xsd "
    "https://DILCIS.eu/XML/METS/CSIPExtensionMETS "
    'https://earkcsip.dilcis.eu/schema/DILCISExtensionMETS.xsd"'
)


def package_mets(
    header: Header,
    *,
    descriptive: Sequence[MetadataFile],
    provenance: Sequence[MetadataFile],
    documentation: Sequence[MetsFile],
    schemas: Sequence[MetsFile],
    representations: Sequence[tuple[str, MetsFile]],
) -> Iterator[bytes]:
    """The METS document of a package: its metadata, and for each representation (name, document) that document.

    Content is listed by the representation's own document only (CSIP 2.1, 5.4).
    """
    groups = {"Documentation": documentation, "Schemas": schemas}
    groups |= {f"Representations/{name}": [document] for name, document in representations}
    return in_chunks(_package(header, descriptive, provenance, groups, representations))


def representation_mets(
    header: Header, *, name: str, provenance: Sequence[MetadataFile], files: Iterable[MetsFile]
) -> Iterator[bytes]:
    """The METS document of a representation: its preservation metadata and every file of its content."""
    return in_chunks(_representation(header, name, provenance, files))


def _package(
    header: Header,
    descriptive: Sequence[MetadataFile],
    provenance: Sequence[MetadataFile],
    groups: dict[str, Sequence[MetsFile]],
    representations: Sequence[tuple[str, MetsFile]],
) -> Iterator[str]:
    yield _head(header)
    for metadata in descriptive:
        identifier, reference = xml_id("dmd", metadata.file.path), _reference(metadata)
        yield f'<dmdSec ID="{identifier}" CREATED="{metadata.file.created}" STATUS="CURRENT">{reference}</dmdSec>\n'
    yield from _provenance(provenance)
    yield '<fileSec ID="file-section">\n'
    for use, files in groups.items():
        yield from _group(use, files)
    yield "</fileSec>\n"
    yield from _map_start(header.objid, descriptive, provenance)
    for use in ("Documentation", "Schemas"):
        yield _division(use, [use])
    # CSIP103 asks for a division "Representations"; CSIP105-112 ask for one beside it for each representation.
    yield _division("Representations", [f"Representations/{name}" for name, _ in representations])
    for name, document in representations:
        yield _document_division(f"Representations/{name}", document)
    yield "</div>\n</structMap>\n</mets>\n"


def _representation(
    header: Header, name: str, provenance: Sequence[MetadataFile], files: Iterable[MetsFile]
) -> Iterator[str]:
    use = f"Representations/{name}/data"
    yield _head(header)
    yield from _provenance(provenance)
    yield '<fileSec ID="file-section">\n'
    yield from _group(use, files)
    yield "</fileSec>\n"
    yield from _map_start(header.objid, (), provenance)
    yield _division(use, [use])
    yield "</div>\n</structMap>\n</mets>\n"


def xml_id(prefix: str, path: str) -> str:
    """An xml:id that follows from the path alone: readable where the path is plain, else from the path's SHA-256."""
    if _PLAIN(path):
        return f"{prefix}-{path.replace('/', '_')}"
    return f"{prefix}_{sha256(path.encode()).hexdigest()[:32]}"


def _head(header: Header) -> str:
    reference_code = ""
    if header.reference_code is not None:
        reference_code = f'<altRecordID TYPE="REFERENCECODE">{text(header.reference_code)}</altRecordID>\n'
    # SIP15: a submission names who submits it: whoever packed it.
    submitter = ""
    if header.package_type == "SIP":
        submitter = f'<agent ROLE="CREATOR" TYPE="ORGANIZATION"><name>{text(header.archive)}</name></agent>\n'
    return (
        f'{DECLARATION}<mets {_NAMESPACES} OBJID="{attribute(header.objid)}" LABEL="{attribute(header.label)}" '
        f'TYPE="{header.content_category}" {_CONTENT_TYPE} PROFILE="{PROFILES[header.package_type]}">\n'
        f'<metsHdr CREATEDATE="{header.created}" LASTMODDATE="{header.modified}" '
        f'csip:OAISPACKAGETYPE="{header.package_type}">\n'
        f'<agent ROLE="CREATOR" TYPE="OTHER" OTHERTYPE="SOFTWARE"><name>{text(header.software)}</name>'
        f'<note csip:NOTETYPE="SOFTWARE VERSION">{text(header.software_version)}</note></agent>\n'
        f'<agent ROLE="ARCHIVIST" TYPE="ORGANIZATION"><name>{text(header.archive)}</name></agent>\n{submitter}'
        f"{reference_code}</metsHdr>\n"
    )


def _provenance(metadata: Sequence[MetadataFile]) -> Iterator[str]:
    yield '<amdSec ID="administrative">\n'
    for entry in metadata:
        yield f'<digiprovMD ID="{xml_id("prov", entry.file.path)}" STATUS="CURRENT">{_reference(entry)}</digiprovMD>\n'
    yield "</amdSec>\n"


def _reference(metadata: MetadataFile) -> str:
    kind = f'MDTYPE="{metadata.type}"'
    if metadata.other_type is not None:
        kind += f' OTHERMDTYPE="{attribute(metadata.other_type)}"'
    if metadata.version is not None:
        kind += f' MDTYPEVERSION="{attribute(metadata.version)}"'
    return f"<mdRef {_location(metadata.file)} {kind} {_core(metadata.file)}/>"


def _group(use: str, files: Iterable[MetsFile]) -> Iterator[str]:
    yield f'<fileGrp ID="{_group_id(use)}" USE="{use}" {_CONTENT_TYPE}>\n'
    for file in files:
        yield f'<file ID="{xml_id("file", file.path)}" {_core(file)}><FLocat {_location(file)}/></file>\n'
    yield "</fileGrp>\n"


def _core(file: MetsFile) -> str:
    return (
        f'MIMETYPE="{attribute(file.media_type)}" SIZE="{file.size}" CREATED="{file.created}" '
        f'CHECKSUM="{file.sha256}" CHECKSUMTYPE="SHA-256"'
    )


def _location(file: MetsFile) -> str:
    return f'LOCTYPE="URL" xlink:type="simple" xlink:href="{href(file.path)}"'


def _map_start(objid: str, descriptive: Sequence[MetadataFile], provenance: Sequence[MetadataFile]) -> Iterator[str]:
    yield '<structMap ID="structure" TYPE="PHYSICAL" LABEL="CSIP">\n'
    yield f'<div ID="division-package" LABEL="{attribute(objid)}">\n<div ID="division-metadata" LABEL="Metadata"'
    yield from _id_list("DMDID", (xml_id("dmd", entry.file.path) for entry in descriptive))
    yield from _id_list("ADMID", (xml_id("prov", entry.file.path) for entry in provenance))
    yield "/>\n"


def _id_list(name: str, ids: Iterable[str]) -> Iterator[str]:
    joined = " ".join(ids)
    if joined:
        yield f' {name}="{joined}"'


def _group_id(use: str) -> str:
    return f"group-{use.lower().replace('/', '-')}"


def _division_id(use: str) -> str:
    return f"division-{use.lower().replace('/', '-')}"


def _division(label: str, uses: Iterable[str]) -> str:
    pointers = "".join(f'<fptr FILEID="{_group_id(use)}"/>' for use in uses)
    return f'<div ID="{_division_id(label)}" LABEL="{label}">{pointers}</div>\n'


def _document_division(use: str, document: MetsFile) -> str:
    pointer = f'<mptr {_location(document)} xlink:title="{_group_id(use)}"/>'
    return f'<div ID="{_division_id(use)}" LABEL="{use}">{pointer}</div>\n'
