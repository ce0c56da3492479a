"""A delivery taken again: interrupted anywhere, delivered twice, changed, corrected after a rejection."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from fixtures.delivery import catalogue
from repository.domain.accession import ACCESSION, Planned
from repository.domain.envelope import Command
from repository.domain.ids import reference_code_guard
from repository.domain.reservation import REFERENCE_CODE
from repository.errors import ArchiveError
from repository.eventlog import Answer, EventLog
from repository.services.audit import fsck
from repository.services.jobs import status, work
from repository.services.session import Session
from tests.real_archives import CODE, LAND_DEEDS, MIXED, Site, deliver, names, new_site, silent, take, types

COMMITS = 9
"""Commands of an ingest: open, receive, plan, validate, create, accept, describe, store, complete."""


class PowerCut(BaseException):
    """Nobody catches it: the process is as good as dead."""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return new_site(tmp_path)


@contextmanager
def power_cut(at: int, *, after_commit: bool) -> Iterator[None]:
    """The power fails at a command: after its events are durable, or just before they are appended."""
    perform: Callable[..., Answer] = EventLog.perform
    count = 0

    def performed(log: EventLog, command: Command, decide: Any) -> Answer:
        nonlocal count
        count += 1
        if count == at and not after_commit:
            raise PowerCut
        answer = perform(log, command, decide)
        if count == at:
            raise PowerCut
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EventLog, "perform", performed)
        yield


def plan_of(session: Session, accession: UUID) -> dict[str, UUID]:
    events = session.log.stream(accession)
    return {unit.path: unit.package for one in events if isinstance(one.payload, Planned) for unit in one.payload.units}


def only_accession(session: Session) -> UUID:
    (opened,) = {event.envelope.stream for event in session.log.events(types=["Accession.Opened"])}
    return opened


def left_behind(site: Site) -> list[Path]:
    """What lies in quarantine and staging, but for locks and for what recovery set aside: nothing of a delivery."""
    files = (path for room in ("quarantine", "staging") for path in (site.folder / room).rglob("*") if path.is_file())
    return [path for path in files if path.suffix != ".lock" and "suspect" not in path.parts]


WHOLE_LIFE = Counter(
    {
        "Accession.Opened": 1,
        "Accession.DeliveryReceived": 1,
        "Accession.Planned": 1,
        "ReferenceCode.Reserved": 3,
        "Accession.DeliveryValidated": 1,
        "ArchivalPackage.Created": 4,
        "ArchivalPackage.FormatsIdentified": 4,
        "ArchivalPackage.VirusChecked": 4,
        "Accession.Accepted": 1,
        "Description.Described": 4,
        "ArchivalPackage.Stored": 4,
        "Accession.Completed": 1,
    }
)


@pytest.mark.parametrize("after_commit", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", range(1, COMMITS + 1))
def test_interrupted_at_any_command_it_goes_on_and_makes_nothing_twice(site: Site, at: int, after_commit: bool) -> None:
    with site.open() as session:
        before = session.log.position()
        with power_cut(at, after_commit=after_commit), pytest.raises(PowerCut):
            take(session, LAND_DEEDS)
        cut = Counter(types(session, after=before))
    with site.open() as session:
        planned = plan_of(session, only_accession(session)) if cut["Accession.Planned"] else None
        report = take(session, LAND_DEEDS)
        last = at == COMMITS and after_commit
        assert report.outcome == ("already-recorded" if last else "completed")
        assert Counter(types(session, after=before)) == WHOLE_LIFE
        if planned is not None:
            assert plan_of(session, report.accession) == planned
        assert set(session.store.objects()) == set(plan_of(session, report.accession).values())
        assert fsck(session, silent).faults == ()
        assert take(session, LAND_DEEDS).outcome == "already-recorded"
    assert left_behind(site) == []


def test_there_are_as_many_commands_as_are_cut(site: Site) -> None:
    with site.open() as session, power_cut(COMMITS + 1, after_commit=False):
        assert take(session, LAND_DEEDS).outcome == "completed"


@pytest.mark.parametrize("at", [3, 5, 8])
def test_work_takes_up_what_was_interrupted(site: Site, at: int) -> None:
    with site.open() as session, power_cut(at, after_commit=True), pytest.raises(PowerCut):
        take(session, MIXED, per_folder=True)
    with site.open() as session:
        accession = only_accession(session)
        (unfinished,) = status(session).unfinished
        assert (unfinished.accession, unfinished.source) == (accession, str(MIXED.resolve()))
        assert work(session, silent).accessions == {str(accession): "completed"}
        assert status(session).unfinished == ()
        assert len(list(session.store.objects())) == 3
        assert work(session, silent).accessions == {}


def test_work_passes_over_what_it_cannot_do_and_says_so(site: Site, tmp_path: Path) -> None:
    source = deliver(tmp_path / "once", {"a.txt": b"a"})
    with site.open() as session, power_cut(1, after_commit=True), pytest.raises(PowerCut):
        take(session, source)
    shutil.rmtree(source)
    with site.open() as session:
        assert work(session, silent).accessions == {str(only_accession(session)): "delivery-missing"}


def test_the_same_delivery_again_is_recorded_already_and_nothing_is_appended(site: Site) -> None:
    with site.open() as session:
        first = take(session, LAND_DEEDS)
        before = session.log.position()
        again = take(session, LAND_DEEDS)
        assert (again.outcome, again.accession, again.packages) == ("already-recorded", first.accession, ())
        assert session.log.position() == before


def test_a_changed_source_is_refused_and_new_takes_it(site: Site, tmp_path: Path) -> None:
    source = deliver(tmp_path / "papers", {"a.txt": b"one"})
    with site.open() as session:
        first = take(session, source)
        (source / "a.txt").write_bytes(b"two")
        before = session.log.position()
        with pytest.raises(ArchiveError) as refused:
            take(session, source)
        assert (refused.value.code, session.log.position()) == ("delivery-differs", before)
        second = take(session, source, new=True)
        assert second.outcome == "completed"
        assert second.accession != first.accession
        (source / "a.txt").write_bytes(b"three")
        with pytest.raises(ArchiveError, match="changed"):
            take(session, source)


def test_the_same_content_elsewhere_is_another_delivery(site: Site, tmp_path: Path) -> None:
    with site.open() as session:
        here = take(session, deliver(tmp_path / "here", {"a.txt": b"a"}))
        there = take(session, deliver(tmp_path / "there", {"a.txt": b"a"}))
        assert (here.outcome, there.outcome) == ("completed", "completed")
        assert here.accession != there.accession


def test_a_transfer_number_leads_to_its_accession_wherever_the_delivery_lies(site: Site, tmp_path: Path) -> None:
    with site.open() as session:
        first = take(session, deliver(tmp_path / "disk", {"a.txt": b"a"}), producer="水利局", number="水2026-7")
        again = take(session, deliver(tmp_path / "copy", {"a.txt": b"a"}), producer="水利局", number="水2026-7")
        assert (again.outcome, again.accession) == ("already-recorded", first.accession)
        with pytest.raises(ArchiveError) as refused:
            take(session, deliver(tmp_path / "other", {"a.txt": b"b"}), producer="水利局", number="水2026-7")
        assert refused.value.code == "delivery-differs"
        theirs = take(session, deliver(tmp_path / "other", {}), producer="地政科", number="水2026-7")
        assert theirs.accession != first.accession
        producers = list(session.log.events(types=["Producer.Registered"]))
        assert len(producers) == 3  # the archive itself, and the two


def test_a_number_that_is_taken_refuses_a_new_delivery_of_that_number(site: Site, tmp_path: Path) -> None:
    source = deliver(tmp_path / "disk", {"a.txt": b"a"})
    with site.open() as session:
        take(session, source, number="1")
        before = session.log.position()
        with pytest.raises(ArchiveError) as refused:
            take(session, source, number="1", new=True)
        assert (refused.value.code, session.log.position()) == ("code-taken", before)


ROWS = (
    ("J012-5-0001", "甲", "水利局", "19580101", "公开", "永久", "1", "a"),
    ("J012-5-0002", "乙", "水利局", "19580231", "公开", "永久", "1", "b"),
)
"""The second row's date does not exist."""


