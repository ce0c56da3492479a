"""What leaves the archive, and what it looked like before: dissemination, materialising, replay, as of then."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bagit
import pytest

from packages_spec.mets import Root, read_mets
from repository.errors import ArchiveError
from repository.eventlog import EventLog
from repository.services.access import DisseminationReport, disseminate
from repository.services.audit import fsck, rebuild, replay
from repository.services.feed import read_events
from repository.services.preservation import materialise
from repository.services.search import (
    list_accessions,
    list_packages,
    list_records,
    search_records,
    show_record,
)
from repository.services.session import Session
from repository.services.validation import validate
from tests.real_archives import LAND_DEEDS, Site, new_site, silent, take, types

DEED = "J012-1-0002"
PAGES = sorted(path.name for path in (LAND_DEEDS / DEED).iterdir())


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = new_site(tmp_path)
    with site.open() as session:
        take(session, LAND_DEEDS)
    return site


def handed(report: DisseminationReport) -> dict[str, bytes]:
    root = Path(report.path) / "data" / f"uuid-{report.dip}" / "representations" / "original" / "data"
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_whole_record_is_handed_out_true_and_says_where_it_comes_from(site: Site, tmp_path: Path) -> None:
    with site.open() as session:
        before = session.log.position()
        report = disseminate(session, DEED, paths=(), purpose="编史", target=tmp_path / "out")
        assert types(session, after=before) == [
            f"AccessRequest.{name}" for name in ("Requested", "DipAssembled", "DipDelivered", "Closed")
        ]
        (stored,) = (event for event in session.log.stream(report.package) if event.envelope.type.endswith(".Stored"))
        assert (report.version, report.stored_event) == (1, stored.envelope.event_id)
    assert handed(report) == {name: (LAND_DEEDS / DEED / name).read_bytes() for name in PAGES}
    bagit.Bag(report.path).validate()
    assert validate(Path(report.path)).verdict == "valid"
    inside = Path(report.path) / "data" / f"uuid-{report.dip}"
    with (inside / "METS.xml").open("rb") as document:
        root = next(item for item in read_mets(document) if isinstance(item, Root))
    assert (root.objid, root.package_type) == (f"uuid-{report.dip}", "DIP")
    premis = (inside / "metadata" / "preservation" / "premis.xml").read_text("utf-8")
    assert f"urn:uuid:{report.package}" in premis
    assert str(report.stored_event) in premis
    assert (inside / "metadata" / "preservation" / "events.ndjson").is_file()
    assert not (inside / "metadata" / "preservation" / "payloads.ndjson").exists()


def test_chosen_files_are_handed_out_and_no_others(site: Site, tmp_path: Path) -> None:
    with site.open() as session:
        report = disseminate(
            session, DEED, paths=(PAGES[3], PAGES[1], PAGES[3]), purpose="核对", target=tmp_path / "out"
        )
        requested = session.log.stream(report.request)[0].payload
        assert getattr(requested, "paths", ()) == (PAGES[3], PAGES[1], PAGES[3])
    assert handed(report) == {name: (LAND_DEEDS / DEED / name).read_bytes() for name in (PAGES[1], PAGES[3])}
    assert report.files == 2


def test_the_delivery_is_in_the_log_before_the_first_byte_appears(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out"
    seen: list[tuple[int, bool]] = []
    perform: Callable[..., Any] = EventLog.perform

    def watched(log: EventLog, *arguments: Any) -> Any:
        answer = perform(log, *arguments)
        seen.append((answer.last, any(target.rglob("*"))))
        return answer

    monkeypatch.setattr(EventLog, "perform", watched)
    with site.open() as session:
        report = disseminate(session, DEED, paths=(), purpose="编史", target=target)
        delivered = next(
            event.envelope.position
            for event in session.log.stream(report.request)
            if event.envelope.type == "AccessRequest.DipDelivered"
        )
    assert dict(seen)[delivered] is False
    assert Path(report.path).is_dir()


@pytest.mark.parametrize(
    ("record", "paths", "purpose", "code"),
    [
        ("J012-1-9999", (), "编史", "record-unknown"),
        (DEED, ("no-such.jpg",), "编史", "file-unknown"),
        (DEED, (), "  ", "purpose-missing"),
    ],
)
def test_what_cannot_be_handed_out_is_refused_and_nothing_appears(
    site: Site, tmp_path: Path, record: str, paths: tuple[str, ...], purpose: str, code: str
) -> None:
    with site.open() as session, pytest.raises(ArchiveError) as refused:
        disseminate(session, record, paths=paths, purpose=purpose, target=tmp_path / "out")
    assert refused.value.code == code
    assert not any((tmp_path / "out").rglob("*"))


def damage(session: Session, record: str) -> Path:
    package = show_record(session, record, as_of=None).package
    assert package is not None
    page = next(session.store.object_folder(package.id).rglob("*-001.jpg"))
    content = bytearray(page.read_bytes())
    content[100] ^= 1
    page.chmod(0o644)
    page.write_bytes(content)
    return page


LEAVING: dict[str, Callable[[Session, Path], object]] = {
    "disseminate": lambda session, target: disseminate(session, DEED, paths=(), purpose="编史", target=target),
    "materialise": lambda session, target: materialise(session, DEED, target),
}


@pytest.mark.parametrize("verb", LEAVING)
def test_nothing_false_is_handed_out(site: Site, tmp_path: Path, verb: str) -> None:
    target = tmp_path / "out"
    with site.open() as session:
        page = damage(session, DEED)
        with pytest.raises(ArchiveError) as refused:
            LEAVING[verb](session, target)
        assert (refused.value.code, refused.value.row.exit) == ("fixity-mismatch", 20)
        assert page.name in str(refused.value)
        assert not any(target.rglob("*.jpg"))
        faults = fsck(session, silent).faults
        assert faults
        assert {fault.where for fault in faults} == {"store"}
        assert any(page.name in fault.path for fault in faults)
        if verb == "materialise":
            assert types(session)[-2:] == ["Run.Started", "Run.Finished"]


def test_a_stored_package_is_laid_out_exactly_as_it_is(site: Site, tmp_path: Path) -> None:
    with site.open() as session:
        before = session.log.position()
        report = materialise(session, DEED, tmp_path / "out")
        assert types(session, after=before) == ["Run.Started", "Run.Finished"]
        stored = session.store.object_folder(report.package) / "v1" / "content"
        expected = {str(path.relative_to(stored)): path.read_bytes() for path in stored.rglob("*") if path.is_file()}
        with pytest.raises(ArchiveError) as again:
            materialise(session, DEED, tmp_path / "out")
        assert again.value.code == "folder-exists"
    laid = Path(report.path)
    assert {str(path.relative_to(laid)): path.read_bytes() for path in laid.rglob("*") if path.is_file()} == expected
    assert laid.name == f"uuid-{report.package}"
    bagit.Bag(str(laid)).validate()


def test_a_record_is_found_by_each_of_its_names(site: Site) -> None:
    with site.open() as session:
        report = show_record(session, DEED, as_of=None)
        assert report.package is not None
        for name in (
            report.description.id,
            report.package.id,
            f"urn:uuid:{report.package.id}",
            f"uuid-{report.package.id}",
        ):
            assert show_record(session, str(name), as_of=None) == report
        assert [file.path for file in report.files] == PAGES
        wanted = [event.position for event in report.history]
        assert [record.position for record in read_events(session, record=DEED, after=0, upto=None)] == wanted
        assert wanted == sorted(wanted)


def test_replay_at_every_position_gives_what_the_live_catalogue_says_of_it(site: Site, tmp_path: Path) -> None:
    with site.open() as session:
        disseminate(session, DEED, paths=(), purpose="编史", target=tmp_path / "out")
        last = session.log.position()
        digests = []
        for position in range(1, last + 1):
            report = replay(session, str(position), silent)
            assert (report.position, report.same) == (position, True)
            digests.append(report.live_sha256)
        assert len(set(digests)) > last // 2


def test_rebuilding_changes_nothing_that_anybody_sees(site: Site) -> None:
    with site.open() as session:
        before, seen = replay(session, None, silent).live_sha256, show_record(session, DEED, as_of=None)
        assert rebuild(session, silent) == session.log.position()
        assert replay(session, None, silent).live_sha256 == before
        assert show_record(session, DEED, as_of=None) == seen


def test_the_past_is_as_it_was(tmp_path: Path) -> None:
    site = new_site(tmp_path)
    with site.open() as session:
        empty = session.log.position()
        noon = session.now()
        time.sleep(0.001)
        take(session, LAND_DEEDS)
        for then in (str(empty), noon):
            assert list_records(session, as_of=then, limit=10, after=None).total == 0
            assert list_packages(session, as_of=then, limit=10, after=None).total == 0
            assert list_accessions(session, as_of=then, limit=10, after=None).total == 0
            with pytest.raises(ArchiveError) as refused:
                show_record(session, DEED, as_of=then)
            assert refused.value.code == "record-unknown"
        today = session.now()[:10]
        assert list_records(session, as_of=today, limit=10, after=None).total == 4
        assert search_records(session, "地契", as_of=session.now(), limit=10, after=None).total == 2
        stored = next(iter(session.log.events(types=["ArchivalPackage.Stored"]))).envelope.position
        package = show_record(session, DEED, as_of=str(stored - 1)).package
        assert package is not None
        assert package.stored is None


@pytest.mark.parametrize("moment", ["yesterday", "2026-13-01", "2026-01-01T00:00:00", "-1"])
def test_a_moment_that_is_none_is_refused(site: Site, moment: str) -> None:
    with site.open() as session, pytest.raises(ArchiveError) as refused:
        list_records(session, as_of=moment, limit=5, after=None)
    assert (refused.value.code, refused.value.row.exit) == ("time-invalid", 2)
