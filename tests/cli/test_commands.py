"""Every command: what it prints, what it prints as JSON, and how it exits."""

import json
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from cli.main import COMMANDS
from tests.command_line import PROGRAM, Said, environment, jingui
from tests.real_archives import CODE, DELIVERIES, FIXTURES, LAND_DEEDS, Site

DEED = "J012-1-0001"
UUID_LENGTH = 36


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """An archive made and filled by the command line alone."""
    place = tmp_path_factory.mktemp("command-line")
    site = Site(place / "archive", place / "first.credential")
    made = jingui(
        *("init", site.folder, "--code", CODE, "--name", "临溪县档案馆", "--administrator", "林一"),
        *("--credential", site.credential, "--json"),
    )
    assert (made.status, made.json()["schema"]) == (0, "jingui.init/1"), made.err
    taken = jingui("ingest", LAND_DEEDS, "--json", site=site)
    assert (taken.status, taken.json()["outcome"]) == (0, "completed"), taken.err
    return site


def succeed(said: Said) -> Said:
    assert (said.status, said.err) == (0, ""), said
    return said


READING: dict[str, tuple[tuple[object, ...], str]] = {
    "list": ((), "jingui.list.records/1"),
    "search": (("地契",), "jingui.search/1"),
    "show": ((DEED,), "jingui.show/1"),
    "status": ((), "jingui.status/1"),
    "fixity": ((), "jingui.fixity/1"),
    "work": ((), "jingui.work/1"),
    "repack": ((), "jingui.repack/1"),
    "replay": ((), "jingui.replay/1"),
    "diff": (("0..",), "jingui.diff/1"),
    "timeline": ((DEED,), "jingui.timeline/1"),
    "trace": ((DEED,), "jingui.trace/1"),
    "report": ((), "jingui.report/1"),
    "schedule": ((), "jingui.schedule/1"),
    "doctor": ((), "jingui.doctor/1"),
    "rebuild": ((), "jingui.rebuild/1"),
    "fsck": ((), "jingui.fsck/1"),
    "person": ((), "jingui.people/1"),
    "statement": (("--contractor", "晨光数字化公司"), "jingui.statement/1"),
    "validate": ((FIXTURES / "bags" / "clean",), "jingui.validation/1"),
    "review": ((), "jingui.review.queue/1"),
    "quality": (("pareto",), "jingui.quality.figures/1"),
}
IN_STORIES = {"accession", "accept", "return", "handover", "review", "quality", "expunge", "spill", "reclassify"}
IN_STORIES |= {"decrypt", "audit", "witness", "restore"}
ELSEWHERE = {"init", "ingest", "pack", "disseminate", "materialise", "events", "annul", "qc", "keys"} | IN_STORIES
"""Commands that have tests of their own, below or in the stories."""

DESCRIBING = {"describe", "revise", "move", "merge", "divide", "close"}
"""Commands that `test_describing` runs."""

CORRECTING = {"catalogue", "rescan"}
"""What `story/test_catalogue_sheets` and `story/test_putting_right` run."""

USING = {"view", "use", "request", "rate", "opening", "takedown", "hold", "export", "serve"}
"""What the stories of use and of formats, and `api/test_story`, run."""


def test_every_command_is_run_here() -> None:
    assert set(COMMANDS) == READING.keys() | ELSEWHERE | DESCRIBING | CORRECTING | USING


@pytest.mark.parametrize("command", READING)
def test_it_prints_one_json_object_with_its_schema(site: Site, command: str) -> None:
    arguments, schema = READING[command]
    said = succeed(jingui(command, *arguments, "--json", site=site))
    assert said.json()["schema"] == schema
    assert said.out.count("\n") == 1


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("command", READING)
def test_it_prints_words_for_a_person(site: Site, command: str, language: str) -> None:
    said = succeed(jingui(command, *READING[command][0], "--lang", language, site=site))
    assert said.out.strip()
    assert not said.out.startswith("{")


def test_words_found_and_their_records(site: Site) -> None:
    said = succeed(jingui("search", "地契", "民国", site=site))
    assert "民国二十三年陈德厚绝卖水田地契" in said.out
    assert "J012-1-0003" not in said.out
    found = jingui("search", "地契", "--json", site=site).json()
    assert [one["reference_code"] for one in found["entries"]] == ["J012-1-0001", "J012-1-0002"]


