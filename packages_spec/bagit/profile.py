"""BagIt Profiles 1.0 to 1.4 (包的约定): what a sender and a receiver agreed on beyond BagIt, read from its JSON.

A profile is data from a stranger too: it is read strictly, what it asks that nobody can meet is named, and what this
reader does not know in it is pointed out, because a rule that was not judged was not kept.
"""

import re
from collections.abc import Iterable
from fnmatch import translate
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from msgspec import field

from packages_spec.findings import Finding
from packages_spec.paths import shown

LARGEST: Final = 1 << 18
"""Bytes that a profile may have: those in use have a few thousand, and each pattern of it costs time for every file."""
VERSIONS: Final = ("1.0", "1.1", "1.2", "1.3", "1.4")
"""The versions of the specification that are read, without their last number."""
_UNSTATED: Final = "1.1.0"
"""The version of a profile that states none."""
_NEEDED: Final = ("Source-Organization", "External-Description", "Version", "BagIt-Profile-Identifier")
_GIVEN_ANYWAY = re.compile(r"bag-info\.txt|bagit\.txt|(tag)?manifest-[^/]+\.txt")

Names = tuple[str, ...]


_KEYS: Final = {
    "about": "BagIt-Profile-Info",
    "accepted_versions": "Accept-BagIt-Version",
    "bag_info": "Bag-Info",
    "manifests_required": "Manifests-Required",
    "manifests_allowed": "Manifests-Allowed",
    "tag_manifests_required": "Tag-Manifests-Required",
    "tag_manifests_allowed": "Tag-Manifests-Allowed",
    "tag_files_required": "Tag-Files-Required",
    "tag_files_allowed": "Tag-Files-Allowed",
    "payload_files_required": "Payload-Files-Required",
    "payload_files_allowed": "Payload-Files-Allowed",
    "fetch_allowed": "Allow-Fetch.txt",
    "fetch_required": "Fetch.txt-Required",
    "data_empty": "Data-Empty",
    "serialization": "Serialization",
    "accepted_serializations": "Accept-Serialization",
}


class Tag(msgspec.Struct, frozen=True):
    """What a profile asks of one label of `bag-info.txt`; no `values` means any."""

    required: bool = False
    values: Names = ()
    repeatable: bool = True
    recommended: bool = False
    description: str = ""


class Profile(msgspec.Struct, frozen=True, rename=_KEYS):
    """A profile as its file states it; None where it states nothing and so allows everything."""

    about: dict[str, Any]
    accepted_versions: Names = ()
    bag_info: dict[str, Tag] = field(default_factory=dict)
    manifests_required: Names = ()
    manifests_allowed: Names | None = None
    tag_manifests_required: Names = ()
    tag_manifests_allowed: Names | None = None
    tag_files_required: Names = ()
    tag_files_allowed: Names | None = None
    payload_files_required: Names = ()
    payload_files_allowed: Names | None = None
    fetch_allowed: bool = True
    fetch_required: bool = False
    data_empty: bool = False
    serialization: Literal["forbidden", "required", "optional"] = "optional"
    accepted_serializations: Names = ()
    remarks: tuple[Finding, ...] = ()
    """What is to be said of the profile itself, none of it an error."""

    @property
    def identifier(self) -> str:
        """The URI by which bags name it."""
        return str(self.about["BagIt-Profile-Identifier"])


