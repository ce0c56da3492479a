"""The bag round a package of ours: nothing in it but what we write, every tag file guarded, and its labels true.

BagIt itself allows further tag files and a tag manifest that lists only some of them; what we write is stricter, so
that nobody can add or drop a tag file without being seen.
"""

import re
from collections.abc import Iterator

from packages_spec.bagit.reader import Reading
from packages_spec.findings import Finding
from packages_spec.paths import shown
from packages_spec.profiles.on_disk import PackageOnDisk

_TAG_FILES = ("bagit.txt", "bag-info.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt")
_FURTHER = re.compile(r"(tag)?manifest-(sha512|sm3)\.txt")
"""Manifests that a policy may add."""


def check_bag(package: PackageOnDisk, profile: str) -> Iterator[Finding]:
    """Findings on the tag files. Whether the bag is valid as a bag is not asked here."""
    names = {path.name for path in package.root.iterdir()} - {"data"}
    for name in sorted(names - {*_TAG_FILES}):
        if not _FURTHER.fullmatch(name):
            yield Finding("package.stray", shown(name))
    # Only the tag files are read: the manifest of the payload has a line for every file.
    reading = Reading(package.root, [])
    bag = reading.bag()
    guards = (each for each in reading.manifests if each.of_tags and each.algorithm == "sha256")
    listed = {path for manifest in guards for entries in reading.entries(manifest) for _, path in entries}
    for name in _TAG_FILES:
        if name not in names:
            yield Finding("package.file-missing", name)
        elif name not in listed and not name.startswith("tagmanifest-"):
            yield Finding("package.tag-unlisted", name)
    expected = {
        "External-Identifier": f"urn:uuid:{package.package}",
        "BagIt-Profile-Identifier": profile,
        "Payload-Oxum": None,
        "Bagging-Date": None,
    }
    for label, value in expected.items():
        told = [each for key, each in bag.info if key == label]
        if len(told) != 1 or (value is not None and told != [value]):
            yield Finding("package.bag-info", "bag-info.txt", f"{label}: {value or '...'}", ", ".join(map(shown, told)))