@pytest.mark.parametrize(
    ("options", "codes"),
    [
        (("--reference-code", DEED), [DEED]),
        (("--prefix", "J012-1"), [DEED, "J012-1-0002", "J012-1-0003"]),
        (("--from-year", "1940", "--to-year", "1949"), ["J012-1-0002"]),
        (("--fonds", "J999"), []),
    ],
)
def test_filters_of_search(site: Site, options: tuple[str, ...], codes: list[str]) -> None:
    found = jingui("search", *options, "--json", site=site).json()
    assert [one["reference_code"] for one in found["entries"]] == codes


def test_pages_of_a_list_follow_each_other(site: Site) -> None:
    seen: list[str] = []
    after: tuple[str, ...] = ()
    for _ in range(3):
        page = jingui("list", "--limit", "2", *after, "--json", site=site).json()
        seen += [one["id"] for one in page["entries"]]
        after = ("--after", page["after"]) if page["after"] else ()
        if not after:
            break
    assert len(seen) == len(set(seen)) == page["total"] == 4


@pytest.mark.parametrize("what", ["records", "packages", "accessions"])
def test_lists_as_of_then(site: Site, what: str) -> None:
    now, then = (jingui("list", what, *options, "--json", site=site).json() for options in ((), ("--as-of", "4")))
    assert (now["total"] > 0, then["total"]) == (True, 0)


def test_events_are_printed_byte_for_byte_and_one_a_line(site: Site) -> None:
    events = succeed(jingui("events", "--json", site=site)).lines()
    assert [event["envelope"]["position"] for event in events] == list(range(1, len(events) + 1))
    assert {event["schema"] for event in events} == {"jingui.event/1"}
    with sqlite3.connect(f"file:{site.folder}/log/events.sqlite?mode=ro", uri=True) as log:
        assert log.execute("SELECT count(*) FROM events").fetchone() == (len(events),)
    log.close()
    some = jingui("events", "--after", "5", "--upto", "7", "--json", site=site).lines()
    assert some == events[5:7]
    mine = jingui("events", "--record", DEED, "--json", site=site).lines()
    assert 0 < len(mine) < len(events)


def test_ingest_tells_a_person_what_came_of_it(site: Site) -> None:
    said = succeed(jingui("ingest", LAND_DEEDS, "--lang", "zh", site=site))
    assert "J012" in said.out or "已" in said.out


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_rejected_delivery_ends_with_22_and_says_why(site: Site, language: str) -> None:
    said = jingui("ingest", DELIVERIES / "impossible-date", "--lang", language, site=site)
    assert (said.status, said.err) == (22, "")
    assert "delivery.catalogue-date" in said.out
    assert "catalogue.csv:3" in said.out
    told = jingui("ingest", DELIVERIES / "impossible-date", "--json", "--lang", language, site=site)
    assert told.status == 22
    (finding,) = told.json()["findings"]
    assert finding.keys() == {"code", "severity", "path", "message", "clause", "expected", "found"}


@pytest.mark.parametrize("name", sorted(path.name for path in (FIXTURES / "bags").iterdir() if path.is_dir()))
def test_validate_judges_a_bag_without_an_archive(name: str, tmp_path: Path) -> None:
    said = jingui("validate", FIXTURES / "bags" / name, "--json", cwd=tmp_path)
    verdict = said.json()["verdict"]
    assert (said.status, verdict) == ((0, "valid") if name.endswith("clean") else (22, "invalid"))


def test_pack_makes_a_package_that_validates(site: Site, tmp_path: Path) -> None:
    made = succeed(jingui("pack", LAND_DEEDS / DEED, "--to", tmp_path, "--title", "地契", "--json"))
    path = made.json()["path"]
    assert jingui("validate", path, "--json").json() | {"findings": []} == {
        "schema": "jingui.validation/1",
        "path": path,
        "kind": "package",
        "verdict": "valid",
        "findings": [],
    }
    assert succeed(jingui("pack", LAND_DEEDS / DEED, "--to", tmp_path, "--lang", "zh")).out


def test_disseminate_and_materialise(site: Site, tmp_path: Path) -> None:
    for command, options in (("disseminate", ("--purpose", "编史")), ("materialise", ())):
        said = succeed(jingui(command, DEED, *options, "--to", tmp_path, "--json", site=site)).json()
        assert said["schema"] == f"jingui.{command}/1"
        assert jingui("validate", said["path"]).status == 0
        shown = succeed(jingui(command, DEED, *options, "--to", tmp_path / "again", "--lang", "zh", site=site))
        assert str(tmp_path) in shown.out
    one = jingui(
        "disseminate", DEED, "--purpose", "x", "--file", f"{DEED}-001.jpg", "--to", tmp_path, "--json", site=site
    )
    assert one.json()["files"] == 1


