"""What has to be done again and again follows from the log, is done when due, and tried again a few times only."""

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from repository.domain.run import RunKind
from repository.domain.values import Outcome
from repository.errors import ArchiveError
from repository.services import fixity, reports
from repository.services import schedule as scheduling
from repository.services.description import revise_record
from repository.services.jobs import status, work
from repository.services.schedule import Job, schedule
from tests.command_line import PROGRAM, environment, jingui
from tests.real_archives import LAND_DEEDS, Site, new_site, silent, take, types

Clock = Callable[[float], None]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = new_site(tmp_path)
    with site.open() as session:
        take(session, LAND_DEEDS)
    return site


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Move the archive's clock so many days on from today."""
    start = datetime.now(UTC)

    def move(days: float) -> None:
        monkeypatch.setattr("repository.archive.clock", lambda: start + timedelta(days=days))

    return move


def jobs(site: Site) -> dict[str, Job]:
    with site.open() as session:
        return {job.name: job for job in schedule(session).jobs}


def do(site: Site) -> dict[str, str]:
    with site.open() as session:
        return work(session, silent).jobs


def test_in_a_new_archive_nothing_is_due(site: Site) -> None:
    assert {name: (job.state, job.failures, job.last) for name, job in jobs(site).items()} == {
        "fixity": ("waiting", 0, None),
        "repack": ("waiting", 0, None),
        "statistics": ("waiting", 0, None),
    }
    assert do(site) == {}


def test_fixity_is_due_at_half_the_age_and_then_once_a_day_until_all_is_read(site: Site, later: Clock) -> None:
    with (site.folder / "jingui.toml").open("a") as settings:
        settings.write("fixity_daily_bytes = 1\nyearly_statistics = false\n")
    later(182)
    assert jobs(site)["fixity"].state == "waiting"
    later(183)
    assert jobs(site)["fixity"].state == "due"
    for day in range(4):  # one package a day: the budget is a byte
        later(183 + day)
        assert do(site) == {"fixity": "passed"}
        assert do(site) == {}
        assert jobs(site)["fixity"].outcome is Outcome.PASSED
    later(190)
    assert (jobs(site)["fixity"].state, do(site)) == ("waiting", {})
    later(183 + 183)
    assert do(site) == {"fixity": "passed"}


def test_packages_that_lag_are_made_anew_within_a_days_budget(site: Site, later: Clock) -> None:
    with (site.folder / "jingui.toml").open("a") as settings:
        settings.write("repack_daily = 2\n")
    with site.open() as session:
        for code in ("J012-1-0001", "J012-1-0002", "J012-1-0003"):
            revise_record(session, code, words={"题名": f"改 {code}"}, reason="核对")
    assert jobs(site)["repack"].state == "due"
    assert "repack" in jingui("doctor", "--lang", "en", site=site).out
    assert do(site) == {"repack": "passed"}
    with site.open() as session:
        assert status(session).lagging == 1
    assert (jobs(site)["repack"].state, do(site)) == ("waiting", {})
    later(1.01)
    assert do(site) == {"repack": "passed"}
    with site.open() as session:
        assert status(session).lagging == 0
        assert [one.done for one in session.catalogue.runs(kind=RunKind.REPACK).entries] == [2, 1]
    later(3)
    assert (jobs(site)["repack"].state, jobs(site)["repack"].next) == ("waiting", None)


def test_no_package_is_made_anew_where_that_is_switched_off(site: Site) -> None:
    with (site.folder / "jingui.toml").open("a") as settings:
        settings.write("repack_daily = 0\n")
    with site.open() as session:
        revise_record(session, "J012-1-0001", words={"题名": "改"}, reason="核对")
    assert (jobs(site)["repack"].state, do(site)) == ("off", {})


def test_what_is_overdue_stands_in_the_status(site: Site, later: Clock) -> None:
    later(366)
    with site.open() as session:
        report = status(session)
        assert (report.fixity.overdue, report.fixity.due) == (4, 4)
        assert status(session, as_of="4").fixity.packages == 0
    do(site)
    with site.open() as session:
        assert status(session).fixity.overdue == 0


