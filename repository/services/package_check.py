"""Checking one package (信息包校验): its object, its bag, its METS and its history against the event that stored it."""

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from uuid import UUID

from packages_spec.bagit import validate_bag
from packages_spec.digests import Digested, digest_file, sha256_of
from packages_spec.findings import Finding
from packages_spec.ocfl import sidecar, validate_object
from packages_spec.profiles import package_folder, validate_package
from repository.domain.archival_package import Created, Stored
from repository.domain.envelope import Event
from repository.services.packaging import payload_line
from repository.services.session import Session


def check_package(session: Session, package: UUID, event: Event) -> tuple[int, list[Finding]]:
    """Check one object against the event that committed it; every file is read once. How many, and what was found."""
    root = session.store.object_folder(package)
    if not root.is_dir():
        return 0, [Finding("archive.object-missing", str(package))]

    @cache
    def sha256(path: str) -> str:
        return digest_file(root / path)[1]

    def in_object(path: str, algorithms: frozenset[str]) -> Mapping[str, str]:
        return {algorithm: sha256(path) for algorithm in algorithms}

    payload = event.payload
    if not isinstance(payload, Stored):
        return 0, []
    findings = validate_object(root, digests={path: sha256(path) for path in _paths(root)})
    content = f"v{payload.version}/content"

    def in_bag(path: str, algorithms: frozenset[str]) -> Mapping[str, str]:
        return in_object(f"{content}/{path}", algorithms)

    if payload.version == 1 and (root / content).is_dir():
        findings += validate_bag(root / content, digests=in_bag)
        findings += validate_package(root / content, digests=_digested(root / content, content, sha256))
    expected = {
        f"{content}/manifest-sha256.txt": payload.manifest_sha256,
        f"{content}/tagmanifest-sha256.txt": payload.tagmanifest_sha256,
    }
    for place in ("", f"v{payload.version}/"):
        expected[f"{place}inventory.json"] = payload.inventory_sha256
        expected[f"{place}inventory.json.sha256"] = sha256_of([sidecar(payload.inventory_sha256)])[1]
    for path, digest in expected.items():
        found = sha256(path) if (root / path).is_file() else "-"
        if found != digest:
            findings.append(Finding("archive.digest-against-log", path, digest, found))
    findings += _history(session, package, event, root / content)
    return sha256.cache_info().currsize, findings


def _digested(root: Path, content: str, sha256: Callable[[str], str]) -> Iterator[Digested]:
    """The bag's files, each with the digest that was just taken of it."""
    for path in _paths(root):
        yield Digested(path, (root / path).stat().st_size, sha256(f"{content}/{path}"))


def _paths(root: Path) -> Iterator[str]:
    """Every regular file below a folder, relative to it."""
    start = len(str(root)) + 1
    for folder, _, names in os.walk(root):
        for name in names:
            path = f"{folder}/{name}"
            if stat.S_ISREG(os.lstat(path).st_mode):
                yield path[start:]


def _history(session: Session, package: UUID, event: Event, root: Path) -> Iterator[Finding]:
    """`events.ndjson` and `payloads.ndjson` of the package against the log, byte for byte."""
    own = [record for record in session.log.records(package) if record.position < event.envelope.position]
    created = next((one.payload for one in session.log.stream(package) if isinstance(one.payload, Created)), None)
    before = session.log.records(created.accession) if created else []
    accession = [
        record for record in before if record.position < event.envelope.position and record.type != "Accession.Planned"
    ]
    envelopes = sorted([*accession, *own], key=lambda record: record.position)
    wanted = {
        "events.ndjson": b"".join(record.envelope + b"\n" for record in envelopes),
        "payloads.ndjson": b"".join(map(payload_line, own)),
    }
    folder = f"{package_folder(str(package))}/metadata/preservation"
    for name, expected in wanted.items():
        path = f"{folder}/{name}"
        try:
            same = (root / path).read_bytes() == expected
        except OSError:
            same = False
        if not same:
            yield Finding("archive.history-against-log", path)