def corrected() -> tuple[tuple[str, ...], ...]:
    return (ROWS[0], (*ROWS[1][:3], "19580228", *ROWS[1][4:]))


def test_a_rejected_delivery_corrected_finds_the_ids_that_it_had(site: Site, tmp_path: Path) -> None:
    source = deliver(tmp_path / "papers", {"a/1.txt": b"a", "b/1.txt": b"b", "catalogue.csv": catalogue(*ROWS)})
    with site.open() as session:
        rejected = take(session, source)
        assert (rejected.outcome, rejected.delivery) == ("rejected", 1)
        planned = plan_of(session, rejected.accession)
        assert planned.keys() == {"a", "b", "."}
        for row in ROWS:
            assert session.log.load(REFERENCE_CODE, reference_code_guard(CODE, row[0])).state.holder is None

        (source / "catalogue.csv").write_bytes(catalogue(*corrected()))
        accepted = take(session, source)
        assert (accepted.outcome, accepted.delivery, accepted.accession) == ("completed", 2, rejected.accession)
        assert {one.unit: one.package for one in accepted.packages} == planned
        assert names(session.log.stream(accepted.accession)) == [
            *["Opened", "DeliveryReceived", "Planned", "DeliveryRejected"],
            *["DeliveryReceived", "Planned", "DeliveryValidated", "Accepted", "Completed"],
        ]
        units = session.log.load(ACCESSION, accepted.accession).state.units
        held = session.log.load(REFERENCE_CODE, reference_code_guard(CODE, "J012-5-0002")).state
        assert held.holder == units["b"].description
        assert fsck(session, silent).faults == ()


