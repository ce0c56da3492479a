"""CSIP58-CSIP79, CSIP113, CSIP114: the file section, its groups, and every file."""

from collections.abc import Iterator
from urllib.parse import unquote

from packages_spec.eark.checks import CONTENT_TYPE, Attribute, judge_attribute, judge_attributes
from packages_spec.eark.context import Context
from packages_spec.eark.document import Node
from packages_spec.eark.references import CONTENT, judge_core, judge_location
from packages_spec.eark.vocabularies import USES
from packages_spec.findings import Finding

ATTRIBUTES = (
    Attribute("CSIP59", "fileSec", "ID"),
    Attribute("CSIP62.value", "fileSec/fileGrp", "csip:CONTENTINFORMATIONTYPE", CONTENT_TYPE, absent=False),
    Attribute("CSIP64", "fileSec/fileGrp", "USE"),
    Attribute("CSIP65", "fileSec/fileGrp", "ID"),
)
_FILE_ID = Attribute("CSIP67", "", "ID")
_REPRESENTATIONS = "Representations"


def judge_file_section(context: Context) -> Iterator[Finding]:
    """Findings on the file section and its groups; files are judged by `judge_file` as they pass."""
    sections = list(context.root.each("fileSec"))
    if not sections:
        yield context.breach("CSIP58")
    elif len(sections) > 1:
        yield context.breach("CSIP58.single", "1", str(len(sections)))
    yield from judge_attributes(ATTRIBUTES, context)
    groups = list(context.root.below("fileSec/fileGrp"))
    for group in groups:
        yield from _group(group, context)
    if context.is_root and sections:
        uses = [group.get("USE") for group in groups]
        if "Documentation" not in uses:
            yield context.breach("CSIP60", "Documentation")
        if "Schemas" not in uses:
            yield context.breach("CSIP113", "Schemas")
        if not any(use.startswith(_REPRESENTATIONS) for use in uses):
            yield context.breach("CSIP114", _REPRESENTATIONS)


def _group(group: Node, context: Context) -> Iterator[Finding]:
    use = group.get("USE")
    yield from _administrative_ids("CSIP61", group, context)
    content_type = group.get("csip:CONTENTINFORMATIONTYPE")
    mixed = context.root.get("csip:CONTENTINFORMATIONTYPE") == "MIXED"
    if not content_type and (use.startswith(_REPRESENTATIONS) or mixed):
        yield context.breach("CSIP62", found=use)
    if content_type == "OTHER" and not group.get("csip:OTHERCONTENTINFORMATIONTYPE"):
        yield context.breach("CSIP63", "csip:OTHERCONTENTINFORMATIONTYPE", use)
    yield from _use(use, context)
    if not (group.files or any(group.everywhere("file")) or any(each.files for each in group.everywhere("fileGrp"))):
        yield context.breach("CSIP66", found=use or group.get("ID"))


def _use(use: str, context: Context) -> Iterator[Finding]:
    """USE begins with a word of the list and is, whatever the case, the path of a folder."""
    if not use:
        return
    if use.partition("/")[0] not in USES:
        yield context.breach("CSIP64.word", " | ".join(USES), use)
    elif not any(context.files.is_folder(place) for place in _places(use, context)):
        yield context.breach("CSIP64.folder", found=use)


def _places(use: str, context: Context) -> Iterator[str]:
    """The folders that USE may mean: from the package's folder, or from that of the document."""
    yield use
    if context.folder:
        yield f"{context.folder}/{use}"


def _administrative_ids(requirement: str, node: Node, context: Context) -> Iterator[Finding]:
    """ADMID names administrative metadata of this document, and nothing else."""
    known = administrative_ids(context.root)
    for identifier in node.get("ADMID").split():
        if identifier not in known:
            yield context.breach(requirement, found=identifier)


def administrative_ids(root: Node) -> set[str]:
    """The identifiers of administrative metadata."""
    sections = list(root.each("amdSec"))
    return {node.get("ID") for part in sections for node in (part, *part.children)} - {""}


def descriptive_ids(root: Node) -> set[str]:
    """The identifiers of descriptive metadata."""
    return {section.get("ID") for section in root.each("dmdSec")} - {""}


class FileJudge:
    """Judges the files of one document as they pass, and keeps of them what the document's other rules ask for.

    `attributes` are the names of attributes that some file has, `empty` those that some file has without a value,
    `documents` the identifiers by which METS documents are listed, their own and their group's.
    """

    def __init__(self, context: Context) -> None:
        self.context = context
        self.attributes: set[str] = set()
        self.empty: set[str] = set()
        self.documents: dict[str, set[str]] = {}
        self._descriptive: set[str] | None = None
        self._administrative: set[str] = set()

    def judge(self, file: Node) -> Iterator[Finding]:
        """Findings on one `file` and its location."""
        self.attributes.update(file.attributes)
        self.empty.update(name for name in file.attributes if not file.get(name))
        yield from judge_attribute(_FILE_ID, file, self.context)
        yield from self._pointed(file)
        locations = list(file.each("FLocat"))
        if len(locations) != 1:
            yield self.context.breach("CSIP76", "1", f"{file.get('ID')}: {len(locations)}")
        yield from judge_core(CONTENT, file, self.context)
        for location in locations:
            reference = location.get("xlink:href")
            if reference.endswith("METS.xml"):
                group = file.parent.get("ID") if file.parent is not None else ""
                self.documents.setdefault(self.context.place(unquote(reference)), set()).update({file.get("ID"), group})
            yield from judge_location(CONTENT, file, location, self.context)

    def _pointed(self, file: Node) -> Iterator[Finding]:
        """Metadata that a file points to stands before the files, so it is known by now."""
        if self._descriptive is None:
            self._descriptive = descriptive_ids(self.context.root)
            self._administrative = administrative_ids(self.context.root)
        for identifier in file.get("ADMID").split():
            if identifier not in self._administrative:
                yield self.context.breach("CSIP74", found=identifier)
        for identifier in file.get("DMDID").split():
            if identifier not in self._descriptive:
                yield self.context.breach("CSIP75", found=identifier)
        if "OWNERID" in file.attributes and not file.get("OWNERID"):
            yield self.context.breach("CSIP73", found=file.get("ID"))
