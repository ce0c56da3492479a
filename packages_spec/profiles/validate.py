"""Judging a package (信息包检查) of the kind that `build` writes: whether what it says of itself is what it is.

The bag's manifests are judged by `packages_spec.bagit`; here METS, PREMIS and the descriptions are held against the
files, both ways, and against each other.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from packages_spec.descriptive import dublin_core, read_archive_xml, read_dc
from packages_spec.digests import Digested
from packages_spec.findings import Finding
from packages_spec.profiles.bag_check import check_bag
from packages_spec.profiles.content import BAG_PROFILE
from packages_spec.profiles.mets_check import check_mets
from packages_spec.profiles.on_disk import PackageOnDisk, find_package
from packages_spec.profiles.premis_check import check_premis
from packages_spec.safe_xml import UnsafeXml

_REQUIRED = ("METS.xml", "metadata/preservation/premis.xml", "metadata/descriptive/dc.xml")


def validate_package(root: Path, *, digests: Iterable[Digested] | None = None) -> list[Finding]:
    """Everything that the package in the bag at `root` says and that is not so; empty when all of it holds.

    `digests` are the bag's files as a check of the bag has just found them (paths relative to `root`), so that no
    content is read twice; without them every file is read once. Findings name files relative to `root`.
    Not checked: the manifests (see `packages_spec.bagit`), and values that nothing else in the package repeats.
    """
    # (0) One package folder, its files, and the bag round it.
    package = find_package(root, digests)
    if isinstance(package, Finding):
        return [package]
    findings = [Finding("package.file-missing", package.name(path)) for path in _REQUIRED if path not in package.files]
    findings += check_bag(package, BAG_PROFILE)
    # (1) METS against the files, both ways. (2) PREMIS against the files. (3) The descriptions against each other.
    findings += check_mets(package)
    findings += check_premis(package)
    findings += _check_descriptions(package)
    return findings


def _check_descriptions(package: PackageOnDisk) -> Iterator[Finding]:
    archive, dc = "metadata/descriptive/archive.xml", "metadata/descriptive/dc.xml"
    if archive not in package.files or dc not in package.files:
        return
    try:
        with package.open(archive).open("rb") as source:
            description = read_archive_xml(source, package.name(archive))
        with package.open(dc).open("rb") as source:
            statements = read_dc(source, package.name(dc))
    except UnsafeXml as error:
        yield error.finding
        return
    if description.package != package.package:
        yield Finding("descriptive.package", package.name(archive), package.package, description.package or "")
    if statements != dublin_core(description):
        expected, found = (dict.__repr__(dict(s)) for s in (dublin_core(description), statements))
        yield Finding("descriptive.dc-differs", package.name(dc), expected, found)
