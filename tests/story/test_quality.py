"""Quality in the archive beside the review: resumed, reported, charted, tried again, and what a delivery declares."""

import io
import zipfile
from collections import Counter
from pathlib import Path
from uuid import UUID
from xml.etree import ElementTree

import pytest
from PIL import Image

from repository.domain.accession import Returned
from repository.domain.assessment import QualityAssessed
from repository.domain.run import VerdictsCompared
from repository.domain.values import Outcome
from repository.errors import ArchiveError
from repository.services import quality, quality_charts
from repository.services.accessions import return_delivery
from repository.services.contact_sheet import write_sheet
from repository.services.fourfold import Moment, fourfold, table
from repository.services.fourfold_table import as_table
from repository.services.handover import print_handover
from repository.services.ingest import IngestReport, IngestRequest, ingest
from repository.services.quality_charts import By
from repository.services.quality_report import REPORT
from repository.services.quality_rerun import rerun
from repository.services.review import Decision, decide, list_queue, show_quality
from repository.services.revision import repack
from repository.services.sampling import SampleBy, draw_sample, finish_review, judge_sample
from repository.services.session import Session
from repository.services.statement import statement
from repository.services.tables import FORMATS
from tests.real_archives import LAND_DEEDS, MIXED, Site, names, new_site, silent, take
from tests.story.test_review import BAD, CONTRACTOR, GOOD, HEADER, LOW, PAGES, delivery
from tests.story.test_review import table as csv_table


class Interrupted(Exception):  # noqa: N818 - what happens to the work, not an error of it
    """The work is stopped."""


def events(session: Session) -> list[QualityAssessed]:
    return [one.payload for one in session.log.events() if isinstance(one.payload, QualityAssessed)]


def alike(found: list[QualityAssessed]) -> list[object]:
    return [(one.columns, one.pages, one.profiles, one.report_sha256) for one in found]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    place = tmp_path_factory.mktemp("quality")
    site = new_site(place, quality=True)
    with site.open() as session:
        assert take(session, LAND_DEEDS).outcome == "completed"
        assert take(session, delivery(place / "delivery", bad=True)).outcome == "waiting"
    return site


def waiting(session: Session) -> UUID:
    return list_queue(session).records[0].accession


def test_photographs_film_and_sound_are_judged_by_profiles_of_their_own(site: Site) -> None:
    with site.open() as session:
        report = take(session, MIXED, per_folder=True)
        assert (report.outcome, report.pages_judged, report.pages_failed) == ("waiting", 4, 0)
        used = {one.profiles[1].name for one in events(session)}
        assert used == {"documents", "photographs"}
        decide(session, str(report.accession), Decision.ACCEPT)
        assert finish_review(session, report.accession, silent).outcome == "completed"


