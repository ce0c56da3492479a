"""The reports add up with the log, counted here otherwise: from the raw events, as a program reads them."""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from repository.catalogue import figures
from repository.catalogue.figures import REPORTS
from repository.domain.access_request import Requested
from repository.domain.envelope import OccurredAt
from repository.domain.values import Level
from repository.errors import ArchiveError
from repository.eventlog.registry import event_types
from repository.services import administration
from repository.services.access import disseminate
from repository.services.administration import Role
from repository.services.description import describe_record
from repository.services.reports import explain, period_of, report
from repository.services.session import Session
from tests.command_line import jingui
from tests.real_archives import DELIVERIES, LAND_DEEDS, MIXED, Site, new_site, take
from tests.story.test_auditing import slip

Json = dict[str, Any]
DEED, OTHER = "J012-1-0001", "J012-1-0002"
NO_DATA = {
    "uses-viewed",
    "uses-certificates",
    "ratings-given",
    "ratings-sum",
    "ratings-mean",
    "decisions-granted",
    "decisions-refused",
    "decisions-status",
    "holdings-open",
    "holdings-controlled",
    "digitisation-rate",
    "digitisation-page-rate",
    "holdings-damaged",
}
"""What nothing of this archive's log speaks of."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Deliveries taken and refused, uses of this year and one of a slip of last spring, and one taken back."""
    place = tmp_path_factory.mktemp("reports")
    site = new_site(place)
    with site.open() as session:
        take(session, LAND_DEEDS)
        take(session, MIXED, per_folder=True)
        take(session, DELIVERIES / "impossible-date")
        for record in (DEED, DEED, OTHER):
            disseminate(session, record, paths=(), purpose="编史", target=place / "out")
        happened = OccurredAt(time="2026-03-01T00:00:00.000000Z", precision="day", source="paper form")
        wanted = next(iter(session.log.events(types=["ArchivalPackage.Stored"]))).envelope.stream
        slip(session, session.new_id(), happened, Requested(packages=(wanted,), paths=(), purpose="查证"))
        _, second = site.person(session, "赵二", Role.ADMINISTRATOR)
        with site.open(second) as other:
            approver = other.actor
        last = list(session.log.events(types=["AccessRequest.DipAssembled"]))[-1]
        administration.annul(session, last.envelope.position, reason="误", approver=approver)
    return site


@pytest.fixture(scope="module")
def events(site: Site) -> list[Json]:
    """The log as the program prints it, without what was annulled."""
    found = jingui("events", "--json", site=site).lines()
    gone = {one["payload"]["event"] for one in found if one["envelope"]["type"].endswith(".Annulled")}
    return [one for one in found if one["envelope"]["event_id"] not in gone]


def values(session: Session, name: str, **options: str | None) -> dict[str, str | None]:
    period = period_of(session, **{"as_of": None, "since": None, "until": None, **options})
    return {item.id: item.value for item in report(session, name, period).items}


def of_type(events: Iterable[Json], *types: str) -> list[Json]:
    return [one["payload"] for one in events if one["envelope"]["type"] in types]


def newest(events: Iterable[Json], *types: str) -> list[Json]:
    """The newest payload of each stream."""
    streams = {one["envelope"]["stream"]: one["payload"] for one in events if one["envelope"]["type"] in types}
    return list(streams.values())


