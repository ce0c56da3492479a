"""Second versions (第二版): packages made anew tell what is known now, and every judge finds each version whole."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import bagit
import pytest
from ocfl.validator import Validator

from packages_spec.descriptive import read_archive_xml
from packages_spec.premis import PackageEntity, read_premis
from repository.domain.archival_package import ARCHIVAL_PACKAGE
from repository.errors import ArchiveError
from repository.services import stored
from repository.services.access import disseminate
from repository.services.audit import fsck
from repository.services.description import PartRequest, divide_record, merge_records, move_record, revise_record
from repository.services.preservation import materialise
from repository.services.revision import RevisionReport, repack
from repository.services.search import find_record, list_lagging
from repository.services.session import Session
from repository.services.validation import validate
from tests.real_archives import LAND_DEEDS, Site, new_site, silent, take, types

DEED, PLEDGE, STUB = "J012-1-0001", "J012-1-0002", "J012-1-0003"


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    site: Site = new_site(tmp_path)
    with site.open() as opened:
        take(opened, LAND_DEEDS)
        yield opened


def made_anew(session: Session, budget: int = 1_000) -> RevisionReport:
    return repack(session, budget=budget, progress=silent)


def lagging(session: Session) -> list[UUID]:
    return [card.id for card in list_lagging(session, as_of=None, limit=100, after=None).entries]


def correct(session: Session) -> None:
    """One entry moved, one revised, in such a way that both packages tell too little."""
    move_record(session, DEED, parent=None, reference_code="J012-1-0011", reason="档号写错")
    words = {"题名": "石桥村存根", "文号": "县土字第3号", "库房": "3", "主题词": "土改; 存根"}
    revise_record(session, STUB, words=words, reason="核对原件")


def judge_store(session: Session) -> None:
    """Every judge that there is: our audit, the store's own program, the reference validator of OCFL."""
    assert fsck(session, silent).faults == ()
    root = session.store.root
    alone = subprocess.run([sys.executable, str(root / "verify.py")], capture_output=True, text=True, check=False)
    assert alone.returncode == 0, alone.stdout
    for package in session.store.objects():
        assert Validator().validate_object(str(session.store.object_folder(package))), package


def judge_bag(path: Path) -> None:
    assert bagit.Bag(str(path)).is_valid()
    assert validate(path).verdict == "valid"


def test_what_lags_is_listed_made_anew_within_the_budget_and_then_lags_no_more(session: Session) -> None:
    assert lagging(session) == []
    correct(session)
    deed, stub = find_record(session, DEED), find_record(session, STUB)
    assert lagging(session) == [deed, stub]
    before = session.log.position()
    assert made_anew(session, budget=1) == RevisionReport(stored=1, passed_over={}, lagging=1)
    assert lagging(session) == [stub]
    assert types(session, after=before) == ["ArchivalPackage.MetadataRevised", "ArchivalPackage.Stored"]
    assert made_anew(session).lagging == 0
    assert made_anew(session) == RevisionReport(stored=0, passed_over={}, lagging=0)
    for package in (deed, stub):
        assert [one.version for one in session.log.load(ARCHIVAL_PACKAGE, package).state.stored] == [1, 2]


def test_every_judge_finds_both_versions_whole(session: Session, tmp_path: Path) -> None:
    correct(session)
    first = str(session.log.position())
    made_anew(session)
    judge_store(session)
    for name, as_of in (("now", None), ("then", first)):
        report = materialise(session, DEED, tmp_path / name, as_of=as_of)
        assert report.version == (2 if as_of is None else 1)
        judge_bag(Path(report.path))
        handed = disseminate(session, STUB, paths=(), purpose="查证", target=tmp_path / name, as_of=as_of)
        assert handed.version == report.version
        judge_bag(Path(handed.path))


