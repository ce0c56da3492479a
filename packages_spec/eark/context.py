"""What a rule is told: which document it judges, where that document stands, and the files round it."""

import posixpath
from collections.abc import Iterator

import msgspec

from packages_spec.eark.document import Node
from packages_spec.findings import Finding
from packages_spec.package_files import PackageFiles
from packages_spec.paths import shown

_LONGEST = 120

CSIP_PROFILE, SIP_PROFILE, DIP_PROFILE, AIP_PROFILE = "E-ARK-CSIP", "E-ARK-SIP", "E-ARK-DIP", "E-ARK-AIP"


def brief(value: str) -> str:
    """A value as findings show it: printable, and not longer than a line."""
    value = shown(value)
    return value if len(value) <= _LONGEST else value[:_LONGEST] + "..."


class Context(msgspec.Struct, frozen=True):
    """A METS document in its package.

    `path` is its place in the package, `package` the name of the package's folder; `root` is its tree without files.
    """

    path: str
    package: str
    files: PackageFiles
    root: Node

    @property
    def folder(self) -> str:
        """Folder of the document, relative to the package's; empty for the package's own document."""
        return posixpath.dirname(self.path)

    @property
    def is_root(self) -> bool:
        """Whether it is the document of the package, not of a representation."""
        return not self.folder

    @property
    def name(self) -> str:
        """Name of the folder in which the document stands."""
        return posixpath.basename(self.folder) or self.package

    @property
    def version(self) -> str:
        """Version of the specification that PROFILE names (`2-0-4`); empty where it names none."""
        return self.profile.removesuffix(".xml").rpartition("-v")[2] if "-v" in self.profile else ""

    @property
    def profile(self) -> str:
        """The last part of PROFILE's address."""
        return self.root.get("PROFILE").rpartition("/")[2]

    @property
    def package_type(self) -> str:
        """SIP, AIP, DIP, ... as the document says."""
        return next((header.get("csip:OAISPACKAGETYPE") for header in self.root.each("metsHdr")), "")

    def breach(self, requirement: str, expected: str = "", found: str = "") -> Finding:
        """A finding on this document."""
        return Finding(f"eark.{requirement}", shown(self.path), brief(expected), brief(found))

    def has_files(self, folder: str) -> bool:
        """Whether a folder beside the document holds files."""
        prefix = posixpath.join(self.folder, folder) + "/"
        return any(each.startswith(prefix) for each in self.files)

    def files_in(self, folder: str) -> Iterator[str]:
        """The files in a folder beside the document, relative to the package."""
        prefix = posixpath.join(self.folder, folder) + "/"
        return (each for each in self.files if each.startswith(prefix))

    def place(self, reference: str) -> str:
        """The file of the package that a reference of this document names."""
        return posixpath.normpath(posixpath.join(self.folder, reference))