COUNTED: dict[str, Callable[[list[Json]], int]] = {
    "holdings-fonds": lambda log: len({one["fields"]["fonds_code"] for one in described(log)} - {None}),
    "holdings-volumes": lambda log: levels(log)["volume"],
    "holdings-items": lambda log: levels(log)["item"],
    "holdings-text": lambda log: kinds(log)["text"],
    "holdings-photographs": lambda log: kinds(log)["image"],
    "holdings-audio": lambda log: kinds(log)["audio"],
    "holdings-video": lambda log: kinds(log)["video"],
    "holdings-databases": lambda log: kinds(log)["database"],
    "holdings-permanent": lambda log: sum(one["fields"]["retention_period"] == "永久" for one in described(log)),
    "holdings-packages": lambda log: len(newest(log, "ArchivalPackage.Stored")),
    "holdings-files": lambda log: sum(one["files"] for one in newest(log, "ArchivalPackage.Stored")),
    "holdings-bytes": lambda log: sum(one["bytes"] for one in newest(log, "ArchivalPackage.Stored")),
    "digitisation-paper": lambda log: sum(one["fields"]["carrier"] != "digital" for one in described(log)),
    "digitisation-done": lambda log: 0,
    "digitisation-pages": lambda log: 0,
    "digitisation-scanned": lambda log: 0,
    "accessions-opened": lambda log: len(of_type(log, "Accession.Opened")),
    "accessions-deliveries": lambda log: len(of_type(log, "Accession.DeliveryReceived")),
    "accessions-rejected": lambda log: len(of_type(log, "Accession.DeliveryRejected")),
    "accessions-accepted": lambda log: len(of_type(log, "Accession.Accepted")),
    "accessions-packages": lambda log: len(first_stored(log)),
    "accessions-files": lambda log: sum(one["files"] for one in first_stored(log)),
    "accessions-bytes": lambda log: sum(one["bytes"] for one in first_stored(log)),
    "decisions-returned": lambda log: len(of_type(log, "Accession.Returned")),
    "decisions-units": lambda log: sum(len(one["units"]) for one in of_type(log, "Accession.UnitsAccepted")),
    "uses-requests": lambda log: len(of_type(log, "AccessRequest.Requested")),
    "uses-records": lambda log: sum(len(one["sources"]) for one in of_type(log, "AccessRequest.DipAssembled")),
    "uses-delivered": lambda log: len(of_type(log, "AccessRequest.DipDelivered")),
    "uses-files": lambda log: sum(one["files"] for one in of_type(log, "AccessRequest.DipAssembled")),
    "uses-bytes": lambda log: sum(one["bytes"] for one in of_type(log, "AccessRequest.DipAssembled")),
    "decisions-annulled": lambda log: sum(one["envelope"]["type"].endswith(".Annulled") for one in log),
    "decisions-expunged": lambda log: 0,
}
"""Every figure that this archive has data for, counted from the raw log."""


def first_stored(log: list[Json]) -> list[Json]:
    return [one for one in of_type(log, "ArchivalPackage.Stored") if one["version"] == 1]


def described(log: list[Json]) -> list[Json]:
    return newest(log, "Description.Described", "Description.Revised")


def levels(log: list[Json]) -> Counter[str]:
    return Counter(one["fields"]["level"] for one in described(log))


def kinds(log: list[Json]) -> Counter[str]:
    return Counter(one["fields"]["record_type"] for one in described(log) if one["fields"]["level"] == "item")


def test_every_figure_is_counted_here_or_has_no_data() -> None:
    assert COUNTED.keys() | NO_DATA == set(figures())
    assert not COUNTED.keys() & NO_DATA


def test_every_figure_adds_up_with_the_log(site: Site, events: list[Json]) -> None:
    with site.open() as session:
        found = {key: value for name in REPORTS for key, value in values(session, name).items()}
    assert found == {
        **{name: str(count(events)) for name, count in COUNTED.items()},
        **dict.fromkeys(NO_DATA),
    }
    assert found["accessions-rejected"] == "1"
    assert (found["uses-requests"], found["uses-records"]) == ("4", "2")


def test_every_figure_is_the_sum_of_the_things_that_it_lists(site: Site) -> None:
    with site.open() as session:
        period = period_of(session, as_of=None, since=None, until=None)
        for name, figure in figures().items():
            told = explain(session, name, period)
            if told.item.value is not None and figure.ratio is None:
                assert sum(one.amount or 0 for one in told.things) == int(told.item.value), name
            assert told.question


def test_a_report_as_of_then_is_the_one_that_was_made_then(tmp_path: Path) -> None:
    site = new_site(tmp_path)
    with site.open() as session:
        made = []
        for source in (LAND_DEEDS, DELIVERIES / "impossible-date"):
            take(session, source)
            made.append((session.log.position(), [values(session, name) for name in REPORTS]))
        disseminate(session, DEED, paths=(), purpose="编史", target=tmp_path / "out")
        for position, then in made:
            assert [values(session, name, as_of=str(position)) for name in REPORTS] == then
        assert values(session, "holdings", as_of="0") == dict.fromkeys(values(session, "holdings"))
        assert values(session, "annual", as_of="4")["accessions-opened"] is None


def test_what_a_slip_says_counts_for_the_day_on_it(site: Site) -> None:
    with site.open() as session:
        spring = values(session, "uses", since="2026-02-01", until="2026-04-30")
        whole = values(session, "uses")
        after = values(session, "uses", since="2026-05-01")
        assert (spring["uses-requests"], after["uses-requests"], whole["uses-requests"]) == ("1", "3", "4")
        assert (spring["uses-delivered"], spring["uses-viewed"]) == ("0", None)
        assert values(session, "holdings", until="2026-04-30")["holdings-packages"] == "0"


def test_the_rate_is_a_decimal_and_says_nothing_over_nothing(site: Site) -> None:
    with site.open() as session:
        period = period_of(session, as_of=None, since=None, until=None)
        assert explain(session, "digitisation-rate", period).item.value is None
        assert explain(session, "ratings-mean", period).item.value is None


