"""A catalogue in two levels: volumes and the items within them, linked, described, and judged row by row."""

from collections.abc import Callable, Sequence
from pathlib import Path

import openpyxl
import pytest

from packages_spec.findings import Finding
from repository.domain.description import DESCRIPTION
from repository.domain.values import Level, SecrecyClass
from repository.errors import ArchiveError
from repository.services.audit import fsck, replay
from repository.services.description import close_record, describe_record
from repository.services.ingest import IngestReport, IngestRequest
from repository.services.preview import PreviewReport, preview
from repository.services.search import find_description, show_record
from repository.services.session import Session
from tests.command_line import jingui
from tests.faults.dying import Death, changes
from tests.real_archives import Site, deliver, new_site, silent, take

Table = list[list[object]]
VOLUMES: Table = [
    ["案卷号", "案卷档号", "案卷题名", "件数", "总页数", "保管期限"],
    ["1", "J9-1-0001", "石桥乡土地改革卷", 2, 3, "永久"],
    ["2", "J9-1-0002", "石桥乡公粮卷", 1, 1, "永久"],
]
ITEMS: Table = [
    ["案卷号", "顺序号", "档号", "文件题名", "责任者", "日期", "页数"],
    ["1", "1", "J9-1-0001-001", "土改总结", "县政府", "19500101", 2],
    ["1", "2", "J9-1-0001-002", "土改名册", "县政府", "19500102", 1],
    ["2", "1", "J9-1-0002-001", "公粮任务通知", "县粮食局", "19510103", 1],
]
OF_ITEMS = {
    "J9-1-0001-001": ("001", "002"),
    "J9-1-0001-002": ("001",),
    "J9-1-0002-001": ("001",),
}
OF_VOLUMES = {"J9-1-0001": ("001", "002", "003"), "J9-1-0002": ("001",)}
PAGED: Table = [
    ["案卷档号", "件号", "题名", "页号", "密级"],
    ["J9-1-0001", "1", "土改总结", "1", "公开"],
    ["J9-1-0001", "2", "土改名册", "3", "内部"],
    ["J9-1-0002", "1", "公粮任务通知", "1", "公开"],
]
BOOK = "目录.xlsx"


def pages(named: dict[str, tuple[str, ...]]) -> dict[str, bytes]:
    return {
        f"{code}/{code}-{serial}.jpg": f"{code} {serial}".encode() for code, all_ in named.items() for serial in all_
    }


def workbook(folder: Path, volumes: Table, items: Table, named: dict[str, tuple[str, ...]]) -> Path:
    """A delivery with one workbook of two sheets, which have a title above their headers."""
    deliver(folder, pages(named))
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title, table in (("案卷目录", volumes), ("卷内目录", items)):
        page = book.create_sheet(title)
        page.append([f"石桥乡{title}"])
        for row in table:
            page.append(row)
    book.save(folder / BOOK)
    return folder


def files(folder: Path, volumes: Table, items: Table, named: dict[str, tuple[str, ...]]) -> Path:
    """The same as two csv files, in the encoding of an older spreadsheet."""
    deliver(folder, pages(named))
    for title, table in (("案卷目录", volumes), ("卷内目录", items)):
        lines = "\n".join(",".join(map(str, row)) for row in table)
        (folder / f"{title}.csv").write_text(lines + "\n", "gb18030")
    return folder


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return new_site(tmp_path)


def look(session: Session, folder: Path) -> PreviewReport:
    return preview(session, IngestRequest(source=folder), silent)[0]


def stands_below(session: Session, code: str) -> str | None:
    entry = find_description(session, code)
    above = session.catalogue.description(entry.parent) if entry.parent else None
    return above.reference_code if above else None


def taken(session: Session, folder: Path) -> IngestReport:
    report = take(session, folder)
    assert (report.outcome, report.findings) == ("completed", ())
    assert fsck(session, silent).faults == ()
    assert replay(session, None, silent).same
    return report


