"""The forms in which deliveries come: bags, packed files, submission packages - and those that nobody should take."""

import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from fixtures.hostile import deliveries as hostile
from packages_spec.premis import read_premis
from repository.domain.values import SecrecyClass
from repository.errors import ArchiveError
from repository.services.audit import fsck
from repository.services.submission import pack
from repository.services.validation import validate
from tests.bag_maker import make_bag
from tests.real_archives import (
    DELIVERIES,
    FIXTURES,
    LAND_DEEDS,
    MIXED,
    Site,
    deliver,
    new_site,
    payload_files,
    silent,
    take,
    types,
)

INVALID = 22
PAPERS = {"一.txt": "甲".encode(), "卷/二.txt": "乙".encode(), "卷/三.bin": bytes(range(256))}
BAGS: dict[str, dict[str, object]] = tomllib.loads((FIXTURES / "bags" / "expected.toml").read_text("utf-8"))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return new_site(tmp_path)


def zipped(folder: Path, target: Path, top: str) -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(folder.rglob("*")):
            packed.write(path, f"{top}{path.relative_to(folder)}")
    return target


def tarred(folder: Path, target: Path, top: str) -> Path:
    with tarfile.open(target, "w:gz" if target.suffix == ".gz" else "w") as packed:
        for path in sorted(folder.iterdir()):
            packed.add(path, f"{top}{path.name}")
    return target


PACKERS: dict[str, Callable[[Path, Path, str], Path]] = {"zip": zipped, "tar": tarred, "tar.gz": tarred}


@pytest.mark.parametrize("top", ["", "papers/"], ids=["loose", "in-a-folder"])
@pytest.mark.parametrize("suffix", PACKERS)
def test_a_packed_folder_is_taken_as_the_folder(site: Site, tmp_path: Path, suffix: str, top: str) -> None:
    source = PACKERS[suffix](deliver(tmp_path / "papers", PAPERS), tmp_path / f"papers.{suffix}", top)
    with site.open() as session:
        report = take(session, source)
        (package,) = report.packages
        assert (report.outcome, package.title, package.files) == ("completed", "papers", 3)
        assert take(session, source).outcome == "already-recorded"
        assert fsck(session, silent).faults == ()
    assert payload_files(site, package.package) == PAPERS


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_packed_bag_is_taken_as_the_bag(site: Site, tmp_path: Path, suffix: str) -> None:
    source = PACKERS[suffix](make_bag(tmp_path / "bag", PAPERS), tmp_path / f"bag.{suffix}", "bag/")
    with site.open() as session:
        report = take(session, source)
        (package,) = report.packages
        received = next(event for event in session.log.stream(report.accession) if "Validated" in event.envelope.type)
        digests = msgspec.to_builtins(received.payload)["producer_digests"]
        assert list(digests) == [{"algorithm": "sha256", "files": 3}]
    assert payload_files(site, package.package) == PAPERS


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_packed_catalogue_makes_its_records(site: Site, tmp_path: Path, suffix: str) -> None:
    source = PACKERS[suffix](LAND_DEEDS, tmp_path / f"deeds.{suffix}", "deeds/")
    with site.open() as session:
        report = take(session, source)
        assert [one.reference_code for one in report.packages] == ["J012-1-0001", "J012-1-0002", "J012-1-0003", None]


def test_a_packed_bag_with_a_fault_is_rejected(site: Site, tmp_path: Path) -> None:
    bag = make_bag(tmp_path / "bag", PAPERS)
    (bag / "data" / "一.txt").write_bytes(b"changed")
    with site.open() as session:
        report = take(session, zipped(bag, tmp_path / "bag.zip", "bag/"))
        assert "bag.digest-wrong" in {finding.code for finding in report.findings}
        assert (report.outcome, list(session.store.objects())) == ("rejected", [])


@pytest.mark.parametrize("name", ["../out.txt", "/etc/x", "a\\b.txt", "C:/x.txt"])
def test_a_packed_name_that_leads_elsewhere_refuses_the_whole(site: Site, tmp_path: Path, name: str) -> None:
    source = tmp_path / "evil.tar"
    with tarfile.open(source, "w") as packed:
        for member in ("good.txt", name):
            packed.addfile(tarfile.TarInfo(member))
    with site.open() as session:
        before = session.log.position()
        with pytest.raises(ArchiveError) as refused:
            take(session, source)
        assert (refused.value.code, refused.value.row.exit) == ("delivery-unsafe", INVALID)
        assert session.log.position() == before
    assert not list((site.folder / "quarantine").rglob("good.txt"))


@pytest.mark.parametrize("content", [b"", b"just a letter", b"PK\x03\x04 cut off"])
def test_a_file_that_is_no_packed_delivery_is_refused(site: Site, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "letter.doc").write_bytes(content)
    with site.open() as session, pytest.raises(ArchiveError) as refused:
        take(session, tmp_path / "letter.doc")
    assert refused.value.row.exit == INVALID


def test_a_submission_package_that_we_made_is_taken_with_its_id(site: Site, tmp_path: Path) -> None:
    made = pack(MIXED, tmp_path / "out", title="混合材料", reference_code="J012-7-0001", producer="文化馆")
    assert made.path is not None
    assert validate(Path(made.path)).verdict == "valid"
    with site.open() as session:
        report = take(session, Path(made.path))
        (package,) = report.packages
        assert (package.files, package.package != made.package) == (6, True)
        assert (package.title, package.reference_code) == ("混合材料", "J012-7-0001")
        root = session.store.object_folder(package.package) / "v1" / "content" / "data" / f"uuid-{package.package}"
        premis = (root / "metadata" / "preservation" / "premis.xml").read_text("utf-8")
        assert f"SIP OBJID: uuid-{made.package}" in premis
        assert fsck(session, silent).faults == ()
        kept = root / "metadata" / "other" / "delivery" / "data" / f"uuid-{made.package}" / "METS.xml"
        delivered = Path(made.path) / "data" / f"uuid-{made.package}" / "METS.xml"
        assert kept.read_bytes() == delivered.read_bytes()
    expected = {str(path.relative_to(MIXED)): path.read_bytes() for path in MIXED.rglob("*") if path.is_file()}
    assert payload_files(site, package.package) == expected