class RefusedProfile(Exception):  # noqa: N818 - it says what became of the profile, like `StopIteration`
    """Nothing can be judged by this profile; `findings` say why."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(sorted(set(findings)))
        super().__init__("; ".join(finding.message("en") for finding in self.findings))


def load_profile(place: Path) -> Profile:
    """The profile in a file. Raises `RefusedProfile`, and `OSError` for what cannot be opened."""
    with place.open("rb") as stream:
        return read_profile(stream.read(LARGEST + 1), place.name)


def read_profile(content: bytes, name: str = "bagit-profile.json") -> Profile:
    """The profile that these bytes are; `name` names it in findings. Raises `RefusedProfile`."""
    try:
        if len(content) > LARGEST:
            raise RefusedProfile([Finding("profile.malformed", name, found=f"> {LARGEST} B")])
        raw = msgspec.json.decode(content, type=dict[str, Any])
        profile = msgspec.convert(raw, Profile)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedProfile([Finding("profile.malformed", name, found=shown(str(error)))]) from error
    if findings := list(_faults(profile, name)):
        raise RefusedProfile(findings)
    return msgspec.structs.replace(profile, remarks=tuple(_remarks(profile, raw, name)))


@lru_cache(maxsize=8)
def matching(patterns: Names) -> re.Pattern[str]:
    """A pattern for the paths that any of these globs covers; `*` stands for any characters, `/` among them."""
    return re.compile("|".join(map(translate, patterns)) or r"(?!)")


def same_algorithm(name: str) -> str:
    """An algorithm's name as it stands in a manifest's file name (RFC 8493 2.4)."""
    return re.sub("[^a-z0-9]", "", name.lower())


def _faults(profile: Profile, name: str) -> Iterable[Finding]:
    """What makes the profile one by which nothing can be judged."""
    version = str(profile.about.get("BagIt-Profile-Version", _UNSTATED))
    for label in _NEEDED:
        if not isinstance(value := profile.about.get(label), str) or not value.strip():
            yield Finding("profile.info-missing", name, label)
    if version.removeprefix("v").rpartition(".")[0] not in VERSIONS and version not in VERSIONS:
        yield Finding("profile.version-unknown", name, ", ".join(VERSIONS), shown(version[:200]))
    if not profile.accepted_versions:
        yield Finding("profile.no-version", name)
    yield from _contradictions(profile, name)


def _contradictions(profile: Profile, name: str) -> Iterable[Finding]:
    """What it requires and does not allow: no bag can be both."""
    for key, required, allowed in (
        ("Manifests", profile.manifests_required, profile.manifests_allowed),
        ("Tag-Manifests", profile.tag_manifests_required, profile.tag_manifests_allowed),
    ):
        if allowed is not None and (lacking := set(map(same_algorithm, required)) - set(map(same_algorithm, allowed))):
            yield _contradiction(name, f"{key}-Required", lacking)
    for key, required, allowed in (
        ("Tag-Files", profile.tag_files_required, profile.tag_files_allowed),
        ("Payload-Files", profile.payload_files_required, profile.payload_files_allowed),
    ):
        if allowed is not None and (lacking := {path for path in required if not matching(allowed).match(path)}):
            yield _contradiction(name, f"{key}-Required", lacking)
    if profile.fetch_required and not profile.fetch_allowed:
        yield _contradiction(name, "Fetch.txt-Required", {"Allow-Fetch.txt"})
    if profile.serialization == "required" and not profile.accepted_serializations:
        yield _contradiction(name, "Serialization", {"Accept-Serialization"})


def _contradiction(name: str, key: str, lacking: set[str]) -> Finding:
    return Finding("profile.contradiction", name, key, shown(", ".join(sorted(lacking))[:200]))


def _remarks(profile: Profile, raw: dict[str, Any], name: str) -> Iterable[Finding]:
    tags = raw.get("Bag-Info", {})
    unknown = [key for key in raw if key not in _KEYS.values()]
    unknown += [
        f"Bag-Info/{label}/{key}" for label, tag in tags.items() for key in tag if key not in Tag.__struct_fields__
    ]
    for key in unknown:
        yield Finding("profile.not-judged", name, found=shown(key[:200]))
    if any(label.lower() == "bagit-profile-identifier" for label in profile.bag_info):
        yield Finding("profile.needless", name, found="BagIt-Profile-Identifier")
    if profile.serialization == "optional" and not profile.accepted_serializations:
        yield Finding("profile.no-serialization", name)
    for path in profile.tag_files_required:
        if _GIVEN_ANYWAY.fullmatch(path):
            yield Finding("profile.needless", name, found=shown(path))
