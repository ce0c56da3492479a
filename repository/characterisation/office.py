"""Office files (办公文档): OOXML and ODF by their zip structure, the older Office by its compound file.

What matters for keeping is told: which kind of document, whether it has macros, whether it is encrypted, and whether
somebody signed it. The words of the document are not read.
"""

from collections.abc import Iterator

from lxml import etree

from packages_spec.safe_xml import UnsafeXml, parse
from packages_spec.technical import Part, Property, Technical
from packages_spec.zip_container import Container, RefusedContainer
from repository.characterisation.report import plain, signature
from repository.characterisation.xmldsig import judge_parts

TOOL = "jingui office reader 1"
TYPES = "[Content_Types].xml"

_MAIN = {
    "wordprocessingml.document.main": "OOXML text",
    "wordprocessingml.template.main": "OOXML text template",
    "document.macroEnabled.main": "OOXML text",
    "template.macroEnabledTemplate.main": "OOXML text template",
    "spreadsheetml.sheet.main": "OOXML spreadsheet",
    "spreadsheetml.template.main": "OOXML spreadsheet template",
    "sheet.macroEnabled.main": "OOXML spreadsheet",
    "sheet.binary.macroEnabled.main": "OOXML binary spreadsheet",
    "presentationml.presentation.main": "OOXML presentation",
    "presentationml.slideshow.main": "OOXML presentation",
    "presentation.macroEnabled.main": "OOXML presentation",
    "visio.drawing.main": "OOXML drawing",
}
_ODF = "application/vnd.oasis.opendocument."
_MANIFEST = "{urn:oasis:names:tc:opendocument:xmlns:manifest:1.0}"
_SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"
_COUNTED = {"Pages": "pages", "Slides": "slides"}


def is_ooxml(container: Container) -> bool:
    """Open Packaging Conventions, ISO/IEC 29500-2."""
    return TYPES in container


def is_odf(container: Container) -> bool:
    """OpenDocument, ISO/IEC 26300-3: 3.3 `mimetype`."""
    return "mimetype" in container and "META-INF/manifest.xml" in container


def read_ooxml(container: Container) -> Technical:
    """What its parts say."""
    types = parse(container.read(TYPES), TYPES)
    declared = [str(node.get("ContentType") or "") for node in types]
    kind = next((word for end, word in _MAIN.items() if any(f"{end}+xml" in each for each in declared)), "OOXML")
    macros = any("vbaProject" in name for name in container.names) or any("macroEnabled" in each for each in declared)
    said = [Property("document", kind), Property("macros", _yes(macros)), Property("encryption", "none")]
    application = None
    for name, value in _simple(container, "docProps/app.xml"):
        if name == "Application":
            application = plain(value)
        elif name in _COUNTED and value.isascii() and value.isdigit():
            said.append(Property(_COUNTED[name], value))
    signatures = [
        _ooxml_signature(container, name)
        for name in container.names
        if name.startswith("_xmlsignatures/") and name.endswith(".xml")
    ]
    return Technical("office", TOOL, tuple(said), tuple(signatures), None, application)


def _ooxml_signature(container: Container, name: str) -> Part:
    try:
        status, note = judge_parts(container, parse(container.read(name), name))
    except (UnsafeXml, RefusedContainer) as error:
        status, note = "invalid", str(error)
    return signature("OOXML", status, note=note)


def read_odf(container: Container) -> Technical:
    """What its manifest and its own metadata say."""
    kind = container.read("mimetype", 1 << 10).decode("ascii", "replace").strip()
    manifest = parse(container.read("META-INF/manifest.xml"), "META-INF/manifest.xml")
    encrypted = next(manifest.iter(f"{_MANIFEST}encryption-data"), None) is not None
    macros = any(name.startswith(("Basic/", "Scripts/")) for name in container.names)
    said = [
        Property("document", plain(f"ODF {kind.removeprefix(_ODF)}") or "ODF"),
        Property("macros", _yes(macros)),
        Property("encryption", "password needed" if encrypted else "none"),
    ]
    application = None
    for name, value in _simple(container, "meta.xml"):
        if name == "generator":
            application = plain(value)
        elif name == "document-statistic" and value.isascii() and value.isdigit():
            said.append(Property("pages", value))
    return Technical("office", TOOL, tuple(said), tuple(_odf_signatures(container)), None, application)


def _odf_signatures(container: Container) -> Iterator[Part]:
    for name in ("META-INF/documentsignatures.xml", "META-INF/macrosignatures.xml"):
        if name not in container:
            continue
        try:
            found = list(parse(container.read(name), name).iter(_SIGNATURE))
        except (UnsafeXml, RefusedContainer) as error:
            yield signature("ODF", "invalid", note=str(error))
            continue
        for each in found:
            status, note = judge_parts(container, each)
            yield signature("ODF", status, note=note)


def _simple(container: Container, name: str) -> Iterator[tuple[str, str]]:
    """Elements of a metadata part, by their local names, with their words; of ODF's statistics, the page count."""
    if name not in container:
        return
    try:
        root = parse(container.read(name), name)
    except (UnsafeXml, RefusedContainer):
        return  # what it would have said is left out; the document itself was judged above
    for node in root.iter():
        local = etree.QName(node).localname
        pages = next((str(value) for key, value in node.attrib.items() if str(key).endswith("}page-count")), None)
        yield local, pages if pages is not None else (node.text or "")


def _yes(value: object) -> str:
    return "yes" if value else "no"
