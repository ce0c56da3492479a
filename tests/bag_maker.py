"""Bags for tests, written with the writer that the archive uses."""

from collections.abc import Mapping
from hashlib import new
from pathlib import Path

from packages_spec.bagit import bag_info, declaration, manifest, payload_oxum
from packages_spec.digests import Digested, sha256_of


def write(root: Path, path: str, content: bytes) -> Digested:
    """Put a file below the root and digest it."""
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    return Digested(path, *sha256_of([content]))


def make_bag(root: Path, payload: Mapping[str, bytes]) -> Path:
    """A whole bag of BagIt 1.0 with this payload, whose paths are those below `data/`."""
    (root / "data").mkdir(parents=True)
    files = [write(root, f"data/{path}", content) for path, content in payload.items()]
    tags = [
        write(root, "bagit.txt", declaration()),
        write(root, "bag-info.txt", bag_info([("Payload-Oxum", payload_oxum(files))])),
        write(root, "manifest-sha256.txt", b"".join(manifest(files))),
    ]
    write(root, "tagmanifest-sha256.txt", b"".join(manifest(tags)))
    return root


def without_tag_manifest(root: Path) -> Path:
    """The bag without its tag manifest, so that tag files can be changed alone."""
    (root / "tagmanifest-sha256.txt").unlink()
    return root


def line(root: Path, path: str, algorithm: str = "sha256", separator: str = "  ") -> str:
    """A manifest's line for a file that is there."""
    return f"{new(algorithm, (root / path).read_bytes()).hexdigest()}{separator}{path}\n"
