"""A package as it stands on disk: which files there are, and what their bytes are."""

import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from packages_spec.digests import Digested
from packages_spec.findings import Finding
from packages_spec.package_files import PackageFiles
from packages_spec.paths import shown

FOLDER = re.compile(r"uuid-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


class PackageOnDisk(msgspec.Struct, frozen=True):
    """`folder` is relative to the bag's root; `files` are the package's files by path relative to `folder`."""

    root: Path
    folder: str
    package: str
    files: PackageFiles

    def name(self, path: str) -> str:
        """A path of the package as findings give it: relative to the bag's root."""
        return shown(f"{self.folder}/{path}")

    def documents(self, folder: str) -> Iterator[tuple[str, str]]:
        """(path in the package, name in findings) of the PREMIS documents in a folder of the package, in order."""
        pattern = re.compile(re.escape(f"{folder}metadata/preservation/") + r"premis(-\d{4,})?\.xml")
        for path in sorted(filter(pattern.fullmatch, self.files)):
            yield path, self.name(path)

    def open(self, path: str) -> Path:
        """Where a file of the package lies."""
        return self.root / self.folder / path


def find_package(root: Path, digests: Iterable[Digested] | None) -> PackageOnDisk | Finding:
    """The one package in a bag, with what is known of its files; without `digests` each is read when asked for.

    Only regular files are files here: a link is never followed, and so is missing to whoever lists it.
    """
    folders = sorted(shown(path.name) for path in (root / "data").iterdir()) if (root / "data").is_dir() else []
    match = FOLDER.fullmatch(folders[0]) if len(folders) == 1 else None
    if match is None or not stat.S_ISDIR((root / "data" / match[0]).lstat().st_mode):
        return Finding("package.folder", "data", "uuid-<UUID>", ", ".join(folders))
    folder = f"data/{match[0]}"
    known = None if digests is None else _inside(folder, digests)
    return PackageOnDisk(root, folder, match[1], PackageFiles(root / folder, known))


def _inside(folder: str, digests: Iterable[Digested]) -> Iterator[Digested]:
    for entry in digests:
        if entry.path.startswith(f"{folder}/"):
            yield Digested(entry.path.removeprefix(f"{folder}/"), entry.size, entry.sha256)