@pytest.mark.parametrize("write", [workbook, files])
def test_items_with_pages_of_their_own_are_packages_below_their_volumes(
    site: Site, tmp_path: Path, write: Callable[..., Path]
) -> None:
    folder = write(tmp_path / "in", VOLUMES, ITEMS, OF_ITEMS)
    with site.open() as session:
        before = session.log.position()
        shown = look(session, folder)
        assert (shown.findings, session.log.position()) == ((), before)
        assert [(one.reference_code, one.volume) for one in shown.units[:3]] == [
            ("J9-1-0001-001", "J9-1-0001"),
            ("J9-1-0001-002", "J9-1-0001"),
            ("J9-1-0002-001", "J9-1-0002"),
        ]
        assert shown.catalogue is not None
        assert (shown.catalogue.volumes, shown.catalogue.items) == (2, 0)
        assert [(one.level, one.rows) for one in shown.catalogue.sheets] == [(Level.VOLUME, 2), (Level.ITEM, 3)]
        fields = [[column.field for column in one.columns] for one in shown.catalogue.sheets]
        assert fields[0] == ["volume", "reference_code", "title", "item_count", "page_count", "retention_period"]
        assert fields[1][:4] == ["volume", "item", "reference_code", "title"]

        assert len(taken(session, folder).packages) == 4  # and the papers
        volume = find_description(session, "J9-1-0001")
        assert (volume.level, volume.title, volume.package, volume.page_count) == (
            Level.VOLUME,
            "石桥乡土地改革卷",
            None,
            3,
        )
        assert [stands_below(session, code) for code in OF_ITEMS] == ["J9-1-0001", "J9-1-0001", "J9-1-0002"]
        assert take(session, folder).outcome == "already-recorded"


def test_volumes_with_pages_of_their_own_are_packages_and_items_show_their_pages(site: Site, tmp_path: Path) -> None:
    folder = workbook(tmp_path / "in", VOLUMES, PAGED, OF_VOLUMES)
    with site.open() as session:
        assert len(taken(session, folder).packages) == 3
        whole, first, second = (
            show_record(session, code, as_of=None) for code in ("J9-1-0001", "J9-1-0001-1", "J9-1-0001-2")
        )
        assert [len(one.files) for one in (whole, first, second)] == [3, 2, 1]
        assert [file.path for file in second.files] == ["J9-1-0001-003.jpg"]
        assert (whole.description.level, second.description.level) == (Level.VOLUME, Level.ITEM)
        assert second.description.package == whole.description.package
        assert [stands_below(session, f"J9-1-0001-{number}") for number in (1, 2)] == ["J9-1-0001"] * 2
        # a package is as secret as the most secret of what lies in it
        assert (whole.description.secrecy_class, first.description.secrecy_class) == (
            SecrecyClass.INTERNAL,
            SecrecyClass.OPEN,
        )


def changed(table: Table, row: int, column: int, value: object) -> Table:
    """A table with another cell; its rows count from the header, 0."""
    copy = [list(line) for line in table]
    copy[row][column] = value
    return copy


