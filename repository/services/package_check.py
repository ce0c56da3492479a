"""Checking one package (信息包校验): its object and every version in it, against the events that stored them."""

import os
import stat
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from uuid import UUID

from packages_spec.digests import digest_file
from packages_spec.findings import Finding
from packages_spec.ocfl import validate_object
from repository.domain.archival_package import Stored
from repository.domain.envelope import Event
from repository.services.session import Session
from repository.services.version_audit import judge_versions

PATIENCE, PAUSE = 100, 0.05
"""How often an object that is being committed is looked at again, and after how many seconds each time."""


def check_package(session: Session, package: UUID, event: Event) -> tuple[int, list[Finding]]:
    """Check one object against the events that committed its versions. How many files were read, and what was found.

    `event` is the newest of them that is known. An object that a living process gives another version meanwhile is
    waited for and checked again.
    """
    checked, findings = _check(session, package, event)
    for _ in range(PATIENCE):
        if not findings:
            break
        was_busy = session.store.is_being_committed(package)
        stored = [one for one in session.log.stream(package) if isinstance(one.payload, Stored)]
        if not was_busy and stored[-1:] == [event]:
            break
        event = stored[-1] if stored else event
        time.sleep(PAUSE)
        checked, findings = _check(session, package, event)
    return checked, findings


def _check(session: Session, package: UUID, event: Event) -> tuple[int, list[Finding]]:
    """Every file is read once."""
    if not isinstance(event.payload, Stored):
        return 0, []
    root = session.store.object_folder(package, event.payload.generation)
    if not root.is_dir():
        return 0, [Finding("archive.object-missing", str(package))]

    @cache
    def sha256(path: str) -> str:
        return digest_file(root / path)[1]

    findings = validate_object(root, digests={path: sha256(path) for path in _paths(root)})
    findings += judge_versions(session, package, root, sha256)
    return sha256.cache_info().currsize, findings


def _paths(root: Path) -> Iterator[str]:
    """Every regular file below a folder, relative to it."""
    start = len(str(root)) + 1
    for folder, _, names in os.walk(root):
        for name in names:
            path = f"{folder}/{name}"
            if stat.S_ISREG(os.lstat(path).st_mode):
                yield path[start:]
