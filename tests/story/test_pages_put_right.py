"""Pages put right after acceptance: those that were missed are added, those scanned twice go, many come in batches."""

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import bagit
import msgspec
import pytest

from repository.domain import archival_package
from repository.domain.archival_package import ContentRevised
from repository.eventlog.upcast import UPCASTS
from repository.services import stored
from repository.services.audit import fsck, replay
from repository.services.description import PartRequest, divide_record
from repository.services.preservation import materialise
from repository.services.rescan import RescanReport, rescan
from repository.services.search import find_record, show_record
from repository.services.session import Session
from repository.services.validation import validate
from repository.storage import Published, Stage, Store
from tests.command_line import jingui
from tests.golden_events import read
from tests.real_archives import LAND_DEEDS, Site, deliver, new_site, silent, take, types

STUB = "J012-1-0003"
FIRST, SECOND, THIRD, FOURTH = (f"{STUB}-00{number}.jpg" for number in range(1, 5))
PICTURE = (LAND_DEEDS / "J012-1-0002" / "J012-1-0002-001.jpg").read_bytes()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = new_site(tmp_path)
    with made.open() as session:
        take(session, LAND_DEEDS)
    return made


def right(session: Session, source: Path | None, *, add: bool = False, remove: Sequence[str] = ()) -> RescanReport:
    return rescan(session, STUB, source, reason="核对原件", progress=silent, add=add, remove=remove)


def names(session: Session, as_of: int | None = None) -> list[str]:
    return [file.path for file in show_record(session, STUB, as_of=None if as_of is None else str(as_of)).files]


def sound(session: Session, place: Path) -> None:
    """The archive is sound, and the newest version a valid bag of its own whose format table has just its files."""
    assert fsck(session, silent).faults == ()
    assert replay(session, None, silent).same
    package = find_record(session, STUB)
    version = stored.newest(session, package)
    table = stored.true_bytes(session, version, f"data/uuid-{package}/metadata/preservation/formats.ndjson")
    assert [json.loads(line)["path"] for line in table.splitlines()] == [
        file.path for file in stored.content(session, version)
    ]
    laid = Path(materialise(session, STUB, place).path)
    assert bagit.Bag(str(laid)).is_valid()
    assert validate(laid).verdict == "valid"


def test_a_page_that_was_missed_is_added_and_the_past_is_as_it_was(site: Site, tmp_path: Path) -> None:
    with site.open() as session:
        before, then = names(session), session.log.position()
        page = deliver(tmp_path / "missed", {FOURTH: PICTURE})
        report = right(session, page, add=True)
        assert (report.outcome, report.version, report.added, report.replaced) == ("stored", 2, (FOURTH,), ())
        assert types(session, after=then) == [
            "ArchivalPackage.ContentRevised",
            "ArchivalPackage.FormatsIdentified",
            "ArchivalPackage.VirusChecked",
            "ArchivalPackage.Stored",
        ]
        assert (names(session), names(session, then)) == ([*before, FOURTH], before)
        (added,) = [file for file in show_record(session, STUB, as_of=None).files if file.path == FOURTH]
        assert (added.sha256, added.puid) == (sha256(PICTURE).hexdigest(), "fmt/43")
        again = session.log.position()
        assert right(session, page, add=True).outcome == "unchanged"
        assert session.log.position() == again
        sound(session, tmp_path / "laid")


def test_a_page_scanned_twice_goes_and_its_bytes_stay_in_the_version_before(site: Site, tmp_path: Path) -> None:
    with site.open() as session:
        then = session.log.position()
        report = right(session, None, remove=[SECOND])
        assert (report.outcome, report.version, report.removed) == ("stored", 2, (SECOND,))
        assert (names(session), names(session, then)) == ([FIRST, THIRD], [FIRST, SECOND, THIRD])
        assert right(session, None, remove=[SECOND]).outcome == "unchanged"
        package = find_record(session, STUB)
        assert session.store.content_path(
            package, 1, f"data/uuid-{package}/representations/original/data/{SECOND}"
        ).exists()
        sound(session, tmp_path / "laid")


def test_all_three_in_one_version(site: Site, tmp_path: Path) -> None:
    with site.open() as session:
        report = right(
            session, deliver(tmp_path / "pages", {FIRST: PICTURE, FOURTH: PICTURE + b" "}), add=True, remove=[THIRD]
        )
        assert (report.version, report.replaced, report.added, report.removed) == (2, (FIRST,), (FOURTH,), (THIRD,))
        assert names(session) == [FIRST, SECOND, FOURTH]
        sound(session, tmp_path / "laid")