@pytest.mark.parametrize(
    ("since", "until", "code"),
    [
        ("soon", None, "time-invalid"),
        ("2026-05-01T10:00", None, "time-invalid"),
        ("2026-05-02", "2026-05-01", "range-invalid"),
    ],
)
def test_periods_that_are_none_are_refused(site: Site, since: str, until: str | None, code: str) -> None:
    with site.open() as session, pytest.raises(ArchiveError) as refused:
        period_of(session, as_of=None, since=since, until=until)
    assert refused.value.code == code


def test_every_type_that_a_figure_names_is_one_of_the_design() -> None:
    announced = {"ContentViewed", "CertificateIssued", "Rated", "Granted", "Refused", "AccessStatusChanged"}
    known = {name.partition(".")[2] for name in event_types()} | announced
    named = {one.rpartition(".")[2] for figure in figures().values() for one in (*figure.rests_on, *figure.events)}
    assert named <= known
    forms = [(bool(one.things), bool(one.events), bool(one.ratio)) for one in figures().values()]
    assert all(form.count(True) == 1 for form in forms)
    assert {name for one in figures().values() for name in one.reports} == set(REPORTS)


def test_the_forms_of_a_report_say_the_same(site: Site, tmp_path: Path) -> None:
    told = {item["id"]: item for item in jingui("report", "annual", "--json", site=site).json()["items"]}
    printed = jingui("report", "annual", "--format", "csv", site=site).out
    csv_rows = list(csv.reader(io.StringIO(printed.removeprefix("\ufeff"))))
    said = jingui("report", "annual", "--format", "xlsx", "--out", tmp_path / "annual.xlsx", site=site)
    assert said.status == 0
    sheet = load_workbook(tmp_path / "annual.xlsx").worksheets[0]
    xlsx_rows = [[str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
    page = jingui("report", "annual", "--format", "html", "--lang", "en", site=site).out
    shown = jingui("report", "annual", "--lang", "zh", site=site).out
    assert csv_rows == xlsx_rows
    assert len(csv_rows) == len(told) + 1
    for name, value, _, identity in csv_rows[1:]:
        assert name == told[identity]["en"]
        assert value == (told[identity]["value"] or "no data")
        assert re.search(rf"<td[^>]*>{value}</td>", page)
        assert re.search(rf"^{told[identity]['zh']} +{told[identity]['value'] or '无数据'} ", shown, re.MULTILINE)
    assert "http" not in page
    assert page.startswith("<!DOCTYPE html>")


def test_a_figure_is_explained_on_the_screen_with_its_question(site: Site) -> None:
    said = jingui("report", "--explain", "holdings-permanent", "--lang", "zh", site=site)
    assert said.status == 0
    assert "SELECT" in said.out
    assert DEED in said.out
    assert "Description.Described" in said.out
    told = jingui("report", "--explain", "uses-delivered", "--json", site=site).json()
    assert (told["schema"], len(told["things"])) == ("jingui.report.item/1", 3)
    missing = jingui("report", "nothing", "--json", site=site)
    assert (missing.status, json.loads(missing.out)["code"]) == (3, "report-unknown")


def test_pages_on_paper_are_counted_once_and_as_the_description_counts_them(tmp_path: Path) -> None:
    site = new_site(tmp_path)

    def describe(session: Session, level: Level, code: str, parent: str | None, **words: str) -> None:
        describe_record(session, level=level, parent=parent, reference_code=code, words={"title": code, **words})

    with site.open() as session:
        take(session, LAND_DEEDS)
        describe(session, Level.FONDS, "J900", None)
        period = period_of(session, as_of=None, since=None, until=None)
        assert explain(session, "digitisation-pages", period).item.value == "0"
        describe(session, Level.VOLUME, "J900-1", "J900", page_count="10")
        period = period_of(session, as_of=None, since=None, until=None)
        assert explain(session, "digitisation-pages", period).item.value == "10"
        assert explain(session, "digitisation-scanned", period).item.value is None  # nobody said how many
        describe(session, Level.ITEM, "J900-1-1", "J900-1", page_count="6", pages_scanned="3")
        describe(session, Level.ITEM, "J900-1-2", "J900-1", page_count="4")
        describe(session, Level.VOLUME, "J900-2", "J900", page_count="5", pages_scanned="5")
        found = values(session, "digitisation")
        apart = session.catalogue.digitised("fonds")
        assert found == {
            "digitisation-paper": "4",
            "digitisation-done": "0",
            "digitisation-rate": "0.0000",
            "digitisation-pages": str(sum(one.pages for one in apart)),
            "digitisation-scanned": str(sum(one.scanned for one in apart)),
            "digitisation-page-rate": "0.5333",
        }
        assert (found["digitisation-pages"], found["digitisation-scanned"]) == ("15", "8")