def test_people_come_change_and_annul_together(site: Site, tmp_path: Path) -> None:
    second = tmp_path / "second.credential"
    added = jingui(
        *("person", "--add", "王四", "--role", "administrator", "--credential-out", second, "--json"), site=site
    )
    assert (added.status, added.json()["schema"]) == (0, "jingui.person/1")
    position = next(
        event["envelope"]["position"]
        for event in jingui("events", "--json", site=site).lines()
        if event["envelope"]["type"] == "AccessRequest.Closed"
    )
    annulled = jingui(*("annul", position, "--reason", "误登", "--approver-credential", second, "--json"), site=site)
    assert (annulled.status, annulled.json()["schema"]) == (0, "jingui.annul/1"), annulled.err
    alone = jingui("annul", position, "--reason", "误登", "--approver-credential", site.credential, site=site)
    assert alone.status == 4
    person = added.json()["person"]
    changed = jingui(
        "person", "--change", person, "--without", "administrator", "--reason", "调岗", "--json", site=site
    )
    assert {"id": person, "roles": []}.items() <= next(
        one for one in changed.json()["people"] if one["id"] == person
    ).items()
    assert jingui("status", site=Site(site.folder, second)).status == 12


def refused(said: Said, status: int, code: str) -> dict[str, Any]:
    """An error says what happened, to what, and what to do next; with --json once more for programs."""
    assert said.status == status, said
    assert code in said.err
    lines = said.err.strip().splitlines()
    assert len(lines) == 2
    assert lines[1].startswith(("What to do: ", "下一步："))
    answer: dict[str, Any] = said.json() if said.out else {}
    return answer


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (("show", "J999-1-0001"), 3, "record-unknown"),
        (("ingest", "nowhere"), 3, "delivery-missing"),
        (("ingest", DELIVERIES / "above-the-ceiling"), 4, "above-ceiling"),
        (("ingest", FIXTURES / "README.md"), 22, "delivery-form"),
        (("disseminate", DEED, "--purpose", " "), 2, "purpose-missing"),
        (("list", "--as-of", "someday"), 2, "time-invalid"),
        (("list", "--after", "nonsense"), 2, "cursor-invalid"),
        (("annul", "99999", "--reason", "x", "--approver-credential", "HERS"), 12, "credential-missing"),
        (("status", "--credential", "nowhere"), 12, "credential-missing"),
        (("init", "ARCHIVE", "--code", "1", "--name", "n", "--administrator", "a"), 11, "archive-exists"),
    ],
)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_errors_exit_as_published_and_say_what_to_do_next(
    site: Site, tmp_path: Path, arguments: tuple[object, ...], status: int, code: str, language: str
) -> None:
    called = [site.folder if argument == "ARCHIVE" else argument for argument in arguments]
    answer = refused(jingui(*called, "--lang", language, "--json", site=site, cwd=tmp_path), status, code)
    assert (answer["schema"], answer["code"], answer["exit"]) == ("jingui.error/1", code, status)
    assert answer["message"]
    assert answer["hint"]


def test_where_no_archive_is_the_exit_is_10(tmp_path: Path) -> None:
    refused(jingui("status", cwd=tmp_path), 10, "no-archive")


def test_an_archive_is_found_from_inside_it(site: Site) -> None:
    said = jingui("status", "--credential", site.credential, "--json", cwd=site.folder / "store")
    assert said.status == 0


