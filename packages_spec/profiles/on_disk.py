"""A package as it stands on disk: which files there are, and what their bytes are."""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from packages_spec.digests import Digested, digest_file
from packages_spec.findings import Finding

FOLDER = re.compile(r"uuid-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


class PackageOnDisk(msgspec.Struct, frozen=True):
    """`folder` is relative to the bag's root; `files` are the package's files by path relative to `folder`."""

    root: Path
    folder: str
    package: str
    files: Mapping[str, Digested]

    def name(self, path: str) -> str:
        """A path of the package as findings give it: relative to the bag's root."""
        return f"{self.folder}/{path}"

    def documents(self, folder: str) -> Iterator[tuple[str, str]]:
        """(path in the package, name in findings) of the PREMIS documents in a folder of the package, in order."""
        pattern = re.compile(re.escape(f"{folder}metadata/preservation/") + r"premis(-\d{4,})?\.xml")
        for path in sorted(filter(pattern.fullmatch, self.files)):
            yield path, self.name(path)

    def open(self, path: str) -> Path:
        """Where a file of the package lies."""
        return self.root / self.folder / path


def find_package(root: Path, digests: Iterable[Digested] | None) -> PackageOnDisk | Finding:
    """The one package in a bag, with what is known of its files; every file is read when `digests` is None."""
    folders = sorted(path.name for path in (root / "data").iterdir()) if (root / "data").is_dir() else []
    match = FOLDER.fullmatch(folders[0]) if len(folders) == 1 else None
    if match is None or not (root / "data" / folders[0]).is_dir():
        return Finding("package.folder", "data", "data/uuid-<UUID>", ", ".join(folders))
    folder = f"data/{folders[0]}"
    found = _read(root, folder) if digests is None else digests
    files = {posixpath.relpath(entry.path, folder): entry for entry in found if entry.path.startswith(f"{folder}/")}
    return PackageOnDisk(root, folder, match[1], files)


def _read(root: Path, folder: str) -> Iterator[Digested]:
    for path in sorted((root / folder).rglob("*")):
        if path.is_symlink() or not path.is_dir():
            yield Digested(path.relative_to(root).as_posix(), *digest_file(path))
