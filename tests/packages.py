"""Small packages for the tests: content that names every field, and a sink that writes to a folder."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path

import msgspec

from packages_spec.descriptive import Description
from packages_spec.digests import Digested
from packages_spec.premis import Agent, AgentLink, Event, EventType, Identifier, Rights, Source
from packages_spec.profiles import (
    Built,
    ExtraFile,
    PackageContent,
    PackageKind,
    PayloadFile,
    build,
    delivery_path,
    package_id,
    payload_path,
    representation_id,
)

PACKAGE = "6f1c2a90-3d4e-4b5a-8c7d-0123456789ab"
CREATED = "2026-11-24T01:02:03.000000Z"
PAGES = {
    "001-0001.tif": b"page one",
    "子文件夹/001-0002 地契 & <b>.tif": "第二页".encode(),
    "001-0003.tif": b"",
}
DELIVERED = {"delivery.sha256": b"", "bag-info.txt": b"Source-Organization: X\n"}
SOFTWARE = Identifier("local", "jingui/0.1.0")
PERSON = Identifier("UUID", "1b671a64-40d5-491e-99b0-da01ff1f3341")


class FolderSink:
    """Writes under a root folder; each path once."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, chunks: Iterable[bytes]) -> Digested:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        digest, size = sha256(), 0
        with target.open("xb") as stream:
            for chunk in chunks:
                stream.write(chunk)
                digest.update(chunk)
                size += len(chunk)
        return Digested(path, size, digest.hexdigest())


class NullSink:
    """Hashes and forgets."""

    def write(self, path: str, chunks: Iterable[bytes]) -> Digested:
        digest, size = sha256(), 0
        for chunk in chunks:
            digest.update(chunk)
            size += len(chunk)
        return Digested(path, size, digest.hexdigest())


def description(**fields: object) -> Description:
    """A description with every field filled in, but for those given."""
    full = Description(
        package=PACKAGE,
        level="item",
        reference_code="J001-WS-1931-永久-0001",
        fonds_code="J001",
        title="土地所有权登记 地契一份 “甲”<乙>&丙",
        responsible_party="县政府",
        date="1931-09",
        year=1931,
        retention_period="永久",
        secrecy_class="公开",
        access_status="open",
        record_type="text",
        carrier="both",
        page_count=3,
    )
    return msgspec.structs.replace(full, **fields)


def event(**fields: object) -> Event:
    """An event with every field filled in, but for those given."""
    full = Event(
        identifier="0b671a64-40d5-491e-99b0-da01ff1f3341",
        type=EventType.INGESTION,
        time=CREATED,
        detail="ArchivalPackage.Created 1",
        outcome="success",
        outcome_note="3 files",
        agents=(AgentLink(SOFTWARE, "executing program"), AgentLink(PERSON, "authorizer")),
        objects=(package_id(PACKAGE), representation_id(PACKAGE)),
    )
    return msgspec.structs.replace(full, **fields)


def content(pages: Mapping[str, bytes] = PAGES, **fields: object) -> PackageContent:
    """What a package of these pages is made of."""
    full = PackageContent(
        kind=PackageKind.AIP,
        package=PACKAGE,
        created=CREATED,
        label="地契 “甲”",
        description=description(),
        files=tuple(_payload(path, data) for path, data in pages.items()),
        placed=tuple(
            Digested(payload_path(PACKAGE, path), len(data), sha256(data).hexdigest()) for path, data in pages.items()
        ),
        delivery=tuple(
            Digested(delivery_path(PACKAGE, path), len(data), sha256(data).hexdigest())
            for path, data in DELIVERED.items()
        ),
        extras=(
            ExtraFile("metadata/preservation/events.ndjson", "application/octet-stream", [b"{}\n"]),
            ExtraFile("metadata/preservation/payloads.ndjson", "application/octet-stream", [b"{}\n"]),
            ExtraFile("metadata/preservation/formats.ndjson", "application/octet-stream", [b"{}\n"]),
        ),
        events=(event(), event(identifier="2b671a64-40d5-491e-99b0-da01ff1f3341", type=EventType.QUALITY_CONTROL)),
        agents=(Agent(SOFTWARE, "software", "jingui", "0.1.0"), Agent(PERSON, "person")),
        rights=(Rights(Identifier("local", "access"), "policy", "disseminate", None, (package_id(PACKAGE),)),),
        sources=(Source("7f1c2a90-3d4e-4b5a-8c7d-0123456789ab", 2, "3b671a64-40d5-491e-99b0-da01ff1f3341"),),
        other_identifiers=(Identifier("delivered OBJID", "SIP-17"),),
        bag_group="J001/12",
        software="jingui",
        software_version="0.1.0",
        archive="县档案馆",
    )
    return msgspec.structs.replace(full, **fields)


def write_package(root: Path, pages: Mapping[str, bytes] = PAGES, **fields: object) -> Built:
    """A whole bag under `root`."""
    sink = FolderSink(root)
    what = content(pages, **fields)
    for path, data in pages.items():
        sink.write(payload_path(what.package, path), [data])
    for entry in what.delivery:
        sink.write(entry.path, [DELIVERED[entry.path.rpartition("/")[2]]])
    return build(what, sink)


def _payload(path: str, data: bytes) -> PayloadFile:
    return PayloadFile(
        path=path,
        size=len(data),
        sha256=sha256(data).hexdigest(),
        created=CREATED,
        media_type="image/tiff",
        original_name="原名 50%\r\n.tif" if "地契" in path else None,
        puid="fmt/353",
        format_name="Tagged Image File Format",
        format_version="6.0",
        format_basis="byte match at 0, 4",
    )
