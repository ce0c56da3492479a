"""Packages of other archives come in: content becomes ours, metadata stay theirs, old names lead to the record."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from packages_spec.profiles import validate_package
from repository.catalogue import Catalogue
from repository.domain import archival_package
from repository.domain.aggregate import New
from repository.domain.archival_package import ARCHIVAL_PACKAGE, ForeignIdentifier, IdentifiersRecorded
from repository.errors import ArchiveError
from repository.eventlog import Streams
from repository.services import preservation, stored
from repository.services.ingest import IngestReport
from repository.services.search import find_description, search_records, show_record
from repository.services.session import Session
from tests import made_foreign as foreign
from tests.command_line import jingui
from tests.real_archives import Site, new_site, take
from tests.shared_data import shared_data

Make = Callable[[Path], Path]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return new_site(tmp_path)


def packed(make: Make) -> Make:
    def zipped(folder: Path) -> Path:
        made = make(folder)
        return Path(shutil.make_archive(str(folder) + "-zip", "zip", made))

    return zipped


CASES: dict[str, tuple[Make, str, str, str | None, str | None, set[str], str]] = {
    "archivematica": (
        foreign.archivematica,
        "archivematica-aip",
        "河道治理照片",
        "水利局",
        "1962-05",
        {"照片/a.jpg", "b.txt"},
        foreign.AIP_UUID,
    ),
    "roda": (
        foreign.roda,
        "roda-aip",
        "Minutes of the council",
        "Council",
        "1974-04-25",
        {"minutes.pdf"},
        foreign.RODA_ID,
    ),
    "roda-sip": (
        lambda folder: foreign.eark(folder, agent="RODA-in"),
        "roda-sip",
        "土地登记簿",
        "县政府",
        "1951",
        {"页/1.txt"},
        "uuid-EARK-SIP",
    ),
    "eark-sip": (foreign.eark, "eark-sip", "土地登记簿", "县政府", "1951", {"页/1.txt"}, "uuid-EARK-SIP"),
    "eark-aip-of-two": (
        lambda folder: foreign.eark(folder, "AIP", representations=2),
        "eark-aip",
        "土地登记簿",
        "县政府",
        "1951",
        {"rep1/data/页/1.txt", "rep2/data/页/1.txt"},
        "uuid-EARK-AIP",
    ),
    "eark-in-a-bag": (
        lambda folder: foreign.bag(folder, _files(foreign.eark(folder.with_name("e"))), {"External-Identifier": "X-9"}),
        "eark-sip",
        "土地登记簿",
        "县政府",
        "1951",
        {"页/1.txt"},
        "X-9",
    ),
    "dspace-aip": (
        foreign.dspace_mets,
        "dspace-aip",
        "A thesis",
        "Li, Wei",
        "2009-06-01",
        {"bitstream_26.pdf", "bitstream_27.txt"},
        "hdl:123456789/8",
    ),
    "dspace-sip-zipped": (
        packed(lambda folder: foreign.dspace_mets(folder, "DSpace METS SIP Profile 1.0")),
        "dspace-sip",
        "A thesis",
        "Li, Wei",
        "2009-06-01",
        {"bitstream_26.pdf", "bitstream_27.txt"},
        "http://hdl.handle.net/123456789/8",
    ),
    "dspace-item": (
        lambda folder: foreign.dspace_items(folder, 1) / "item_000",
        "dspace-items",
        "Report 0",
        "Wang",
        "1999-02",
        {"report.txt"},
        "123456789/100",
    ),
    "bag": (
        lambda folder: foreign.bag(folder, {"a.txt": "a\n"}, {"External-Identifier": "旧 17"}),
        "bag",
        "package",
        None,
        None,
        {"a.txt"},
        "旧 17",
    ),
}


def _files(folder: Path) -> dict[str, bytes | str]:
    return {f"sip/{path.relative_to(folder)}": path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def ingested(session: Session, source: Path) -> IngestReport:
    report = take(session, source)
    assert report.outcome == "completed", report.findings
    return report


@pytest.mark.parametrize("name", CASES)
def test_a_foreign_package_comes_in(site: Site, tmp_path: Path, name: str) -> None:
    make, system, title, creator, date, content, old = CASES[name]
    source = make(tmp_path / "package")
    with site.open() as session:
        report = ingested(session, source)
        assert report.system == system
        (package,) = report.packages
        found = show_record(session, old, as_of=None)
        assert found.package is not None
        assert (found.package.id, found.package.system) == (package.package, system)
        assert old in {one.value for one in found.package.identifiers}
        described = found.description
        assert (described.title, described.responsible_party, described.date) == (title, creator, date)
        assert described.year == (int(date[:4]) if date else None)
        assert described.reference_code is None
        assert {file.path for file in found.files} == content
        (hit,) = search_records(session, old, as_of=None, limit=5, after=None).entries
        assert hit == described
        root = session.store.object_folder(package.package) / "v1" / "content"
    assert validate_package(root) == []
    _expect_every_byte(source, root / "data" / f"uuid-{package.package}", tmp_path)


def _expect_every_byte(source: Path, inside: Path, tmp_path: Path) -> None:
    """Every file that came is there, unchanged: as content, or beside it."""
    if source.is_file():
        shutil.unpack_archive(source, tmp_path / "unpacked")
        source = tmp_path / "unpacked"
    came = sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in source.rglob("*") if path.is_file())
    kept = [inside / "representations" / "original" / "data", inside / "metadata" / "other" / "delivery"]
    there = [path for folder in kept for path in folder.rglob("*") if path.is_file() and path.name != "delivery.sha256"]
    assert sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in there) == came


@pytest.mark.parametrize("name", ["archivematica", "roda", "eark-sip"])
def test_their_premis_is_kept_and_never_restated(site: Site, tmp_path: Path, name: str) -> None:
    make = CASES[name][0]
    with site.open() as session:
        (package,) = ingested(session, make(tmp_path / "package")).packages
        inside = session.store.object_folder(package.package) / "v1/content/data" / f"uuid-{package.package}"
    ours = [inside / "metadata/preservation", inside / "representations/original/metadata"]
    for folder in ours:
        for path in folder.rglob("*"):
            assert path.is_dir() or b"Zhang San" not in path.read_bytes(), path
    theirs = inside / "metadata/other/delivery"
    assert any(b"Zhang San" in path.read_bytes() for path in theirs.rglob("*") if path.is_file())


def test_our_premis_names_what_it_was_called(site: Site, tmp_path: Path) -> None:
    with site.open() as session:
        (package,) = ingested(session, foreign.archivematica(tmp_path / "package")).packages
        inside = session.store.object_folder(package.package) / "v1/content/data" / f"uuid-{package.package}"
    premis = (inside / "metadata/preservation/premis.xml").read_text("utf-8")
    assert f"archivematica-aip AIP UUID: {foreign.AIP_UUID}" in premis
    assert "archivematica-aip dc:identifier: SL-1962-17" in premis


def test_every_item_of_a_batch_is_a_record_with_its_own_names(site: Site, tmp_path: Path) -> None:
    with site.open() as session:
        report = ingested(session, foreign.dspace_items(tmp_path / "package", 3))
        assert [one.title for one in report.packages] == ["Report 0", "Report 1", "Report 2"]
        for number in range(3):
            found = show_record(session, f"123456789/{100 + number}", as_of=None)
            assert found.description.title == f"Report {number}"
            assert [file.path for file in found.files] == ["report.txt"]
            (theirs,) = {one.value for one in found.package.identifiers} if found.package else set()
            assert theirs == f"123456789/{100 + number}"


def test_a_uuid_is_found_however_it_is_written(site: Site, tmp_path: Path) -> None:
    with site.open() as session:
        (package,) = ingested(session, foreign.archivematica(tmp_path / "package")).packages
        for spelled in (foreign.AIP_UUID, f"urn:uuid:{foreign.AIP_UUID}", f"uuid-{foreign.AIP_UUID}"):
            assert find_description(session, spelled).package == package.package
        with pytest.raises(ArchiveError) as error:
            find_description(session, foreign.AIP_UUID.replace("6a5f", "6a5e"))
    assert error.value.code == "record-unknown"


def test_old_names_come_from_the_log_alone(site: Site, tmp_path: Path) -> None:
    with site.open() as session:
        (package,) = ingested(session, foreign.archivematica(tmp_path / "package")).packages
        state = session.log.load(ARCHIVAL_PACKAGE, package.package).state
        assert state.identifiers is not None
        assert state.identifiers.system == "archivematica-aip"
        session.catch_up()
        before = session.catalogue.by_old_identifier("SL-1962-17")
        anew = Catalogue.open(tmp_path / "anew")
        anew.rebuild(session.log)
        assert anew.by_old_identifier("SL-1962-17") == before
        assert anew.by_old_identifier("SL-1962-17", as_of=2) == []
        assert [one.package for one in before] == [package.package]
        anew.close()


def test_names_recorded_again_replace_the_old_ones(site: Site, tmp_path: Path) -> None:
    with site.open() as session:
        (package,) = ingested(session, foreign.archivematica(tmp_path / "package")).packages
        again = IdentifiersRecorded(system="bag", identifiers=(ForeignIdentifier(kind="x", value="新-1"),))

        def decide(streams: Streams) -> list[New]:
            state = streams.load(ARCHIVAL_PACKAGE, package.package).state
            return [New(package.package, payload) for payload in archival_package.check_again(state, [again])]

        session.perform("test", decide, correlation=package.package, archive=None)
        session.catch_up()
        assert session.catalogue.by_old_identifier("SL-1962-17") == []
        assert [one.package for one in session.catalogue.by_old_identifier("新-1")] == [package.package]


def test_interrupted_and_run_again_it_is_the_same_package(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = foreign.dspace_items(tmp_path / "package", 2)
    with site.open() as session, monkeypatch.context() as broken:
        broken.setattr("repository.services.packaging.build", lambda *_: (_ for _ in ()).throw(RuntimeError))
        with pytest.raises(RuntimeError):
            take(session, source)
    with site.open() as session:
        report = ingested(session, source)
        assert [one.title for one in report.packages] == ["Report 0", "Report 1"]
        assert [file.path for file in show_record(session, "123456789/101", as_of=None).files] == ["report.txt"]


def test_what_only_looks_foreign_is_a_folder(site: Site, tmp_path: Path) -> None:
    looks = {
        "METS.xml": "<!DOCTYPE x><mets/>",
        "aip.json": "[1]",
        "representations/rep1/data/a.txt": "a\n",
        "x/dublin_core.xml": "<dublin_core/>",
    }
    with site.open() as session:
        report = ingested(session, foreign.lay(tmp_path / "package", looks))
        assert report.system is None
        assert report.packages[0].files == len(looks)


def test_the_command_line_says_what_it_is_in_both_languages(site: Site, tmp_path: Path) -> None:
    source = foreign.archivematica(tmp_path / "package")
    assert "认出来源：Archivematica 存档信息包" in jingui("ingest", source, "--lang", "zh", site=site).out
    told = jingui("show", foreign.AIP_UUID, "--lang", "en", site=site).out
    assert "came as: Archivematica AIP" in told
    assert f"old identifier (AIP UUID): {foreign.AIP_UUID}" in told
    assert "河道治理照片" in jingui("search", "SL-1962-17", site=site).out
    assert jingui("ingest", foreign.eark(tmp_path / "e"), "--json", site=site).json()["system"] == "eark-sip"


def test_bags_of_archivematica_s_samples_keep_their_names(site: Site) -> None:
    item = shared_data("transfers") / "SampleTransfers" / "UnzippedBag"
    with site.open() as session:
        report = ingested(session, item)
        assert report.system == "bag"
        out = preservation.materialise(session, str(report.packages[0].package), site.folder.parent / "out")
        assert validate_package(Path(out.path)) == []
        version = stored.newest(session, report.packages[0].package)
        assert len(list(stored.content(session, version))) == report.packages[0].files