FAULTS: dict[str, tuple[Table, Table, dict[str, tuple[str, ...]], list[tuple[str, str]]]] = {
    "no such volume": (
        VOLUMES,
        changed(ITEMS, 2, 0, "7"),
        OF_ITEMS,
        [("delivery.volume-unknown", "卷内目录:4:A(案卷号)")],
    ),
    "no such volume, and no 档号 of its own": (
        VOLUMES,
        [*PAGED, ["J9-1-0009", "1", "错件", "1", "公开"]],
        OF_VOLUMES,
        [("delivery.volume-unknown", "卷内目录:6:A(案卷档号)")],
    ),
    "two volumes of one number": (
        changed(VOLUMES, 2, 0, "1"),
        ITEMS[:3],
        {code: OF_ITEMS[code] for code in list(OF_ITEMS)[:2]},
        [
            ("delivery.volume-ambiguous", "卷内目录:3:A(案卷号)"),
            ("delivery.volume-ambiguous", "卷内目录:4:A(案卷号)"),
        ],
    ),
    "档号 and 案卷号 disagree": (
        VOLUMES,
        changed(ITEMS, 2, 0, "2"),
        OF_ITEMS,
        [("delivery.volume-differs", "卷内目录:4:C(档号)")],
    ),
    "other counts of items and pages": (
        changed(changed(VOLUMES, 1, 3, 5), 2, 4, 8),
        ITEMS,
        OF_ITEMS,
        [("delivery.volume-items", "案卷目录:3:D(件数)"), ("delivery.volume-pages", "案卷目录:4:E(总页数)")],
    ),
    "a volume without items": (
        [*VOLUMES, ["3", "J9-1-0003", "空卷", 0, 0, "永久"]],
        ITEMS,
        OF_ITEMS,
        [("delivery.volume-empty", "案卷目录:5:B(案卷档号)")],
    ),
    "no 档号 can be told": (
        VOLUMES,
        changed(changed(ITEMS, 3, 2, ""), 3, 1, ""),
        {code: OF_ITEMS[code] for code in list(OF_ITEMS)[:2]},
        [("delivery.item-code", "卷内目录:5:C(档号)")],
    ),
    "a 档号 in both levels": (
        VOLUMES,
        changed(ITEMS, 3, 2, "J9-1-0002"),
        {**{code: OF_ITEMS[code] for code in list(OF_ITEMS)[:2]}, "J9-1-0002": ("001",)},
        [("delivery.catalogue-code-repeated", "卷内目录:5:C(档号)")],
    ),
    "pages beyond the volume": (
        VOLUMES,
        changed(PAGED, 3, 3, "1-5"),
        OF_VOLUMES,
        [("delivery.item-pages", "卷内目录:5:D(页号)")],
    ),
    "pages that are none": (
        VOLUMES,
        changed(PAGED, 1, 3, "前"),
        OF_VOLUMES,
        [("delivery.item-pages", "卷内目录:3:D(页号)")],
    ),
    "a wrong date and no title": (
        VOLUMES,
        changed(changed(ITEMS, 1, 5, "19500231"), 3, 3, ""),
        OF_ITEMS,
        [("delivery.catalogue-date", "卷内目录:3:F(日期)"), ("delivery.catalogue-title", "卷内目录:5:D(文件题名)")],
    ),
}


