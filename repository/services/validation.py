"""Validation (校验): judging a bag, a package or an OCFL object, with no archive at hand."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from packages_spec import safe_archive
from packages_spec.bagit import is_bag, validate_bag
from packages_spec.findings import Finding, Severity
from packages_spec.ocfl import validate_object, validate_root
from packages_spec.profiles import validate_package
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


def _unpack(path: Path, folder: Folder) -> None:
    for member in safe_archive.members(path):
        folder.write(member.path, member.chunks)


def validate(path: Path) -> ValidationReport:
    """Judge a folder, zip or tar. What cannot be judged is a finding and never a pass; `delivery-missing` if absent."""
    if not path.exists():
        raise ArchiveError("delivery-missing", path)
    if path.is_dir():
        return _judge(path, path, "")
    if not safe_archive.is_archive(path):
        return _report(path, "file", [Finding("package.cannot-judge", path.name)])
    refused = safe_archive.scan(path)
    if refused:
        return _report(path, "packed", refused)
    with tempfile.TemporaryDirectory(prefix="jingui-validate-") as place:
        folder = Folder(Path(place) / "unpacked")
        try:
            _unpack(path, folder)
        except safe_archive.RefusedArchive as refusal:
            return _report(path, "packed", [refusal.finding])
        return _judge(path, _single(folder.root), "packed-")


def _judge(path: Path, root: Path, prefix: str) -> ValidationReport:
    if any(root.glob("0=ocfl_object_*")):
        return _report(path, f"{prefix}ocfl-object", validate_object(root))
    if any(root.glob("0=ocfl_[0-9]*")):
        return _report(path, f"{prefix}ocfl-root", validate_root(root))
    if is_bag(root):
        findings = validate_bag(root, workers=2)
        if _is_package(root):
            return _report(path, f"{prefix}package", [*findings, *validate_package(root)])
        return _report(path, f"{prefix}bag", findings)
    return _report(path, f"{prefix}folder", [Finding("package.cannot-judge", ".")])


def _is_package(root: Path) -> bool:
    return any(root.glob("data/uuid-*/METS.xml"))


def _single(root: Path) -> Path:
    """The one folder inside an unpacked bag, or the place itself."""
    inside = list(root.iterdir())
    return inside[0] if len(inside) == 1 and inside[0].is_dir() and not is_bag(root) else root


def _report(path: Path, kind: str, findings: list[Finding]) -> ValidationReport:
    severities = {finding.severity for finding in findings}
    verdict = "invalid" if Severity.ERROR in severities else "warning" if Severity.WARNING in severities else "valid"
    return ValidationReport(path=str(path), kind=kind, verdict=verdict, findings=tuple(sorted(findings)))
