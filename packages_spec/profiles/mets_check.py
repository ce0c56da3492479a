"""METS against a package's files, both ways: what is listed is there as listed, and what is there is listed."""

import posixpath
from collections import Counter
from collections.abc import Iterator
from typing import TypeVar

from packages_spec.findings import Finding
from packages_spec.mets import PROFILES, Division, FileReference, Root, Section, StructMap, read_mets
from packages_spec.package_files import Mark
from packages_spec.profiles.on_disk import PackageOnDisk
from packages_spec.safe_xml import UnsafeXml

Fact = Root | Section | StructMap | Division
_Kind = TypeVar("_Kind", Root, Section, StructMap, Division)


def check_mets(package: PackageOnDisk) -> list[Finding]:
    """Findings on the package's METS document and on those of its representations."""
    check = _MetsCheck(package)
    facts = check.document("METS.xml", package.folder.removeprefix("data/"))
    for path in [path for division in _of(Division, facts) for path in division.documents]:
        if path in package.files:
            check.document(path, posixpath.basename(posixpath.dirname(path)))
        else:
            check.findings.append(Finding("mets.file-missing", package.name(path), package.name("METS.xml")))
    if "METS.xml" in package.files:
        package.files.mark("METS.xml", Mark.LISTED)
    unlisted = sorted(package.files.without(Mark.LISTED))
    return check.findings + [Finding("mets.file-unlisted", package.name(path)) for path in unlisted]


class _MetsCheck:
    """What was found so far; which files are listed so far is marked on the files."""

    def __init__(self, package: PackageOnDisk) -> None:
        self.package = package
        self.findings: list[Finding] = []

    def document(self, path: str, objid: str) -> list[Fact]:
        """Judge one document; what it says besides its files is given back. Files are judged as they pass."""
        if path not in self.package.files:
            return []
        name, facts = self.package.name(path), list[Fact]()
        try:
            with self.package.open(path).open("rb") as source:
                for item in read_mets(source, name):
                    if isinstance(item, FileReference):
                        self.findings += self._reference(path, item)
                    else:
                        facts.append(item)
        except UnsafeXml as error:
            self.findings.append(error.finding)
            return []
        self.findings += (*_check_head(name, objid, facts), *_check_structure(name, objid, facts))
        return facts

    def _reference(self, document: str, reference: FileReference) -> Iterator[Finding]:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(document), reference.path))
        name = self.package.name(path)
        files = self.package.files
        if path not in files:
            yield Finding("mets.file-missing", name, self.package.name(document))
            return
        if files.mark(path, Mark.LISTED):
            yield Finding("mets.file-listed-twice", name, found=self.package.name(document))
        size, sha256 = files.size(path), files.digest(path)
        if reference.size != size:
            yield Finding("mets.size", name, f"{self.package.name(document)}: {reference.size}", str(size))
        if (reference.checksum_type, reference.checksum) != ("SHA-256", sha256):
            expected = f"{self.package.name(document)}: {reference.checksum_type} {reference.checksum}"
            yield Finding("mets.checksum", name, expected, f"SHA-256 {sha256}")


def _of(kind: type[_Kind], facts: list[Fact]) -> list[_Kind]:
    return [fact for fact in facts if isinstance(fact, kind)]


def _check_head(name: str, objid: str, facts: list[Fact]) -> Iterator[Finding]:
    roots = _of(Root, facts)
    if len(roots) != 1:
        yield Finding("mets.header", name, "1", str(len(roots)))
        return
    if roots[0].objid != objid:
        yield Finding("mets.objid", name, objid, roots[0].objid)
    if roots[0].profile != PROFILES.get(roots[0].package_type):
        yield Finding("mets.profile", name, roots[0].package_type, roots[0].profile)


def _check_structure(name: str, objid: str, facts: list[Fact]) -> Iterator[Finding]:
    maps, divisions, sections = _of(StructMap, facts), _of(Division, facts), _of(Section, facts)
    physical = [found for found in maps if found.type == "PHYSICAL"]
    if len(physical) != 1 or physical[0].label != "CSIP":
        yield Finding("mets.structure", name, "1 PHYSICAL CSIP", ", ".join(f"{m.type} {m.label}" for m in maps))
    ids = Counter(section.id for section in sections)
    pointed = {identifier for division in divisions for identifier in division.ids}
    for identifier in sorted(pointed - ids.keys()):
        yield Finding("mets.pointer", name, identifier)
    labels = {division.label for division in divisions}
    for section in sections:
        in_map = section.use in labels if section.kind == "fileGrp" else section.id in pointed
        if not in_map or ids[section.id] != 1:
            yield Finding("mets.section", name, section.use or section.kind, section.id)
    documents = {"Representations" for division in divisions if division.documents}
    for label in sorted({objid, "Metadata", *documents} - labels):
        yield Finding("mets.division", name, label)
