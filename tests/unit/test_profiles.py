"""A package is laid out as it is published, the same every time, and says the truth about its files."""

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from packages_spec import premis
from packages_spec.digests import Digested, digest_file
from packages_spec.premis import Agent, EventType, FileObject, Format, Identifier
from packages_spec.profiles import ExtraFile, PackageKind, build, payload_path, validate_package
from tests.packages import CREATED, DELIVERED, PACKAGE, PAGES, NullSink, content, description, event, write_package

FOLDER = f"data/uuid-{PACKAGE}"
LAYOUT = {
    "bagit.txt",
    "bag-info.txt",
    "manifest-sha256.txt",
    "tagmanifest-sha256.txt",
    f"{FOLDER}/METS.xml",
    f"{FOLDER}/metadata/descriptive/dc.xml",
    f"{FOLDER}/metadata/descriptive/archive.xml",
    f"{FOLDER}/metadata/preservation/premis.xml",
    f"{FOLDER}/metadata/preservation/events.ndjson",
    f"{FOLDER}/metadata/preservation/payloads.ndjson",
    f"{FOLDER}/metadata/preservation/formats.ndjson",
    *(f"{FOLDER}/metadata/other/delivery/{name}" for name in DELIVERED),
    f"{FOLDER}/representations/original/METS.xml",
    f"{FOLDER}/representations/original/metadata/preservation/premis.xml",
    *(f"{FOLDER}/representations/original/data/{name}" for name in PAGES),
    f"{FOLDER}/documentation/README.txt",
    f"{FOLDER}/schemas/archive.xsd",
}
GOLDEN = {
    PackageKind.SIP: "2af3d36e4df21035491cc385ccff7cc224d55565d5c0db055ddb397585af7ec2",
    PackageKind.AIP: "07d10f0baa5fda906a2a0d8893498aa1e2ea8baa6e85429f3cb771b19eff1b80",
    PackageKind.DIP: "c7be9db3ae2539c6958ee916f643c9de714ca1c5bcb6685851f71e80aa0e1b2e",
}


def on_disk(root: Path) -> dict[str, Digested]:
    paths = (path for path in root.rglob("*") if path.is_file())
    names = {path.relative_to(root).as_posix(): path for path in paths}
    return {name: Digested(name, *digest_file(path)) for name, path in names.items()}


def test_the_layout_is_the_published_one_and_every_file_is_reported(tmp_path: Path) -> None:
    built = write_package(tmp_path)
    found = on_disk(tmp_path)
    assert found.keys() == LAYOUT
    assert {entry.path: entry for entry in built.entries} == found
    assert len(built.entries) == len(found)
    assert built.manifest_sha256 == found["manifest-sha256.txt"].sha256
    assert built.tagmanifest_sha256 == found["tagmanifest-sha256.txt"].sha256


@pytest.mark.parametrize("kind", PackageKind)
def test_the_same_content_gives_the_bytes_that_it_always_gave(kind: PackageKind) -> None:
    """What is stored for ever: when this fails, the form of packages has changed."""
    assert build(content(kind=kind), NullSink()).tagmanifest_sha256 == GOLDEN[kind]


def test_a_small_record_costs_little_beside_its_pages() -> None:
    """With its store's inventories a record of three pages must stay within 24 files and 120 kB beside the pages."""
    pages = {f"J001-WS-1931-Y-0001-{page:04}.tif": b"\0" * 45_000 for page in range(1, 4)}
    log = {"events": 6_300, "payloads": 2_000, "formats": 300}
    extras = [
        ExtraFile(f"metadata/preservation/{name}.ndjson", "application/octet-stream", [b"x" * size])
        for name, size in log.items()
    ]
    built = build(content(pages, events=[event(identifier=str(n)) for n in range(7)], extras=extras), NullSink())
    beside = [entry.size for entry in built.entries if "/original/data/" not in entry.path]
    assert len(beside) <= 17
    assert sum(beside) <= 50_000


def test_the_bag_says_what_it_holds(tmp_path: Path) -> None:
    built = write_package(tmp_path)
    payload = [entry for entry in built.entries if entry.path.startswith("data/")]
    assert (tmp_path / "bag-info.txt").read_text("utf-8").splitlines() == [
        f"External-Identifier: urn:uuid:{PACKAGE}",
        "Bagging-Date: 2026-11-24",
        f"Payload-Oxum: {sum(entry.size for entry in payload)}.{len(payload)}",
        "Bag-Group-Identifier: J001/12",
        "Bag-Software-Agent: jingui/0.1.0",
        "BagIt-Profile-Identifier: urn:jingui:bag-profile:1",
    ]
    listed = (tmp_path / "manifest-sha256.txt").read_text("utf-8").splitlines()
    assert listed == [f"{entry.sha256}  {entry.path}" for entry in sorted(payload)]


def test_ids_and_times_of_what_stays_are_the_same_in_the_next_version(tmp_path: Path) -> None:
    write_package(tmp_path / "1")
    more = {**PAGES, "000-0000.tif": b"put in front"}
    write_package(tmp_path / "2", more, modified="2030-01-01T00:00:00.000000Z")
    document = payload_path(PACKAGE, "").replace("data//", "").removesuffix("data/") + "METS.xml"
    old, new = ((tmp_path / version / document).read_text("utf-8").splitlines() for version in "12")
    assert [line for line in old if line.startswith("<file ")] == [
        line for line in new if line.startswith("<file ") and "000-0000" not in line
    ]


