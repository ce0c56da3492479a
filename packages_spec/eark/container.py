"""A package in a packed file: CSIPSTR1 and AIP20-AIP28."""

from collections.abc import Iterator
from pathlib import Path

from packages_spec.eark.document import read_document
from packages_spec.eark.folder_rules import METS
from packages_spec.findings import Finding
from packages_spec.paths import shown
from packages_spec.safe_xml import UnsafeXml

_GZIP = b"\x1f\x8b"
_CLEANED = str.maketrans({"/": "=", ":": "+", ".": ","})
"""Pairtree's identifier string cleaning, for what occurs in identifiers of packages."""


def judge_container(packed: Path, unpacked: Path, package: Path) -> list[Finding]:
    """Findings on the packed file itself: what it was unpacked to, and the package that was found there."""
    findings = list(_single_folder(unpacked, package))
    objid, kind = _named(package)
    if findings:
        findings += [Finding("eark.AIP27", each.path, each.expected, each.found) for each in findings if kind == "AIP"]
    if kind == "AIP":
        findings += _name(packed, objid)
        with packed.open("rb") as stream:
            if stream.read(2) == _GZIP:
                findings.append(Finding("eark.AIP28", "."))
    return findings


def _single_folder(unpacked: Path, package: Path) -> Iterator[Finding]:
    if package == unpacked:
        names = sorted(shown(each.name) for each in unpacked.iterdir())
        yield Finding("eark.CSIPSTR1", ".", "1", ", ".join(names[:8]))


def _name(packed: Path, objid: str) -> Iterator[Finding]:
    """The name begins with the identifier, as it is or cleaned for file systems."""
    spellings = {objid, objid.translate(_CLEANED), objid.replace(":", "+"), objid.rpartition(":")[2]} - {""}
    if objid and not packed.name.startswith(tuple(spellings)):
        for requirement in ("AIP20", "AIP22"):
            yield Finding(f"eark.{requirement}", ".", shown(objid), shown(packed.name))


def _named(package: Path) -> tuple[str, str]:
    """OBJID and type of the package, as far as its METS document can be read."""
    folders = [package, *sorted(each for each in (package / "data").glob("*") if each.is_dir())]
    for folder in folders:
        if (folder / METS).is_file():
            document = read_document(folder / METS, METS)
            try:
                root = next(document)
                for _ in document:
                    pass
            except UnsafeXml:
                return "", ""
            header = next(root.each("metsHdr"), None)
            return root.get("OBJID"), "" if header is None else header.get("csip:OAISPACKAGETYPE")
    return "", ""