def told(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    return sorted((one.code, one.path) for one in findings)


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_named_at_its_sheet_row_and_column_and_no_other(site: Site, tmp_path: Path, fault: str) -> None:
    volumes, items, named, wanted = FAULTS[fault]
    folder = workbook(tmp_path / "in", volumes, items, named)
    with site.open() as session:
        report, returned = preview(session, IngestRequest(source=folder), silent)
        assert told(report.findings) == sorted((code, f"{BOOK}:{place}") for code, place in wanted)
    (tmp_path / "returned.xlsx").write_bytes(returned)
    book = openpyxl.load_workbook(tmp_path / "returned.xlsx")
    assert book.sheetnames[:2] == ["案卷目录", "卷内目录"]
    for _, place in wanted:
        sheet, row, column = place.split(":")
        assert book[sheet][f"{column[0]}{row}"].fill.fgColor.rgb == "FFFFC7CE", place


def test_the_faults_of_two_files_come_back_on_a_sheet_for_each(site: Site, tmp_path: Path) -> None:
    folder = files(tmp_path / "in", VOLUMES, changed(ITEMS, 3, 0, "9"), OF_ITEMS)
    with site.open() as session:
        report, returned = preview(session, IngestRequest(source=folder), silent)
        assert ("delivery.volume-unknown", "卷内目录.csv:4:A(案卷号)") in told(report.findings)
    (tmp_path / "returned.xlsx").write_bytes(returned)
    book = openpyxl.load_workbook(tmp_path / "returned.xlsx")
    assert book.sheetnames == ["案卷目录", "卷内目录"]
    assert book["卷内目录"]["A4"].fill.fgColor.rgb == "FFFFC7CE"


def test_a_rejected_delivery_gives_the_codes_of_its_volumes_back(site: Site, tmp_path: Path) -> None:
    with site.open() as session:
        wrong = workbook(tmp_path / "wrong", VOLUMES, changed(ITEMS, 1, 6, 9), OF_ITEMS)
        assert take(session, wrong).outcome == "rejected"
        right = workbook(tmp_path / "right", VOLUMES, ITEMS, OF_ITEMS)
        taken(session, right)


def test_a_volume_described_before_takes_its_items_in_and_a_closed_one_does_not(site: Site, tmp_path: Path) -> None:
    folder = workbook(tmp_path / "in", VOLUMES, ITEMS, OF_ITEMS)
    with site.open() as session:
        made = describe_record(
            session, level=Level.VOLUME, parent=None, reference_code="J9-1-0001", words={"title": "早已著录的卷"}
        )
        close_record(session, "J9-1-0001", reason="封卷")
        (finding,) = look(session, folder).findings
        assert (finding.code, finding.path) == ("delivery.code-taken", f"{BOOK}:案卷目录:3:B(案卷档号)")
        assert take(session, folder).outcome == "rejected"
    with new_site(_below(tmp_path / "other")).open() as session:
        made = describe_record(
            session, level=Level.VOLUME, parent=None, reference_code="J9-1-0001", words={"title": "早已著录的卷"}
        )
        taken(session, folder)
        assert find_description(session, "J9-1-0001").id == made.description
        assert session.log.load(DESCRIPTION, find_description(session, "J9-1-0001-001").id).state.fields is not None
        assert stands_below(session, "J9-1-0001-001") == "J9-1-0001"


def _below(folder: Path) -> Path:
    folder.mkdir()
    return folder


@pytest.mark.parametrize("items", [ITEMS, PAGED], ids=["items", "volumes"])
def test_wherever_it_dies_the_next_run_describes_the_same(tmp_path: Path, items: Table) -> None:
    folder = workbook(tmp_path / "in", VOLUMES, items, OF_ITEMS if items is ITEMS else OF_VOLUMES)
    for at in (3, 40, 80, 110, 140):
        site = new_site(_below(tmp_path / f"at-{at}"))
        try:
            with changes(at), site.open() as session:
                take(session, folder)
        except Death:
            pass
        with site.open() as session:
            assert take(session, folder).outcome in ("completed", "already-recorded")
            entries = session.catalogue.search(None, as_of=session.catch_up(), limit=50).entries
            codes = sorted(one.reference_code for one in entries if one.reference_code)
            inside = [*OF_ITEMS] if items is ITEMS else ["J9-1-0001-1", "J9-1-0001-2", "J9-1-0002-1"]
            assert codes == sorted(["J9-1-0001", "J9-1-0002", *inside])
            assert fsck(session, silent).faults == ()


def test_what_is_too_secret_is_refused_whichever_level_says_so(site: Site, tmp_path: Path) -> None:
    for number, (volumes, items) in enumerate(
        [
            ([[*VOLUMES[0], "密级"], [*VOLUMES[1], "秘密"], [*VOLUMES[2], "公开"]], ITEMS),
            (VOLUMES, changed(PAGED, 2, 4, "机密")),
        ]
    ):
        folder = workbook(tmp_path / f"in-{number}", volumes, items, OF_ITEMS if items is ITEMS else OF_VOLUMES)
        with site.open() as session:
            with pytest.raises(ArchiveError) as refused:
                take(session, folder)
            assert refused.value.code == "above-ceiling"


def test_a_dry_run_shows_both_levels_in_both_languages(site: Site, tmp_path: Path) -> None:
    folder = workbook(tmp_path / "in", VOLUMES, PAGED, OF_VOLUMES)
    chinese, english = (
        jingui("ingest", folder, "--dry-run", "--lang", language, site=site).out for language in ("zh", "en")
    )
    assert f"目录：{BOOK}:案卷目录（案卷目录，2 条）" in chinese
    assert f"{BOOK}:卷内目录（卷内目录，3 条）" in chinese
    assert "另有案卷条目 0 条、卷内条目 3 条" in chinese
    assert "reference code of the volume" in english
    assert "volumes 0, items 3" in english
