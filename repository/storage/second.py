"""A second store (第二存储库): an OCFL root elsewhere that holds the same objects, each version copied while hashed.

A version is copied into the store's own staging, synced, and renamed to its place, as in the first store. Nothing is
believed of the copy but what its bytes say: the inventory must have the digest that the log knows, and every file the
digest that the inventory gives.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from packages_spec.digests import digest_file
from packages_spec.ocfl import Inventory, read_inventory, root_files, sidecar
from packages_spec.ocfl.inventory import FILE, SIDECAR
from packages_spec.ocfl.layout import OBJECT_DECLARATION, ROOT_DECLARATION
from repository.errors import ArchiveError
from repository.storage.durable import FileSystem, probe, storage_errors, sync_folder, write_atomic
from repository.storage.export import Folder
from repository.storage.locks import take
from repository.storage.store import write_root
from repository.storage.tails import Tails
from repository.storage.wiping import wipe

FOREIGN = frozenset({"lost+found"})
"""What a file system of its own brings with it."""


class SecondStore:
    """One further store. With `sync=False` nothing is made durable: for measuring, never for an archive."""

    def __init__(self, root: Path, *, sync: bool = True) -> None:
        self.root = root
        self.tails = Tails(root)
        self._sync = sync

    @classmethod
    def at(cls, root: Path, *, sync: bool = True) -> "SecondStore":
        """The store in a folder, made there if the folder is empty.

        `store-unreached` where there is no folder - a disk that is not mounted is not written beside its place -,
        `store-unsafe`, and `store-missing` for a folder that holds something else.
        """
        try:
            inside = {path.name for path in root.iterdir()} - FOREIGN
        except OSError as error:
            raise ArchiveError("store-unreached", root, reason=error) from error
        if ROOT_DECLARATION not in inside:
            if inside - set(root_files()) - {"README.txt", "verify.py", "extensions"}:
                raise ArchiveError("store-missing", root / ROOT_DECLARATION)
            probe(root)
            with storage_errors(root):
                write_root(root)
        return cls(root, sync=sync)

    @contextmanager
    def copying(self) -> Iterator[None]:
        """Be the only one that copies objects here. `locked`."""
        with storage_errors(self.root):
            lock = take(self.tails.folder / "copying.lock")
        try:
            yield
        finally:
            lock.release()

    def copy(self, source: Path, place: str, version: int, inventory_sha256: str) -> Path:
        """Copy one version of an object to its place below this root, durable when this returns.

        `fixity-mismatch` for the first file that is not what log and inventory say: nothing of the version is then
        here. A version that is here already is read and compared; killed anywhere, the same call goes on.
        """
        target, name = self.root / place, f"v{version}"
        inventory = true_inventory(source / name / FILE, inventory_sha256)
        own = {path: digest for path, digest in _contents(inventory).items() if path.startswith(f"{name}/")}
        with storage_errors(target):
            if (target / name).is_dir():
                for path, digest in own.items():
                    expect_file(target / path, digest)
                true_inventory(target / name / FILE, inventory_sha256)
            else:
                self._bring(source, target, name, own)
            if not (target / FILE).is_file() or read_inventory((target / FILE).read_bytes()).number < version:
                write_atomic(target / SIDECAR, sidecar(inventory_sha256))
                write_atomic(target / FILE, (source / name / FILE).read_bytes())
        return target

    def _bring(self, source: Path, target: Path, name: str, own: dict[str, str]) -> None:
        staging = self.tails.folder / "staging"
        wipe(staging / target.name)
        folder = Folder(staging / target.name)
        with FileSystem(self.root, sync=self._sync) as disk:
            for path, digest in own.items():
                folder.copy(source / path, path, digest)
            for path in (f"{name}/{FILE}", f"{name}/{SIDECAR}"):
                folder.write(path, [(source / path).read_bytes()])
            if name == "v1":
                folder.write(OBJECT_DECLARATION, [b"ocfl_object_1.1\n"])
                folder.write(FILE, [(source / name / FILE).read_bytes()])
                folder.write(SIDECAR, [(source / name / SIDECAR).read_bytes()])
            disk.sync()
            target.parent.mkdir(parents=True, exist_ok=True)
            if name == "v1":
                folder.root.rename(target)
            else:
                (folder.root / name).rename(target / name)
                folder.root.rmdir()
            disk.sync()

    def expunge(self, place: str) -> bool:
        """Remove an object that a committed `Expunged` names, overwriting it; whether any of it was here."""
        target = self.root / place
        staged = self.tails.folder / "staging" / target.name
        found = target.exists() or staged.exists()
        with storage_errors(target):
            wipe(staged)
            wipe(target)
            if found:
                with suppress(OSError):  # another object stands beside it, or none ever did
                    target.parent.rmdir()
                sync_folder(self.root)
        return found


def true_inventory(path: Path, sha256: str) -> Inventory:
    """An inventory with the digest that the log knows. `fixity-mismatch`."""
    expect_file(path, sha256)
    return read_inventory(path.read_bytes())


def expect_file(path: Path, expected: str) -> None:
    """`fixity-mismatch` for a file that is not there, or has other bytes."""
    found = digest_file(path)[1] if path.is_file() else "-"
    if found != expected:
        raise ArchiveError("fixity-mismatch", path, expected=expected, found=found)


def _contents(inventory: Inventory) -> dict[str, str]:
    return {path: digest for digest, paths in inventory.manifest.items() for path in paths}
