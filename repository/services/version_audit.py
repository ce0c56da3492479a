"""Auditing versions (各版核对): each stored version of a package against the event that committed it.

The first version lies in the store as the bag that it is, and is judged there. A later one lies apart, for the store
keeps only what it brought: it is judged as a folder in which its documents are copies and its content are files of the
same names and sizes, all of them known by the digests that were just taken of the bytes in the store.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from uuid import UUID

import msgspec

from packages_spec.bagit import validate_bag
from packages_spec.digests import Digested, sha256_of
from packages_spec.findings import Finding
from packages_spec.ocfl import read_inventory, sidecar
from packages_spec.profiles import SEALED_SUFFIX, package_folder, validate_package
from repository.domain.archival_package import ARCHIVAL_PACKAGE, ContentRevised, Created, MetadataRevised, Stored
from repository.domain.envelope import Event
from repository.errors import ArchiveError
from repository.services.packaging import payload_line
from repository.services.sealing import cipher_of
from repository.services.session import Session

Sha256 = Callable[[str], str]
"""The digest of a file of the object, by its path there; each file is read once."""


def judge_versions(session: Session, package: UUID, root: Path, sha256: Sha256) -> Iterator[Finding]:
    """Everything in which the object's versions are not what the log says that was stored.

    Versions of a generation that a committed `Expunged` names are not looked for: they are gone by right.
    """
    events = session.log.stream(package)
    expunged = session.log.load(ARCHIVAL_PACKAGE, package).state.expunged
    versions = [
        event for event in events if isinstance(event.payload, Stored) and event.payload.generation not in expunged
    ]
    for event in versions:
        if isinstance(event.payload, Stored):
            is_newest = event is versions[-1]
            yield from _judge(session, package, root, sha256, event, event.payload, is_newest=is_newest)


def _judge(
    session: Session, package: UUID, root: Path, sha256: Sha256, event: Event, stored: Stored, *, is_newest: bool
) -> Iterator[Finding]:
    places = _places(root, stored.version)
    # 1 the bag, and the package in it
    if stored.version == 1:
        if (root / "v1/content").is_dir():
            yield from _bag(root / "v1/content", places, sha256)
    else:
        with tempfile.TemporaryDirectory(prefix="jingui-audit-") as place:
            _lay_out(root, places, Path(place))
            yield from _bag(Path(place), places, sha256)
    # 2 the digests that the log has of it
    expected = {
        places.get("manifest-sha256.txt", f"v{stored.version}/content/manifest-sha256.txt"): stored.manifest_sha256,
        places.get("tagmanifest-sha256.txt", f"v{stored.version}/content/tagmanifest-sha256.txt"): (
            stored.tagmanifest_sha256
        ),
    }
    for folder in ("", f"v{stored.version}/") if is_newest else (f"v{stored.version}/",):
        expected[f"{folder}inventory.json"] = stored.inventory_sha256
        expected[f"{folder}inventory.json.sha256"] = sha256_of([sidecar(stored.inventory_sha256)])[1]
    for path, digest in expected.items():
        found = sha256(path) if (root / path).is_file() else "-"
        if found != digest:
            yield Finding("archive.digest-against-log", path, digest, found)
    # 3 the history that it tells, against the log
    yield from _history(session, package, event, stored, root, places)


def _places(root: Path, version: int) -> Mapping[str, str]:
    """Where, in the object, each file of a version lies: of the first as it lies there, of others as they are listed.

    Nothing for an inventory that cannot be read: that is a finding already.
    """
    if version == 1:
        content = root / "v1/content"
        files = (path.relative_to(content).as_posix() for path in content.rglob("*") if path.is_file())
        return {path: f"v1/content/{path}" for path in files}
    try:
        listed = read_inventory((root / f"v{version}" / "inventory.json").read_bytes()).content_paths(version)
    except (OSError, msgspec.DecodeError, KeyError, UnicodeDecodeError):
        return {}
    return {path: place for path, place in listed.items() if _is_safe(path) and _is_safe(place)}


def _is_safe(path: str) -> bool:
    return not any(part in {"", ".", ".."} for part in path.split("/"))


def _is_content(path: str) -> bool:
    """Whether it is a file of the record: `data/uuid-<u>/representations/<name>/data/...`."""
    parts = path.split("/")
    return parts[2:3] == ["representations"] and parts[4:5] == ["data"]


def _lay_out(root: Path, places: Mapping[str, str], target: Path) -> None:
    """The version as a folder. What is missing or no regular file stays missing."""
    for path, place in places.items():
        source, copy = root / place, target / path
        if not source.is_file() or source.is_symlink():
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        if _is_content(path):
            with copy.open("wb") as file:
                file.truncate(source.stat().st_size)
        else:
            shutil.copyfile(source, copy)


def _bag(folder: Path, places: Mapping[str, str], sha256: Sha256) -> list[Finding]:
    def in_bag(path: str, algorithms: frozenset[str]) -> Mapping[str, str]:
        return {algorithm: sha256(places[path]) for algorithm in algorithms}

    digests = (
        Digested(path, (folder / path).stat().st_size, sha256(place))
        for path, place in places.items()
        if (folder / path).is_file()
    )
    return [*validate_bag(folder, digests=in_bag), *validate_package(folder, digests=digests)]


def _history(
    session: Session, package: UUID, event: Event, stored: Stored, root: Path, places: Mapping[str, str]
) -> Iterator[Finding]:
    """`events.ndjson` and `payloads.ndjson` of the version against the log, byte for byte.

    Its own history goes up to its own `Stored`; its accession's too in a first version, and in a later one up to the
    revision that it took up.
    """
    end = event.envelope.position
    stream = session.log.stream(package)
    revisions = [
        one.envelope.position
        for one in stream
        if isinstance(one.payload, MetadataRevised | ContentRevised) and one.envelope.position < end
    ]
    is_first = (stored.generation, stored.version) == (1, 1)
    until = end if is_first else max(revisions, default=end)
    own = [record for record in session.log.records(package) if record.position < end]
    created = next((one.payload for one in stream if isinstance(one.payload, Created)), None)
    before = session.log.records(created.accession) if created else []
    accession = [record for record in before if record.position < until and record.type != "Accession.Planned"]
    envelopes = sorted([*accession, *own], key=lambda record: record.position)
    wanted = {
        "events.ndjson": b"".join(record.envelope + b"\n" for record in envelopes),
        "payloads.ndjson": b"".join(map(payload_line, own)),
    }
    folder = f"{package_folder(str(package))}/metadata/preservation"
    for name, expected in wanted.items():
        path = f"{folder}/{name}"
        try:
            if f"{path}{SEALED_SUFFIX}" in places:
                path += SEALED_SUFFIX
                same = _opened(session, package, stored, path, root / places[path]) == expected
            else:
                same = (root / places.get(path, "-")).read_bytes() == expected
        except OSError:
            same = False
        except ArchiveError as error:
            if error.code.startswith("sealed-"):
                same = False
            else:  # whoever audits has no key, or nobody has any more: its digest was compared, its words were not
                yield Finding("archive.sealed-unread", path, found=error.code)
                continue
        if not same:
            yield Finding("archive.history-against-log", path)


def _opened(session: Session, package: UUID, stored: Stored, path: str, place: Path) -> bytes:
    """What a sealed file of a version holds."""
    with cipher_of(session, package, stored.generation).open(path, place) as reader:
        return reader.read_at(0, reader.size)
