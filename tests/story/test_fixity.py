"""Every stored byte is read again within the policy's age, oldest first, and what is damaged is found and told."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from repository.domain.archival_package import FixityFailed
from repository.domain.run import Finished, RunKind, Started, Verified
from repository.domain.values import Outcome
from repository.errors import ArchiveError
from repository.services import administration, fixity
from repository.services.administration import Role
from repository.services.fixity import FixityReport, verify_fixity
from repository.services.fixity_age import fixity_state
from repository.services.session import Session
from repository.storage import run_lock
from tests.command_line import jingui
from tests.real_archives import LAND_DEEDS, MIXED, Site, new_site, silent, take, types

DEED = "J012-1-0001"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = new_site(tmp_path)
    with site.open() as session:
        take(session, LAND_DEEDS)
    return site


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Move the archive's clock so many days on."""
    start = datetime.now(UTC)

    def move(days: float) -> None:
        monkeypatch.setattr("repository.archive.clock", lambda: start + timedelta(days=days))

    return move


def verify(session: Session, *, record: str | None = None, budget: int | None = None) -> FixityReport:
    return verify_fixity(session, record=record, budget=budget, progress=silent)


def verified(session: Session) -> list[list[UUID]]:
    """What each run so far found true, run by run."""
    runs: dict[UUID, list[UUID]] = {}
    for event in session.log.events(types=["Run.Started", "Run.Verified"]):
        packages = event.payload.packages if isinstance(event.payload, Verified) else ()
        runs.setdefault(event.envelope.stream, []).extend(packages)
    return list(runs.values())


def damage(session: Session, package: UUID) -> tuple[Path, bytes]:
    page = min(session.store.object_folder(package).rglob("*.jpg"))
    before = page.read_bytes()
    page.chmod(0o644)
    page.write_bytes(before[:200] + bytes([before[200] ^ 1]) + before[201:])
    return page, before


def test_the_oldest_come_first_and_every_package_has_its_turn(site: Site) -> None:
    with site.open() as session:
        first = [event.envelope.stream for event in session.log.events(types=["ArchivalPackage.Stored"])]
        assert [verify(session, budget=1).packages for _ in range(6)] == [1] * 6
        assert verified(session) == [[one] for one in (*first, *first[:2])]
        take(session, MIXED, per_folder=True)
        new = [event.envelope.stream for event in session.log.events(types=["ArchivalPackage.Stored"])][len(first) :]
        whole = verify(session)
        assert (whole.outcome, whole.packages, whole.damaged, whole.left) == (Outcome.PASSED, len(first + new), (), 0)
        assert verified(session)[-1] == [*first[2:], *first[:2], *new]


def test_a_budget_is_kept_to_but_for_one_package(site: Site) -> None:
    with site.open() as session:
        session.catch_up()
        sizes = [one.bytes for one in session.catalogue.stored_sizes()]
        assert verify(session, budget=sizes[0] + sizes[1]).packages == 2
        assert verify(session, budget=sizes[2] + sizes[3] - 1).packages == 1
        assert verify(session, budget=1).bytes == sizes[3]


def test_a_run_says_in_the_log_what_it_read(site: Site) -> None:
    with site.open() as session:
        before = session.log.position()
        report = verify(session)
        assert types(session, after=before) == ["Run.Started", "Run.Verified", "Run.Progressed", "Run.Finished"]
        said = [event.payload for event in session.log.stream(report.run)]
        assert said[0] == Started(kind=RunKind.FIXITY, scope="oldest", target=None)
        assert said[-1] == Finished(outcome=Outcome.PASSED, done=4, findings=(), findings_total=0)
        assert isinstance(said[1], Verified)
        stored = session.catalogue.stored_sizes()
        assert said[1].bytes == sum(one.bytes for one in stored) == report.bytes
        holdings = session.catalogue.holdings()
        assert (said[1].files - 4 * 5, said[1].bytes) == (holdings.files, holdings.bytes)  # five OCFL files an object


