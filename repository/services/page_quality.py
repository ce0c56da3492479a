"""Judging pages without an archive (独立质检): a folder, a bag or a file, page by page, against a profile.

What is no page, sound or film is counted and said to be left out, never passed. In a bag only the payload is judged,
and each file against the digests of the bag's manifests too (F02).
"""

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from packages_spec.bagit import is_bag, read_bag
from packages_spec.paths import shown
from repository.domain.quality import Check, Outcome, PageVerdict, outcome_of
from repository.errors import ArchiveError
from repository.qc import Asked, Assessor, Profile, kind_of, load_profile
from repository.qc.kinds import HEAD
from repository.qc.likeness import Seen

__all__ = ["Check", "Lot", "Outcome", "PageVerdict", "Profile", "find_files", "judge_files", "load_profile"]


class Lot(msgspec.Struct, frozen=True):
    """What lies at a path: the files to judge in the order of their names, and how many are none of ours."""

    files: tuple[Asked, ...]
    others: int


def find_files(path: Path) -> Lot:
    """The files below a path. `delivery-missing` where there is nothing.

    A file that was named by itself is judged whatever it is; links are left out, for they may lead anywhere.
    """
    if path.is_file():
        return Lot((Asked(path, path.name),), 0)
    if not path.is_dir():
        raise ArchiveError("delivery-missing", path)
    bag = read_bag(path) if is_bag(path) else None
    found, others = [], 0
    for place in _below(path / "data" if bag is not None else path):
        name = place.relative_to(path).as_posix()
        with place.open("rb") as stream:
            kind = kind_of(stream.read(HEAD), name)
        if kind is None:
            others += 1
        else:
            found.append(Asked(place, shown(name), {} if bag is None else bag.expected(name)))
    return Lot(tuple(found), others)


def _below(folder: Path) -> Iterator[Path]:
    for top, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            place = Path(top, name)
            if place.is_file() and not place.is_symlink():
                yield place


def judge_files(lot: Lot, profile: Profile | None, *, workers: int = 0) -> Iterator[PageVerdict]:
    """The verdicts on all pages of a lot in order, each compared with those before it (Q11)."""
    with Assessor(profile, workers=workers) as assessor:
        seen = Seen(assessor.profiles["page"])
        for verdict in assessor.assess(lot.files):
            like = seen.judge(verdict)
            if like is None:
                yield verdict
                continue
            checks = (*verdict.checks, like)
            yield msgspec.structs.replace(verdict, checks=checks, outcome=outcome_of(checks))
