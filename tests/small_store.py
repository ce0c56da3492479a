"""Small stores for tests: a delivery received, made into the barest bag, and committed."""

import os
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

from packages_spec.digests import Digested
from packages_spec.ocfl import User
from repository.storage.receive import Received, receive
from repository.storage.staging import Published, Stage
from repository.storage.store import Store

PACKAGE = UUID("5f3c1d2e-0000-4000-8000-000000000001")
CREATED = "2026-01-02T03:04:05.000000Z"
USER = User("urn:uuid:9a768edc-18b5-4298-86eb-df672e235aac", "urn:uuid:9a768edc-18b5-4298-86eb-df672e235aac")
SMALL = {"a.txt": b"first page", "sub/b.txt": b"second page", "sub/same.txt": b"first page", "空.txt": b""}


def make_delivery(root: Path, files: Mapping[str, bytes] = SMALL) -> Path:
    """A folder as a producer gives it."""
    for path, content in files.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return root


def make_store(archive: Path, *, sync: bool = True) -> Store:
    """The store of a new archive."""
    archive.mkdir()
    return Store.create(archive, sync=sync)


def received(store: Store, source: Path, name: str = "delivery") -> Received:
    """A delivery in the quarantine of that name."""
    return receive(source, store.quarantine / name, progress=lambda _bytes, _files: None)


def fill(stage: Stage, quarantine: Path, delivery: Received) -> None:
    """Stage a delivery as a bag and seal it."""
    payload = [Digested(f"data/{file.path}", file.size, file.sha256) for file in delivery.files]
    for source, file in zip(delivery.files, payload, strict=True):
        stage.adopt(quarantine / source.path, file.path, file)
    seal(stage, payload)


def seal(stage: Stage, payload: list[Digested]) -> None:
    """Write the tag files of a bag with that payload and seal the version."""
    tags = [
        stage.write("bagit.txt", [b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"]),
        stage.write("manifest-sha256.txt", (lines(payload),)),
    ]
    tags.append(stage.write("tagmanifest-sha256.txt", (lines(tags),)))
    stage.seal([*payload, *tags], CREATED, "stored", USER)


def lines(files: list[Digested]) -> bytes:
    """A manifest."""
    return "".join(f"{file.sha256}  {file.path}\n" for file in files).encode()


def stored(store: Store, source: Path, package: UUID = PACKAGE, name: str = "delivery") -> Published:
    """A delivery committed as the first version of a package."""
    delivery = received(store, source, name)
    with store.stage(package) as stage:
        fill(stage, store.quarantine / name, delivery)
        (published,) = store.commit([stage])
        stage.release()
    return published


def contents(root: Path) -> dict[str, bytes]:
    """Every file under a folder by its path."""
    return {
        (Path(folder) / name).relative_to(root).as_posix(): (Path(folder) / name).read_bytes()
        for folder, _, names in os.walk(root)
        for name in names
    }