def test_what_a_later_version_writes_again_carries_its_time(tmp_path: Path) -> None:
    later = "2030-01-01T00:00:00.000000Z"
    write_package(tmp_path, modified=later)
    lines = (tmp_path / FOLDER / "METS.xml").read_text("utf-8").splitlines()
    assert any(f'CREATEDATE="{CREATED}" LASTMODDATE="{later}"' in line for line in lines)
    for line in lines:
        if "mdRef" in line:
            assert f'CREATED="{CREATED if "/delivery/" in line else later}" CHECKSUM' in line
    assert "Bagging-Date: 2030-01-01\n" in (tmp_path / "bag-info.txt").read_text("utf-8")


def test_premis_describes_every_page(tmp_path: Path) -> None:
    write_package(tmp_path)
    document = tmp_path / FOLDER / "representations/original/metadata/preservation/premis.xml"
    with document.open("rb") as source:
        files = {each.location: each for each in premis.read_premis(source) if isinstance(each, FileObject)}
    assert files.keys() == {f"data/{name}" for name in PAGES}
    renamed = files["data/子文件夹/001-0002 地契 & <b>.tif"]
    assert renamed.original_name == "原名 50%\r\n.tif"
    assert renamed.sha256 == sha256(PAGES["子文件夹/001-0002 地契 & <b>.tif"]).hexdigest()
    assert renamed.format == Format("Tagged Image File Format", "6.0", "fmt/353", "byte match at 0, 4")


def test_no_person_has_a_name_in_premis() -> None:
    with pytest.raises(ValueError, match="no name"):
        Agent(Identifier("UUID", "1"), "person", "张三")


def test_values_that_could_not_be_read_back_are_refused() -> None:
    with pytest.raises(ValueError, match="version"):
        Format(version="6.0")
    with pytest.raises(ValueError, match="at least one object"):
        list(premis.premis_documents([]))
    for field, value in {"level": "box", "year": -1, "page_count": -1, "date": "", "package": "P"}.items():
        with pytest.raises(ValueError, match=field):
            description(**{field: value})


def test_event_types_are_the_terms_of_the_library_of_congress() -> None:
    assert {member.name.lower().replace("_", " ") for member in EventType} == {str(member) for member in EventType}
    assert {member.code for member in EventType if len(member.code) != 3} == {"quality-control"}
    assert len({member.code for member in EventType}) == len(EventType)
    assert EventType.VIRUS_CHECK.code == "vir"


ELSEWHERE = """
import sys
from pathlib import Path
from tests.packages import write_package
from packages_spec.profiles import PackageKind
for kind in PackageKind:
    write_package(Path(sys.argv[1]) / kind, kind=kind)
"""


def test_two_builds_are_the_same_bytes_wherever_they_are_made(tmp_path: Path) -> None:
    """Same content and clock: no hash seed, time zone, language or order of a folder's entries shows in a package."""
    surroundings = ({"PYTHONHASHSEED": "1", "TZ": "UTC", "LC_ALL": "C"}, {"PYTHONHASHSEED": "2", "TZ": "Asia/Shanghai"})
    made = []
    for number, environment in enumerate(surroundings):
        place = tmp_path / str(number)
        command = [sys.executable, "-X", "utf8", "-c", ELSEWHERE, str(place)]
        paths = {**os.environ, **environment, "PYTHONPATH": str(Path(__file__).parents[2])}
        subprocess.run(command, env=paths, check=True)
        made.append({path.relative_to(place): path.read_bytes() for path in place.rglob("*") if path.is_file()})
    assert len(made[0]) > len(PackageKind) * len(LAYOUT) // 2
    assert made[0] == made[1]


def test_the_bag_round_a_package_is_ours_and_nothing_else(tmp_path: Path) -> None:
    write_package(tmp_path)
    tags, info = tmp_path / "tagmanifest-sha256.txt", tmp_path / "bag-info.txt"
    whole = {path: path.read_bytes() for path in (tags, info)}

    def codes() -> set[tuple[str, str]]:
        return {(finding.code, finding.path) for finding in validate_package(tmp_path)}

    assert codes() == set()
    (tmp_path / "notes.txt").write_bytes(b"")
    (tmp_path / "manifest-sha512.txt").write_bytes(b"")
    assert codes() == {("package.stray", "notes.txt")}
    (tmp_path / "notes.txt").unlink()
    tags.write_bytes(b"".join(line for line in whole[tags].splitlines(keepends=True) if b"bag-info" not in line))
    assert codes() == {("package.tag-unlisted", "bag-info.txt")}
    tags.unlink()
    assert ("package.file-missing", "tagmanifest-sha256.txt") in codes()
    tags.write_bytes(whole[tags])
    for label in ("External-Identifier", "BagIt-Profile-Identifier", "Payload-Oxum", "Bagging-Date"):
        info.write_bytes(whole[info].replace(f"{label}:".encode(), f"X-{label}:".encode()))
        assert codes() == {("package.bag-info", "bag-info.txt")}
