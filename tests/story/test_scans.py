"""A scanner's delivery: every planted fault is named where it is, nothing else is, and no interruption changes that."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import openpyxl
import pytest

from fixtures import scans
from packages_spec.findings import Finding
from packages_spec.tables import read_place
from repository.domain.accession import ACCESSION, Stage
from repository.services.audit import fsck
from repository.services.ingest import IngestReport, IngestRequest
from repository.services.preview import preview
from tests.faults.dying import Death, changes
from tests.real_archives import Site, names, new_site, silent, take

INTERRUPTIONS, FEWER = 20, 5


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[scans.Planted]]:
    return scans.faulty(tmp_path_factory.mktemp("scans") / "清丈移交")


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scans.clean(tmp_path_factory.mktemp("scans") / "清丈移交")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return new_site(tmp_path)


def told(findings: tuple[Finding, ...]) -> Counter[tuple[str, str]]:
    return Counter((finding.code, finding.path) for finding in findings)


def wanted(planted: list[scans.Planted]) -> Counter[tuple[str, str]]:
    return Counter((one.code, one.path) for one in planted)


def test_the_delivery_is_three_thousand_pages_with_forty_faults_of_many_kinds(
    faulty: tuple[Path, list[scans.Planted]], clean: Path
) -> None:
    _, planted = faulty
    assert (len(planted), len(set(planted)), len({one.code for one in planted})) == (40, 40, 18)
    assert abs(sum(1 for _ in clean.rglob("*.jpg")) - 3_000) <= 5


def test_forty_of_forty_faults_are_named_at_their_place_and_none_beside(
    site: Site, faulty: tuple[Path, list[scans.Planted]]
) -> None:
    folder, planted = faulty
    with site.open() as session:
        report = take(session, folder)
        assert (report.outcome, told(report.findings)) == ("rejected", wanted(planted))
        assert not list(session.store.objects())
        assert fsck(session, silent).faults == ()


def test_a_dry_run_says_the_same_and_changes_nothing(site: Site, faulty: tuple[Path, list[scans.Planted]]) -> None:
    folder, planted = faulty
    with site.open() as session:
        before = session.log.position(), sorted(path for path in site.folder.rglob("*") if path.suffix != ".sqlite-shm")
        report, _ = preview(session, IngestRequest(source=folder), silent)
        assert told(report.findings) == wanted(planted)
        assert report.catalogue is not None
        understood = {column.header: column.field for column in report.catalogue.columns}
        assert (understood["案卷题名"], understood["形成时间"], understood["序号"]) == ("title", "date", None)
        assert (report.catalogue.header_row, report.catalogue.sheet, report.catalogue.rows) == (2, "案卷目录", 60)
        after = session.log.position(), sorted(path for path in site.folder.rglob("*") if path.suffix != ".sqlite-shm")
        assert after == before


def test_what_was_declared_passes(site: Site, clean: Path) -> None:
    with site.open() as session:
        report = take(session, clean)
        assert (report.outcome, report.findings, len(report.packages)) == ("completed", (), scans.VOLUMES + 1)
        assert fsck(session, silent).faults == ()


def test_the_workbook_comes_back_with_every_fault_beside_its_row(
    site: Site, faulty: tuple[Path, list[scans.Planted]], tmp_path: Path
) -> None:
    folder, planted = faulty
    with site.open() as session:
        _, content = preview(session, IngestRequest(source=folder), silent)
    (tmp_path / "returned.xlsx").write_bytes(content)
    book = openpyxl.load_workbook(tmp_path / "returned.xlsx")
    assert book.sheetnames == ["案卷目录", "备考表", "工作单", "其他问题"]
    page = book["案卷目录"]
    width = len(scans.HEADER)
    assert [page.cell(2, width + column).value for column in (1, 2)] == ["检查结果", "说明"]
    noted = {row for row in range(3, page.max_row + 1) if page.cell(row, width + 1).value}
    for one in planted:
        place = read_place(one.path)
        if place is not None and place.column is not None:
            assert book[place.sheet].cell(place.row, place.column).fill.fgColor.rgb == "FFFFC7CE", one
        if place is not None and place.sheet == "案卷目录":
            assert place.row in noted
    elsewhere = [cell.value for cell in book["其他问题"]["A"][1:]]
    assert set(elsewhere) == {one.path for one in planted if one.code == "delivery.not-in-catalogue"}
    formulas = [cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    assert formulas == []


def interrupted(site: Site, source: Path, at: int) -> bool:
    """An ingest that dies at the n-th change to the disk; whether it did."""
    try:
        with changes(at), site.open() as session:
            take(session, source)
    except Death:
        return True
    return False


def counted(site: Site, source: Path) -> int:
    with changes() as counting, site.open() as session:
        take(session, source)
    return counting.count


def points(total: int, count: int) -> Iterator[int]:
    yield from Random(count).sample(range(1, total), count)


def test_interrupted_at_twenty_points_a_rejection_is_the_same(
    tmp_path: Path, faulty: tuple[Path, list[scans.Planted]]
) -> None:
    folder, planted = faulty
    total = counted(new_site(tmp_path / "whole"), folder)
    happened = 0
    for number, at in enumerate(points(total, INTERRUPTIONS)):
        site = new_site(tmp_path / f"{number}")
        happened += interrupted(site, folder, at)
        with site.open() as session:
            report = take(session, folder)
            assert (report.outcome, told(report.findings)) == ("rejected", wanted(planted)), at
            assert fsck(session, silent).faults == ()
    assert happened == INTERRUPTIONS


def test_interrupted_at_five_points_a_delivery_is_taken_in_the_same(tmp_path: Path, clean: Path) -> None:
    total = counted(new_site(tmp_path / "whole"), clean)
    happened = 0
    for number, at in enumerate(points(total, FEWER)):
        site = new_site(tmp_path / f"{number}")
        happened += interrupted(site, clean, at)
        with site.open() as session:
            report: IngestReport = take(session, clean)
            assert report.outcome in ("completed", "already-recorded"), at
            state = session.log.load(ACCESSION, report.accession).state
            assert (state.stage, len(state.plan)) == (Stage.COMPLETED, scans.VOLUMES + 1)
            assert len(list(session.store.objects())) == scans.VOLUMES + 1
            assert names(session.log.stream(report.accession)).count("Completed") == 1
            assert fsck(session, silent).faults == ()
    assert happened == FEWER