def test_a_job_that_cannot_be_done_is_tried_again_three_times_and_then_waits_for_a_person(
    site: Site, later: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> object:
        raise ArchiveError("storage-failed", "store", reason="EIO")

    states = []
    with monkeypatch.context() as breaking:
        breaking.setattr(fixity, "check_package", broken)
        for day in (200, 200.01, 200.05, 200.2, 200.32, 201, 201.4, 210, 211):
            later(day)
            states.append((jobs(site)["fixity"].state, jobs(site)["fixity"].failures))
            if states[-1][0] == "due":
                with pytest.raises(ArchiveError, match="EIO"):
                    do(site)
    assert states == [
        ("due", 0),
        ("waiting", 1),
        ("due", 1),
        ("waiting", 2),
        ("due", 2),
        ("waiting", 3),
        ("due", 3),
        ("failed", 4),
        ("failed", 4),
    ]
    said = jingui("schedule", "--lang", "en", site=site)
    assert "failed too often" in said.out
    with site.open() as session:
        assert fixity.verify_fixity(session, record=None, budget=None, progress=silent).outcome is Outcome.PASSED
    assert (jobs(site)["fixity"].state, jobs(site)["fixity"].failures) == ("waiting", 0)


def test_every_year_that_is_over_gets_its_statistics_once(site: Site, later: Clock) -> None:
    year = datetime.now().astimezone().year
    later(366)
    assert (jobs(site)["statistics"].state, jobs(site)["statistics"].scope) == ("due", f"statistics/{year}")
    assert do(site)["statistics"] == "passed"
    assert do(site) == {}
    folder = site.folder / "reports" / str(year)
    assert sorted(path.name for path in folder.iterdir()) == ["annual.csv", "annual.html", "annual.json", "annual.xlsx"]
    made = json.loads((folder / "annual.json").read_bytes())
    with site.open() as session:
        period = reports.period_of(session, as_of=None, since=f"{year}-01-01", until=f"{year}-12-31")
        told = {item.id: item.value for item in reports.report(session, "annual", period).items}
    assert {item["id"]: item["value"] for item in made["items"]} == told
    assert told["accessions-opened"] == "1"
    assert "档案统计年报" in (folder / "annual.html").read_text("utf-8")
    later(2 * 366)
    assert jobs(site)["statistics"].scope == f"statistics/{year + 1}"
    later(3 * 366)
    do(site)
    do(site)
    assert sorted(path.name for path in folder.parent.iterdir()) == [str(year + number) for number in range(3)]


def test_statistics_that_cannot_be_written_are_recorded_as_such(site: Site, later: Clock) -> None:
    (site.folder / "reports").write_text("in the way")
    later(366)
    with pytest.raises(OSError, match="reports"), site.open() as session:
        scheduling.make_statistics(session, 2026)
    with site.open() as session:
        assert types(session)[-2:] == ["Run.Started", "Run.Finished"]
        assert jobs(site)["statistics"].failures == 1


def test_work_tells_of_damage_and_ends_with_20(site: Site, later: Clock) -> None:
    with site.open() as session:
        page = next(session.store.root.rglob("*.jpg"))
    page.chmod(0o644)
    page.write_bytes(b"x" + page.read_bytes()[1:])
    later(200)
    assert do(site)["fixity"] == "failed"
    call = "import cli.commands.work as it, repository.services.jobs as jobs\n"
    call += "from repository.services.replication import ReplicationReport\n"
    call += "none = ReplicationReport(copied=0, waiting={}, problems={})\n"
    call += "said = jobs.WorkReport(recovered=0, accessions={}, jobs={'fixity': 'failed'}, copies=none)\n"
    call += "it.work = lambda session, show: said\n"
    call += "from cli.main import run\nrun()"
    said = subprocess.run(
        [*PROGRAM[:2], call, "work", "--lang", "en"],
        env=environment(site),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (said.returncode, "fixity: failed" in said.stdout) == (20, True)
