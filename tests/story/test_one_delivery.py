"""One delivery, from the folder to stored packages, with exactly the events that the table of steps names."""

from collections import Counter
from pathlib import Path

import pytest

from repository.domain.accession import ACCESSION, Planned
from repository.domain.archival_package import ARCHIVAL_PACKAGE, Created, Stored, VirusChecked
from repository.domain.description import DESCRIPTION
from repository.domain.values import AccessionKind, Outcome
from repository.services.audit import fsck
from tests.real_archives import (
    CODE,
    DELIVERIES,
    LAND_DEEDS,
    MIXED,
    OTHER_CODE,
    Site,
    deliver,
    names,
    new_site,
    payload_files,
    silent,
    take,
    types,
)

ACCESSION_LIFE = ["Opened", "DeliveryReceived", "Planned", "DeliveryValidated", "Accepted", "Completed"]
PACKAGE_LIFE = ["Created", "FormatsIdentified", "VirusChecked", "Stored"]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return new_site(tmp_path)


def test_the_ten_steps_in_their_order(site: Site) -> None:
    with site.open() as session:
        before = session.log.position()
        report = take(session, LAND_DEEDS, number="2026-001")
        assert types(session, after=before) == [
            "Accession.Opened",  # 1 open, receive
            "TransferNumber.Reserved",
            "Accession.DeliveryReceived",
            "Accession.Planned",  # 2 plan, reserve the codes
            *["ReferenceCode.Reserved"] * 3,
            "Accession.DeliveryValidated",  # 3 validate
            *["ArchivalPackage.Created", "ArchivalPackage.FormatsIdentified", "ArchivalPackage.VirusChecked"]
            * 4,  # 4, 5
            "Accession.Accepted",  # 7 accept
            *["Description.Described"] * 4,  # 8 describe
            *["ArchivalPackage.Stored"] * 4,  # 9 build and store
            "Accession.Completed",  # 10 complete
        ]
        assert report.outcome == "completed"
        assert (report.files, len(report.packages), report.findings) == (13, 4, ())


def test_each_stream_tells_its_own_life(site: Site) -> None:
    with site.open() as session:
        report = take(session, LAND_DEEDS)
        assert names(session.log.stream(report.accession)) == ACCESSION_LIFE
        for package in report.packages:
            assert names(session.log.stream(package.package)) == PACKAGE_LIFE
            created = session.log.load(ARCHIVAL_PACKAGE, package.package).state.created
            assert created is not None
            assert names(session.log.stream(created.description)) == ["Described"]


def test_the_events_say_what_was_delivered(site: Site) -> None:
    with site.open() as session:
        report = take(session, LAND_DEEDS)
        state = session.log.load(ACCESSION, report.accession).state
        assert state.opened is not None
        assert (state.opened.source, state.opened.kind) == (str(LAND_DEEDS.resolve()), AccessionKind.TRANSFER)
        assert {unit.path: unit.reference_code for unit in state.plan} == {
            **{f"J012-1-000{number}": f"J012-1-000{number}" for number in (1, 2, 3)},
            ".": None,
        }
        deed = next(one for one in report.packages if one.reference_code == "J012-1-0001")
        package = session.log.load(ARCHIVAL_PACKAGE, deed.package).state
        assert package.viruses is not None
        assert (package.viruses.outcome, package.viruses.tool) == (Outcome.NOT_CHECKED, None)
        assert package.formats is not None
        assert [(row.puid, row.files) for row in package.formats.formats] == [("fmt/43", 4)]
        assert package.created is not None
        fields = session.log.load(DESCRIPTION, package.created.description).state.fields
        assert fields is not None
        assert (fields.title, fields.date, fields.year) == ("民国二十三年陈德厚绝卖水田地契", "1934-03-12", 1934)
        assert (fields.fonds_code, fields.page_count, fields.retention_period) == ("J012", 4, "永久")


def test_every_event_is_the_administrators_and_the_archives(site: Site) -> None:
    with site.open() as session:
        before = session.log.position()
        report = take(session, LAND_DEEDS)
        for event in session.log.events(after=before):
            envelope = event.envelope
            assert envelope.actor == session.actor.agent
            assert envelope.authenticated_by.method == "credential"
            assert (envelope.archive, envelope.correlation_id) == (CODE, report.accession)


def test_the_original_is_left_alone_and_every_byte_is_kept(site: Site) -> None:
    before = {path: path.read_bytes() for path in LAND_DEEDS.rglob("*") if path.is_file()}
    with site.open() as session:
        report = take(session, LAND_DEEDS)
        assert fsck(session, silent).faults == ()
    assert {path: path.read_bytes() for path in LAND_DEEDS.rglob("*") if path.is_file()} == before
    kept = Counter(content for one in report.packages for content in payload_files(site, one.package).values())
    papers = [path.read_bytes() for path in (site.folder / "store").rglob("delivery/catalogue.csv")]
    assert kept + Counter(papers) == Counter(before.values())
    assert list((site.folder / "quarantine").rglob("*.jpg")) == []


