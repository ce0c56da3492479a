"""Validation (校验): judging a bag, an information package, a METS or PREMIS document or an OCFL object.

No archive is needed. What a thing is decides which rules judge it, and a thing may be two: a bag whose payload is an
E-ARK package is judged as both. What is none of these is a finding, never a pass.
"""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from packages_spec import safe_archive
from packages_spec.bagit import (
    Profile,
    RefusedProfile,
    is_bag,
    load_profile,
    validate_bag,
    validate_profile,
)
from packages_spec.bagit.reader import Reading
from packages_spec.eark import is_eark, judge_container, kind_of_document, validate_document, validate_eark
from packages_spec.findings import Finding, Severity
from packages_spec.ocfl import object_folders, validate_object, validate_root
from packages_spec.profiles import BAG_PROFILE, validate_package
from repository.errors import ArchiveError
from repository.storage import Folder

Judge = Callable[[Path], list[Finding]]


class ValidationReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was judged as what, and the verdict: `valid`, `warning` or `invalid`."""

    schema: str = "jingui.validation/1"
    path: str
    kind: str
    verdict: str
    findings: tuple[Finding, ...]


class _Terms(msgspec.Struct, frozen=True):
    """By what else to judge: a folder of official schemas, a BagIt profile, and how the thing was packed."""

    schemas: Path | None = None
    profile: Profile | None = None
    serialization: str | None = None


def validate(path: Path, *, schemas: Path | None = None, profile: Path | None = None) -> ValidationReport:
    """Judge a folder, zip, tar or XML document; `delivery-missing` if it or the profile is absent.

    `schemas` is a folder of official XML Schemas, by which METS, PREMIS and Dublin Core are judged beside our own
    grammar; `profile` is the file of a BagIt profile, by which bags are judged too. A profile that cannot be used is
    a finding: what was asked for was not judged.
    """
    for each in (path, profile):
        if each is not None and not each.exists():
            raise ArchiveError("delivery-missing", each)
    try:
        terms = _Terms(schemas, None if profile is None else load_profile(profile))
    except RefusedProfile as refusal:
        return _report(path, "file" if path.is_file() else "folder", list(refusal.findings))
    if path.is_dir():
        return _judge(path, path if _is_known(path) else _single(path), "", terms)
    # (1) A document by itself.
    if not safe_archive.is_archive(path):
        kind = kind_of_document(path)
        if kind is None:
            return _report(path, "file", [Finding("package.cannot-judge", path.name)])
        return _report(path, kind, [*validate_document(path, schemas=schemas), *_no_bag(terms, path.name)])
    # (2) A packed file: judged by its names first, then by what it holds.
    refused = safe_archive.scan(path)
    if refused:
        return _report(path, "packed", refused)
    with tempfile.TemporaryDirectory(prefix="jingui-validate-") as place:
        folder = Folder(Path(place) / "unpacked")
        try:
            _unpack(path, folder)
        except safe_archive.RefusedArchive as refusal:
            return _report(path, "packed", [refusal.finding])
        root = _single(folder.root)
        report = _judge(path, root, "packed-", msgspec.structs.replace(terms, serialization=_media_type(path)))
        if not report.kind.endswith(("eark", "package")):
            return report
        return _report(path, report.kind, [*report.findings, *judge_container(path, folder.root, root)])


def _media_type(path: Path) -> str:
    """What BagIt profiles call the form of a packed file."""
    with path.open("rb") as stream:
        start = stream.read(2)
    return {b"PK": "application/zip", b"\x1f\x8b": "application/gzip"}.get(start, "application/x-tar")


def _no_bag(terms: _Terms, name: str) -> list[Finding]:
    """A profile was asked for and there is no bag to judge by it."""
    return [] if terms.profile is None else [Finding("profile.no-bag", name, found=terms.profile.identifier)]


def _unpack(path: Path, folder: Folder) -> None:
    for member in safe_archive.members(path):
        folder.write(member.path, member.chunks)


def _judge(path: Path, root: Path, prefix: str, terms: _Terms) -> ValidationReport:
    """Decide what the folder is, and judge it as that."""
    if any(root.glob("0=ocfl_object_*")):
        return _report(path, f"{prefix}ocfl-object", [*validate_object(root), *_no_bag(terms, ".")])
    if any(root.glob("0=ocfl_[0-9]*")):
        return _report(path, f"{prefix}ocfl-root", [*validate_root(root), *_objects(root), *_no_bag(terms, ".")])
    if is_bag(root):
        return _bag(path, root, prefix, terms)
    if is_eark(root):
        return _report(path, f"{prefix}eark", [*validate_eark(root, schemas=terms.schemas), *_no_bag(terms, ".")])
    return _report(path, f"{prefix}folder", [Finding("package.cannot-judge", ".")])


def _bag(path: Path, root: Path, prefix: str, terms: _Terms) -> ValidationReport:
    """A bag, by its profile too if one was given, and every E-ARK package in its payload."""
    findings = validate_bag(root, workers=2)
    if terms.profile is not None:
        findings += validate_profile(root, terms.profile, serialization=terms.serialization)
    packages = list(_payload_packages(root))
    for package in packages:
        findings += _below(package, root, validate_eark(package, schemas=terms.schemas))
    if _is_ours(root):
        findings += validate_package(root)
    return _report(path, f"{prefix}package" if packages else f"{prefix}bag", findings)


def _objects(root: Path) -> Iterator[Finding]:
    for folder in object_folders(root):
        yield from _below(folder, root, validate_object(folder))


def _payload_packages(root: Path) -> Iterator[Path]:
    """The E-ARK packages in a bag's payload: each folder in it, or the payload itself."""
    payload = root / "data"
    if not payload.is_dir() or payload.is_symlink():
        return
    if is_eark(payload):
        yield payload
        return
    for folder in sorted(payload.iterdir()):
        if folder.is_dir() and not folder.is_symlink() and is_eark(folder):
            yield folder


def _is_ours(root: Path) -> bool:
    """Whether the bag says that it was made here, or its description shows it: then it is held to our form too."""
    info = [(label.lower(), value) for label, value in Reading(root, []).bag().info]
    ours = ("bagit-profile-identifier", BAG_PROFILE) in info
    return ours or any(root.glob("data/uuid-*/metadata/descriptive/archive.xml"))


def _below(folder: Path, root: Path, findings: list[Finding]) -> list[Finding]:
    """Findings on a folder, their paths from `root` on."""
    place = folder.relative_to(root).as_posix()
    return [
        msgspec.structs.replace(finding, path=place if finding.path == "." else f"{place}/{finding.path}")
        for finding in findings
    ]


def _is_known(root: Path) -> bool:
    """Whether the folder is something by itself."""
    return is_bag(root) or is_eark(root) or any(root.glob("0=ocfl_*"))


def _single(root: Path) -> Path:
    """The one folder inside what was unpacked, or inside a folder that is nothing by itself; else the place itself."""
    inside = list(root.iterdir())
    one = inside[0] if len(inside) == 1 else root
    return one if one.is_dir() and not one.is_symlink() and not is_bag(root) else root


def _report(path: Path, kind: str, findings: list[Finding]) -> ValidationReport:
    severities = {finding.severity for finding in findings}
    verdict = "invalid" if Severity.ERROR in severities else "warning" if Severity.WARNING in severities else "valid"
    return ValidationReport(path=str(path), kind=kind, verdict=verdict, findings=tuple(sorted(set(findings))))