@pytest.mark.parametrize("after", [1, 2])
def test_stopped_between_batches_and_run_again_it_finds_the_same(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    other = new_site(tmp_path, quality=True)
    source = delivery(tmp_path / "delivery", bad=True)
    monkeypatch.setattr(quality, "PAGES_PER_EVENT", 2)
    perform, done = Session.perform, Counter[str]()

    def stopped(session: Session, what: str, *arguments: object, **more: object) -> object:
        if what == "assess-quality":
            done[what] += 1
            if done[what] > after:
                raise Interrupted
        return perform(session, what, *arguments, **more)  # type: ignore[arg-type]  # handed on as it came

    with monkeypatch.context() as patch, other.open() as session:
        patch.setattr(Session, "perform", stopped)
        with pytest.raises(Interrupted):
            take(session, source)
    with other.open() as session:
        assert len(events(session)) == after
        assert take(session, source).outcome == "waiting"
        with site.open() as whole:
            assert alike(events(session)) == [one for one in alike(events(whole)) if one in alike(events(session))]
        assert len(events(session)) == 3


def test_every_item_of_the_four_properties_is_answered_and_unknown_is_no_pass(site: Site) -> None:
    counts = Counter(item.property for item in table().values())
    assert counts == {"authenticity": 16, "integrity": 11, "usability": 9, "security": 9}
    with site.open() as session:
        done = session.catalogue.accessions().entries[0].id
        reports = {moment: fourfold(session, done, moment) for moment in Moment}
        open_one = fourfold(session, waiting(session), Moment.RECEIPT)
    assert {name for one in reports.values() for name in (item.id for item in one.items)} == set(table())
    for one in reports.values():
        assert all(item.outcome is Outcome.NOT_CHECKED for item in one.items if item.how != "auto")
        assert one.failed == 0
    found = {item.id: item.outcome for item in reports[Moment.TRANSFER].items}
    assert (found["U06"], found["I07"], found["I10"], found["A16"]) == (Outcome.PASSED,) * 4
    assert (found["S01"], found["S02"], found["U07"]) == (Outcome.NOT_CHECKED,) * 3  # no scanner, and no sample
    bad = {item.id: item.outcome for item in open_one.items}
    assert (bad["I07"], bad["U04"], bad["U05"], bad["U06"]) == (Outcome.FAILED,) * 4
    assert bad["I04"] is Outcome.NOT_CHECKED
    for language in ("zh", "en"):
        sheet = as_table(reports[Moment.RECEIPT], language)
        assert len(sheet.rows) == len(reports[Moment.RECEIPT].items)
        page = FORMATS["html"](sheet).decode()
        assert ("未检测" in page, "not tested" in page) == (language == "zh", language == "en")
        assert zipfile.is_zipfile(io.BytesIO(FORMATS["xlsx"](sheet)))


def test_defects_are_charted_by_scanner_operator_and_batch(site: Site) -> None:
    with site.open() as session:
        found = {by: quality_charts.figures(session, by) for by in By}
        early = quality_charts.figures(session, By.BATCH, as_of="1")
    device = {group.name: (group.pages, group.bad, group.checks) for group in found[By.DEVICE].groups}
    assert device["A3-01"] == (6, 2, {"F01": 1, "F04": 1})
    assert {group.name for group in found[By.CONTRACTOR].groups} >= {CONTRACTOR}
    assert {group.name for group in found[By.OPERATOR].groups} >= {"张三"}
    assert early.pages == 0
    for figures in (*found.values(), early):
        for chart in quality_charts.CHARTS.values():
            for language in ("zh", "en"):
                assert ElementTree.fromstring(chart(figures, language)).tag.endswith("svg")


def test_another_profile_is_compared_and_changes_nothing(site: Site, tmp_path: Path) -> None:
    from importlib.resources import files

    own = files("repository.qc").joinpath("profiles/documents.toml").read_text("utf-8")
    strict = tmp_path / "strict.toml"
    strict.write_text(
        own.replace('name = "documents"', 'name = "strict"').replace("review_below = 200", "review_below = 301")
    )
    with site.open() as session:
        session.catch_up()
        before = {card.id: (card.quality, card.changed) for card in session.catalogue.packages(stored=True).entries}
        same = rerun(session, "documents", silent)
        photographs = {card.id for card in session.catalogue.packages().entries if "照片" in card.unit}
        assert same.pages > len(same.changes)
        assert {change.package for change in same.changes} == photographs  # which had a profile of their own
        report = rerun(session, str(strict), silent)
        deeds = [one for one in report.changes if one.package not in photographs]
        assert [one.before for one in deeds] == [("F04:p",)] * 12
        assert [one.after for one in deeds] == [("F04:r",)] * 12
        session.catch_up()
        after = {card.id: (card.quality, card.changed) for card in session.catalogue.packages(stored=True).entries}
        assert after == before
        told = session.log.stream(report.run)
        assert names(told) == ["Started", "VerdictsCompared", "Finished"]
        compared = told[1].payload
        assert isinstance(compared, VerdictsCompared)
        assert compared.changes == report.changes


def test_a_later_version_carries_the_report_on(site: Site) -> None:
    from repository.services.description import move_record

    with site.open() as session:
        package = show_quality(session, "J012-1-0003").package
        first = session.store.content_path(package, 1, f"data/uuid-{package}/{REPORT}").read_bytes()
        move_record(session, "J012-1-0003", parent=None, reference_code="J012-1-0033", reason="改号")
        repack(session, budget=9, progress=silent)
        assert session.store.content_path(package, 2, f"data/uuid-{package}/{REPORT}").read_bytes() == first
        assert len(show_quality(session, "J012-1-0033", every=True).pages) == 3


def test_a_page_that_was_declared_blank_is_no_fault(tmp_path: Path) -> None:
    site = new_site(tmp_path, quality=True)
    stream = io.BytesIO()
    with Image.open(PAGES[0]) as page:
        Image.new("RGB", page.size, (236, 230, 215)).save(stream, "JPEG", dpi=(300, 300), quality=80)
    files = {
        "catalogue.csv": csv_table([HEADER, (GOOD, "地契", "19510420", "公开", "永久", 2, GOOD)]),
        f"{GOOD}/{GOOD}-001.jpg": PAGES[0].read_bytes(),
        f"{GOOD}/{GOOD}-002.jpg": stream.getvalue(),
    }
    declared = {"备考表.csv": csv_table([("档号", "页号", "情况", "说明"), (GOOD, "2", "空白页", "背面无字")])}
    report: IngestReport | None = None
    with site.open() as session:
        for number, more in enumerate(({}, declared)):
            folder = tmp_path / f"delivery-{number}"
            for path, content in (files | more).items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(content)
            report = ingest(
                session, IngestRequest(source=folder, accession=report.accession if report else None), silent
            )
            if not more:
                assert (report.outcome, report.pages_waiting) == ("waiting", 1)
                (seen,) = show_quality(session, GOOD).pages
                assert "Q03" in {check.id for check in seen.checks if check.outcome == "review"}
                return_delivery(session, report.accession, (), "空白页未申报", silent)
            else:
                assert (report.outcome, report.pages_waiting) == ("completed", 0)
                declared_page = show_quality(session, GOOD, every=True).pages[1]
                assert {check.id: check.outcome for check in declared_page.checks}["Q03"] == "declared"


def test_the_handover_form_tells_what_was_judged(site: Site, tmp_path: Path) -> None:
    with site.open() as session:
        accession = session.catalogue.accessions().entries[0].id
        print_handover(session, accession, tmp_path / "form.pdf")
        from repository.services import handover

        form = handover._form(session, accession)
    assert form.usability == "合格"
    assert form.usability_note.startswith("逐页检测 12 页")


def test_a_sheet_is_refused_where_it_cannot_be(site: Site, tmp_path: Path) -> None:
    with site.open() as session:
        with pytest.raises(ArchiveError, match="sheet"):
            write_sheet(session, LOW, tmp_path / "sheet.doc", language="zh")
        there = tmp_path / "sheet.html"
        there.touch()
        with pytest.raises(ArchiveError, match="already"):
            write_sheet(session, LOW, there, language="zh")


def setting(site: Site, words: str) -> None:
    with (site.folder / "jingui.toml").open("a") as settings:
        settings.write(f"{words}\n")


def test_a_site_can_refuse_a_batch_in_two_formats_and_accept_none_without_a_sample(tmp_path: Path) -> None:
    site = new_site(tmp_path, quality=True)
    setting(site, "quality_sample = 5")
    with site.open() as session:
        report = take(session, LAND_DEEDS)
        assert (report.outcome, report.pages_waiting) == ("waiting", 0)
        assert [one.code for one in report.findings] == ["quality.formats-several"]
        with pytest.raises(ArchiveError) as refused:
            finish_review(session, report.accession, silent)
        assert refused.value.code == "sample-needed"
        sample = draw_sample(session, report.accession, by=SampleBy.VOLUME)
        for unit in sample.waiting:
            judge_sample(session, report.accession, unit, linked=True, faults={})
        assert finish_review(session, report.accession, silent).outcome == "completed"
    setting(site, "quality_one_format = true")
    with site.open() as session:
        strict = take(session, LAND_DEEDS, new=True)
        assert strict.outcome == "rejected"
        assert "quality.formats-mixed" in {one.code for one in strict.findings}


def test_what_is_bad_goes_back_with_its_reason_and_the_rest_is_kept(site: Site) -> None:
    with site.open() as session:
        accession = waiting(session)
        decide(session, LOW, Decision.ACCEPT)
        report = finish_review(session, accession, silent)
        assert report.outcome == "part-completed"
        assert {one.reference_code for one in report.packages} == {GOOD, LOW, None}
        (back,) = [one.payload for one in session.log.stream(accession) if isinstance(one.payload, Returned)]
        assert back.units == (BAD,)
        assert back.reason == "质检不合格。第 2 个文件：F01"
        account = statement(session, contractor=CONTRACTOR, first=None, last=None)
        assert (account.delivered, account.returned, account.passed_first_time, account.payable) == (6, 1, 4, 4)
