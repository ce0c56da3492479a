"""The doctor finds each trouble that is planted, says what to do, and in a healthy house finds none."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import msgspec
import pytest

from repository.archive import examine_archive
from repository.catalogue import files
from repository.errors import ArchiveError
from repository.services import doctor_checks
from repository.services.administration import Role
from repository.services.doctor import DoctorReport, Line, words
from repository.services.doctor_checks import CHECKS
from repository.services.fixity import verify_fixity
from repository.services.identification import About
from repository.services.jobs import work
from repository.services.use import read_form, register_use
from tests.command_line import jingui
from tests.real_archives import LAND_DEEDS, Site, deliver, new_site, silent, take
from tests.staff import READER

Plant = Callable[[Site, pytest.MonkeyPatch], None]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = new_site(tmp_path)
    text = (site.folder / "jingui.toml").read_text("utf-8").replace("sync = false\n", "")
    (site.folder / "jingui.toml").write_text(text, "utf-8")
    with site.open() as session:
        take(session, LAND_DEEDS)
        site.person(session, "赵二", Role.ADMINISTRATOR)
    return site


def examined(site: Site) -> DoctorReport:
    return examine_archive(site.folder, site.credential)


def troubles(report: DoctorReport) -> dict[str, str]:
    return {line.code: line.state for line in report.lines if line.state != "ok"}


HEALTHY = {
    "keys.none": "not checked",
    "ring.none": "not checked",
    "scanner.none": "attention",
    "stores.none": "attention",
}
"""What a new archive on a healthy machine is told: four things that it does not have."""


def test_a_healthy_house_has_no_trouble(site: Site) -> None:
    report = examined(site)
    assert (troubles(report), report.exit) == (HEALTHY, 0)
    assert list(dict.fromkeys(line.check for line in report.lines)) == list(CHECKS)


def _disk(free: int) -> Plant:
    def plant(_: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        usage = shutil.disk_usage("/")._replace(total=10**12, free=free)
        monkeypatch.setattr("shutil.disk_usage", lambda _: usage)

    return plant


def _clock(days: float) -> Plant:
    def plant(_: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("repository.archive.clock", lambda: datetime.now(UTC) + timedelta(days=days))

    return plant


def _went_back(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as slow:
        slow.setattr("repository.archive.clock", lambda: datetime.now(UTC) - timedelta(seconds=90))
        with site.open() as session:
            site.person(session, "钱三")
    with site.open() as session:
        site.person(session, "孙四")


def _alone(site: Site, _: pytest.MonkeyPatch) -> None:
    from repository.services import administration

    with site.open() as session:
        second = next(one for one in administration.list_people(session) if one.name == "赵二")
        administration.revoke_credential(session, second.id, second.credentials[0], "离职")


def _settings(line: str) -> Plant:
    def plant(site: Site, _: pytest.MonkeyPatch) -> None:
        with (site.folder / "jingui.toml").open("a") as file:
            file.write(f"{line}\n")

    return plant


def _scanner(answer: str) -> Plant:
    def plant(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        program = site.folder.parent / "scanner"
        program.write_text(f"#!/bin/sh\necho '{answer}'\n")
        program.chmod(0o755)
        _settings(f'virus_scanner = "{program}"')(site, monkeypatch)

    return plant


def _old_signatures(_: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    old = About("siegfried 1", "DROID_SignatureFile_V90.xml; container-signature-20170101.xml")
    monkeypatch.setattr("repository.services.identification.Siegfried.about", property(lambda _: old))


def _missing_dependency(_: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        doctor_checks, "requires", lambda _: ["msgspec>=0.22", "no-such-thing>=1", "rich ; extra == 'x'"]
    )


def _unfit_disk(_: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def unfit(folder: Path) -> None:
        raise ArchiveError("store-unsafe", folder, reason="no locks")

    monkeypatch.setattr(doctor_checks, "probe", unfit)


def live_catalogue(site: Site) -> Path:
    name = files.live(site.folder / "catalogue")
    assert name is not None
    return site.folder / "catalogue" / name


def _cut_log(site: Site, _: pytest.MonkeyPatch) -> None:
    with site.open() as session:
        session.catch_up()
    with closing(sqlite3.connect(live_catalogue(site))) as database, database:
        database.execute("UPDATE state SET position = position + 5")


def _failed_catalogue(site: Site, _: pytest.MonkeyPatch) -> None:
    with site.open() as session:
        session.catch_up()
    with closing(sqlite3.connect(live_catalogue(site))) as database, database:
        database.execute("UPDATE state SET last_error = 'OSError: full'")


def _lagging(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with site.open() as session:
        session.catch_up()
        site.person(session, "李五")
    monkeypatch.setattr(doctor_checks, "LAGGING", 1)


def _damaged_catalogue(site: Site, _: pytest.MonkeyPatch) -> None:
    live_catalogue(site).write_bytes(b"no database at all" * 100)


def _flipped(site: Site, _: pytest.MonkeyPatch) -> None:
    with site.open() as session:
        page = next(session.store.root.rglob("*.jpg"))
        page.chmod(0o644)
        page.write_bytes(page.read_bytes()[:-1] + b"?")
        verify_fixity(session, record=None, budget=None, progress=silent)


def _interrupted_accession(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from repository.services import ingest

    with monkeypatch.context() as killing:
        killing.setattr(ingest, "_store", lambda *_: 1 / 0)
        with site.open() as session, pytest.raises(ZeroDivisionError):
            take(session, deliver(site.folder.parent / "more", {"a.txt": b"a"}))


def _left_behind(site: Site, _: pytest.MonkeyPatch) -> None:
    with site.open() as session:
        (accession,) = [event.envelope.stream for event in session.log.events(types=["Accession.Opened"])]
    (site.folder / "quarantine" / str(accession) / "1").mkdir(parents=True)
    (site.folder / "quarantine" / "what is this").mkdir()


def _suspect(site: Site, _: pytest.MonkeyPatch) -> None:
    (site.folder / "quarantine" / "suspect" / "something").mkdir(parents=True)


def _half_a_commit(site: Site, _: pytest.MonkeyPatch) -> None:
    with site.open() as session:
        (site.folder / "staging" / str(session.new_id())).mkdir()


def _failing_job(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    (site.folder / "reports").write_text("in the way")
    with monkeypatch.context() as ahead:
        for day in (366, 367, 368, 369):
            ahead.setattr("repository.archive.clock", lambda day=day: datetime.now(UTC) + timedelta(days=day))
            with site.open() as session, pytest.raises(OSError, match="reports"):
                work(session, silent)
    monkeypatch.setattr("repository.archive.clock", lambda: datetime.now(UTC) + timedelta(days=380))


def registered(site: Site) -> Path:
    """A reader registered at the desk; the file of their key."""
    master = site.folder.parent / "keys" / "master.vault-key"
    with (site.folder / "jingui.toml").open("a") as settings:
        settings.write(f'vault_key = "{master}"\n')
    with site.open() as session:
        _, desk = site.person(session, "窗口", Role.DESK)
    form = read_form(msgspec.json.encode(READER | {"records": ["J012-1-0001"]}))
    with site.open(desk) as session:
        register_use(session, form)
    (key,) = (site.folder / "vault" / "subjects").iterdir()
    return key


def _lost_key(site: Site, _: pytest.MonkeyPatch) -> None:
    registered(site).unlink()


def _lost_master(site: Site, _: pytest.MonkeyPatch) -> None:
    registered(site)
    (site.folder.parent / "keys" / "master.vault-key").unlink()


FRESH = f"ClamAV 1.4.2/27500/{datetime.now(UTC):%a %b %d %H:%M:%S %Y}"
OLD = f"ClamAV 1.4.2/27400/{datetime.now(UTC) - timedelta(days=30):%a %b %d %H:%M:%S %Y}"

PLANTED: dict[str, tuple[Plant, str, int]] = {
    "space.full": (_disk(10**8), "failed", 30),
    "space.low": (_disk(5 * 10**10), "attention", 0),
    "clock.behind": (_clock(-1), "failed", 23),
    "clock.back": (_went_back, "attention", 0),
    "people.alone": (_alone, "attention", 0),
    "key-record-missing": (_lost_key, "failed", 12),
    "vault-key-missing": (_lost_master, "failed", 12),
    "program.missing": (_missing_dependency, "failed", 1),
    "formats.old": (_old_signatures, "attention", 0),
    "formats.off": (_settings("identify_formats = false"), "not checked", 0),
    "scanner.old": (_scanner(OLD), "attention", 0),
    "scanner.undated": (_scanner("ClamAV 1.4.2"), "not checked", 0),
    "virus-scan-failed": (_settings('virus_scanner = "/no/such/scanner"'), "failed", 30),
    "store-unsafe": (_unfit_disk, "failed", 30),
    "disk.unsynced": (_settings("sync = false"), "attention", 0),
    "catalogue-ahead": (_cut_log, "failed", 23),
    "catalogue.error": (_failed_catalogue, "attention", 0),
    "catalogue.lag": (_lagging, "attention", 0),
    "catalogue-damaged": (_damaged_catalogue, "failed", 30),
    "fixity.damaged": (_flipped, "failed", 20),
    "fixity.overdue": (_clock(400), "attention", 0),
    "fixity.budget": (_settings("fixity_daily_bytes = 100"), "attention", 0),
    "jobs.due": (_clock(366), "attention", 0),
    "jobs.failed": (_failing_job, "attention", 0),
    "work.unfinished": (_interrupted_accession, "attention", 0),
    "quarantine.left": (_left_behind, "attention", 0),
    "quarantine.suspect": (_suspect, "attention", 0),
    "quarantine.interrupted": (_half_a_commit, "attention", 0),
}
"""Each trouble: how it is planted, how the doctor calls it, and how the program ends for it."""

HARMLESS = {
    "space.ok",
    "clock.ok",
    "people.ok",
    "keys.none",
    "ring.none",
    "program.ok",
    "formats.ok",
    "scanner.none",
    "disk.ok",
    "log.ok",
}
HARMLESS |= {"catalogue.ok", "fixity.ok", "jobs.ok", "work.ok", "quarantine.ok"}
ELSEWHERE = {f"stores.{code}" for code in ("ok", "none", "away", "behind", "copies", "contradict", "foreign")} | {
    "scanner.ok",
    "keys.ok",
    "catalogue.unread",
    "program.unknown",
}
ELSEWHERE |= {"ring.ok", "ring.departed", "ring.stale", "ring.open", "ring.untried"}


@pytest.mark.parametrize("code", PLANTED)
def test_each_planted_trouble_is_found_and_says_what_to_do(
    site: Site, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    plant, state, ends = PLANTED[code]
    plant(site, monkeypatch)
    report = examined(site)
    assert troubles(report).get(code) == state, troubles(report)
    assert report.exit == ends
    found = next(line for line in report.lines if line.code == code)
    assert all((found.zh, found.en, found.hint_zh, found.hint_en)) or state == "not checked"
    assert "{" not in found.zh + found.en + found.hint_zh + found.hint_en


def test_everything_that_the_doctor_can_say_is_tried() -> None:
    assert words().keys() <= PLANTED.keys() | HARMLESS | ELSEWHERE
    told = {code for code in PLANTED if "." in code}
    assert told <= words().keys()
    for row in words().values():
        assert bool(row.hint_zh) == bool(row.hint_en)


def test_a_fresh_scanner_is_ok(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    _scanner(FRESH)(site, monkeypatch)
    assert troubles(examined(site)) == {code: state for code, state in HEALTHY.items() if code != "scanner.none"}


def test_a_damaged_catalogue_keeps_the_doctor_from_nothing_else(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    _damaged_catalogue(site, monkeypatch)
    report = examined(site)
    unread = [line.check for line in report.lines if line.code == "catalogue.unread"]
    assert unread == ["people", "fixity", "jobs", "work"]
    assert {line.check for line in report.lines if line.state == "ok"} == {
        *("space", "clock", "program", "formats", "disk", "log", "quarantine")
    }


def test_what_is_not_checked_is_never_called_ok(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_: str) -> Any:
        raise PackageNotFoundError

    monkeypatch.setattr(doctor_checks, "requires", gone)
    states = {line.code: line.state for line in examined(site).lines}
    assert (states["program.unknown"], states["keys.none"]) == ("not checked", "not checked")


def test_the_keys_of_readers_are_tried(site: Site) -> None:
    registered(site)
    assert {line.code: line.state for line in examined(site).lines}["keys.ok"] == "ok"


def test_the_command_says_it_in_both_languages_and_ends_as_published(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    _flipped(site, monkeypatch)
    zh, en = (jingui("doctor", "--lang", language, site=site) for language in ("zh", "en"))
    assert (zh.status, en.status) == (20, 20)
    assert "[不行] 固定性" in zh.out
    assert "[failed] fixity" in en.out
    said = jingui("doctor", "--json", site=site).json()
    lines = msgspec.convert(said["lines"], list[Line])
    assert (said["schema"], said["exit"]) == ("jingui.doctor/1", 20)
    assert [line.check for line in lines if line.state == "failed"] == ["fixity"]
