"""What a package is made of: everything that its writer must be told, and nothing that it can find out."""

import re
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Protocol

import msgspec

from packages_spec.descriptive import Description
from packages_spec.digests import Digested
from packages_spec.premis import Agent, Event, Identifier, Rights, Source
from packages_spec.technical import Technical

REPRESENTATION = "original"
BAG_PROFILE = "urn:jingui:bag-profile:1"
"""BagIt-Profile-Identifier of every bag that holds one of our packages."""


class PackageKind(StrEnum):
    """OAIS package types (信息包): 提交, 存档, 分发."""

    SIP = "SIP"
    AIP = "AIP"
    DIP = "DIP"


class Sink(Protocol):
    """Where a package's files go. Paths are relative to the bag's root; each is written once."""

    def write(self, path: str, chunks: Iterable[bytes]) -> Digested:
        """Write a new file, hashing while writing; durability is the sink's promise, not the writer's."""


class PayloadFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the content, already placed at `payload_path`. `path` is relative to `representations/original/data`.

    `created` is RFC 3339 with a time zone. `original_name` is the delivered name where the path rules changed it.
    """

    path: str
    size: int
    sha256: str
    created: str
    media_type: str = "application/octet-stream"
    original_name: str | None = None
    puid: str | None = None
    format_name: str | None = None
    format_version: str | None = None
    format_basis: str | None = None
    technical: Technical | None = None


class ExtraFile(msgspec.Struct, frozen=True):
    """A further metadata file (`metadata/preservation/events.ndjson`, ...); `path` is relative to the package folder.

    `chunks` are read once. What is `shown` stays readable in a controlled package too.
    """

    path: str
    media_type: str
    chunks: Iterable[bytes]
    shown: bool = False


SEALED_SUFFIX = ".age"
"""What the name of every encrypted file ends in."""
SEALED_MEDIA_TYPE = "application/vnd.age"
PLAIN_DIGESTS = "metadata/other/plaintext-sha256.txt"
"""Sealed: the digests of what is encrypted, as `sha256sum` writes them; every path without its `.age`."""
NAMES = "metadata/other/names.tsv"
"""Sealed: the name of each file of the content and of the delivery, then a tab, then the name that it came with."""

SEALED_METS = "metadata/other/METS.xml"
"""Sealed: what the representation's METS would be, were it not."""

Seal = Callable[[str, Iterable[bytes]], Iterable[bytes]]
"""Encrypts a file of the bag: its path there, as the manifest spells it, and its bytes."""


class Sealing(msgspec.Struct, frozen=True):
    """How a controlled package is encrypted: by which suite, to which recipient, and what does it."""

    suite: str
    recipient: str
    seal: Seal


def neutral_names(paths: Sequence[str]) -> list[str]:
    """Names that say nothing: `0001.tif` for the first file. A suffix stays where it is a plain one."""
    width = max(4, len(str(len(paths))))
    return [f"{number:0{width}d}{_plain_suffix(path)}" for number, path in enumerate(paths, 1)]


def _plain_suffix(path: str) -> str:
    suffix = PurePosixPath(path).suffix.lower()
    return suffix if re.fullmatch(r"\.[a-z0-9]{1,5}", suffix) else ""


class PackageContent(msgspec.Struct, frozen=True, kw_only=True):
    """A package before it is written. The same content gives the same bytes, every time.

    `package` is a UUID in lower case with hyphens; `created` and `modified` are RFC 3339 with a time zone. `placed`
    are the files of the content at their `payload_path`, `delivery` those that stand under `metadata/other/delivery`
    already, both with paths relative to the bag's root. Whatever package `description` names, it is written as the
    description of this one; where it came from stands in `sources`. `parts` are the records that it was divided into,
    by their ids, each described beside it.

    With `sealing` the package is a controlled one: `files` are the content as it is, `placed` and `delivery` the
    encrypted files at their `sealed_path`, in the same order; `papers` are what `delivery` holds, as it came.
    """

    kind: PackageKind
    package: str
    created: str
    modified: str | None = None
    label: str
    description: Description
    parts: Sequence[tuple[str, Description]] = ()
    files: Sequence[PayloadFile]
    placed: Sequence[Digested] = ()
    delivery: Sequence[Digested] = ()
    papers: Sequence[Digested] = ()
    extras: Sequence[ExtraFile] = ()
    events: Sequence[Event] = ()
    agents: Sequence[Agent] = ()
    rights: Sequence[Rights] = ()
    sources: tuple[Source, ...] = ()
    other_identifiers: tuple[Identifier, ...] = ()
    bag_group: str | None = None
    sealing: Sealing | None = None
    software: str
    software_version: str
    archive: str


class Built(msgspec.Struct, frozen=True):
    """A package as it was written: every file of the bag, content too, and the digests that the log keeps."""

    entries: tuple[Digested, ...]
    manifest_sha256: str
    tagmanifest_sha256: str


def package_folder(package: str) -> str:
    """The package's folder, relative to the bag's root."""
    return f"data/uuid-{package}"


def payload_path(package: str, file_path: str) -> str:
    """Where a file of the content stands, relative to the bag's root."""
    return f"{package_folder(package)}/representations/{REPRESENTATION}/data/{file_path}"


def delivery_path(package: str, file_path: str) -> str:
    """Where a file that came with the delivery, but is not content, stands, relative to the bag's root."""
    return f"{package_folder(package)}/metadata/other/delivery/{file_path}"


def sealed_path(package: str, name: str) -> str:
    """Where an encrypted file of the content stands, relative to the bag's root; `name` is a neutral one."""
    return f"{payload_path(package, name)}{SEALED_SUFFIX}"


def package_id(package: str) -> Identifier:
    """The package in PREMIS."""
    return Identifier("URI", f"urn:uuid:{package}")


def representation_id(package: str, name: str = REPRESENTATION) -> Identifier:
    """A representation in PREMIS; its files' identifiers begin with it."""
    return Identifier("local", f"uuid-{package}/representations/{name}")