def test_a_damaged_package_is_recorded_told_and_put_right_by_two_people(site: Site) -> None:
    with site.open() as session:
        session.catch_up()
        bad = session.catalogue.stored_sizes()[1].package
        page, content = damage(session, bad)
        report = verify(session)
        assert (report.outcome, report.packages) == (Outcome.FAILED, 4)
        assert [one.package for one in report.damaged] == [bad]
        assert any(finding.path.endswith(page.name) for finding in report.damaged[0].findings)
        (event,) = session.log.events(types=["ArchivalPackage.FixityFailed"])
        assert event.envelope.stream == bad
        assert event.envelope.causation_id == session.log.stream(report.run)[0].envelope.event_id
        assert isinstance(event.payload, FixityFailed)
        assert event.payload.findings_total == len(report.damaged[0].findings) == len(event.payload.findings)
        assert bad not in verified(session)[-1]
        session.catch_up()
        assert fixity_state(session).damaged == (bad,)
        page.write_bytes(content)
        assert verify(session, record=str(bad)).outcome is Outcome.PASSED
        session.catch_up()
        assert fixity_state(session).damaged == (bad,)  # whoever restored it says so; the archive does not guess
        _, second = site.person(session, "赵二", Role.ADMINISTRATOR)
        with site.open(second) as other:
            approver = other.actor
        administration.annul(session, event.envelope.position, reason="已从副本恢复", approver=approver)
        session.catch_up()
        assert fixity_state(session).damaged == ()


def test_what_is_due_and_overdue_follows_the_clock(site: Site, later: Callable[[float], None]) -> None:
    def state() -> tuple[int, int, int]:
        with site.open() as session:
            session.catch_up()
            now = fixity_state(session)
            return now.packages, now.due, now.overdue

    assert state() == (4, 0, 0)
    later(200)
    assert state() == (4, 4, 0)
    with site.open() as session:
        assert verify(session, budget=1).left == 3
    later(380)
    assert state() == (4, 3, 3)
    with site.open() as session:
        verify(session)
    assert state() == (4, 0, 0)
    later(380 + 366)
    assert state() == (4, 4, 4)


def test_a_run_that_was_killed_is_ended_by_the_next(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    class KilledError(Exception):
        """The end of a process, after which nothing is written any more."""

    with site.open() as session:
        with monkeypatch.context() as killing:
            killing.setattr(fixity, "_check", lambda *_: (_ for _ in ()).throw(KilledError))
            killing.setattr(fixity._Reading, "break_off", lambda *_: None)
            with pytest.raises(KilledError):
                verify(session)
        session.catch_up()
        (dead,) = session.catalogue.runs(unfinished=True).entries
        assert verify(session).outcome is Outcome.PASSED
        (ended,) = [event.payload for event in session.log.stream(dead.id) if isinstance(event.payload, Finished)]
        assert (ended.outcome, ended.findings[0].code) == (Outcome.NOT_CHECKED, "interrupted")


def test_a_run_that_breaks_off_was_not_carried_out(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(session: Session, package: UUID, event: object) -> object:
        raise ArchiveError("storage-failed", package, reason="EIO")

    monkeypatch.setattr(fixity, "check_package", broken)
    with site.open() as session:
        with pytest.raises(ArchiveError, match="EIO"):
            verify(session)
        session.catch_up()
        (run,) = session.catalogue.runs().entries
        assert (run.outcome, run.findings[0].code) == (Outcome.NOT_CHECKED, "storage-failed")
        assert "Run.Verified" not in types(session)


def test_a_file_that_cannot_be_read_is_damage(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(session: Session, package: UUID, event: object) -> object:
        raise OSError(5, "Input/output error", "v1/content/data/page.jpg")

    monkeypatch.setattr(fixity, "check_package", unreadable)
    with site.open() as session:
        report = verify(session, budget=1)
        ((finding,),) = [one.findings for one in report.damaged]
        assert (finding.code, finding.path) == ("archive.unreadable", "v1/content/data/page.jpg")


def test_two_runs_at_once_are_refused(site: Site) -> None:
    with site.open() as session, run_lock(session.folder, "fixity"), pytest.raises(ArchiveError) as refused:
        verify(session)
    assert refused.value.code == "locked"


def test_the_command_ends_with_20_for_damage(site: Site) -> None:
    assert jingui("fixity", DEED, site=site).status == 0
    with site.open() as session:
        session.catch_up()
        bad = session.catalogue.stored_sizes()[0].package
        damage(session, bad)
    for language, words in (("zh", "与日志所记不符"), ("en", "Not what the log says")):
        said = jingui("fixity", "--lang", language, site=site)
        assert (said.status, f"{words}" in said.out, str(bad) in said.out) == (20, True, True)
    said = jingui("fixity", "--json", "--budget", "1", site=site)
    assert (said.status, said.json()["schema"], said.json()["packages"]) == (20, "jingui.fixity/1", 1)