def test_every_record_is_found_by_its_code_and_words(site: Site) -> None:
    with site.open() as session:
        take(session, LAND_DEEDS)
        session.catch_up()
        assert [one.reference_code for one in session.catalogue.search("地契").entries] == [
            "J012-1-0001",
            "J012-1-0002",
        ]
        (match,) = session.catalogue.by_reference_code("J012-1-0003")
        assert match.description.title == "一九五一年石桥村土地改革土地房产所有证存根"


def test_folders_become_a_package_each_on_request(site: Site) -> None:
    with site.open() as session:
        report = take(session, MIXED, per_folder=True)
        assert {one.unit: one.files for one in report.packages} == {
            "白沙渠修渠工程": 2,
            "石桥村铜钟录音": 2,
            "青石乡老照片": 2,
        }
        kinds = {}
        for one in report.packages:
            created = session.log.load(ARCHIVAL_PACKAGE, one.package).state.created
            assert created is not None
            kinds[one.unit] = created.record_type.value
        assert kinds["青石乡老照片"] == "image"
        assert fsck(session, silent).faults == ()


def test_a_folder_is_one_package_where_nothing_else_is_said(site: Site) -> None:
    with site.open() as session:
        report = take(session, MIXED)
        (package,) = report.packages
        assert (package.unit, package.title, package.files) == (".", "mixed", 6)
    assert len(payload_files(site, package.package)) == 6


def test_the_second_archive_of_the_house_has_numbers_and_codes_of_its_own(site: Site) -> None:
    with site.open() as session:
        first = take(session, LAND_DEEDS, number="2026-001")
        second = take(session, LAND_DEEDS, archive=OTHER_CODE, number="2026-001", new=True)
        assert second.outcome == "completed"
        assert {one.package for one in first.packages}.isdisjoint(one.package for one in second.packages)
        assert {event.envelope.archive for event in session.log.stream(second.accession)} == {OTHER_CODE}


def test_a_plan_comes_before_any_work(site: Site) -> None:
    with site.open() as session:
        report = take(session, LAND_DEEDS)
        positions = {type(event.payload): event.envelope.position for event in session.log.stream(report.accession)}
        made = [
            event.envelope.position
            for one in report.packages
            for event in session.log.stream(one.package)
            if isinstance(event.payload, Created | Stored | VirusChecked)
        ]
        assert positions[Planned] < min(made)


def test_two_deliveries_of_nearly_the_same_records_share_no_code(site: Site, tmp_path: Path) -> None:
    """The second delivery of a 档号 that has its record is rejected, and says whose it is."""
    other = deliver(
        tmp_path / "other",
        {"J012-1-0001/1.txt": b"1", "catalogue.csv": "档号,题名,文件\nJ012-1-0001,别的,J012-1-0001\n".encode()},
    )
    with site.open() as session:
        take(session, LAND_DEEDS)
        rejected = take(session, other)
        assert (rejected.outcome, [finding.code for finding in rejected.findings]) == (
            "rejected",
            ["delivery.code-taken"],
        )
        assert types(session)[-1] == "Accession.DeliveryRejected"
        assert fsck(session, silent).faults == ()


def refused_folders() -> list[str]:
    return sorted(path.name for path in DELIVERIES.iterdir() if path.name not in {"land-deeds", "mixed"})


REASONS = {
    "entry-without-folder": "delivery.catalogue-files-missing",
    "folder-without-entry": "delivery.not-in-catalogue",
    "impossible-date": "delivery.catalogue-date",
    "same-reference-code-twice": "delivery.catalogue-code-repeated",
    "wrong-page-count": "delivery.page-count",
}


def test_every_refused_delivery_has_its_reason() -> None:
    assert {*REASONS, "above-the-ceiling"} == set(refused_folders())


@pytest.mark.parametrize("name", REASONS)
def test_a_refused_delivery_is_rejected_for_its_fault_alone(site: Site, name: str) -> None:
    with site.open() as session:
        report = take(session, DELIVERIES / name)
        assert report.outcome == "rejected"
        assert {finding.code for finding in report.findings} == {REASONS[name]}
        stages = names(session.log.stream(report.accession))
        assert stages[:2] == ["Opened", "DeliveryReceived"]
        assert stages[-1] == "DeliveryRejected"
        assert not list(session.store.objects())
        held = [event for event in session.log.events() if event.envelope.type.startswith("ReferenceCode")]
        assert Counter(names(held))["Reserved"] == Counter(names(held))["Released"]
        assert fsck(session, silent).faults == ()