@pytest.mark.parametrize(
    ("pages", "add", "remove", "found"),
    [
        ({"另一页.jpg": b"1"}, False, [], "rescan.page-unknown"),
        ({}, False, ["没有这一页.jpg"], "rescan.page-unknown"),
        ({FIRST: b"1"}, False, [FIRST], "rescan.page-twice"),
        ({}, False, [FIRST, SECOND, THIRD], "rescan.nothing-left"),
        ({"a%b.jpg": b"1"}, True, [], "rescan.page-name"),
    ],
)
def test_what_cannot_be_put_right_so_is_rejected(
    site: Site, tmp_path: Path, pages: dict[str, bytes], add: bool, remove: list[str], found: str
) -> None:
    source = deliver(tmp_path / "pages", pages) if pages else None
    with site.open() as session:
        before = session.log.position()
        report = right(session, source, add=add, remove=remove)
        assert (report.outcome, [one.code for one in report.findings]) == ("rejected", [found])
        assert session.log.position() == before
        assert list(session.quarantine.iterdir()) == [session.quarantine / "suspect"]


def test_a_page_is_added_to_a_part_only_where_the_part_reaches(site: Site, tmp_path: Path) -> None:
    with site.open() as session:
        parts = [
            PartRequest(reference_code="J012-1-0031", title="存根甲", pages="1"),
            PartRequest(reference_code="J012-1-0032", title="存根乙", pages="2-3"),
        ]
        divide_record(session, STUB, parts=parts, reason="原是两件")
        outside = deliver(tmp_path / "outside", {FOURTH: PICTURE})
        refused = rescan(session, "J012-1-0032", outside, reason="补", progress=silent, add=True)
        assert [one.code for one in refused.findings] == ["rescan.page-outside"]
        between = deliver(tmp_path / "between", {f"{STUB}-002a.jpg": PICTURE})
        assert rescan(session, "J012-1-0032", between, reason="补", progress=silent, add=True).outcome == "stored"
        shown = show_record(session, "J012-1-0032", as_of=None)
        assert [file.path for file in shown.files] == [SECOND, f"{STUB}-002a.jpg", THIRD]
        assert len(show_record(session, "J012-1-0031", as_of=None).files) == 1


def test_more_pages_than_a_version_takes_come_in_several_and_a_killed_run_goes_on(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archival_package, "REPLACED_AT_ONCE", 2)
    monkeypatch.setattr("repository.services.rescan.REPLACED_AT_ONCE", 2)
    pages = deliver(tmp_path / "pages", {f"{STUB}-00{number}.jpg": PICTURE + bytes([number]) for number in range(1, 6)})
    commit, commits = Store.commit, 0

    def dying(store: Store, stages: Sequence[Stage]) -> list[Published]:
        nonlocal commits
        commits += 1
        published = commit(store, stages)
        if commits == 2:
            raise KeyboardInterrupt
        return published

    with site.open() as session, monkeypatch.context() as patch:
        patch.setattr(Store, "commit", dying)
        with pytest.raises(KeyboardInterrupt):
            right(session, pages, add=True)
    with site.open() as session:
        report = right(session, pages, add=True)
        assert (report.outcome, report.version) == ("stored", 4)
        revised = [event.payload for event in session.log.events(types=["ArchivalPackage.ContentRevised"])]
        sizes = [len(one.paths) for one in revised if isinstance(one, ContentRevised)]
        assert sizes == [2, 2, 1]
        assert names(session) == [f"{STUB}-00{number}.jpg" for number in range(1, 6)]
        sound(session, tmp_path / "laid")


def test_an_old_revision_reads_as_one_that_added_and_removed_nothing() -> None:
    golden = read()["ArchivalPackage.ContentRevised.1"]
    old = UPCASTS["ArchivalPackage.ContentRevised", 1](msgspec.json.decode(golden.payload))
    assert isinstance(old, ContentRevised)
    assert (old.paths, old.added, old.removed) == (("0002.tif",), (), ())


def test_by_command(site: Site, tmp_path: Path) -> None:
    pages = deliver(tmp_path / "pages", {FOURTH: PICTURE})
    said = jingui("rescan", STUB, pages, "--add", "--remove", SECOND, "--reason", "核对", "--lang", "zh", site=site)
    assert (said.status, said.out) == (0, "更换 0 页，补入 1 页，去掉 1 页，存为第 2 版\n"), said.err
    nothing = jingui("rescan", STUB, "--reason", "核对", "--lang", "en", site=site)
    assert (nothing.status, "--remove" in nothing.err) == (2, True)
