"""Review (质检复核), from the delivery to the contractor's statement: what happened stands in the log, step by step."""

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import Image

from repository.domain.access_request import ContentViewed
from repository.domain.assessment import QualityAssessed
from repository.domain.values import Outcome, Role
from repository.errors import ArchiveError
from repository.services import contact_sheet, stored
from repository.services.contact_sheet_forms import render_sheet
from repository.services.opening import take_down
from repository.services.quality_report import REPORT, read_report
from repository.services.review import show_quality
from repository.services.search import find_record
from tests.command_line import Said, jingui
from tests.real_archives import LAND_DEEDS, Site, deliver, names, new_site, types

PAGES = sorted(LAND_DEEDS.rglob("*.jpg"))
CONTRACTOR = "晨光数字化公司"
GOOD, BAD, LOW = "S012-1-0001", "S012-1-0002", "S012-1-0003"
HEADER = ("档号", "题名", "日期", "密级", "保管期限", "页数", "文件")


def page(number: int, *, dpi: int = 300, cut: bool = False) -> bytes:
    """One of the deeds' pages, at a resolution; cut off in the middle, or whole."""
    with Image.open(PAGES[number]) as opened:
        picture = opened.convert("RGB")
    stream = io.BytesIO()
    picture.save(stream, "JPEG", dpi=(dpi, dpi), quality=80)
    content = stream.getvalue()
    return content[: len(content) // 2] if cut else content


def table(rows: list[tuple[object, ...]]) -> bytes:
    stream = io.StringIO()
    csv.writer(stream).writerows(rows)
    return stream.getvalue().encode()


def delivery(place: Path, *, bad: bool) -> Path:
    """Three records of two pages: a good one, one with a page cut off, one at a low resolution."""
    records = {GOOD: [page(1), page(2)], BAD: [page(3), page(4, cut=bad)], LOW: [page(5, dpi=150), page(6)]}
    rows = [(code, f"{code} 地契", "19510420", "公开", "永久", 2, code) for code in records]
    work = [(code, "1-2", CONTRACTOR, "张三", "A3-01", "早班") for code in records]
    files = {
        "catalogue.csv": table([HEADER, *rows]),
        "工作单.csv": table([("档号", "页号", "加工单位", "操作员", "设备", "班次"), *work]),
    }
    for code, pages in records.items():
        files |= {f"{code}/{code}-{number:03}.jpg": content for number, content in enumerate(pages, 1)}
    return deliver(place, files)


class Day(msgspec.Struct, frozen=True):
    """The archive, its people's credentials, and what each step said."""

    site: Site
    people: dict[str, Path]
    said: dict[str, Any]
    first: str

    def run(self, who: str, *arguments: object) -> Said:
        return jingui(*arguments, site=self.site, variables={"JINGUI_CREDENTIAL": str(self.people[who])})

    def ask(self, who: str, *arguments: object) -> Any:
        said = self.run(who, *arguments, "--json")
        assert said.status == 0, said
        return said.json()

    def refused(self, who: str, *arguments: object) -> str:
        said = self.run(who, *arguments, "--json")
        assert said.status, said
        return str(json.loads(said.out)["code"])


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    place = tmp_path_factory.mktemp("review")
    site = new_site(place, quality=True)
    roles = {"acceptor": [Role.ACCEPTOR], "reviewer": [Role.REVIEWER], "other": [Role.REVIEWER]}
    with site.open() as session:
        people = {name: site.person(session, name, *each)[1] for name, each in roles.items()}
    source = delivery(place / "delivery", bad=True)
    day = Day(site, people | {"administrator": site.credential}, {}, "")
    said = jingui("ingest", source, "--json", site=site)  # by the administrator, who thereby had it judged
    assert said.status == 0, said
    report = said.json()
    assert report["outcome"] == "waiting"
    day.said["ingest"] = report
    return msgspec.structs.replace(day, first=report["accession"])


def test_the_whole_way_of_a_batch(day: Day, tmp_path: Path) -> None:
    accession = day.first
    with day.site.open() as session:
        judged = [one.payload for one in session.log.events() if isinstance(one.payload, QualityAssessed)]
        assert types(session)[-4:] == [*["ArchivalPackage.QualityAssessed"] * 3, "Accession.ReviewRequired"]
        assert [[one.machine for one in event.pages] for event in judged] == [["p", "p"], ["p", "f"], ["r", "p"]]

    # the queue, with what was measured
    queue = day.ask("reviewer", "review", "list")
    assert [(one["reference_code"], one["waiting"], one["failed"]) for one in queue["records"]] == [
        (BAD, 0, 1),
        (LOW, 1, 0),
    ]
    shown = day.ask("reviewer", "review", "show", LOW)
    (low,) = shown["pages"]
    (why,) = [check for check in low["checks"] if check["outcome"] == "review"]
    assert (low["serial"], why["id"], why["value"], why["unit"], why["threshold"]) == (1, "F04", "150", "dpi", "200")
    assert low["path"].endswith(f"{LOW}-001.jpg")

    # in quarantine nothing is the archive's yet: a sheet of it is no look
    with day.site.open() as session:
        before = session.log.position()
    day.ask("reviewer", "review", "show", LOW, "--sheet", tmp_path / "waiting.html")
    with day.site.open() as session:
        assert types(session, after=before) == []

    # nobody overrules their own work, nothing bad or open is accepted
    assert day.refused("acceptor", "accept", accession) == "quality-refused"
    overrule = ("review", "decide", BAD, "--overrule", "--reason", "只缺白边")
    accepted = ("review", "decide", LOW, "--accept", "--check", "F04", "--reason", "小幅照片，足够清楚")
    assert day.refused("administrator", *overrule) == "own-work"
    assert day.refused("other", "review", "decide", BAD, "--overrule") == "reason-missing"
    assert day.refused("acceptor", "review", "finish", accession) == "quality-open"
    assert day.ask("reviewer", *accepted)["pages"] == 1
    assert day.ask("other", *overrule)["failed"] == 0

    # a sample decides on the batch: one entry does not belong to its pages
    sample = day.ask("reviewer", "review", "sample", accession, "--percent", "67")
    assert (sample["population"], len(sample["units"])) == (3, 3)
    assert day.refused("reviewer", "review", "sample", accession) == "sample-drawn"
    assert day.refused("acceptor", "accept", accession) == "sample-open"
    day.ask("reviewer", "review", "judge", accession, GOOD)
    day.ask("reviewer", "review", "judge", accession, LOW, "--fault", "2=字迹模糊")
    failed = day.ask("reviewer", "review", "judge", accession, BAD, "--unlinked")
    assert (failed["outcome"], failed["unlinked"], failed["good"], failed["pages"]) == ("failed", 1, 5, 6)
    assert day.refused("acceptor", "accept", accession) == "sample-failed"
    assert day.ask("acceptor", "review", "finish", accession)["outcome"] == "returned"

    # the rework repairs it and is judged anew, and custody passes with what was found
    again = delivery(tmp_path / "rework", bad=False)
    assert day.ask("administrator", "ingest", again, "--rework", accession)["outcome"] == "waiting"
    day.ask("reviewer", *accepted)
    done = day.ask("acceptor", "review", "finish", accession)
    assert done["outcome"] == "completed"
    with day.site.open() as session:
        stream = session.log.stream(session.catalogue.accessions().entries[0].id)
        assert names(stream) == [
            *("Opened", "DeliveryReceived", "Planned", "WorkSheetRecorded", "DeliveryValidated", "ReviewRequired"),
            *("SampleDrawn", "SampleJudged", "SampleJudged", "SampleJudged", "SampleConcluded", "Returned"),
            *("DeliveryReceived", "Planned", "WorkSheetRecorded", "DeliveryValidated", "ReviewRequired"),
            *("Accepted", "Completed"),
        ]
        assert stream[-2].payload.quality is Outcome.PASSED  # type: ignore[attr-defined]  # it is Accepted
        package = next(one for one in done["packages"] if one["reference_code"] == BAD)["package"]
        events = names(session.log.stream(msgspec.convert(package, type=type(stream[0].envelope.stream))))
        assert events == [
            *("Created", "Digitised", "FormatsIdentified", "VirusChecked", "QualityAssessed", "QualityReviewed"),
            *("Redelivered", "FormatsIdentified", "VirusChecked", "Digitised", "QualityAssessed", "Stored"),
        ] or sorted(events) == sorted(
            [
                *("Created", "FormatsIdentified", "VirusChecked", "Digitised", "QualityAssessed", "QualityReviewed"),
                *("Redelivered", "FormatsIdentified", "VirusChecked", "Digitised", "QualityAssessed", "Stored"),
            ]
        )

    # every page was returned once, and is payable once
    account = day.ask("administrator", "statement", "--contractor", CONTRACTOR)
    assert [account[name] for name in ("delivered", "returned", "passed_first_time", "payable")] == [6, 6, 0, 6]
    assert day.run("administrator", "fsck").status == 0
    assert day.run("administrator", "replay").status == 0


def test_the_report_in_the_package_is_what_the_events_name(day: Day) -> None:
    with day.site.open() as session:
        cards = session.catalogue.packages(stored=True).entries
        judged = [card for card in cards if card.judged]
        assert {card.quality for card in judged} == {"passed"}
        for card in judged:
            root = session.store.content_path(card.id, 1, f"data/uuid-{card.id}/{REPORT}")
            content = root.read_bytes()
            verdict = [one.payload for one in session.log.stream(card.id) if isinstance(one.payload, QualityAssessed)][
                -1
            ]
            from hashlib import sha256

            line = content.split(b"\n")[1]
            assert sha256(line).hexdigest() == verdict.report_sha256
            assert [(one["file"], one["frame"]) for one in read_report(content)] == [one.key for one in verdict.pages]


LOOK = ["AccessRequest.Requested", "AccessRequest.ContentViewed", "AccessRequest.Closed"]


def test_the_sheet_shows_every_page_with_its_verdict(day: Day, tmp_path: Path) -> None:
    with day.site.open() as session:
        before = session.log.position()
    for suffix, magic in ((".html", b"<!doctype html>"), (".pdf", b"%PDF-"), (".png", b"\x89PNG")):
        target = tmp_path / f"sheet{suffix}"
        assert day.run("administrator", "review", "show", LOW, "--sheet", target, "--lang", "zh").status == 0
        assert target.read_bytes().startswith(magic)
    page_ = (tmp_path / "sheet.html").read_text("utf-8")
    assert page_.count("<figure") == 2
    assert "http" not in page_.replace("http-equiv", "")
    assert "F04 分辨率 150 dpi" in page_
    with day.site.open() as session:
        assert types(session, after=before) == LOOK * 3
    shutil.rmtree(tmp_path)


def test_a_sheet_of_a_controlled_record_is_a_look_before_any_picture_is_made(
    day: Day, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with day.site.open(day.people["reviewer"]) as session:
        take_down(session, LOW, "涉及个人隐私")
        before = session.log.position()
        pages = {page.path for page in show_quality(session, LOW, every=True).pages}
        looked: list[ContentViewed] = []

        def rendered(*arguments: Any) -> bytes:
            looked.extend(
                event.payload for event in session.log.events(after=before) if isinstance(event.payload, ContentViewed)
            )
            return render_sheet(*arguments)

        monkeypatch.setattr(contact_sheet, "render_sheet", rendered)
        contact_sheet.write_sheet(session, LOW, tmp_path / "seen.html", language="zh")
        (look,) = looked
        assert (set(look.paths), len(look.paths), look.way) == (pages, 2, "sheet")
        assert (tmp_path / "seen.html").read_text("utf-8").count("<img") == 2
        assert types(session, after=before) == LOOK
        before = session.log.position()
        with pytest.raises(ArchiveError) as refused:
            contact_sheet.write_sheet(session, LOW, tmp_path / "seen.doc", language="zh")
        assert (refused.value.code, session.log.position()) == ("sheet-form", before)
    with day.site.open(day.people["acceptor"]) as session:  # who may review, but not see into controlled records
        with pytest.raises(ArchiveError) as refused:
            contact_sheet.write_sheet(session, LOW, tmp_path / "unseen.html", language="zh")
        assert refused.value.code == "access-controlled"
        assert types(session, after=before) == ["AccessRequest.Requested", "AccessRequest.Refused"]
        assert not (tmp_path / "unseen.html").exists()


def test_a_sheet_shows_nothing_of_a_damaged_page(day: Day, tmp_path: Path) -> None:
    with day.site.open() as session:
        package = find_record(session, GOOD)
        version = stored.newest(session, package)
        path = next(stored.content(session, version)).path
        place = stored.place_of(session, version, stored.place_in(session, version, path))
        before, content, mode = session.log.position(), place.read_bytes(), place.stat().st_mode
        place.chmod(0o644)
        place.write_bytes(content[::-1])
        try:
            with pytest.raises(ArchiveError) as refused:
                contact_sheet.write_sheet(session, GOOD, tmp_path / "damaged.html", language="zh")
        finally:
            place.write_bytes(content)
            place.chmod(mode)
        assert refused.value.code == "fixity-mismatch"
        assert "AccessRequest.ContentViewed" not in types(session, after=before)
        assert not (tmp_path / "damaged.html").exists()
