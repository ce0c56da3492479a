"""Judging an E-ARK information package (E-ARK 信息包检查): CSIP, SIP, AIP and DIP, and every file that it speaks of."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import unquote

from packages_spec.digests import Digested
from packages_spec.eark.context import Context
from packages_spec.eark.document import METS as METS_SPACE
from packages_spec.eark.document import read_document
from packages_spec.eark.documents import judge_document
from packages_spec.eark.file_rules import FileJudge, judge_file_section
from packages_spec.eark.folder_rules import METS, judge_folders
from packages_spec.eark.head_rules import judge_head
from packages_spec.eark.identifiers import Identifiers
from packages_spec.eark.map_rules import judge_map
from packages_spec.eark.package_types import judge_type
from packages_spec.eark.premis_rules import PremisJudge
from packages_spec.eark.section_rules import judge_sections
from packages_spec.findings import Bounded, Finding
from packages_spec.package_files import Mark, PackageFiles
from packages_spec.paths import shown
from packages_spec.safe_xml import UnsafeXml

_REPRESENTATION = re.compile(r"representations/[^/]+/METS\.xml")
_JUDGED = ("PREMIS", "DC")
_NOT_JUDGED = ("AIP1", "AIP2", "AIP21")
"""Requirements on several packages together, or on a policy of the archive."""
_FOLDERS = ("representations", "metadata", "schemas", "documentation")


def is_eark(root: Path) -> bool:
    """Whether a folder is, or was meant to be, an E-ARK package: a METS document or the folders of one."""
    names = {each.name.lower() for each in root.iterdir() if not each.is_symlink()}
    return METS.lower() in names or ("representations" in names and len(names.intersection(_FOLDERS)) > 1)


def validate_eark(
    root: Path, *, digests: Iterable[Digested] | None = None, schemas: Path | None = None
) -> list[Finding]:
    """Everything in the package in the folder `root` that its standards do not allow; the folder's name is its id.

    `digests` are the package's files as somebody has just found them, so that none is read twice; without them each
    file is read when a document gives a digest of it. With a folder of official `schemas` the documents are judged by
    these too. Findings name files relative to `root`.
    """
    # (0) The files, and the folders that they stand in.
    files = PackageFiles(root, digests)
    findings, described = Bounded(files.findings), set[str]()
    # (1) The package's METS document, then those of its representations.
    documents: dict[str, str] = {}
    package_type = parent = ""
    for path in (METS, *sorted(filter(_REPRESENTATION.fullmatch, files))):
        if path in files:
            judge = _DocumentJudge(path, root.name, files)
            findings += judge.findings()
            findings += judge_document(root / path, shown(path), schemas)
            documents.update(judge.documents)
            if path == METS:
                files.mark(path, Mark.LISTED)
                described = judge.described
                package_type, parent = judge.package_type, judge.parent
    findings += judge_folders(files, described=frozenset(described))
    # (2) The documents that these refer to and whose form is known.
    provenance = PremisJudge(files, is_aip=package_type == "AIP")
    for path, kind in documents.items():
        findings += judge_document(root / path, shown(path), schemas)
        if kind != "DC":
            findings += provenance.document(path)
    findings += provenance.links()
    if package_type == "AIP":
        findings.append(Finding("eark.not-judged", ".", found=", ".join(_NOT_JUDGED)))
        if parent and not provenance.is_part_of(parent):
            findings.append(Finding("eark.AIP13", ".", "relationshipSubType", parent))
    # (3) What nobody speaks of.
    if METS in files:
        findings += (Finding("reference.unlisted", shown(path)) for path in sorted(files.without(Mark.LISTED)))
    return sorted(set(findings))


class _DocumentJudge:
    """One METS document from its first byte to its last rule, and what it tells of the rest of the package."""

    def __init__(self, path: str, package: str, files: PackageFiles) -> None:
        self.path, self.package, self.files = path, package, files
        self.documents: dict[str, str] = {}
        self.described: set[str] = set()
        self.package_type = self.parent = ""

    def findings(self) -> Iterator[Finding]:
        """Everything that speaks against the document."""
        document = read_document(self.files.root / self.path, shown(self.path))
        try:
            root = next(document)
            if root.name != "mets":
                yield Finding("reference.not-mets", shown(self.path), METS_SPACE, root.name)
                return
            context = Context(self.path, self.package, self.files, root)
            judge, identifiers = FileJudge(context), Identifiers()
            for file in document:
                yield from judge.judge(file)
                yield from identifiers.file(file, context)
        except UnsafeXml as error:
            yield error.finding
            return
        except OSError as error:
            yield Finding("reference.unreadable", shown(self.path), found=error.strerror or "")
            return
        yield from identifiers.tree(context)
        for rules in (judge_head, judge_sections, judge_file_section, judge_map):
            yield from rules(context)
        yield from judge_type(context, judge)
        self._learn(context)

    def _learn(self, context: Context) -> None:
        self.package_type = context.package_type
        if any(context.root.each("dmdSec")):
            self.described.add("descriptive")
        if any(context.root.below("amdSec/digiprovMD")):
            self.described.add("preservation")
        for reference in context.root.everywhere("mdRef"):
            kind, place = reference.get("MDTYPE"), context.place(unquote(reference.get("xlink:href")))
            if kind.startswith(_JUDGED) and place in self.files:
                self.documents.setdefault(place, kind)
        for part in context.root.each("structMap"):
            if part.get("LABEL").lower().startswith("parent"):
                self.parent = next((each.get("xlink:href") for each in part.everywhere("mptr")), part.get("LABEL"))