@pytest.mark.parametrize("name", BAGS)
def test_every_bag_is_judged_and_taken_as_its_table_says(site: Site, name: str) -> None:
    bag, expected = FIXTURES / "bags" / name, BAGS[name]
    valid = expected["verdict"] == "valid"
    judged = validate(bag)
    with site.open() as session:
        report = take(session, bag)
        codes = sorted({finding.code for finding in report.findings})
        assert (report.outcome, codes) == ("completed" if valid else "rejected", expected["codes"])
        assert (judged.verdict, sorted({finding.code for finding in judged.findings})) == (expected["verdict"], codes)
        assert len(list(session.store.objects())) == valid


@pytest.mark.parametrize("builder", hostile.REFUSED, ids=lambda builder: builder.__name__)
def test_a_hostile_delivery_is_refused_with_its_reason_and_nothing_of_it_is_kept(
    site: Site, tmp_path: Path, builder: hostile.Builder
) -> None:
    source = builder(tmp_path / "hostile")
    if builder is hostile.unreadable_file and (source / "002.txt").stat().st_uid == 0:
        pytest.skip("the superuser reads what nobody may read")
    with site.open() as session:
        report = take(session, source)
        assert report.outcome == "rejected"
        assert {finding.code for finding in report.findings} & HOSTILE[builder.__name__], report.findings
        assert not list(session.store.objects())
        assert types(session)[-1] == "Accession.DeliveryRejected"
        assert fsck(session, silent).faults == ()


HOSTILE = {
    "gbk_name": {"path.not-utf8", "delivery.name-not-utf8"},
    "gbk_folder_name": {"path.not-utf8", "delivery.name-not-utf8"},
    "composed_and_decomposed": {"path.collision"},
    "case_collision": {"path.collision"},
    "case_collision_of_folders": {"path.collision"},
    "empty_delivery": {"delivery.empty"},
    "only_empty_folders": {"delivery.empty"},
    "symlink_out": {"delivery.link"},
    "symlink_loop": {"delivery.link"},
    "fifo": {"delivery.not-a-file"},
}


@pytest.mark.parametrize("builder", hostile.ACCEPTED, ids=lambda builder: builder.__name__)
def test_an_odd_delivery_is_taken_and_nothing_is_lost(site: Site, tmp_path: Path, builder: hostile.Builder) -> None:
    source = builder(tmp_path / "odd")
    expected = {str(path.relative_to(source)): path.read_bytes() for path in source.rglob("*") if path.is_file()}
    with site.open() as session:
        (package,) = take(session, source).packages
        root = session.store.object_folder(package.package) / "v1" / "content"
        assert fsck(session, silent).faults == ()
    assert payload_files(site, package.package) == expected
    assert validate(root).verdict == "valid"
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "manifest-sha256.txt"], cwd=root, check=True)
    verify = [sys.executable, "-I", str(site.folder / "store" / "verify.py")]
    assert subprocess.run(verify, check=False, capture_output=True).returncode == 0
    inside = root / "data" / f"uuid-{package.package}" / "representations" / "original"
    with (inside / "metadata" / "preservation" / "premis.xml").open("rb") as document:
        assert len(list(read_premis(document))) >= len(expected)


@pytest.mark.parametrize("form", ["folder", *PACKERS])
def test_what_is_marked_above_the_ceiling_is_refused_before_a_byte_is_copied(
    site: Site, tmp_path: Path, form: str
) -> None:
    source = DELIVERIES / "above-the-ceiling"
    if form != "folder":
        source = PACKERS[form](source, tmp_path / f"secret.{form}", "")
    with site.open() as session:
        before = session.log.position()
        with pytest.raises(ArchiveError) as refused:
            take(session, source)
        assert (refused.value.code, session.log.position()) == ("above-ceiling", before)
        assert "catalogue.csv:3" in refused.value.message("zh")
    assert not [path for path in (site.folder / "quarantine").rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_an_archive_with_a_higher_ceiling_takes_it(tmp_path: Path) -> None:
    site = new_site(tmp_path, ceiling=SecrecyClass.MIMI)
    with site.open() as session:
        report = take(session, DELIVERIES / "above-the-ceiling")
        assert report.outcome == "completed"


def test_a_delivery_that_is_not_there_is_named(site: Site, tmp_path: Path) -> None:
    with site.open() as session, pytest.raises(ArchiveError) as refused:
        take(session, tmp_path / "nowhere")
    assert (refused.value.code, refused.value.row.exit) == ("delivery-missing", 3)


def test_packing_leaves_the_folder_alone_and_refuses_what_it_cannot_pack(tmp_path: Path) -> None:
    refused = pack(hostile.case_collision(tmp_path), tmp_path / "out", title=None, reference_code=None, producer="-")
    assert (refused.path, {finding.code for finding in refused.findings}) == (None, {"path.collision"})
    assert not (tmp_path / "out").exists()
    source = shutil.copytree(MIXED, tmp_path / "mixed")
    before = sorted((path, path.stat().st_mtime_ns) for path in source.rglob("*"))
    assert pack(source, tmp_path / "out", title=None, reference_code=None, producer="-").files == 6
    assert sorted((path, path.stat().st_mtime_ns) for path in source.rglob("*")) == before