def test_a_rejected_delivery_delivered_again_as_it_was_is_rejected_again(site: Site, tmp_path: Path) -> None:
    source = deliver(tmp_path / "papers", {"a/1.txt": b"a", "b/1.txt": b"b", "catalogue.csv": catalogue(*ROWS)})
    with site.open() as session:
        first, second = take(session, source), take(session, source)
        assert (first.outcome, second.outcome) == ("rejected", "rejected")
        assert second.delivery == 2
        assert [finding.code for finding in second.findings] == [finding.code for finding in first.findings]
        assert not list(session.store.objects())


def test_a_code_given_back_can_be_given_to_another_record(site: Site, tmp_path: Path) -> None:
    source = deliver(tmp_path / "papers", {"a/1.txt": b"a", "b/1.txt": b"b", "catalogue.csv": catalogue(*ROWS)})
    other = deliver(tmp_path / "other", {"x.txt": b"x", "catalogue.csv": catalogue((*ROWS[0][:-1], "x.txt"))})
    with site.open() as session:
        take(session, source)
        assert take(session, other).outcome == "completed"
        (source / "catalogue.csv").write_bytes(catalogue(*corrected()))
        refused = take(session, source)
        assert [finding.code for finding in refused.findings] == ["delivery.code-taken"]


def test_a_source_that_changes_while_it_is_read_is_refused_and_can_be_taken_later(site: Site, tmp_path: Path) -> None:
    source = deliver(tmp_path / "papers", {f"{number}.txt": b"x" * 1000 for number in range(3)})

    def disturb(step: str, _done: int, _total: int) -> None:
        (source / "2.txt").write_bytes(b"y" * 1001)

    with site.open() as session:
        with pytest.raises(ArchiveError) as refused:
            take(session, source, progress=disturb)
        assert refused.value.code == "delivery-changed"
        assert types(session)[-1] == "Accession.Opened"
        assert take(session, source).outcome == "completed"


def test_one_taker_at_a_time(site: Site, tmp_path: Path) -> None:
    source = deliver(tmp_path / "papers", {"a.txt": b"a"})

    def meanwhile(step: str, _done: int, _total: int) -> None:
        if step == "receive":
            with site.open() as other, pytest.raises(ArchiveError) as refused:
                take(other, source)
            assert refused.value.code == "locked"

    with site.open() as session:
        assert take(session, source, progress=meanwhile).outcome == "completed"
