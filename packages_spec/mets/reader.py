"""Reading METS as a stream: what it lists and how it is built, each as a value, in document order."""

from collections.abc import Iterator
from typing import BinaryIO

from packages_spec.mets.values import Division, FileReference, Root, Section, StructMap
from packages_spec.safe_xml import Element, stream
from packages_spec.xml_text import path_of

_METS = "{http://www.loc.gov/METS/}"
_HREF = "{http://www.w3.org/1999/xlink}href"
_PACKAGE_TYPE = "{https://DILCIS.eu/XML/METS/CSIPExtensionMETS}OAISPACKAGETYPE"
_SECTIONS = ("dmdSec", "techMD", "rightsMD", "sourceMD", "digiprovMD", "fileGrp")
_READ = ("metsHdr", "mdRef", "file", "structMap", "div", *_SECTIONS)

Item = Root | FileReference | Section | StructMap | Division


def read_mets(source: bytes | BinaryIO, path: str = ".") -> Iterator[Item]:
    """What the document says, in its order; Root comes first in a document that begins with its header.

    Every schema-valid METS 1.12 is read; inline metadata (mdWrap) and behaviour are passed over.
    Raises UnsafeXml for a document that must not be read.
    """
    for event, element in stream(source, [_METS + name for name in _READ], path):
        name = element.tag.removeprefix(_METS)
        if event == "start" and name == "metsHdr":
            yield _root(element)
        elif event == "start" and name == "structMap":
            yield StructMap(element.get("TYPE", ""), element.get("LABEL", ""))
        elif event == "start" and name in _SECTIONS:
            yield Section(element.get("ID", ""), name, element.get("USE", ""))
        elif event == "end" and name in {"mdRef", "file"}:
            yield from _references(element, name)
        elif event == "end" and name == "div":
            yield _division(element)


def _root(header: Element) -> Root:
    mets = header.getparent()
    mets = header if mets is None else mets
    return Root(
        objid=mets.get("OBJID", ""),
        label=mets.get("LABEL", ""),
        profile=mets.get("PROFILE", ""),
        package_type=header.get(_PACKAGE_TYPE, ""),
    )


def _references(element: Element, name: str) -> Iterator[FileReference]:
    if name == "mdRef":
        yield _reference(element, element, "metadata", element.get("MDTYPE", ""))
        return
    group = element.getparent()
    use = "" if group is None else group.get("USE", "")
    for location in element.iterfind(f"{_METS}FLocat"):
        yield _reference(element, location, "file", use)


def _reference(element: Element, location: Element, kind: str, use: str) -> FileReference:
    size = element.get("SIZE", "")
    return FileReference(
        path=path_of(location.get(_HREF, "")),
        kind=kind,
        size=int(size) if size.isascii() and size.isdigit() else None,
        checksum=element.get("CHECKSUM"),
        checksum_type=element.get("CHECKSUMTYPE"),
        media_type=element.get("MIMETYPE"),
        use=use,
        created=element.get("CREATED", ""),
    )


def _division(element: Element) -> Division:
    pointed = " ".join(element.get(name, "") for name in ("DMDID", "ADMID"))
    files = (pointer.get("FILEID", "") for pointer in element.iterfind(f"{_METS}fptr"))
    documents = (path_of(pointer.get(_HREF, "")) for pointer in element.iterfind(f"{_METS}mptr"))
    return Division(element.get("LABEL", ""), (*pointed.split(), *filter(None, files)), tuple(documents))
