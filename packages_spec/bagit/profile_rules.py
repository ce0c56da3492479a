"""Judging a bag by a profile (BagIt Profiles 1.4): what it lacks or has beyond what was agreed.

Whether the bag is complete and its digests true is `validate_bag`'s part; nothing of the payload is opened here.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from packages_spec.bagit.profile import Names, Profile, Tag, matching, same_algorithm
from packages_spec.bagit.reader import Bag, Reading
from packages_spec.bagit.tree import walk
from packages_spec.findings import Bounded, Finding
from packages_spec.paths import shown

_INFO: Final = "bag-info.txt"
_IDENTIFIER: Final = "bagit-profile-identifier"
_LABELS: Final = """
    source-organization organization-address contact-name contact-phone contact-email external-description
    bagging-date external-identifier bag-size payload-oxum bag-group-identifier bag-count
    internal-sender-identifier internal-sender-description bagit-profile-identifier
"""
_RESERVED: Final = frozenset(_LABELS.split())
"""Labels of RFC 8493 and of this specification, whose case does not matter."""
_SPELLINGS: Final = (
    frozenset({"application/zip", "application/x-zip-compressed"}),
    frozenset({"application/tar", "application/x-tar"}),
    frozenset({"application/gzip", "application/x-gzip", "application/tar+gzip", "application/x-tar+gzip"}),
)
_MANIFEST = re.compile(r"(tag)?manifest-([^/]+)\.txt")
_DEFINED = re.compile(r"bagit\.txt|bag-info\.txt|fetch\.txt|(tag)?manifest-[^/]+\.txt")
"""Tag files of which other rules of a profile speak."""


class _Lying(msgspec.Struct):
    """What lies in the bag, as far as the profile asks: never more than it lists itself."""

    manifests: dict[bool, set[str]]
    missing: set[str]
    forbidden: list[Finding]
    top: set[str]
    payload_files: int = 0
    payload_holds_bytes: bool = False


def validate_profile(root: Path, profile: Profile, *, serialization: str | None = None) -> list[Finding]:
    """Everything that speaks against the bag in the folder `root` by this profile, and the profile's own remarks.

    `serialization` is the media type of the archive file that the bag came in, None for a plain folder. A bag whose
    version or serialization is not accepted is judged no further.
    """
    findings: list[Finding] = Bounded(profile.remarks)
    bag = Reading(root, []).bag()
    fatal = [*_judge_version(bag, profile), *_judge_serialization(profile, serialization)]
    if fatal:
        return sorted({*findings, *fatal})
    lying = _look(root, profile)
    findings += lying.forbidden
    findings += _judge_identifier(bag, profile, lying)
    for label, tag in profile.bag_info.items():
        findings += _judge_tag(bag, label, tag)
    findings += _judge_manifests(lying.manifests[False], "", profile.manifests_required, profile.manifests_allowed)
    findings += _judge_manifests(
        lying.manifests[True], "tag", profile.tag_manifests_required, profile.tag_manifests_allowed
    )
    findings += _judge_fetch(profile, lying)
    findings += _judge_files(profile, lying)
    return sorted(set(findings))


def _judge_version(bag: Bag, profile: Profile) -> Iterator[Finding]:
    if bag.version not in profile.accepted_versions:
        accepted = ", ".join(profile.accepted_versions)
        yield Finding("profile.version-not-accepted", "bagit.txt", accepted, shown(bag.version[:200]))


def _judge_serialization(profile: Profile, serialization: str | None) -> Iterator[Finding]:
    if serialization is None:
        if profile.serialization == "required":
            yield Finding("profile.serialization-required", ".", ", ".join(profile.accepted_serializations))
        return
    if profile.serialization == "forbidden":
        yield Finding("profile.serialization-forbidden", ".", found=serialization)
        return
    if not profile.accepted_serializations:
        return  # the profile's fault, which its remarks state, and not the bag's
    names = next((names for names in _SPELLINGS if serialization in names), frozenset({serialization}))
    if names.isdisjoint(profile.accepted_serializations):
        accepted = ", ".join(profile.accepted_serializations)
        yield Finding("profile.serialization-not-accepted", ".", accepted, serialization)


def _look(root: Path, profile: Profile) -> _Lying:
    lying = _Lying(
        {False: set(), True: set()}, {*profile.tag_files_required, *profile.payload_files_required}, [], set()
    )
    for seen in walk(str(root), []):
        for path in seen.folders:
            lying.missing -= {f"{path}/"}
        if not seen.in_payload:
            _see_tags(seen.files, profile, lying)
            continue
        _see_payload(seen.files, profile, lying)
        if profile.data_empty and not lying.payload_holds_bytes:
            lying.payload_holds_bytes = any((root / path).lstat().st_size for path in seen.files)
    return lying


def _see_tags(files: list[str], profile: Profile, lying: _Lying) -> None:
    allowed = _allowed(profile.tag_files_allowed)
    for path in files:
        lying.missing -= {path}
        if found := _MANIFEST.fullmatch(path):
            lying.manifests[found[1] is not None].add(same_algorithm(found[2]))
        if _DEFINED.fullmatch(path):
            lying.top.add(path)
        elif not allowed(path):
            lying.forbidden.append(Finding("profile.tag-file-not-allowed", shown(path)))


def _see_payload(files: list[str], profile: Profile, lying: _Lying) -> None:
    allowed = _allowed(profile.payload_files_allowed)
    for path in files:
        lying.missing -= {path}
        lying.payload_files += 1
        if not allowed(path):
            lying.forbidden.append(Finding("profile.payload-file-not-allowed", shown(path)))


def _allowed(patterns: Names | None) -> Callable[[str], object]:
    return matching(patterns).match if patterns is not None else lambda _: True


def _judge_identifier(bag: Bag, profile: Profile, lying: _Lying) -> Iterator[Finding]:
    """A bag names its profile; it may name several."""
    if _INFO not in lying.top:
        yield Finding("profile.bag-info-missing", _INFO)
        return
    named = [value for label, value in bag.info if label.lower() == _IDENTIFIER]
    if not named:
        yield Finding("profile.identifier-missing", _INFO, profile.identifier)
    elif profile.identifier not in named:
        yield Finding("profile.identifier-other", _INFO, profile.identifier, shown(", ".join(named)[:200]))


def _judge_tag(bag: Bag, label: str, tag: Tag) -> Iterator[Finding]:
    values = [value for name, value in bag.info if _same_label(name, label)]
    if not values and tag.required:
        yield Finding("profile.tag-missing", _INFO, label)
    elif not values and tag.recommended:
        yield Finding("profile.tag-recommended", _INFO, label)
    if len(values) > 1 and not tag.repeatable:
        yield Finding("profile.tag-repeated", _INFO, label, shown(", ".join(values)[:200]))
    for value in values:
        if tag.values and value not in tag.values:
            yield Finding("profile.tag-value", f"{_INFO}:{label}", ", ".join(tag.values), shown(value[:200]))


def _same_label(name: str, label: str) -> bool:
    return name == label or (name.lower() == label.lower() and label.lower() in _RESERVED)


def _judge_manifests(present: set[str], kind: str, required: Names, allowed: Names | None) -> Iterator[Finding]:
    for algorithm in required:
        if same_algorithm(algorithm) not in present:
            yield Finding("profile.manifest-missing", f"{kind}manifest-{same_algorithm(algorithm)}.txt")
    if allowed is None:
        return
    for algorithm in present - set(map(same_algorithm, allowed)):
        yield Finding("profile.manifest-not-allowed", f"{kind}manifest-{algorithm}.txt", ", ".join(allowed))


def _judge_fetch(profile: Profile, lying: _Lying) -> Iterator[Finding]:
    if "fetch.txt" in lying.top and not profile.fetch_allowed:
        yield Finding("profile.fetch-not-allowed", "fetch.txt")
    if "fetch.txt" not in lying.top and profile.fetch_required:
        yield Finding("profile.fetch-missing", "fetch.txt")


def _judge_files(profile: Profile, lying: _Lying) -> Iterator[Finding]:
    for path in lying.missing & set(profile.tag_files_required):
        yield Finding("profile.tag-file-missing", shown(path))
    for path in lying.missing & set(profile.payload_files_required):
        yield Finding("profile.payload-file-missing", shown(path))
    if profile.data_empty and (lying.payload_files > 1 or lying.payload_holds_bytes):
        yield Finding("profile.payload-not-empty", "data/", found=str(lying.payload_files))