def test_a_source_that_is_being_taken_is_locked(site: Site, tmp_path: Path) -> None:
    copy = tmp_path / "archive"
    shutil.copytree(site.folder, copy)
    command = "import sys,time; from pathlib import Path; from repository.services.reception import open_source;"
    command += "from repository.domain.values import SecrecyClass; from repository.storage import source_lock\n"
    command += f"source = open_source(Path({str(LAND_DEEDS)!r}), per_folder=False, ceiling=SecrecyClass.INTERNAL)\n"
    command += f"with source_lock(Path({str(copy)!r}), source.key):\n    print('held', flush=True); sys.stdin.read()"
    holder = subprocess.Popen(
        [*PROGRAM[:2], command], env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        refused(jingui("ingest", LAND_DEEDS, site=Site(copy, site.credential)), 11, "locked")
        assert holder.stdin is not None
        holder.stdin.close()


def test_a_flipped_byte_ends_with_20_and_a_false_log_with_23(site: Site, tmp_path: Path) -> None:
    copy = Site(tmp_path / "archive", site.credential)
    shutil.copytree(site.folder, copy.folder)
    page = next((copy.folder / "store").rglob(f"{DEED}-001.jpg"))
    content = bytearray(page.read_bytes())
    content[500] ^= 4
    page.chmod(0o644)
    page.write_bytes(content)
    said = jingui("fsck", "--json", site=copy)
    assert (said.status, said.json()["sound"]) == (20, False)
    assert any(page.name in fault["path"] for fault in said.json()["faults"])
    words = jingui("fsck", "--lang", "zh", site=copy)
    assert (words.status, page.name in words.out) == (20, True)
    refused(jingui("disseminate", DEED, "--purpose", "x", "--to", tmp_path, site=copy), 20, "fixity-mismatch")

    log = copy.folder / "log" / "events.sqlite"
    guards = edited(log)
    refused(jingui("status", site=copy), 23, "log-fault")
    with closing(sqlite3.connect(log)) as database, database:
        for guard in guards:
            database.execute(guard)
    false = jingui("fsck", "--json", site=copy)
    assert (false.status, false.json()["sound"]) == (23, False)
    assert {fault["thing"] for fault in false.json()["faults"] if fault["where"] == "log"} == {"7"}


def edited(log: Path) -> list[str]:
    """Take the guards away and change what event 7 says; the guards' statements, to put them back."""
    with closing(sqlite3.connect(log)) as database, database:
        guards = dict(database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall())
        for name in guards:
            database.execute(f'DROP TRIGGER "{name}"')
        database.execute("UPDATE payloads SET payload = CAST(replace(payload, '1', '2') AS BLOB) WHERE position = 7")
    return list(guards.values())


def test_a_wrong_call_ends_with_2_and_points_to_the_help(site: Site) -> None:
    for arguments in (("nosuch",), ("list", "--limit", "0"), ("ingest",), ("person", "--add", "某"), ("list", "boats")):
        said = jingui(*arguments, site=site)
        assert (said.status, said.out) == (2, ""), said
        assert "--help" in said.err


@pytest.mark.parametrize("arguments", [("events", "--json"), ("events",), ("search", "--json"), ("show", DEED)])
def test_a_reader_that_stops_reading_is_no_error(site: Site, arguments: tuple[str, ...]) -> None:
    with subprocess.Popen(
        [*PROGRAM, *arguments], env=environment(site), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        assert running.stderr.read() == ""
    assert running.returncode == 0


def test_a_bug_ends_with_1_and_is_told_in_words(site: Site) -> None:
    broken = (
        "import cli.commands.status as it\nit.status = lambda session, as_of: 1 / 0\nfrom cli.main import run\nrun()"
    )
    done = subprocess.run(
        [*PROGRAM[:2], broken, "status", "--lang", "en"],
        env=environment(site),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "Internal error (a bug): ZeroDivisionError" in done.stderr


def test_names_cannot_drive_the_terminal(site: Site, tmp_path: Path) -> None:
    source = tmp_path / "\x1b[31mred"
    source.mkdir()
    (source / "a\x1b]0;title\x07.txt").write_bytes(b"x")
    said = jingui("ingest", source, site=site)
    shown = jingui("list", "accessions", site=site)
    assert (said.status, shown.status) == (0, 0)
    assert "\x1b" not in said.out + said.err + shown.out + shown.err


def test_the_settings_of_the_environment_are_obeyed(site: Site) -> None:
    said = jingui("status", site=site, variables={"JINGUI_VIRUS_SCANNER": "/no/such/scanner"})
    assert said.status != 1
    wrong = jingui("status", site=site, variables={"JINGUI_SYNC": "perhaps"})
    refused(wrong, wrong.status, "settings-invalid")


def test_json_of_findings_and_texts_is_utf8_under_any_locale(site: Site) -> None:
    said = subprocess.run(
        [*PROGRAM, "show", DEED, "--json"],
        env=environment(site) | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )
    assert json.loads(said.stdout.decode("utf-8"))["description"]["title"] == "民国二十三年陈德厚绝卖水田地契"