def test_a_second_version_holds_what_changed_and_tells_what_is_known(session: Session, tmp_path: Path) -> None:
    correct(session)
    made_anew(session)
    package = find_record(session, STUB)
    brought = {path.name for path in (session.store.object_folder(package) / "v2/content").rglob("*") if path.is_file()}
    assert brought == {
        *("archive.xml", "dc.xml", "METS.xml", "premis.xml", "events.ndjson", "payloads.ndjson"),
        *("archive-sections.xsd", "bag-info.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt"),
    }
    bag = Path(materialise(session, STUB, tmp_path).path) / f"data/uuid-{package}"
    described = read_archive_xml((bag / "metadata/descriptive/archive.xml").read_bytes())
    assert (described.title, described.text and described.text.document_number) == ("石桥村存根", "县土字第3号")
    assert described.holding is not None
    assert described.holding.storeroom == "3"
    assert described.subject is not None
    assert described.subject.keywords == ("土改", "存根")
    premis = (materialise_again(session, DEED, tmp_path / "deed") / "metadata/preservation/premis.xml").read_bytes()
    (entity,) = (one for one in read_premis(premis) if isinstance(one, PackageEntity))
    assert [one.value for one in entity.other_identifiers] == ["档号: J012-1-0011", "曾用档号: J012-1-0001"]
    assert b"metadata modification" in premis


def materialise_again(session: Session, record: str, target: Path) -> Path:
    return Path(materialise(session, record, target).path) / f"data/uuid-{find_record(session, record)}"


def test_a_merged_record_makes_the_package_of_both_tell_of_the_survivor(session: Session, tmp_path: Path) -> None:
    merge_records(session, PLEDGE, into=DEED, reason="同一份")
    package = session.catalogue.by_reference_code(PLEDGE)[0].description.package
    assert package in lagging(session)
    made_anew(session)
    assert lagging(session) == []
    revise_record(session, DEED, words={"题名": "两份合一"}, reason="改题名")
    assert set(lagging(session)) == {package, find_record(session, DEED)}
    made_anew(session)
    version = stored.newest(session, package)
    said = stored.true_bytes(session, version, f"data/uuid-{package}/metadata/descriptive/archive.xml")
    assert read_archive_xml(said).title == "两份合一"
    judge_store(session)


def test_a_divided_record_tells_of_its_parts_and_their_files(session: Session, tmp_path: Path) -> None:
    package = find_record(session, STUB)
    halves = [PartRequest(reference_code=f"X-{half}", title=half, pages=half) for half in ("1", "2-3")]
    divide_record(session, STUB, parts=halves, reason="原是两件")
    assert lagging(session) == [package]
    made_anew(session)
    folder = materialise_again(session, STUB, tmp_path) / "metadata/descriptive"
    told = [read_archive_xml(path.read_bytes()) for path in sorted(folder.glob("archive-*.xml"))]
    assert {part.reference_code: part.extent and len(part.extent.file) for part in told} == {"X-1": 1, "X-2-3": 2}
    judge_store(session)
    judge_bag(tmp_path / f"uuid-{package}")
    revise_record(session, "X-1", words={"题名": "甲"}, reason="改题名")
    assert lagging(session) == [package]
    assert made_anew(session).lagging == 0


def test_a_third_version_follows_the_second(session: Session) -> None:
    correct(session)
    made_anew(session)
    revise_record(session, STUB, words={"题名": "又改"}, reason="再改")
    assert made_anew(session).stored == 1
    assert session.store.versions(find_record(session, STUB)) == (1, 2, 3)
    judge_store(session)


def test_a_package_whose_metadata_is_damaged_is_passed_over_and_holds_up_no_other(session: Session) -> None:
    correct(session)
    deed = find_record(session, DEED)
    manifest = session.store.content_path(deed, 1, "manifest-sha256.txt")
    manifest.chmod(0o644)
    manifest.write_bytes(manifest.read_bytes() + b"\n")
    report = made_anew(session, budget=1)
    assert (report.stored, report.passed_over, report.lagging) == (1, {str(deed): "fixity-mismatch"}, 1)
    with pytest.raises(ArchiveError, check=lambda error: error.code == "fixity-mismatch"):
        stored.newest(session, deed)
